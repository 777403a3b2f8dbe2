"""Conditions on one date, tried on days: whether two of them pick the same ones, as PostgreSQL counts.

Only what is certain: anything but comparisons, EXTRACT, date_trunc and plain intervals is Unknown.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import cache

from sqlglot import exp

# Leap day, the first and the last day of a year, and one in the middle of a quarter, a month and a week.
_TODAYS = (date(2024, 2, 29), date(2025, 1, 1), date(2023, 12, 31), date(2025, 8, 13))
_UNITS = ("day", "week", "month", "quarter", "year")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_COMPARED: dict[type[exp.Expr], Callable[[object, object], bool]] = {
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
    exp.LT: lambda a, b: a < b,  # type: ignore[operator]
    exp.LTE: lambda a, b: a <= b,  # type: ignore[operator]
    exp.GT: lambda a, b: a > b,  # type: ignore[operator]
    exp.GTE: lambda a, b: a >= b,  # type: ignore[operator]
}
_INTERVAL = re.compile(r"\s*(-?\d+)\s*([a-z]*)\s*", re.I)
_ISO = re.compile(r"\d{4}-\d\d-\d\d")


class Unknown(Exception):
    """An expression that is not read here."""


class Days(Enum):
    """How the days that one condition picks are to those of another."""

    SAME = "same"
    PART = "part"  # some of them, and none besides
    OTHER = "other"


def compare_days(
    one: Iterable[exp.Expr], other: Iterable[exp.Expr], *, edge: tuple[int, str] = (0, "day"), whole_days: bool = True
) -> Days:
    """The days on which the first conditions hold, beside those of the others; Unknown if it can't be told.

    Days are tried around the edges of periods, and around one more, so far from today; of timestamps evenings, too.
    """
    first, second = list(one), list(other)
    hours = (time(),) if whole_days else (time(), time(23, 59))
    held = [
        (hold(first, today, moment), hold(second, today, moment))
        for today in _TODAYS
        for day in _days_around(today) + _days_at(today, edge)
        for moment in [datetime.combine(day, hour) for hour in hours]
    ]
    if all(mine == theirs for mine, theirs in held):
        return Days.SAME
    part = any(mine for mine, _ in held) and all(theirs for mine, theirs in held if mine)
    return Days.PART if part else Days.OTHER


def hold(conditions: Iterable[exp.Expr], today: date, moment: datetime) -> bool:
    """Whether all conditions hold where each of their columns is the moment; a date is its midnight."""
    reader = _Reader(today, moment)
    try:
        # all are read, so that none which can't be hides behind another
        held = [bool(reader.value(condition)) for condition in conditions]
    except (OverflowError, ValueError) as error:  # a year that the calendar here does not have
        raise Unknown from error
    return all(held)


def start_of(unit: str, moment: datetime) -> datetime:
    """date_trunc(unit, moment)."""
    day = moment.date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit in _MONTHS:
        month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[unit]
        day = day.replace(month=month, day=1)
    elif unit != "day":
        raise Unknown(unit)
    return datetime.combine(day, time())


def later(moment: datetime, amount: int, unit: str) -> datetime:
    """The moment plus an interval; the last day of a shorter month, as PostgreSQL has it."""
    if unit in _DAYS:
        return moment + timedelta(days=amount * _DAYS[unit])
    if unit not in _MONTHS:
        raise Unknown(unit)
    year, month = divmod(moment.year * 12 + moment.month - 1 + amount * _MONTHS[unit], 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))


def _days_at(today: date, edge: tuple[int, str]) -> tuple[date, ...]:
    there = later(datetime.combine(today, time()), *edge).date()
    return tuple(there + timedelta(days=off) for off in (-1, 0, 1))


@cache
def _days_around(today: date) -> tuple[date, ...]:
    """Where conditions counted from today may change: the edges of its periods and of those before and after them."""
    now = datetime.combine(today, time())
    edges = {start_of(unit, later(now, back, unit)) for unit in _UNITS for back in (-2, -1, 0, 1, 2)}
    edges |= {later(now, back, unit) for unit in _UNITS for back in (-1, 0, 1)}
    return tuple(sorted({edge.date() + timedelta(days=off) for edge in edges for off in (-1, 0)}))


class _Reader:
    """One condition at one moment. Dates are read as their midnight."""

    def __init__(self, today: date, moment: datetime) -> None:
        self._today = datetime.combine(today, time())
        self._moment_asked = moment

    def value(self, node: exp.Expr) -> object:
        if isinstance(node, exp.Paren):
            return self.value(node.this)
        if isinstance(node, exp.And | exp.Or):
            sides = [bool(self.value(node.this)), bool(self.value(node.expression))]
            return all(sides) if isinstance(node, exp.And) else any(sides)
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            return all([self._compare(exp.GTE, node.this, low), self._compare(exp.LTE, node.this, high)])
        if type(node) in _COMPARED:
            return self._compare(type(node), node.this, node.expression)
        return self._term(node)

    def _compare(self, how: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> bool:
        values = [_as_moment(self._term(left)), _as_moment(self._term(right))]
        if type(values[0]) is not type(values[1]):
            raise Unknown(f"{left} beside {right}")
        return _COMPARED[how](*values)

    def _term(self, node: exp.Expr) -> object:
        if isinstance(node, exp.Column):
            return self._moment_asked
        if isinstance(node, exp.CurrentDate):
            return self._today
        if isinstance(node, exp.CurrentTimestamp):
            return self._today + timedelta(hours=12)  # some time of the day
        if isinstance(node, exp.Literal):
            return str(node.this) if node.is_string else _whole(node)
        if isinstance(node, exp.Cast):
            return self._cast(node)
        if isinstance(node, exp.TimestampTrunc):
            return start_of(node.text("unit").lower(), self._moment(node.this))
        if isinstance(node, exp.Extract):
            return _part(node.text("this").lower(), self._moment(node.expression))
        if isinstance(node, exp.Add | exp.Sub):
            return self._sum(node, 1 if isinstance(node, exp.Add) else -1)
        if isinstance(node, exp.Paren):
            return self._term(node.this)
        raise Unknown(type(node).__name__)

    def _cast(self, node: exp.Cast) -> object:
        if node.to.this == exp.DataType.Type.DATE:
            return start_of("day", self._moment(node.this))
        if node.to.this == exp.DataType.Type.TIMESTAMP:
            return self._moment(node.this)
        raise Unknown(node.sql())

    def _sum(self, node: exp.Binary, sign: int) -> object:
        base = self._term(node.this)
        if isinstance(node.expression, exp.Interval):
            amount, unit = _interval(node.expression)
            return later(self._moment(node.this), sign * amount, unit)
        number = self._term(node.expression)
        if not isinstance(number, int):
            raise Unknown(node.sql())
        if isinstance(base, int):
            return base + sign * number
        # a date plus days; of a timestamp PostgreSQL has no such sum
        return later(self._moment(node.this), sign * number, "day")

    def _moment(self, node: exp.Expr) -> datetime:
        value = _as_moment(self._term(node))
        if not isinstance(value, datetime):
            raise Unknown(node.sql())
        return value


def _as_moment(value: object) -> object:
    """The literal of a date as a moment."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise Unknown(value) from error
    return value


def _whole(node: exp.Literal) -> int:
    if not node.is_int:
        raise Unknown(node.sql())
    return int(node.this)


def _interval(node: exp.Interval) -> tuple[int, str]:
    text = node.text("this") if isinstance(node.this, exp.Literal) else ""
    found = _INTERVAL.fullmatch(f"{text} {node.text('unit')}".lower())
    unit = found[2].removesuffix("s") if found else ""
    if not found or unit not in ("day", "week", "month", "year"):  # PostgreSQL has no interval of a quarter
        raise Unknown(node.sql())
    return int(found[1]), unit


def _part(unit: str, moment: datetime) -> int:
    if unit == "quarter":
        return (moment.month + 2) // 3
    if unit in ("year", "month", "day"):
        return int(getattr(moment, unit))
    raise Unknown(unit)
