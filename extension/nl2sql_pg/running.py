"""Statements checked and run for the caller: through the guard, within what the role may cost, confined, undone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.admission import admit, read_by
from nl2sql_pg.confinement import Unconfined
from nl2sql_pg.context import Context
from nl2sql_pg.errors import LOCK_NOT_AVAILABLE, ExplainedError, Failure, Refusal, ServerError, locked
from nl2sql_pg.limits import Allowance
from nl2sql_pg.plans import Plan
from nl2sql_pg.runner import LINE_CHARS, Column, Limits, Result, confined, refuse_superuser
from nl2sql_pg.statement import Guarded, guard, named_tables, refuse_captured, tidy

NOTHING_RUN = "Nothing was run."
NO_RESULT = "The statement has no result; nothing was changed."
SCANS = 3  # most tables that an error names


@dataclass(frozen=True)
class Ran:
    """Rows as text, their columns, and what the caller should know of them."""

    columns: list[Column]
    rows: list[str]
    cut: bool
    cost: float
    warnings: list[str]


def guarded(context: Context, sql: str | None) -> Guarded:
    """A given statement in its normal form; raises NL4xx, 22004, 54000."""
    text = tidy(sql, NOTHING_RUN)
    return guard(context, text, named_tables(context, text), NOTHING_RUN)


def check(context: Context, sql: str | None, allowed: Allowance) -> dict[str, Any]:
    """What nl2sql.check() tells: the verdict, and what is known up to it."""
    found: dict[str, Any] = dict.fromkeys(
        ("rule", "message", "detail", "hint", "sql", "tables", "columns", "returns", "cost", "rows")
    )
    found |= {"verdict": "allowed", "limits": allowed.told()}
    try:
        refuse_superuser()
        statement = guarded(context, sql)
        found |= {"sql": statement.sql, "tables": statement.tables}
        judge(context, statement, allowed, found)
    except Failure as failure:
        if _is_verdict(failure):
            refusal = {"verdict": "refused", "rule": failure.sqlstate, "detail": None, "hint": None}
            return found | refusal | {k: v for k, v in failure.fields().items() if k != "sqlstate"}
        raise
    return found


def run(context: Context, statement: Guarded, allowed: Allowance, typed: bool = False) -> Ran:
    """Rows of a guarded statement: JSON objects, or arrays of each cell's text where they are to be typed again."""
    refuse_superuser()
    refuse_captured(context, statement.sql, NOTHING_RUN)
    limits = Limits(allowed.max_seconds, allowed.max_rows, allowed.max_bytes, allowed.max_cell_chars)
    with told(), confined(context.db, context.search_path, limits) as room:
        admit(context.db, statement.sql, NOTHING_RUN)
        plan = room.plan(statement.sql)
        refuse_plan(plan, statement, allowed)
        columns = room.columns(statement.sql)
        result = (room.texts if typed else room.records)(statement.sql, columns)
    if result.broken:
        raise _row_too_long()
    return Ran(columns, result.rows, result.cut, plan.cost, _warnings(result, limits))


def judge(context: Context, statement: Guarded, allowed: Allowance, found: dict[str, Any]) -> None:
    """Put what the server says of it into `found`; raises what stands against it."""
    refuse_captured(context, statement.sql, NOTHING_RUN)
    limits = Limits(allowed.max_seconds, 0, 0)
    with told(), confined(context.db, context.search_path, limits) as room:
        read = read_by(context.db, admit(context.db, statement.sql, NOTHING_RUN))
        found["columns"] = [f"{one['schema']}.{one['table']}.{one['column']}" for one in read if one["column"]]
        plan = room.plan(statement.sql)
        columns = room.columns(statement.sql)
    refuse_plan(plan, statement, allowed)
    found |= {"cost": plan.cost, "rows": plan.rows, "returns": [column.name for column in columns]}


def _is_verdict(failure: Failure) -> bool:
    """Whether it is about the statement; not the sidecar, a cancel, a lock or a bug."""
    if isinstance(failure, ServerError):
        return not failure.final and failure.sqlstate != LOCK_NOT_AVAILABLE
    return not failure.sqlstate.startswith(("NL0", "NL3", "NL5", "NL6"))


def refuse_plan(plan: Plan, statement: Guarded, allowed: Allowance) -> None:
    if plan.locks_rows():
        raise Refusal(
            "NL405",
            "row locking is not allowed",
            detail=f"Only statements that read are run. {NOTHING_RUN}",
            hint="Leave FOR UPDATE and the like out.",
        )
    cost, rows = int(plan.cost), plan.most_rows()
    if cost > allowed.max_cost:
        raise _too_costly(f"the planner's cost is {cost}, max_cost is {allowed.max_cost}", plan, statement)
    if rows > allowed.max_plan_rows:
        raise _too_costly(
            f"a step of the plan gives {rows} rows, max_plan_rows is {allowed.max_plan_rows}", plan, statement
        )


def _too_costly(reason: str, plan: Plan, statement: Guarded) -> Refusal:
    scans = plan.largest_scans({name.rpartition(".")[2] for name in statement.tables}, SCANS)
    largest = ", ".join(f"{name} ({rows} rows)" for name, rows in scans)
    narrow = f"Narrow it; the largest parts are {largest}" if largest else "Narrow it by a condition, or join by keys"
    return Refusal(
        "NL411",
        f"the statement is too costly: {reason}",
        detail=NOTHING_RUN,
        hint=f"{narrow}. An administrator can allow a role more with nl2sql.set_limit().",
    )


@contextlib.contextmanager
def told(consequence: str = NO_RESULT) -> Iterator[None]:
    """Errors of the server and of the runner in words for who runs a statement."""
    try:
        yield
    except Unconfined as reason:
        raise Refusal(
            "NL412",
            f"the limits of a statement can't be set on this server: {reason}",
            detail=NOTHING_RUN,
            hint="Run it by hand; what a server must offer for it is in docs/running.md.",
        ) from None
    except ServerError as error:
        if error.final:
            raise
        raise _refused(error, consequence) from None


def _refused(error: ServerError, consequence: str) -> ExplainedError:
    """The server's words without its hint, which may name a column that the caller may not read."""
    message, hint = error.message, "Run EXPLAIN on it, or ask in other words."
    if error.sqlstate == "42501":
        message = "the statement reads what this role may not"
        hint = "Ask the owner of the data for GRANT SELECT."
    elif error.sqlstate == "54000":
        message = f"the statement was stopped: {error.message}"
        hint = "Narrow it; an administrator can allow a role more with nl2sql.set_limit()."
    elif error.sqlstate == "53200":
        hint = "Read fewer rows or shorter values at once."
    elif error.sqlstate == LOCK_NOT_AVAILABLE:
        return locked(error, consequence)
    return ExplainedError(error, message, detail=consequence, hint=hint)


def _row_too_long() -> Refusal:
    return Refusal(
        "54000",
        f"a row of the result has more than {LINE_CHARS} characters",
        detail=f"It can't be shown in parts. {NO_RESULT}",
        hint="Select fewer columns, or parts of them: left(column, 1000).",
    )


def _warnings(result: Result, limits: Limits) -> list[str]:
    warnings = []
    if result.cut:
        warnings.append(
            f"the result was cut after {len(result.rows)} rows: max_rows is {limits.rows}, max_bytes is {limits.bytes}"
        )
    if result.shortened:
        warnings.append(f"texts of the result were cut after {limits.cell_chars} characters")
    return warnings
