"""POST /v1/check: is this exactly one SELECT inside the given scope?"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from sidecar.api import serving
from sidecar.api.deps import ServicesDep
from sidecar.api.direct import direct
from sidecar.api.schemas import CheckAnswer, CheckRequest, ErrorBody

router = APIRouter()

# Parsing what is this short and flat keeps other requests waiting for no longer than a thread would cost all of them.
SHORT = 500  # characters
FLAT = 12  # brackets and colons


async def check(body: CheckRequest, request: Request, services: ServicesDep) -> CheckAnswer:
    """The normal form of a statement, or why it is refused."""
    scope = body.scope.typed()
    if len(body.sql) <= SHORT and sum(map(body.sql.count, "([{:")) <= FLAT:
        return serving.check_statement(body.sql, scope)
    return await asyncio.to_thread(serving.check_statement, body.sql, scope)


router.add_api_route(
    "/v1/check",
    check,
    methods=["POST"],
    responses={400: {"model": ErrorBody}},
    route_class_override=direct(CheckRequest, check),
)
