"""What a date is compared with: a day, a month, a year or an instant, as a literal or as an expression of today."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlglot import exp

from sidecar.repair.nodes import TODAY

YEAR, MONTH, DAY, INSTANT = "year", "month", "day", "instant"
_UNITS = {1: YEAR, 2: MONTH, 3: DAY}
_ISO = re.compile(r"(\d{4})(?:([-/.]?)(\d{1,2})(?:\2(\d{1,2}))?)?")
_DIGITS = re.compile(r"(\d{4})(?:(\d\d)(\d\d)?)?")
_DATED = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(.*)")
_LAST_SECOND = re.compile(r"23:59(?::59(?:\.\d+)?)?")
_MOMENTS = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ)
_NUMBERS = (
    *(exp.DataType.Type.BIGINT, exp.DataType.Type.INT, exp.DataType.Type.DECIMAL),
    *(exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT),
)
_OF_TODAY = (*TODAY, exp.TimestampTrunc, exp.Interval, exp.Add, exp.Sub, exp.Cast, exp.Literal, exp.Paren, exp.Var)


@dataclass(frozen=True)
class Bound:
    """From its first moment up to the first one after it; of an instant both are the same."""

    unit: str
    day: date | None = None  # its first day, where it is a literal
    node: exp.Expr | None = None  # an instant, or an expression

    @property
    def start(self) -> exp.Expr:
        """Its first moment, or its first day."""
        return _literal(self.day) if self.day else self.node.copy() if self.node else exp.Null()

    @property
    def end(self) -> exp.Expr:
        """The first moment, or day, after it."""
        if self.day:
            return _literal(_next(self.day, self.unit))
        if self.unit == INSTANT:
            return self.start
        return exp.Add(this=self.start, expression=exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this="DAY")))

    @property
    def next_day(self) -> Bound | None:
        """The day after that of which this is the last second."""
        text = self.node.this if isinstance(self.node, exp.Literal) else ""
        found = _DATED.fullmatch(str(text))
        if not found or not _LAST_SECOND.fullmatch(found[2]) or found[3]:
            return None
        return Bound(DAY, date.fromisoformat(found[1]) + timedelta(days=1))


def read_bound(node: exp.Expr, numbers: bool = False) -> Bound | None:
    """None for what is no date of its own; with `numbers` 20250331, 202503 and 2025 are some."""
    if isinstance(node, exp.Paren):
        return read_bound(node.this, numbers)
    if isinstance(node, exp.Literal):
        return _of_literal(node, numbers)
    if inner := epoch_of(node):
        return read_bound(inner)
    if isinstance(node, exp.Cast) and node.to.this in _MOMENTS and isinstance(node.this, exp.Literal):
        return _of_literal(node.this, False)
    if isinstance(node, exp.Date | exp.StrToDate | exp.StrToTime) and isinstance(node.this, exp.Literal):
        return _of_literal(node.this, False)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "make_date":
        return _made(node.expressions)
    if node.find(*TODAY) and all(isinstance(part, (*_OF_TODAY, exp.DataType)) for part in node.walk()):
        return Bound(DAY if _is_day(node) else INSTANT, node=node)
    return None


def epoch_of(node: exp.Expr) -> exp.Expr | None:
    """The moment whose seconds since 1970 are meant, times whatever."""
    while True:
        scaled = isinstance(node, exp.Mul) and isinstance(node.expression, exp.Literal)
        cast = isinstance(node, exp.Cast) and node.to.this in _NUMBERS
        if scaled or cast or isinstance(node, exp.Paren | exp.Floor | exp.Round):
            node = node.this
        elif isinstance(node, exp.Mul) and isinstance(node.this, exp.Literal):
            node = node.expression
        else:
            break
    if isinstance(node, exp.Extract) and node.name.upper() == "EPOCH":
        return _expression(node.expression)
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("unix_timestamp", "strftime") and node.expressions:
        return _expression(node.expressions[-1])
    if isinstance(node, exp.Anonymous) and node.name.lower() == "date_part" and len(node.expressions) == 2:
        return _expression(node.expressions[1]) if node.expressions[0].name.lower() == "epoch" else None
    return _expression(node.this) if isinstance(node, exp.TimeToUnix) else None


def with_zone(moment: exp.Expr) -> exp.Expr:
    """The moment by the session's clock."""
    if isinstance(moment, exp.CurrentTimestamp):
        return moment
    return exp.Cast(this=moment, to=exp.DataType(this=exp.DataType.Type.TIMESTAMPTZ))


def _expression(node: object) -> exp.Expr | None:
    """Without the casts that with_zone() makes."""
    if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.TIMESTAMPTZ:
        inner = node.this
        return inner if isinstance(inner, exp.Expr) else None
    return node if isinstance(node, exp.Expr) else None


def _of_literal(node: exp.Literal, numbers: bool) -> Bound | None:
    text = str(node.this).strip()
    if not node.is_string:
        found = _DIGITS.fullmatch(text) if numbers else None
        return _calendar([part for part in found.groups() if part]) if found else None
    if found := _ISO.fullmatch(text):
        return _calendar([part for part in (found[1], found[3], found[4]) if part])
    found = _DATED.fullmatch(text)
    return (
        Bound(INSTANT, node=exp.Literal.string(text.removesuffix(" 00:00:00")))
        if found and _is_time(found[1], found[2])
        else None
    )


def _is_time(day: str, clock: str) -> bool:
    try:
        datetime.fromisoformat(f"{day} {clock[:8]}")
    except ValueError:
        return False
    return True


def _calendar(parts: list[str]) -> Bound | None:
    numbers = [int(part) for part in parts]
    try:
        first = date(*numbers, *[1] * (3 - len(numbers)))
    except (ValueError, TypeError):
        return None
    return Bound(_UNITS[len(numbers)], first) if 1800 <= first.year < 2200 else None


def _made(parts: list[exp.Expr]) -> Bound | None:
    known = [str(part.this) for part in parts if isinstance(part, exp.Literal)]
    return _calendar(known) if len(parts) == len(known) == 3 else None


def _is_day(node: exp.Expr) -> bool:
    """Whether PostgreSQL has a date for it, not a moment."""
    if isinstance(node, exp.Paren):
        return _is_day(node.this)
    if isinstance(node, exp.Add | exp.Sub):
        return _is_day(node.this) and isinstance(node.expression, exp.Literal)
    return isinstance(node, exp.CurrentDate) or (isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DATE)


def _next(day: date, unit: str) -> date:
    if unit == DAY:
        return day + timedelta(days=1)
    if unit == MONTH:
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return date(day.year + 1, 1, 1)


def _literal(day: date) -> exp.Literal:
    return exp.Literal.string(day.isoformat())
