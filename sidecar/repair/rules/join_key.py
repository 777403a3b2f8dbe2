"""A join condition with a missing column, or of columns that can't be compared, between tables with one foreign key."""

from __future__ import annotations

from sqlglot import exp

from sidecar.guard.scope import Table
from sidecar.repair.binding import Level, Reference, Source, State, Statement
from sidecar.repair.joins import equality
from sidecar.repair.keys import Keys, Step
from sidecar.repair.nodes import folded

_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_TEXTS = ("text", "character", "character varying")


def mend(statement: Statement, problem: Reference) -> str | None:
    """The foreign key in place of an equality with a missing column."""
    condition = problem.column.parent
    if problem.state is not State.MISSING or problem.join is None or not isinstance(condition, exp.EQ):
        return None
    ends = ends_of(condition, problem.level)
    return _put_key(statement, condition, ends) if ends else None


def mend_types(statement: Statement) -> str | None:
    """The foreign key in place of an equality of text and number, which PostgreSQL has no operator for."""
    for reference in statement.references:
        condition = reference.column.parent
        if reference.join is None or not isinstance(condition, exp.EQ) or reference.state is not State.BOUND:
            continue
        ends = ends_of(condition, reference.level)
        if ends and _can_not_compare(condition, ends) and (note := _put_key(statement, condition, ends)):
            return note
    return None


def ends_of(condition: exp.EQ, level: Level) -> tuple[Source, Source] | None:
    """The two tables that an equality of two qualified columns names, the earlier one first."""
    named = [level.named(folded(side.args.get("table"))) for side in (condition.this, condition.expression)]
    first, second = (
        sorted((s for s in named if s is not None), key=lambda s: s.position) if all(named) else (None, None)
    )
    if first is None or second is None or first is second or first.table is None or second.table is None:
        return None
    return first, second


def _put_key(statement: Statement, condition: exp.EQ, ends: tuple[Source, Source]) -> str | None:
    start, end = ends
    assert start.table is not None
    assert end.table is not None
    step = _only(Keys(statement.scope).between(start.table, end.table), condition, ends)
    if step is None:
        return None
    condition.replace(equality(step, start.name, end.name))
    return f"{start.name} and {end.name} are joined by their foreign key"


def _only(steps: list[Step], condition: exp.EQ, ends: tuple[Source, Source]) -> Step | None:
    """The only key, or the only one that uses a column which the condition has right."""
    if len(steps) > 1:
        right = {(folded(s.args.get("table")), folded(s.this)) for s in (condition.this, condition.expression)}
        names = [source.name for source in ends]
        steps = [s for s in steps if any(right & set(zip(names, pair, strict=True)) for pair in s.pairs)]
    return steps[0] if len(steps) == 1 else None


def _can_not_compare(condition: exp.EQ, ends: tuple[Source, Source]) -> bool:
    kinds = {
        _kind(source.table, side)
        for side in (condition.this, condition.expression)
        for source in ends
        if source.name == folded(side.args.get("table"))
    }
    return kinds == {"number", "text"}


def _kind(table: Table | None, side: exp.Expr) -> str:
    types = [c.type.split("(")[0] for c in table.columns if c.name == folded(side.this)] if table else []
    if not types:
        return ""
    return "number" if types[0] in _NUMBERS else "text" if types[0] in _TEXTS else ""
