"""The period that a question counts from today, in a statement: a date lies between its first day and its last.

A small model writes `last quarter` with its bounds exchanged, without the date that they are for, without an end, or
not at all. What picks the same days as the question's period is left as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp

from sidecar.guard.scope import Scope
from sidecar.periods import Period
from sidecar.repair import kinds
from sidecar.repair.binding import Level, Source, Statement
from sidecar.repair.days import Unknown, same_days
from sidecar.repair.nodes import TODAY, all_of, columns_of, identifier, words

# PostgreSQL has no interval of a quarter, and normalizes weeks to days.
_LENGTHS = {
    "day": (1, "DAYS"),
    "week": (7, "DAYS"),
    "month": (1, "MONTHS"),
    "quarter": (3, "MONTHS"),
    "year": (1, "YEARS"),
}
_NEAR = frozenset({"this", "current", "last", "previous", "past"})
_ASKED_WORDS = re.compile(r"[a-z]+")
_ENDINGS = re.compile(r"(?:ed|ing|es|e|s)$")


@dataclass(frozen=True)
class Placed:
    """Where a statement has the period: the condition, and whether it had to be written."""

    condition: str
    changed: bool


@dataclass(frozen=True)
class _Moment:
    """A date that a level reads."""

    level: Level
    source: Source
    name: str

    def column(self) -> exp.Column:
        alone = len(self.level.sources) == 1
        return exp.Column(this=identifier(self.name), table=None if alone else identifier(self.source.name))


def can_date(period: Period, scope: Scope) -> bool:
    """Whether the scope has dates, and not the period itself as a column: `last_year_sales`."""
    columns = [column for table in scope.tables for column in table.columns]
    named = any(period.unit in words(column.name) and words(column.name) & _NEAR for column in columns)
    return not named and any(kinds.kind_of_type(column.type) in kinds.MOMENTS for column in columns)


def place(period: Period, statement: Statement) -> Placed | None:
    """See to it that the statement holds to its question's period; None if there is no telling where."""
    if not can_date(period, statement.scope):
        return None
    timed = [(level, found) for level in statement.levels if (found := _timed(level, statement))]
    if _counts_elsewhere(statement, [condition for _, found in timed for condition in found]) or len(timed) > 1:
        return None
    if timed:
        return _set_right(period, *timed[0], statement)
    moment = _meant(_moments(statement.levels), statement) if not _compares_dates(statement) else None
    return _restrict(moment.level, [], _bounds(period, moment.column())) if moment else None


def _conditions(level: Level) -> list[exp.Expr]:
    where = level.select.args.get("where")
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _timed(level: Level, statement: Statement) -> list[exp.Expr]:
    """What WHERE asks of today, or of dates alone."""
    return [condition for condition in _conditions(level) if _is_timed(condition, statement)]


def _is_timed(condition: exp.Expr, statement: Statement) -> bool:
    if condition.find(exp.Query) or isinstance(condition, exp.Is) or isinstance(condition.this, exp.Is):
        return False
    named = list(columns_of(condition))
    return condition.find(*TODAY) is not None or (bool(named) and _are_moments(named, statement))


def _are_moments(columns: list[exp.Column], statement: Statement) -> bool:
    return all(kinds.kind(column, statement) in kinds.MOMENTS for column in columns)


def _counts_elsewhere(statement: Statement, conditions: list[exp.Expr]) -> bool:
    """Whether today stands anywhere else, in an age or a FILTER: then it is for more than the period."""
    known = {id(node) for condition in conditions for node in condition.find_all(*TODAY)}
    return any(id(node) not in known for node in statement.tree.find_all(*TODAY))


def _set_right(period: Period, level: Level, timed: list[exp.Expr], statement: Statement) -> Placed | None:
    """The period's bounds instead of conditions that pick other days."""
    named = [column for condition in timed for column in columns_of(condition)]
    if not _are_moments(named, statement) or len({_place(column, statement) for column in named}) > 1:
        return None
    moment = named[0].copy() if named else _only(level, statement)
    if moment is None:
        return None
    bounds = _bounds(period, moment)
    try:
        # of what is still to come a question about this year says nothing: with or without an end
        edge = (-period.length, period.unit)
        if same_days(timed, bounds, with_future=period.back > 0, edge=edge):
            return Placed(_written(timed), changed=False)
    except Unknown:
        return None
    return _restrict(level, timed, bounds)


