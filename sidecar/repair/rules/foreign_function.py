"""Functions that other databases have and PostgreSQL lacks, in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sidecar.repair import formats
from sidecar.repair.binding import Statement
from sidecar.repair.nodes import part_of

Arguments = list[exp.Expr]
_UNITS = frozenset("year quarter month week day hour minute second".split())
_PLURALS = {f"{unit}s": unit for unit in _UNITS} | {unit: unit for unit in _UNITS}
_NOW = frozenset({"now", "today", "localtime"})


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.Func, exp.Column, exp.Cast):
        written = _rewritten(node, statement)
        if written is not None:
            before = node.sql(dialect="postgres")[:60]
            node.replace(written)
            return f"{before} is {written.sql(dialect='postgres')[:120]}"
    return None


def _rewritten(node: exp.Expr, statement: Statement) -> exp.Expr | None:
    if isinstance(node, exp.Column):
        reference = statement.bound.get(id(node))
        bare = reference is not None and reference.state.value == "missing" and not reference.qualifier
        return exp.CurrentTimestamp() if bare and node.name.lower() == "sysdate" else None
    if isinstance(node, exp.Cast):
        return _of_cast(node)
    rewrite = _OF_NAME.get(_name(node).lower())
    return rewrite(_arguments(node)) if rewrite else None


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name
    return node.sql_name() if isinstance(node, exp.Func) else ""


def _arguments(node: exp.Expr) -> Arguments:
    if isinstance(node, exp.Anonymous):
        return [argument.copy() for argument in node.expressions]
    return [value.copy() for value in node.args.values() if isinstance(value, exp.Expr)]


def _of_cast(node: exp.Cast) -> exp.Expr | None:
    """`CAST(x AS UNSIGNED)`."""
    names = {"unsigned": "BIGINT", "signed": "BIGINT", "number": "DECIMAL", "string": "TEXT"}
    to = names.get(node.to.sql(dialect="postgres").strip('"').lower())
    if to is None:
        return None
    return exp.Cast(this=node.this.copy(), to=exp.DataType(this=exp.DataType.Type[to]))


def _today(_: Arguments) -> exp.Expr:
    return exp.CurrentDate()


def _now(_: Arguments) -> exp.Expr:
    return exp.CurrentTimestamp()


def _cast(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType(this=exp.DataType.Type[kind]))


def _moment(node: exp.Expr) -> exp.Expr:
    """A time of day and date: `'now'`, a text or a date."""
    if isinstance(node, exp.Literal) and node.is_string:
        return exp.CurrentTimestamp() if node.this.lower() in _NOW else _cast(node, "TIMESTAMP")
    return node


def _part(unit: str) -> Callable[[Arguments], exp.Expr | None]:
    def extract(arguments: Arguments) -> exp.Expr | None:
        return _extract(unit, arguments[0]) if len(arguments) == 1 else None

    return extract


def _extract(unit: str, of: exp.Expr) -> exp.Expr:
    return part_of(unit, _moment(of))


def _day_of_week(arguments: Arguments) -> exp.Expr | None:
    """Sunday is 1 there and 0 here."""
    if len(arguments) != 1:
        return None
    return exp.Add(this=_extract("dow", arguments[0]), expression=exp.Literal.number(1))


def _weekday(arguments: Arguments) -> exp.Expr | None:
    """Monday is 0 there and 1 here."""
    if len(arguments) != 1:
        return None
    return exp.Sub(this=_extract("isodow", arguments[0]), expression=exp.Literal.number(1))


def _named_part(arguments: Arguments) -> exp.Expr | None:
    """DATEPART(year, x)."""
    unit = _PLURALS.get(arguments[0].name.lower()) if len(arguments) == 2 else None
    return _extract(unit, arguments[1]) if unit else None


def _formatted(pattern: exp.Expr, moment: exp.Expr) -> exp.Expr | None:
    """A single part of a date is compared as text there: '%Y' gives '2020'."""
    written = formats.to_postgres(pattern.this) if isinstance(pattern, exp.Literal) and pattern.is_string else None
    if written is None:
        return None
    return exp.ToChar(this=_moment(moment), format=exp.Literal.string(written))


def _strftime(arguments: Arguments) -> exp.Expr | None:
    if len(arguments) == 1:
        arguments = [*arguments, exp.Literal.string("now")]
    return _formatted(arguments[0], arguments[1]) if len(arguments) == 2 else None


def _date_format(arguments: Arguments) -> exp.Expr | None:
    return _formatted(arguments[1], arguments[0]) if len(arguments) == 2 else None


def _datetime(arguments: Arguments) -> exp.Expr | None:
    return _shifted(_moment(arguments[0]), arguments[1:]) if arguments else _now([])


def _date(arguments: Arguments) -> exp.Expr | None:
    """SQLite's DATE('now', '-1 month'); DATE(x) alone is PostgreSQL's, too."""
    if len(arguments) < 2:
        return None
    shifted = _shifted(_moment(arguments[0]), arguments[1:])
    return _cast(shifted, "DATE") if shifted is not None else None


def _shifted(moment: exp.Expr, modifiers: Arguments) -> exp.Expr | None:
    for modifier in modifiers:
        if not isinstance(modifier, exp.Literal) or not modifier.is_string:
            return None
        words = modifier.this.lower().split()
        if words[:2] == ["start", "of"] and words[2:] and words[2] in _UNITS:
            moment = exp.TimestampTrunc(this=moment, unit=exp.Var(this=words[2].upper()))
        elif len(words) == 2 and words[1] in _PLURALS and words[0].lstrip("+-").isdecimal():
            interval = exp.Interval(this=exp.Literal.string(f"{words[0].lstrip('+-')} {words[1].upper()}"))
            kind = exp.Sub if words[0].startswith("-") else exp.Add
            moment = kind(this=moment, expression=interval)
        elif words != ["localtime"]:
            return None
    return moment


def _date_add(arguments: Arguments) -> exp.Expr | None:
    """DATEADD(day, 7, x)."""
    unit = _PLURALS.get(arguments[0].name.lower()) if len(arguments) == 3 else None
    if unit is None:
        return None
    number = arguments[1] if isinstance(arguments[1], exp.Literal) else exp.Paren(this=arguments[1])
    step = exp.Mul(this=number, expression=exp.Interval(this=exp.Literal.string(f"1 {unit.upper()}")))
    return exp.Paren(this=exp.Add(this=_moment(arguments[2]), expression=step))


def _timestamp_diff(arguments: Arguments) -> exp.Expr | None:
    """TIMESTAMPDIFF(YEAR, a, b): whole years from a to b."""
    unit = _PLURALS.get(arguments[0].name.lower()) if len(arguments) == 3 else None
    if unit is None:
        return None
    since, until = _moment(arguments[1]), _moment(arguments[2])
    if unit in ("year", "month"):
        age = exp.Anonymous(this="AGE", expressions=[until, since])
        years = part_of("year", age)
        if unit == "year":
            return years
        months = part_of("month", age.copy())
        return exp.Paren(this=exp.Add(this=exp.Mul(this=years, expression=exp.Literal.number(12)), expression=months))
    seconds = {"week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1}.get(unit)
    if seconds is None:
        return None
    span = exp.Sub(this=_cast(until, "TIMESTAMP"), expression=_cast(since, "TIMESTAMP"))
    whole = exp.Div(this=part_of("epoch", span), expression=exp.Literal.number(seconds))
    return exp.Trunc(this=whole)


def _julian_day(arguments: Arguments) -> exp.Expr | None:
    return _extract("julian", arguments[0]) if len(arguments) == 1 else None


def _is_null(arguments: Arguments) -> exp.Expr | None:
    if len(arguments) == 2:
        return exp.Coalesce(this=arguments[0], expressions=[arguments[1]])
    return exp.Paren(this=exp.Is(this=arguments[0], expression=exp.Null())) if len(arguments) == 1 else None


def _total(arguments: Arguments) -> exp.Expr | None:
    """SQLite's SUM that gives 0 for no rows."""
    if len(arguments) != 1:
        return None
    return exp.Coalesce(this=exp.Sum(this=arguments[0]), expressions=[exp.Literal.number(0)])


