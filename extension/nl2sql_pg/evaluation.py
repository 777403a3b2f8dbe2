"""Is an answer right? Its rows beside those of the statement that somebody vouches for, both run as the caller."""

from __future__ import annotations

from typing import Any

from nl2sql_pg.comparing import asks_for_order, read_rows, same_answer
from nl2sql_pg.confinement import Unconfined
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Failure, ServerError
from nl2sql_pg.runner import Limits, Result, refuse_superuser, run
from nl2sql_pg.running import NOTHING_RUN, guarded
from nl2sql_pg.statement import refuse_captured
from nl2sql_pg.teaching import checked

SECONDS = 10.0
LIMITS = Limits(SECONDS, rows=20_000, bytes=8_000_000)


def judge_case(context: Context, gold: str, answer: str) -> dict[str, Any]:
    """{verdict, error}: right, right with further columns, wrong, invalid, gold failed, or not compared.

    Both pass the guard first: whoever wrote them, they now run with the rights of the caller.
    """
    refuse_superuser()
    try:
        normal = checked(context, gold).sql
        wanted = _run(context, normal)
    except Failure as failure:
        return _failed("gold failed", failure)
    try:
        found = _run(context, _passed(context, answer))
    except Failure as failure:
        return _failed("invalid", failure)
    if wanted.cut or found.cut:
        return {"verdict": "not compared", "error": f"more than {LIMITS.rows} rows or {LIMITS.bytes} bytes"}
    return {"verdict": _verdict(wanted, found, asks_for_order(normal)), "error": None}


def _passed(context: Context, sql: str) -> str:
    normal = guarded(context, sql).sql
    refuse_captured(context, normal, NOTHING_RUN)
    return normal


def _run(context: Context, sql: str) -> Result:
    try:
        return run(context.db, sql, context.search_path, LIMITS)
    except Unconfined as reason:
        raise Failure("0A000", f"nothing may run here: {reason}") from None


def _failed(verdict: str, failure: Failure) -> dict[str, Any]:
    if isinstance(failure, ServerError) and failure.final:
        raise failure
    return {"verdict": verdict, "error": f"{failure.sqlstate}: {failure.message}"}


def _verdict(wanted: Result, found: Result, ordered: bool) -> str:
    try:
        gold, rows = read_rows(wanted.rows), read_rows(found.rows)
    except (ValueError, RecursionError):
        return "not compared"
    if same_answer(gold, rows, ordered=ordered):
        return "right"
    return "right with further columns" if same_answer(gold, rows, ordered=ordered, lenient=True) else "wrong"
