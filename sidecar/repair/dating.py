"""The period that a question counts from today, in a statement: a date lies between its first day and its last.

A small model writes `last quarter` with its bounds exchanged, without the date that they are for, without an end, or
not at all. What picks the same days as the question's period is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from sidecar.guard.scope import Scope
from sidecar.periods import Period
from sidecar.repair import kinds
from sidecar.repair.binding import Level, Statement
from sidecar.repair.days import Days, Unknown, compare_days
from sidecar.repair.forms import Form, form_of_column, is_moment, plainly
from sidecar.repair.meant_date import has_months, meant_date, place_of
from sidecar.repair.nodes import TODAY, all_of, columns_of, conjuncts, words
from sidecar.repair.writing import write

# PostgreSQL has no interval of a quarter, and normalizes weeks to days.
_LENGTHS = {
    "day": (1, "DAYS"),
    "week": (7, "DAYS"),
    "month": (1, "MONTHS"),
    "quarter": (3, "MONTHS"),
    "year": (1, "YEARS"),
}
MOST_CONDITIONS = 8
MOST_LEVELS = 2
_NEAR = frozenset({"this", "current", "last", "previous", "past"})


@dataclass(frozen=True)
class Placed:
    """Where a statement has the period: the condition, and whether it had to be written."""

    condition: str
    changed: bool


def can_date(period: Period, scope: Scope) -> bool:
    """Whether the scope has dates, and not the period itself as a column: `last_year_sales`."""
    columns = [column for table in scope.tables for column in table.columns]
    named = any(period.unit in words(column.name) and words(column.name) & _NEAR for column in columns)
    return not named and any(
        kinds.kind_of_type(column.type) in kinds.MOMENTS or (column.form and _is_fine(form_of_column(column), period))
        for column in columns
    )


def _is_fine(form: Form | None, period: Period) -> bool:
    """Whether a form is fine enough: a month has no days."""
    return form is not None and (not form.of_months or has_months(period))


def place(period: Period, statement: Statement, told: bool = True) -> Placed | None:
    """See to it that the statement holds to its question's period; None if there is no telling where.

    Conditions on the date that is meant are the model's try at the period, and are set right; where it was not told of
    any, conditions on dates are for something else that is asked.
    """
    if not can_date(period, statement.scope) or not _is_plain(statement):
        return None
    timed = [(level, found) for level in statement.levels if (found := _timed(level, statement))]
    if _counts_elsewhere(statement, [condition for _, found in timed for condition in found]) or len(timed) > 1:
        return None
    if timed:
        return _set_right(period, *timed[0], statement) if told else None
    moment = meant_date(period, statement.levels, statement) if not _compares_dates(statement) else None
    if moment is None or (len(statement.levels) > 1 and not period.done):
        return None
    return _restrict(moment.level, [], _bounds(period, moment.column(), moment.form))


def _is_plain(statement: Statement) -> bool:
    """One query, or one with another inside. With more, or with outer joins, a condition may say something else."""
    more = statement.tree.find(exp.SetOperation, exp.Window, exp.With)
    outer = any(join.side for level in statement.levels for join in level.joins)
    # the first or the last date is not the date of every row
    ends = [node for node in statement.tree.find_all(exp.Min, exp.Max) if is_moment(node, statement)]
    return more is None and not outer and not ends and len(statement.levels) <= MOST_LEVELS


def _conditions(level: Level) -> list[exp.Expr]:
    where = level.select.args.get("where")
    return conjuncts(where.this) if where else []


def _timed(level: Level, statement: Statement) -> list[exp.Expr]:
    """What WHERE asks of today, or of dates alone."""
    return [condition for condition in _conditions(level) if _is_timed(condition, statement)]


def _is_timed(condition: exp.Expr, statement: Statement) -> bool:
    if condition.find(exp.Query) or isinstance(condition, exp.Is) or isinstance(condition.this, exp.Is):
        return False
    named = list(columns_of(condition))
    return condition.find(*TODAY) is not None or (bool(named) and _are_moments(named, statement))


def _are_moments(columns: list[exp.Column], statement: Statement) -> bool:
    return all(is_moment(column, statement) for column in columns)


def _counts_elsewhere(statement: Statement, conditions: list[exp.Expr]) -> bool:
    """Whether today stands anywhere else, in an age or a FILTER: then it is for more than the period."""
    known = {id(node) for condition in conditions for node in condition.find_all(*TODAY)}
    return any(id(node) not in known for node in statement.tree.find_all(*TODAY))


def _set_right(period: Period, level: Level, timed: list[exp.Expr], statement: Statement) -> Placed | None:
    """The period's bounds instead of conditions that pick other days."""
    named = [column for condition in timed for column in columns_of(condition)]
    if not _are_moments(named, statement) or len({place_of(column, statement) for column in named}) > 1:
        return None
    meant = meant_date(period, [level], statement)
    if meant is None or len(timed) > MOST_CONDITIONS or (named and not meant.is_meant_by(named[0], statement)):
        return None
    date = named[0].copy() if named else meant.column()
    plain = [plainly(condition, statement) for condition in timed]
    try:
        edge = (-period.length, period.unit)
        days = compare_days(plain, _bounds(period, date), edge=edge, whole_days=meant.kind == kinds.DATE)
    except Unknown:
        return None
    if days is Days.SAME:
        return Placed(_written(timed), changed=False)
    # so many units up to today can be counted in more than one way, and a part of the period is asked for besides
    if period.length or days is Days.PART or any(_is_of_a_part(condition) for condition in plain):
        return None
    return _restrict(level, timed, _bounds(period, date, meant.form))


