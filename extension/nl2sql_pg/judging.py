"""The server's own judgement on a proposal, as the caller: its plan, and on wish a trial run."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from nl2sql_pg.admission import admit
from nl2sql_pg.attempts import Attempt
from nl2sql_pg.confinement import Unconfined
from nl2sql_pg.context import Context
from nl2sql_pg.errors import LOCK_NOT_AVAILABLE, Refusal, ServerError, locked
from nl2sql_pg.limits import allowance
from nl2sql_pg.planning import DROPPED, bind, explain
from nl2sql_pg.runner import Limits, confined
from nl2sql_pg.statement import refuse_captured

TRIAL_ROWS = 1000  # compared; of a longer result its beginning
TRIAL_BYTES = 1_000_000
SHORTEST_TRIAL = 10  # milliseconds; what is left of the question's time may be less

_OTHERS = "select nl2sql._has_code_of_others()"

# The guard reads strings as the standard does; with the setting off the server would read another statement.
_BACKSLASH = {
    "sqlstate": "NL405",
    "message": "a backslash is not allowed in a generated statement while standard_conforming_strings is off",
    "detail": "The statement would mean something else here. The proposal was dropped.",
    "hint": "SET standard_conforming_strings = on.",
}

# The sidecar's guard refuses it, too; a sidecar that has been taken over may not.
_LOCKING = {
    "sqlstate": "NL405",
    "message": "row locking is not allowed in a generated statement",
    "detail": "A generated statement only reads. The proposal was dropped.",
    "hint": "Ask in other words; what needs this must be written by hand.",
}


# The server would name the object: perhaps one behind a view, which the caller may not know of.
_FORBIDDEN = {
    "sqlstate": "42501",
    "message": "the proposal reads what this role may not",
    "detail": "The proposal was dropped.",
    "hint": "",
}


def judge(context: Context, attempt: Attempt) -> None:
    """Plan the proposal as the caller and, where trial runs are on, run it; what stands against it stays with it.

    A superuser's proposals are never run: nothing in the server would hold them.
    """
    if _plan(context, attempt) and context.preferences.trial_run and not context.superuser:
        _try(context, attempt)


def _plan(context: Context, attempt: Attempt) -> bool:
    """Its error stays with the attempt; an error that ends the question itself is raised."""
    if attempt.sql is None:
        return False
    if not context.conforming and "\\" in attempt.sql:
        attempt.error = _BACKSLASH
        return False
    try:
        refuse_captured(context, attempt.sql, DROPPED)
        if context.as_superuser and context.db.value(_OTHERS):
            bind(context.db, attempt.sql, context.search_path)
            attempt.cost = 0.0  # planning would run what others wrote with all that a superuser may read
            return True
        plan = explain(context.db, attempt.sql, context.search_path)
    except Refusal as refusal:
        attempt.error = refusal.fields()
        return False
    except ServerError as error:
        _hold_against(attempt, error)
        return False
    if plan.locks_rows():
        attempt.error = _LOCKING
        return False
    attempt.cost, attempt.plan_rows = plan.cost, plan.most_rows()
    return True


def _try(context: Context, attempt: Attempt) -> None:
    """A statement too dear or too slow to try stays usable; one that fails while it runs does not."""
    allowed = allowance(context, {})
    milliseconds = min(context.number("trial_milliseconds"), context.milliseconds_left(), allowed.max_seconds * 1000)
    if attempt.sql is None or attempt.cost is None or milliseconds < SHORTEST_TRIAL:
        return
    if attempt.cost > min(context.number("trial_cost"), allowed.max_cost) or attempt.plan_rows > allowed.max_plan_rows:
        return
    limits = Limits(milliseconds / 1000, TRIAL_ROWS, TRIAL_BYTES)
    attempt.tried = True
    try:
        with confined(context.db, context.search_path, limits) as room:
            admit(context.db, attempt.sql, DROPPED)
            result = room.records(attempt.sql, room.columns(attempt.sql))
    except Unconfined:
        attempt.tried = False
        return
    except Refusal as refusal:
        attempt.error = refusal.fields()
        return
    except ServerError as error:
        if not error.sqlstate.startswith(("53", "54")):
            _hold_against(attempt, error)
        return
    rows = [values(line) for line in result.rows]
    attempt.rows = digest(rows)
    attempt.empty = not any(map(has_content, rows))


def _hold_against(attempt: Attempt, error: ServerError) -> None:
    """The server's words stay with the attempt, but for what it says of rights.

    What is not about the statement ends the question: a cancel, a lock on a table, which others would meet, too.
    """
    if error.final:
        raise error
    if error.sqlstate == LOCK_NOT_AVAILABLE:
        raise locked(error, "The question has no answer; nothing was changed.")
    words = {**error.fields(), "detail": "", "hint": error.server_hint or ""}
    attempt.error = _FORBIDDEN if error.sqlstate == "42501" else words
    attempt.confidential = error.planning


def digest(rows: list[list[Any]]) -> str:
    """Equal for equal rows, whatever their order and the names and order of their columns."""
    plain = sorted(sorted(json.dumps(value) for value in row) for row in rows)
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:16]


def values(line: str) -> list[Any]:
    """Values of a row; a row whose text was cut stands for itself."""
    try:
        found: list[Any] = json.loads(line, object_pairs_hook=lambda pairs: [_rounded(value) for _, value in pairs])
    except (ValueError, RecursionError):
        return [line]
    return found


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def has_content(row: list[Any]) -> bool:
    return any(value is not None and value != 0 for value in row)
