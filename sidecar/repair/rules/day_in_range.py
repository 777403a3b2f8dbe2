"""A range of days compared with a day: `valid && '2025-01-01'` asks whether the day lies in it."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import State, Statement
from sidecar.repair.bounds import DAY, INSTANT, Bound, read_bound
from sidecar.repair.comparing import put

_TYPES = {"daterange": "DATE", "tsrange": "TIMESTAMP", "tstzrange": "TIMESTAMPTZ"}
_WITH_ONE = (exp.EQ, exp.ArrayOverlaps, exp.ArrayContainsAll, exp.Like)


def mend(statement: Statement) -> str | None:
    for reference in statement.references:
        table = reference.home.table if reference.home and reference.state is State.BOUND else None
        kind = next((c.type for c in table.columns if c.name == reference.name), "") if table else ""
        condition = reference.column.parent
        if kind not in _TYPES or condition is None:
            continue
        instead = _instead(condition, reference.column, kind)
        if instead is not None:
            put(condition, instead)
            return f"{reference.name} is a range of dates"
    return None


def _instead(condition: exp.Expr, column: exp.Column, kind: str) -> exp.Expr | None:
    if isinstance(condition, exp.Between) and condition.this is column:
        first, last = read_bound(condition.args["low"]), read_bound(condition.args["high"])
        return _overlaps(column, kind, first.start, last.end) if first and last else None
    if isinstance(condition, exp.Extract):
        return None
    if isinstance(condition, _WITH_ONE) and condition.this is column:
        value = condition.expression
    elif isinstance(condition, exp.EQ | exp.ArrayContainsAll) and condition.expression is column:
        value = condition.this
    else:
        return None
    text = _bare(value)
    bound = read_bound(exp.Literal.string(text)) if text else None
    return _meets(column, kind, bound) if bound else None


def _bare(value: exp.Expr) -> str:
    """A literal without a type, which PostgreSQL would read as a range."""
    return str(value.this) if isinstance(value, exp.Literal) and value.is_string else ""


def _meets(column: exp.Column, kind: str, bound: Bound) -> exp.Expr:
    if bound.unit == INSTANT or (bound.unit == DAY and kind == "daterange"):
        day = exp.Cast(this=bound.start, to=exp.DataType.build(_TYPES[kind], dialect="postgres"))
        return exp.ArrayContainsAll(this=column.copy(), expression=day)
    return _overlaps(column, kind, bound.start, bound.end)


def _overlaps(column: exp.Column, kind: str, start: exp.Expr, end: exp.Expr) -> exp.Expr:
    """Up to the end, without it."""
    return exp.ArrayOverlaps(this=column.copy(), expression=exp.Anonymous(this=kind, expressions=[start, end]))