def _is_of_a_part(condition: exp.Expr) -> bool:
    """`EXTRACT(MONTH FROM d) = 5`: the May of a year."""
    return condition.find(*TODAY) is None and any(
        part.name.lower() != "year" for part in condition.find_all(exp.Extract)
    )


def _compares_dates(statement: Statement) -> bool:
    """Whether a date is compared anywhere, as in HAVING or a join's condition."""
    return any(
        is_moment(column, statement)
        for condition in statement.tree.find_all(exp.Predicate)
        if not isinstance(condition, exp.Is)
        for column in condition.find_all(exp.Column)
    )


def _restrict(level: Level, instead_of: list[exp.Expr], bounds: list[exp.Expr]) -> Placed:
    kept = [condition for condition in _conditions(level) if all(condition is not one for one in instead_of)]
    level.select.set("where", exp.Where(this=all_of([*kept, *bounds])))
    return Placed(_written(bounds), changed=True)


def _written(conditions: list[exp.Expr]) -> str:
    return write(all_of([condition.copy() for condition in conditions]))


def _bounds(period: Period, moment: exp.Column, form: Form | None = None) -> list[exp.Expr]:
    """From its first day, before the first day after it; in the form that the date is kept in."""
    if period.length:
        start, end = _moved(exp.CurrentDate(), period.unit, -period.length), _moved(exp.CurrentDate(), "day", 1)
    else:
        first = _first_day(period.unit)
        start, end = (_moved(first, period.unit, ahead) for ahead in (-period.back, 1 - period.back))
    if form:
        start, end = form.kept(start), form.kept(end)
    return [exp.GTE(this=moment.copy(), expression=start), exp.LT(this=moment.copy(), expression=end)]


def _first_day(unit: str) -> exp.Expr:
    """Of the unit that today lies in."""
    return (
        exp.CurrentDate()
        if unit == "day"
        else exp.TimestampTrunc(this=exp.CurrentDate(), unit=exp.Var(this=unit.upper()))
    )


def _moved(day: exp.Expr, unit: str, ahead: int) -> exp.Expr:
    """So many units later, or before if `ahead` is negative."""
    if not ahead:
        return day.copy()
    amount, name = abs(ahead) * _LENGTHS[unit][0], _LENGTHS[unit][1]
    length = exp.Interval(this=exp.Literal.string(str(amount)), unit=exp.Var(this=name if amount > 1 else name[:-1]))
    return (exp.Add if ahead > 0 else exp.Sub)(this=day.copy(), expression=length)
