"""POST /v1/condition: may this stand as a condition of that table, and where are the columns in it?"""

from __future__ import annotations

from fastapi import APIRouter

from sidecar.api import serving
from sidecar.api.schemas import ConditionAnswer, ConditionRequest, ErrorBody

router = APIRouter()


@router.post("/v1/condition", responses={400: {"model": ErrorBody}})
def condition(body: ConditionRequest) -> ConditionAnswer:
    """The condition in its one spelling, cut at its columns, or why it is refused."""
    return serving.read_condition(body)
