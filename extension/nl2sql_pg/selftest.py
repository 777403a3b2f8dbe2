"""Does it work for who asks? A statement run, and a question looked up to where the model would be asked."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.asked import Asked
from nl2sql_pg.context import Context, open_context
from nl2sql_pg.errors import Failure, Refusal, ServerError
from nl2sql_pg.knowledge import gather
from nl2sql_pg.question import Options
from nl2sql_pg.statement import guard

SECONDS = 3  # for each request to the sidecar
STATEMENT = "select 1 as ready"
QUESTION = "how many rows are there"
_CONSEQUENCE = "Nothing was run."

_MAY = """
    select has_function_privilege('nl2sql._ask(text, jsonb, jsonb)', 'execute')
        and has_function_privilege('nl2sql._run(text, jsonb, jsonb)', 'execute')
"""
_TIMEOUT = "select set_config('nl2sql.timeout', $1, true)"
_ASK = "select nl2sql._ask($1, $2, $3)"
_RUN = "select nl2sql._run($1, $2, $3)"
# No function knows this option, so that each says so (NL105) before anything is put on record or done.
_UNKNOWN = {"self_test": True}
_NO_TABLE = "NL201"


@dataclass(frozen=True)
class Tried:
    """What came of it, and what to do."""

    state: str
    detail: str
    action: str = "none"


def try_out(context: Context) -> Tried:
    """Ask and run as the caller, but for the engine; raises only what ends the caller's own statement."""
    if not context.db.value(_MAY):
        return Tried("not tried", "this role may neither ask nor run", "Call it as a member of nl2sql_user.")
    began, steps = time.monotonic(), list[str]()
    try:
        _go(context, steps)
    except Failure as failure:
        if isinstance(failure, ServerError) and failure.final:
            raise
        done = f" (before that: {', '.join(steps)})" if steps else ""
        detail = f"{failure.sqlstate}: {failure.message}{done}"
        return Tried("failed", detail, failure.hint if isinstance(failure, Refusal) else "see the server's log")
    return Tried("ready", f"{', '.join(steps)}; {round((time.monotonic() - began) * 1000)} ms")


def _go(context: Context, steps: list[str]) -> None:
    """Each step through the functions that users call; what has been done is in `steps`."""
    with context.db.undone():
        context.db.rows(_TIMEOUT, ["text"], [f"{SECONDS}s"])
        _opens(context, _ASK, QUESTION)
        _opens(context, _RUN, STATEMENT)
        if context.as_superuser:
            guard(context.with_time(SECONDS), STATEMENT, [], _CONSEQUENCE)
            steps.append("a statement guarded, and not run for a superuser")
        else:
            _call(context, _RUN, STATEMENT, {})
            steps.append("a statement guarded and run")
    with context.db.reading():
        steps.append(_looked_up(open_context(context.db, _caller(context), Options(timeout=f"{SECONDS}s"))))


def _opens(context: Context, query: str, text: str) -> None:
    """The function starts, with its settings and its Python, and says that it does not know the option."""
    try:
        _call(context, query, text, _UNKNOWN)
    except Refusal as refusal:
        if refusal.sqlstate != "NL105":
            raise


def _call(context: Context, query: str, text: str, options: dict[str, Any]) -> None:
    values = [text, json.dumps(options), json.dumps(_caller(context))]
    error = context.db.json(query, ["text", "jsonb", "jsonb"], values).get("error")
    if error is None:
        return
    if error.get("hint"):
        raise Refusal(error["sqlstate"], error["message"], detail=error.get("detail", ""), hint=error["hint"])
    raise ServerError(error["sqlstate"], error["message"])


def _looked_up(context: Context) -> str:
    try:
        return f"a question looked up ({len(gather(context, Asked(QUESTION)).tables)} tables to tell the model)"
    except Refusal as refusal:
        if refusal.sqlstate != _NO_TABLE:
            raise
        return "a question looked up (no table here that this role may read)"


def _caller(context: Context) -> dict[str, Any]:
    return {"schemas": context.schemas}
