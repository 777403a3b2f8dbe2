"""A question answered, with what a reader of the audit wants to know of it."""

from __future__ import annotations

from typing import Any

from nl2sql_pg import pipeline
from nl2sql_pg.attempts import Trail
from nl2sql_pg.auditing import Entry
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Failure
from nl2sql_pg.question import Options

AND = ";\n"  # between statements


def answered(context: Context, asked: str, options: Options, trail: Trail, entry: Entry) -> dict[str, Any]:
    """As pipeline.answer(), noted."""
    try:
        answer = pipeline.answer(context, asked, options, trail)
    except Failure:
        if trail.tried:
            entry.note(sql=AND.join(trail.tried))
        raise
    finally:
        entry.note(request_id=trail.request_id, model=trail.model or None)
        if trail.tried:
            entry.note(details=_told(entry, trail))
    entry.note(
        verdict="answered",
        sql=answer["sql"],
        tables=answer["tables"],
        confidence=round(answer["confidence"] * 1000),
    )
    return answer


def unsure(answer: dict[str, Any]) -> list[str]:
    """Of an answer's warnings those that a client should hear that shows the answer alone."""
    return [warning for warning in answer["warnings"] if warning.startswith("NL407")]


def _told(entry: Entry, trail: Trail) -> str:
    """Every statement that was run on trial, whether or not it became the answer."""
    before = f"{entry.fields['details']}; " if "details" in entry.fields else ""
    return f"{before}trial runs: {AND.join(trail.tried)}"
