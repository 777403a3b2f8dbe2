"""Dates that are kept as numbers or texts: which form a column has, by its statistics, its comment or its name.

A form is a unit of the epoch (`epoch_s`, `epoch_ms`, `epoch_us`) or the pattern of to_char() that writes it:
`YYYYMMDD`, `YYYY-MM`. Only what is certain; a number of which nothing tells what it counts has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
_FIRST, _LAST = 315_532_800, 4_102_444_800  # seconds: 1980 to 2100
_NUMBERS = ("bigint", "integer", "numeric")
_TEXTS = ("text", "character varying", "character")
# What stands for no date: never, and for ever.
_NEVER = frozenset({"", "0", "-1", "99991231", "99999999", "9999-12-31", "999912"})

_TEXT_FORMS = {
    "YYYY-MM-DD": re.compile(r"(\d{4})-(\d\d)-(\d\d)"),
    "YYYY/MM/DD": re.compile(r"(\d{4})/(\d\d)/(\d\d)"),
    "YYYY.MM.DD": re.compile(r"(\d{4})\.(\d\d)\.(\d\d)"),
    "YYYY-MM": re.compile(r"(\d{4})-(\d\d)"),
    "YYYY/MM": re.compile(r"(\d{4})/(\d\d)"),
    "YYYYMMDD": re.compile(r"(\d{4})(\d\d)(\d\d)"),
    "YYYYMM": re.compile(r"(\d{4})(\d\d)"),
}
FORMS = (*EPOCHS, *_TEXT_FORMS)
_DIGITS = ("YYYYMMDD", "YYYYMM")

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Names of moments, where the values show that they are some.
_MOMENT = re.compile(
    r"(?:^|_)(?:at|ts|dt|date|day|time|timestamp|datetime|epoch|unix|month|mon|period|ym|ymd|yyyymm|yyyymmdd|birth\w*|born"
    r"|creat\w*|updat\w*|modif\w*|delet\w*|insert\w*|log(?:in|out)|regist\w*|sign\w*|expir\w*|start\w*|end\w*|begin\w*|since|until"
    r"|paid|clos\w*|open\w*|last|first|when|valid|due|ms|millis)(?:_|$)|(?:time|date|timestamp|month)$|时间|日期|时刻|年月|月份|日$|月$"
)
# Those that hold a moment whatever the values are; a response_time is none.
_SURE = re.compile(
    r"(?:^|_)(?:at|ts|timestamp|datetime|epoch|unix|date|creat\w*|updat\w*|modif\w*|delet\w*|insert\w*|log(?:in|out)|regist\w*"
    r"|expir\w*|start\w*|end|begin\w*|since|until|open\w*|clos\w*|paid|sent|seen|record\w*|occur\w*|happen\w*|publish\w*"
    r"|complet\w*|finish\w*|receiv\w*|submit\w*|approv\w*|ship\w*|deliver\w*|cancel\w*)(?:_|$)|时间戳|时间$|日期"
)
_LENGTH = re.compile(
    r"duration|elapsed|latency|lasted|length|interval|time ?out|delay|\bttl\b|\btook\b|\bspent\b"
    r"|时长|耗时|用时|间隔|延迟|超时|持续"
)
_UNITS = (
    ("epoch_us", re.compile(r"micro-?sec|微秒|µs|\busec"), re.compile(r"_(?:us|usec|micros?|microseconds?)$")),
    ("epoch_ms", re.compile(r"milli-?sec|毫秒|\bms\b|13[ -]?digit|13 ?位"),
     re.compile(r"_(?:ms|msec|millis?|milliseconds?)$")),
    ("epoch_s", re.compile(r"\bsec(?:ond)?s?\b|秒|10[ -]?digit|10 ?位"), re.compile(r"_(?:s|secs?|seconds?)$")),
)  # fmt: skip
_EPOCH = re.compile(r"\bepoch\b|\bunix|\b1970\b|\bposix|时间戳|time ?stamp")
_SINCE = re.compile(r"\bepoch\b|\bunix|\b1970\b|\bposix")
_WHEN = re.compile(r"\btime of\b|\bdate\b|\bwhen\b|\bmoment\b|时间|日期")
_PATTERN = re.compile(r"\by{4}([-/.]?)m{2}(?:\1d{2})?\b|y{4}m{2}(?:d{2})?")
_EXAMPLE = re.compile(r"(?<![\d.-])(?:19|20)\d\d([-/.]?)(?:0[1-9]|1[0-2])(?:\1(?:0[1-9]|[12]\d|3[01]))?(?![\d.-])")


def add_to(tables: list[dict[str, Any]], seen: dict[tuple[str, str, str], Sequence[str]]) -> None:
    """Give described columns the form that they have; `seen` are values by schema, table and column."""
    for table in tables:
        for column in table["columns"]:
            values = seen.get((table["schema"], table["name"], column["name"])) or column.get("samples", ())
            form = form_of(column["name"], column["type"], column["comment"], [*values, *column["values"]])
            if form:
                column["form"] = form


def may_have(name: str, kind: str, comment: str | None) -> bool:
    """Whether it is worth a look at its values: a text, or a number that may be a moment by its name or comment."""
    if _is(kind, _TEXTS):
        return True
    said = (comment or "").lower()
    return _is(kind, _NUMBERS) and bool(_MOMENT.search(_snake(name)) or _EPOCH.search(said) or _WHEN.search(said))


def form_of(name: str, kind: str, comment: str | None, values: Iterable[str]) -> str | None:
    """By what the values are; where there are none, by what the comment says, else the name."""
    known = [value for value in (text.strip() for text in values) if value not in _NEVER]
    if not may_have(name, kind, comment):
        return None
    if _is(kind, _TEXTS):
        return _of_texts(name, known) if known else _as_text(_said_pattern(comment))
    if known:
        return _of_numbers(name, known, comment)
    return _said_unit(name, comment) or _digits(_said_pattern(comment)) or _of_name(name, kind)


def _of_texts(name: str, values: list[str]) -> str | None:
    for form, pattern in _TEXT_FORMS.items():
        if all(_is_day(pattern.fullmatch(value)) for value in values):
            # digits alone may be a number of anything
            return form if form not in _DIGITS or _MOMENT.search(_snake(name)) else None
    return None


def _of_numbers(name: str, values: list[str], comment: str | None) -> str | None:
    numbers = [_whole(value) for value in values]
    if None in numbers:
        return None
    lowest, highest = min(map(int, numbers)), max(map(int, numbers))  # type: ignore[arg-type]
    for form, unit in EPOCHS.items():
        if _FIRST * unit <= lowest and highest <= _LAST * unit:
            return form
    found = _of_texts(name, [str(number) for number in numbers])
    # 202503 may count anything; a month's name says that it does not
    month = re.search(r"month|period|mon(?:_|$)|ym|date|年月|月|期", _snake(name) + (comment or "").lower())
    return found if found == "YYYYMMDD" or (found == "YYYYMM" and month) else None


def _said_unit(name: str, comment: str | None) -> str | None:
    said = (comment or "").lower()
    if not said or _LENGTH.search(said):
        return None
    if not (_EPOCH.search(said) or ((_WHEN.search(said) or _SURE.search(_snake(name))) and not _is_ordinal(said))):
        return None
    return next((unit for unit, word, _ in _UNITS if word.search(said)), "epoch_s" if _SINCE.search(said) else None)


def _is_ordinal(said: str) -> bool:
    """`the second date`."""
    return bool(re.search(r"\bsecond\b(?!s)", said)) and not _EPOCH.search(said)


def _said_pattern(comment: str | None) -> str | None:
    said = (comment or "").lower()
    if found := _PATTERN.search(said):
        return found[0].upper()
    example = _EXAMPLE.search(said)
    if not example:
        return None
    return next((form for form, pattern in _TEXT_FORMS.items() if _is_day(pattern.fullmatch(example[0]))), None)


def _as_text(pattern: str | None) -> str | None:
    return pattern if pattern in _TEXT_FORMS else None


def _digits(pattern: str | None) -> str | None:
    return pattern if pattern in _DIGITS else None


def _of_name(name: str, kind: str) -> str | None:
    snake = _snake(name)
    if found := re.search(r"yyyymmdd|yyyymm", snake):
        return found[0].upper()
    if _LENGTH.search(snake) or not _SURE.search(snake):
        return None
    unit = next((unit for unit, _, ending in _UNITS if ending.search(snake)), None)
    if unit or re.search(r"(?:^|_)(?:epoch|unix)(?:_|$)", snake):
        return unit or "epoch_s"
    # milliseconds do not fit into four bytes
    return "epoch_s" if kind == "integer" and re.search(r"_(?:at|ts|timestamp)$", snake) else None


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower()


def _is(kind: str, kinds: tuple[str, ...]) -> bool:
    return kind.partition("(")[0] in kinds


def _whole(text: str) -> int | None:
    found = re.fullmatch(r"(-?\d{1,18})(?:\.0+)?", text)
    return int(found[1]) if found else None


def _is_day(found: re.Match[str] | None) -> bool:
    if not found:
        return False
    parts = [int(part) for part in found.groups()]
    try:
        return 1800 <= date(*parts, *([1] if len(parts) == 2 else [])).year < 2200
    except ValueError:
        return False
