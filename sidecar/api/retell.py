"""POST /v1/retell: statements in, how likely each makes the question."""

from __future__ import annotations

from fastapi import APIRouter, Request

from sidecar.api import serving
from sidecar.api.deps import ServicesDep, while_connected
from sidecar.api.schemas import ErrorBody, RetellAnswer, RetellRequest

router = APIRouter()


@router.post("/v1/retell", responses={400: {"model": ErrorBody}, 503: {"model": ErrorBody}})
async def retell(body: RetellRequest, request: Request, services: ServicesDep) -> RetellAnswer:
    """Tell each statement as a question, and say how likely the one that was asked is."""
    request.state.log |= {"request_id": body.request_id, "statements": len(body.statements)}
    return await while_connected(request, serving.retell(services, body))