def _middle(arguments: Arguments) -> exp.Expr | None:
    if len(arguments) not in (2, 3):
        return None
    return exp.Substring(this=arguments[0], start=arguments[1], length=arguments[2] if arguments[2:] else None)


def _any_value(arguments: Arguments) -> exp.Expr | None:
    return exp.Min(this=arguments[0]) if len(arguments) == 1 else None


def _name_of(pattern: str) -> Callable[[Arguments], exp.Expr | None]:
    def to_char(arguments: Arguments) -> exp.Expr | None:
        if len(arguments) != 1:
            return None
        return exp.ToChar(this=_moment(arguments[0]), format=exp.Literal.string(pattern))

    return to_char


def _from_unixtime(arguments: Arguments) -> exp.Expr | None:
    return exp.Anonymous(this="TO_TIMESTAMP", expressions=arguments) if len(arguments) == 1 else None


_OF_NAME: dict[str, Callable[[Arguments], exp.Expr | None]] = {
    "curdate": _today,
    "today": _today,
    "getdate": _now,
    "getutcdate": _now,
    "sysdate": _now,
    "sysdatetime": _now,
    "strftime": _strftime,
    "date_format": _date_format,
    "datetime": _datetime,
    "date": _date,
    "dateadd": _date_add,
    "datepart": _named_part,
    "timestampdiff": _timestamp_diff,
    "timestamp_diff": _timestamp_diff,
    "julianday": _julian_day,
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": _part("second"),
    "quarter": _part("quarter"),
    "week": _part("week"),
    "weekofyear": _part("week"),
    "week_of_year": _part("week"),
    "dayofmonth": _part("day"),
    "day_of_month": _part("day"),
    "dayofyear": _part("doy"),
    "day_of_year": _part("doy"),
    "dayofweek": _day_of_week,
    "day_of_week": _day_of_week,
    "weekday": _weekday,
    "monthname": _name_of("FMMonth"),
    "dayname": _name_of("FMDay"),
    "unix_timestamp": _part("epoch"),
    "from_unixtime": _from_unixtime,
    "isnull": _is_null,
    "total": _total,
    "mid": _middle,
    "any_value": _any_value,
}
