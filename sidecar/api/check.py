"""POST /v1/check: is this exactly one SELECT inside the given scope?"""

from __future__ import annotations

from fastapi import APIRouter, Request

from sidecar.api import serving
from sidecar.api.deps import ServicesDep
from sidecar.api.direct import direct
from sidecar.api.schemas import CheckAnswer, CheckRequest, ErrorBody

router = APIRouter()


async def check(body: CheckRequest, request: Request, services: ServicesDep) -> CheckAnswer:
    """The statement as it may run, or why it is refused."""
    return await serving.check_statement(body.sql, body.scope.typed(body.server_version))


router.add_api_route(
    "/v1/check",
    check,
    methods=["POST"],
    responses={400: {"model": ErrorBody}},
    route_class_override=direct(CheckRequest, check),
)
