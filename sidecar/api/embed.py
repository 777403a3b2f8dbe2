"""POST /v1/embed: texts in, unit vectors out."""

from __future__ import annotations

from fastapi import APIRouter, Request

from sidecar.api.deps import ServicesDep, while_connected
from sidecar.api.schemas import EmbedAnswer, EmbedRequest, ErrorBody

router = APIRouter()


@router.post("/v1/embed", responses={400: {"model": ErrorBody}, 503: {"model": ErrorBody}})
async def embed(body: EmbedRequest, request: Request, services: ServicesDep) -> EmbedAnswer:
    """Embed texts with the configured model."""
    request.state.log |= {"texts": len(body.texts)}
    vectors = await while_connected(request, services.embedder.embed(body.texts))
    return EmbedAnswer(embedder=services.embedder.name, dimension=len(vectors[0]), embeddings=vectors)
