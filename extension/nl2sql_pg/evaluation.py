"""Is an answer right? Its rows beside those of the statement that somebody vouches for, both run as the caller."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nl2sql_pg.comparing import asks_for_order, read_rows, same_answer
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Failure, ServerError
from nl2sql_pg.limits import Allowance, allowance
from nl2sql_pg.runner import refuse_superuser
from nl2sql_pg.running import Ran, guarded, run
from nl2sql_pg.statement import Guarded
from nl2sql_pg.teaching import checked

SECONDS, ROWS, BYTES = 10, 20_000, 8_000_000  # of one of the two


def judge_case(context: Context, gold: str, answer: str) -> dict[str, Any]:
    """{verdict, error}: right, right with further columns, wrong, invalid, gold failed, or not compared.

    Both pass the guard first: whoever wrote them, they now run with the rights of the caller.
    """
    refuse_superuser()
    allowed = _within(allowance(context, {}))
    try:
        vouched = checked(context, gold)
        tables = sorted({f"{read['schema']}.{read['table']}" for read in vouched.reads})
        wanted = run(context, Guarded(vouched.sql, tables), allowed)
    except Failure as failure:
        return _failed("gold failed", failure)
    try:
        found = run(context, guarded(context, answer), allowed)
    except Failure as failure:
        return _failed("invalid", failure)
    if wanted.cut or found.cut:
        return {"verdict": "not compared", "error": f"more than {allowed.max_rows} rows or {allowed.max_bytes} bytes"}
    return {"verdict": _verdict(wanted, found, asks_for_order(vouched.sql)), "error": None}


def _within(allowed: Allowance) -> Allowance:
    """The caller's limits, and no more than a comparison needs."""
    return replace(
        allowed,
        max_seconds=min(allowed.max_seconds, SECONDS),
        max_rows=min(allowed.max_rows, ROWS),
        max_bytes=min(allowed.max_bytes, BYTES),
    )


def _failed(verdict: str, failure: Failure) -> dict[str, Any]:
    if isinstance(failure, ServerError) and failure.final:
        raise failure
    return {"verdict": verdict, "error": f"{failure.sqlstate}: {failure.message}"}


def _verdict(wanted: Ran, found: Ran, ordered: bool) -> str:
    try:
        gold, rows = read_rows(wanted.rows), read_rows(found.rows)
    except (ValueError, RecursionError):
        return "not compared"
    if same_answer(gold, rows, ordered=ordered):
        return "right"
    return "right with further columns" if same_answer(gold, rows, ordered=ordered, lenient=True) else "wrong"
