"""A timestamp between two days: the last day counts to its end where a whole day, month, quarter or year is asked.

`BETWEEN '2026-02-01' AND '2026-02-28'` ends at the midnight in which the last day begins.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement
from sidecar.repair.bounds import DAY, MONTH, Bound, read_bound
from sidecar.repair.comparing import in_range, put
from sidecar.repair.nodes import all_of, conjuncts

_MONTHS = (1, 3, 6, 12)


def mend(statement: Statement) -> str | None:
    return _between(statement) or _pair(statement) or _one(statement)


def _between(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.Between):
        if kinds.kind(node.this, statement) != kinds.TIMESTAMP or not isinstance(node.this, exp.Column):
            continue
        last = _last(node.args["low"], node.args["high"])
        if last is not None:
            put(
                node,
                all_of([exp.GTE(this=node.this.copy(), expression=node.args["low"].copy()), _before(node.this, last)]),
            )
            return _note(node.this)
    return None


def _pair(statement: Statement) -> str | None:
    """`>= '2026-02-01' AND <= '2026-02-28'`."""
    for level in statement.levels:
        where = level.select.args.get("where")
        parts = conjuncts(where.this) if where else []
        for part in parts:
            if not isinstance(part, exp.LTE) or kinds.kind(part.this, statement) != kinds.TIMESTAMP:
                continue
            if not isinstance(part.this, exp.Column):
                continue
            lows = [p.expression for p in parts if isinstance(p, exp.GTE) and p.this == part.this]
            last = _last(lows[0], part.expression) if len(lows) == 1 else None
            if last is not None:
                put(part, _before(part.this, last))
                return _note(part.this)
    return None


def _one(statement: Statement) -> str | None:
    """`= '2026-03-02'`: a day, or the month '2026-03', which PostgreSQL reads as no date at all."""
    for node in statement.tree.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE):
        kind = kinds.kind(node.this, statement)
        if kind not in kinds.MOMENTS or not isinstance(node.this, exp.Column):
            continue
        bound = read_bound(node.expression) if isinstance(node.expression, exp.Literal) else None
        days = (
            bound is not None and bound.unit == DAY and kind == kinds.TIMESTAMP and isinstance(node, exp.EQ | exp.NEQ)
        )
        if bound is not None and (days or (bound.unit == MONTH and "-" in str(node.expression.this))):
            column = node.this
            put(node, in_range(type(node), column, bound, lambda moment: moment))
            return _note(column)
    return None


def _last(low: exp.Expr, high: exp.Expr) -> date | None:
    """The last day where both are whole periods' edges."""
    first, last = _day(read_bound(low)), _day(read_bound(high))
    bound = read_bound(high)
    if first and bound and bound.next_day and bound.next_day.day:
        return bound.next_day.day - timedelta(days=1)  # to the last second of a day
    if first is None or last is None or first > last:
        return None
    after = last + timedelta(days=1)
    whole = first.day == 1 and (after.day == 1 or (last.day == 1 and _months(first, last) in _MONTHS))
    if first == last or (whole and after.day == 1):
        return last
    return last - timedelta(days=1) if whole else None


def _day(bound: Bound | None) -> date | None:
    return bound.day if bound and bound.unit == DAY else None


def _months(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def _before(column: exp.Expr, last: date) -> exp.Expr:
    end = exp.Literal.string((last + timedelta(days=1)).isoformat())
    return exp.LT(this=column.copy(), expression=end)


def _note(column: exp.Expr) -> str:
    return f"{column.sql(dialect='postgres')} has times of the day: the last day counts in whole"
