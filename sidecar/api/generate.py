"""POST /v1/generate: context in, checked candidates out."""

from __future__ import annotations

from fastapi import APIRouter, Request

from sidecar.api import serving
from sidecar.api.deps import ServicesDep, while_connected
from sidecar.api.schemas import ErrorBody, GenerateAnswer, GenerateRequest

router = APIRouter()


@router.post("/v1/generate", responses={400: {"model": ErrorBody}, 503: {"model": ErrorBody}})
async def generate(body: GenerateRequest, request: Request, services: ServicesDep) -> GenerateAnswer:
    """Write SQL for a question, as often as asked, and check every candidate."""
    request.state.log |= {"request_id": body.request_id, "candidates": body.candidates}
    if services.settings.log_questions:
        request.state.log["question"] = body.question
    return await while_connected(request, serving.generate(services, body))