def _place(column: exp.Column, statement: Statement) -> tuple[object, str]:
    reference = statement.bound[id(column)]
    return reference.home, reference.name


def _compares_dates(statement: Statement) -> bool:
    """Whether a date is compared anywhere, as in HAVING or a join's condition."""
    return any(
        kinds.kind(column, statement) in kinds.MOMENTS
        for condition in statement.tree.find_all(exp.Predicate)
        if not isinstance(condition, exp.Is)
        for column in condition.find_all(exp.Column)
    )


def _restrict(level: Level, instead_of: list[exp.Expr], bounds: list[exp.Expr]) -> Placed:
    kept = [condition for condition in _conditions(level) if all(condition is not one for one in instead_of)]
    closed = [exp.Paren(this=condition.copy()) if isinstance(condition, exp.Or) else condition for condition in kept]
    level.select.set("where", exp.Where(this=all_of([*closed, *bounds])))
    return Placed(_written(bounds), changed=True)


def _written(conditions: list[exp.Expr]) -> str:
    return all_of([condition.copy() for condition in conditions]).sql(dialect="postgres")


def _only(level: Level, statement: Statement) -> exp.Column | None:
    moment = _meant(_moments([level]), statement)
    return moment.column() if moment else None


def _moments(levels: list[Level]) -> list[_Moment]:
    """The dates that the levels read; none where one can't be seen through."""
    if any(level.opaque for level in levels):
        return []
    sources = [(level, source) for level in levels for source in level.sources]
    return [_Moment(level, source, name) for level, source in sources for name in kinds.moments(source)]


def _meant(moments: list[_Moment], statement: Statement) -> _Moment | None:
    """The one date that the question is rather about than about any other."""
    asked = [_stem(word) for word in _ASKED_WORDS.findall(statement.question.lower())]
    scored = sorted(((_score(moment, asked), n) for n, moment in enumerate(moments)), reverse=True)
    if not scored or (len(scored) > 1 and scored[0][0] == scored[1][0]):
        return None
    return moments[scored[0][1]]


def _score(moment: _Moment, asked: list[str]) -> tuple[bool, int, bool]:
    """How near a date is to the question: by its name, by what its table holds, by its table's name.

    The rows that are counted or added up are those that point to others, not those that are pointed to.
    """
    others = [source for source in moment.level.sources if source is not moment.source]
    points = any(_refers(moment.source, other) for other in others)
    pointed = any(_refers(other, moment.source) for other in others)
    table = moment.source.table
    return _is_asked(moment.name, asked), points - pointed, bool(table and _is_asked(table.name, asked))


def _refers(source: Source, other: Source) -> bool:
    keys = source.table.foreign_keys if source.table else ()
    return other.table is not None and any((key.schema, key.table) == _name(other) for key in keys)


def _name(source: Source) -> tuple[str, str]:
    return (source.table.schema, source.table.name) if source.table else ("", "")


def _is_asked(name: str, asked: list[str]) -> bool:
    """`signup_date` by "signed up", `hire_date` by "hired": a word of the name, or several of the question in one."""
    stems = {_stem(word) for word in words(name)} - {"dat", "tim", "day"}
    pairs = {first + second for first, second in pairwise(asked)}
    return any(stem in asked or stem in pairs for stem in stems if len(stem) > 2)


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word) if len(word) > 3 else word


def _bounds(period: Period, moment: exp.Column) -> list[exp.Expr]:
    """From its first day, before the first day after it."""
    if period.length:
        start, end = _moved(exp.CurrentDate(), period.unit, -period.length), _moved(exp.CurrentDate(), "day", 1)
    else:
        first = _first_day(period.unit)
        start, end = (_moved(first, period.unit, ahead) for ahead in (-period.back, 1 - period.back))
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
