"""Periods that a question counts from today: last quarter, this year, the last 30 days, 上个月, 最近三个月."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
_HAN_NUMBERS = "一二三四五六七八九十"
_ENGLISH = re.compile(
    r"\b(?P<which>this|the current|current|last|the previous|previous)\s+(?P<unit>week|month|quarter|year)\b"
    r"(?!\s+of\b)|\b(?P<day>today|yesterday)\b"
    rf"|\b(?:the\s+)?(?:past|(?:last|previous)(?=\s+(?:\d|{'|'.join(_NUMBERS)})))"
    rf"\s+(?:(?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)})\s+)?(?P<units>(?:day|week|month|quarter|year)s?)\b(?!\s+of\b)",
    re.I,
)
_CHINESE = re.compile(
    r"(?P<which>[本这当上])一?个?(?P<unit>周|星期|月|季度|季)|(?P<day>[今昨去]年|本年度?|[今昨][天日])"
    rf"|(?:最近|过去|近)(?P<count>\d{{1,3}}|[{_HAN_NUMBERS}两半])?个?(?P<units>天|日|周|星期|月|季度|年)"
)
_UNITS = {
    "天": "day",
    "日": "day",
    "周": "week",
    "星期": "week",
    "月": "month",
    "季度": "quarter",
    "季": "quarter",
    "年": "year",
}
_DAYS = {"今年": ("year", 0), "去年": ("year", 1), "昨年": ("year", 1), "本年": ("year", 0), "本年度": ("year", 0)}
# What makes more of a question than the period: a comparison, a part of it, what did not happen.
_MORE = re.compile(
    r"\b(?:versus|vs|compared?|comparison|growth|grew|change[ds]?|same|ago|earlier|half|q[1-4]|(?:first|second|third"
    r"|fourth|last)\s+quarter|not|never|no|without|old|age|january|february|march|april|may|june|july|august|september"
    r"|october|november|december)\b|n't\b|\d{4}"
    r"|[\d一二三四五六七八九十]\s*(?:月|季)|半年|同比|环比|同期|相比|比较|除|未|没|不(?!同)|年龄|岁",
    re.I,
)
# What makes a bound of it, or someone's own time, just before it and just behind it.
_BOUND_BEFORE = re.compile(
    r"(?:\b(?:since|before|until|till|by|to|than|after|and|or|excluding|except|outside|as of|up to|their|his|her|its)"
    r"(?:\s+the)?|[从自到至比和与及]|截[至止])\s*$",
    re.I,
)
_BOUND_BEHIND = re.compile(
    r"^\s*(?:onwards?|(?:and|or)\s+(?:earlier|later|before|after|older)|or\b|至今|[以之]?[前后]|以来|[和与及到至])",
    re.I,
)

# What leads to the period and goes with it.
_LEADING = re.compile(r"(?:\b(?:in|during|within|of|for|from|over|the)\s+|在)+$", re.I)
_TRAILING = re.compile(r"^(?:之?[内中里]|[的，,、])\s*")


@dataclass(frozen=True)
class Period:
    """A whole unit, `back` before the one that today lies in; or, with a length, so many units up to today."""

    unit: str
    back: int = 0
    length: int = 0

    @property
    def name(self) -> str:
        return "" if self.length else f"{'last' if self.back else 'this'} {self.unit}"


@dataclass(frozen=True)
class Dated:
    """A question that is about one period: the period, and the question without it."""

    period: Period
    rest: str


def read_dated(question: str) -> Dated | None:
    """None if the question names no period or several, or says more about time than one."""
    found = [*_ENGLISH.finditer(question), *_CHINESE.finditer(question)]
    if len(found) != 1:
        return None
    before, after = question[: found[0].start()], question[found[0].end() :]
    if _MORE.search(f"{before} {after}") or _BOUND_BEFORE.search(before) or _BOUND_BEHIND.search(after):
        return None
    period = _read(found[0])
    if period is None:
        return None
    if after.startswith("'s "):  # the total of last year's orders
        return Dated(period, _joined(before, after[3:]))
    return Dated(period, _joined(_LEADING.sub("", before), _TRAILING.sub("", after)))


def named_period(question: str) -> Period | None:
    """The one period that a question is about."""
    dated = read_dated(question)
    return dated.period if dated else None


def _joined(before: str, after: str) -> str:
    """Both parts as one sentence: no blank before a full stop, one between words."""
    before, after = before.rstrip(), after.lstrip()
    return f"{before} {after}".strip() if after[:1].isalnum() and after[:1].isascii() else before + after


def _read(found: re.Match[str]) -> Period | None:
    if day := found["day"]:
        unit, back = _DAYS.get(day, ("day", int(day.lower() in ("yesterday", "昨天", "昨日"))))
        return Period(unit, back)
    if units := found["units"]:
        length = _number(found["count"] or "1")
        return Period(_UNITS.get(units, units.lower().removesuffix("s")), length=length) if length else None
    unit = found["unit"].lower()
    before = found["which"].lower().removeprefix("the ") in ("last", "previous", "上")
    return Period(_UNITS.get(unit, unit), int(before))


def _number(text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    if text == "两":
        return 2
    words = [*_NUMBERS] if text.isascii() else [*_HAN_NUMBERS]
    return words.index(text.lower()) + 1 if text.lower() in words else None
