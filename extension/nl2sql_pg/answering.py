"""A question answered, with what a reader of the audit wants to know of it."""

from __future__ import annotations

from typing import Any

from nl2sql_pg import pipeline
from nl2sql_pg.attempts import Trail
from nl2sql_pg.auditing import Entry
from nl2sql_pg.context import Context
from nl2sql_pg.question import Options


def answered(context: Context, asked: str, options: Options, trail: Trail, entry: Entry) -> dict[str, Any]:
    """As pipeline.answer(), noted."""
    try:
        answer = pipeline.answer(context, asked, options, trail)
    finally:
        entry.note(request_id=trail.request_id, model=trail.model or None)
    entry.note(
        verdict="answered",
        sql=answer["sql"],
        tables=answer["tables"],
        confidence=round(answer["confidence"] * 1000),
    )
    return answer
