"""A period counted from today, as the question names it: its one date lies between the period's first day and its last.

A small model writes `last quarter` with its bounds exchanged, without the date that they are for, without its end, or
not at all. What picks the same days as the question's period is left as it is.
"""

from __future__ import annotations

from sqlglot import exp

from sidecar.periods import Period, named_period
from sidecar.repair import kinds
from sidecar.repair.binding import Level, State, Statement
from sidecar.repair.days import Unknown, same_days
from sidecar.repair.nodes import TODAY, all_of, columns_of, words

_LENGTHS = {"day": "1 DAY", "week": "7 DAYS", "month": "1 MONTH", "quarter": "3 MONTHS", "year": "1 YEAR"}
_NEAR = frozenset({"this", "current", "last", "previous", "past"})


def mend(statement: Statement) -> str | None:
    period = named_period(statement.question)
    if period is None or _is_named(period, statement):
        return None
    placed = [(level, found) for level in statement.levels if (found := _timed(level, statement))]
    if _counts_elsewhere(statement, [condition for _, found in placed for condition in found]):
        return None
    if placed:
        return _set_right(period, *placed[0], statement) if len(placed) == 1 else None
    return _add(period, statement.levels[0], statement) if len(statement.levels) == 1 else None


def _is_named(period: Period, statement: Statement) -> bool:
    """`last_year_sales`: the schema has the period itself."""
    names = [column.name for table in statement.scope.tables for column in table.columns]
    return any(period.unit in words(name) and words(name) & _NEAR for name in names)


def _conditions(level: Level) -> list[exp.Expr]:
    where = level.select.args.get("where")
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _timed(level: Level, statement: Statement) -> list[exp.Expr]:
    """What WHERE asks of today or of a date beside a constant."""
    return [condition for condition in _conditions(level) if _is_timed(condition, statement)]


def _is_timed(condition: exp.Expr, statement: Statement) -> bool:
    if condition.find(exp.Query):
        return False
    named = list(columns_of(condition))
    return condition.find(*TODAY) is not None or (
        bool(named) and all(kinds.kind(column, statement) in kinds.MOMENTS for column in named)
    )


def _counts_elsewhere(statement: Statement, conditions: list[exp.Expr]) -> bool:
    """Whether today stands anywhere else, in an age or a FILTER: then it is for more than the period."""
    known = {id(node) for condition in conditions for node in condition.find_all(*TODAY)}
    return any(id(node) not in known for node in statement.tree.find_all(*TODAY))


def _set_right(period: Period, level: Level, timed: list[exp.Expr], statement: Statement) -> str | None:
    named = [column for condition in timed for column in columns_of(condition)]
    if not all(kinds.kind(column, statement) in kinds.MOMENTS for column in named):
        return None
    if len({_place(column, statement) for column in named}) > 1:
        return None
    moment = named[0].copy() if named else kinds.only_moment(level)
    if moment is None:
        return None
    bounds = _bounds(period, moment)
    try:
        # of what is still to come a question about this year says nothing: with or without an end
        if same_days(timed, bounds, with_future=period.back > 0):
            return None
    except Unknown:
        return None
    kept = [condition for condition in _conditions(level) if all(condition is not one for one in timed)]
    return _restrict(level, kept, bounds)


def _place(column: exp.Column, statement: Statement) -> tuple[object, str]:
    reference = statement.bound[id(column)]
    return reference.home, reference.name


def _add(period: Period, level: Level, statement: Statement) -> str | None:
    """The period that a statement leaves out, where it reads one date alone and asks nothing of any."""
    moment = kinds.only_moment(level)
    if moment is None or _constant_dates(statement):
        return None
    return _restrict(level, _conditions(level), _bounds(period, moment))


def _constant_dates(statement: Statement) -> bool:
    """Whether a date is compared anywhere, as in HAVING or a join's condition."""
    compared = statement.tree.find_all(exp.Predicate)
    return any(
        statement.bound[id(column)].state is State.BOUND and kinds.kind(column, statement) in kinds.MOMENTS
        for condition in compared
        for column in condition.find_all(exp.Column)
        if id(column) in statement.bound
    )


def _restrict(level: Level, kept: list[exp.Expr], bounds: list[exp.Expr]) -> str:
    closed = [exp.Paren(this=condition.copy()) if isinstance(condition, exp.Or) else condition for condition in kept]
    level.select.set("where", exp.Where(this=all_of([*closed, *bounds])))
    return f"the question's period is {all_of(bounds).sql(dialect='postgres')}"


def _bounds(period: Period, moment: exp.Column) -> list[exp.Expr]:
    """From its first day, before the first day after it."""
    return [
        exp.GTE(this=moment.copy(), expression=_start(period.unit, -period.back)),
        exp.LT(this=moment.copy(), expression=_start(period.unit, 1 - period.back)),
    ]


def _start(unit: str, ahead: int) -> exp.Expr:
    """The first day of the unit that today lies in, or of the one before or after it."""
    start: exp.Expr = exp.CurrentDate()
    if unit != "day":
        start = exp.TimestampTrunc(this=start, unit=exp.Var(this=unit.upper()))
    if not ahead:
        return start
    amount, name = _LENGTHS[unit].split()
    length = exp.Interval(this=exp.Literal.string(amount), unit=exp.Var(this=name))
    return exp.Add(this=start, expression=length) if ahead > 0 else exp.Sub(this=start, expression=length)
