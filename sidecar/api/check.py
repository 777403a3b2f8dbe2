"""POST /v1/check: is this exactly one SELECT inside the given scope?"""

from __future__ import annotations

from fastapi import APIRouter

from sidecar.api import serving
from sidecar.api.schemas import CheckAnswer, CheckRequest, ErrorBody

router = APIRouter()


@router.post("/v1/check", responses={400: {"model": ErrorBody}})
def check(body: CheckRequest) -> CheckAnswer:
    """The normal form of a statement, or why it is refused."""
    return serving.check_statement(body.sql, body.scope.typed())
