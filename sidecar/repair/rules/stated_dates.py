"""A date held to the beginning of the period that the question states, or to one that is counted from today.

"Orders of 2025" as `order_date = '2025-01-01'`, as `>= '2025-01-01'`, or as those of the last year.
"""

from __future__ import annotations

import re
from datetime import date

from sqlglot import exp

from sidecar.periods import counts_from_today
from sidecar.repair import kinds
from sidecar.repair.binding import Level, Reference, State, Statement
from sidecar.repair.forms import form_of
from sidecar.repair.nodes import all_of, conjuncts
from sidecar.repair.stated_period import StatedPeriod, stated_period

_LONG = re.compile("month|quarter|year")


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
    counted = bool(dated) and all(map(_is_counted, (condition for condition, _ in dated)))
    if counted and (counts_from_today(statement.question) or _has_year(statement.tree, period)):
        return None
    columns = {(id(found.home), found.name) for _, found in dated}
    if len(columns) != 1 or not (counted or (len(dated) == 1 and _begins(dated[0][0], period))):
        return None
    moment = dated[0][1].column
    bounds = [
        exp.GTE(this=moment.copy(), expression=exp.Literal.string(period.first.isoformat())),
        exp.LT(this=moment.copy(), expression=exp.Literal.string(period.after.isoformat())),
    ]
    replaced = {id(condition) for condition, _ in dated}
    kept = [condition for condition in conditions if id(condition) not in replaced]
    level.select.set("where", exp.Where(this=all_of([*kept, *bounds])))
    return f"{moment.name} is held to the whole period that the question states"


def _is_counted(condition: exp.Expr) -> bool:
    """Whether it has the bound of a month, a quarter or a year that is counted from today."""
    if not condition.find(exp.CurrentDate, exp.CurrentTimestamp):
        return False
    spans = (str(interval.sql()).lower() for interval in condition.find_all(exp.Interval))
    return condition.find(exp.TimestampTrunc, exp.DateTrunc) is not None or any(map(_LONG.search, spans))


def _has_year(tree: exp.Expr, period: StatedPeriod) -> bool:
    """Whether the year stands in the statement already: then what is counted from today is meant so."""
    years = {str(period.first.year), str(period.after.year)}
    return any(year in str(literal.this) for literal in tree.find_all(exp.Literal) for year in years)


def _moment(condition: exp.Expr, statement: Statement) -> Reference | None:
    """The date or timestamp that a condition compares."""
    if not isinstance(condition, exp.Predicate):
        return None
    reference = statement.bound.get(id(condition.this))
    if reference is None or reference.state is not State.BOUND:
        return None
    dated = kinds.kind(condition.this, statement) in kinds.MOMENTS or form_of(condition.this, statement)
    return reference if dated else None


def _begins(condition: exp.Expr, period: StatedPeriod) -> bool:
    """Whether it asks for the period's first day alone, or for all that comes from then on."""
    return isinstance(condition, exp.EQ | exp.GTE | exp.GT) and _day(condition.expression) == period.first


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
