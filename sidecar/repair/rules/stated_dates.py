"""A date held to half of the period that the question states: to its first day alone, without an end, without its end.

"Orders of 2025" as `order_date = '2025-01-01'`, as `>= '2025-01-01'` with no end, or as BETWEEN two days of a
timestamp, which loses the last one.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Level, Reference, State, Statement
from sidecar.repair.nodes import all_of, conjuncts
from sidecar.repair.stated_period import StatedPeriod, stated_period


def mend(statement: Statement) -> str | None:
    period = stated_period(statement.question)
    if period is None:
        return None
    for level in statement.levels:
        if note := _mend(level, period, statement):
            return note
    return None


def _mend(level: Level, period: StatedPeriod, statement: Statement) -> str | None:
    where = level.select.args.get("where")
    if where is None:
        return None
    conditions = conjuncts(where.this)
    dated = [(condition, found) for condition in conditions if (found := _moment(condition, statement))]
    if not dated or len({(reference.home, reference.name) for _, reference in dated}) != 1:
        return None
    if not _is_half([condition for condition, _ in dated], period, kinds.kind(dated[0][1].column, statement)):
        return None
    moment = dated[0][1].column
    bounds = [
        exp.GTE(this=moment.copy(), expression=exp.Literal.string(period.first.isoformat())),
        exp.LT(this=moment.copy(), expression=exp.Literal.string(period.after.isoformat())),
    ]
    kept = [condition for condition in conditions if all(condition is not one for one, _ in dated)]
    level.select.set("where", exp.Where(this=all_of([*kept, *bounds])))
    return f"{moment.name} is held to the whole period that the question states"


def _moment(condition: exp.Expr, statement: Statement) -> Reference | None:
    """The date or timestamp that a condition compares with days."""
    if not isinstance(condition, exp.EQ | exp.GTE | exp.GT | exp.LT | exp.LTE | exp.Between):
        return None
    reference = statement.bound.get(id(condition.this))
    if (
        reference is None
        or reference.state is not State.BOUND
        or kinds.kind(condition.this, statement) not in kinds.MOMENTS
    ):
        return None
    return reference if all(_day(day) for day in _compared(condition)) else None


def _compared(condition: exp.Expr) -> list[exp.Expr]:
    if isinstance(condition, exp.Between):
        return [condition.args["low"], condition.args["high"]]
    return [condition.expression]


def _day(node: exp.Expr) -> date | None:
    """A literal day, with a cast or without; midnight is its day."""
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    if not isinstance(node, exp.Literal) or not node.is_string:
        return None
    text = str(node.this).removesuffix(" 00:00:00")
    try:
        return date.fromisoformat(text) if len(text) == len("2025-01-01") else None
    except ValueError:
        return None


def _is_half(conditions: list[exp.Expr], period: StatedPeriod, kind: str | None) -> bool:
    """Whether they begin with the period and have no end, end with its first day, or lose its last one."""
    last = period.after - timedelta(days=1)
    if len(conditions) == 1 and isinstance(conditions[0], exp.EQ | exp.GTE):
        return _day(conditions[0].expression) == period.first
    if kind != kinds.TIMESTAMP:
        return False
    if len(conditions) == 1 and isinstance(conditions[0], exp.Between):
        return [_day(day) for day in _compared(conditions[0])] == [period.first, last]
    starts = [_day(condition.expression) for condition in conditions if isinstance(condition, exp.GTE)]
    ends = [_day(condition.expression) for condition in conditions if isinstance(condition, exp.LTE)]
    return len(conditions) == 2 and starts == [period.first] and ends == [last]
