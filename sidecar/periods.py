"""Calendar periods that a question counts from today: last quarter, this year, 上个月."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENGLISH = re.compile(
    r"\b(?P<which>this|the current|current|last|the previous|previous)\s+(?P<unit>week|month|quarter|year)\b"
    r"(?!\s+of\b)|\b(?P<day>today|yesterday)\b",
    re.I,
)
_CHINESE = re.compile(
    r"(?P<which>[本这当上])一?个?(?P<unit>周|星期|月|季度|季)|(?P<day>[今昨去]年|本年度?|[今昨][天日])"
)
_UNITS = {"周": "week", "星期": "week", "月": "month", "季度": "quarter", "季": "quarter"}
_DAYS = {"今年": ("year", 0), "去年": ("year", 1), "昨年": ("year", 1), "本年": ("year", 0), "本年度": ("year", 0)}
# What makes more of it than the period alone: a bound, a comparison, a part of it, someone's own time.
_MORE = re.compile(
    r"\b(?:since|before|until|till|prior|older|newer|than|versus|vs|compared?|comparison|growth|grew|change[ds]?|same"
    r"|after|excluding|except|outside|their|his|her|its|ago|earlier|half|q[1-4]|(?:first|second|third|fourth|last)\s+quarter"
    r"|not|never|no|without|as of|up to|old|age"
    r"|january|february|march|april|may|june|july|august|september|october|november|december)\b|n't\b|\d{4}"
    r"|[\d一二三四五六七八九十]\s*(?:月|季)|半年|同比|环比|同期|以来|之前|以前|之后|以后|比|除|未|没|不(?!同)|截至|年龄|岁",
    re.I,
)


# What leads to the period and goes with it.
_LEADING = re.compile(r"(?:\b(?:in|during|within|of|for|from|over|the)\s+|在)+$", re.I)
_TRAILING = re.compile(r"^(?:之?[内中里]|[的，,、])\s*")


@dataclass(frozen=True)
class Period:
    """`back` whole units before the one that today lies in."""

    unit: str
    back: int

    @property
    def name(self) -> str:
        return f"{'last' if self.back else 'this'} {self.unit}"


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
    if _MORE.search(f"{before} {after}"):
        return None
    if after.startswith("'s "):  # the total of last year's orders
        return Dated(_read(found[0]), _joined(before, after[3:]))
    return Dated(_read(found[0]), _joined(_LEADING.sub("", before), _TRAILING.sub("", after)))


def named_period(question: str) -> Period | None:
    """The one period that a question is about."""
    dated = read_dated(question)
    return dated.period if dated else None


def _joined(before: str, after: str) -> str:
    """Both parts as one sentence: no blank before a full stop, one between words."""
    before, after = before.rstrip(), after.lstrip()
    return f"{before} {after}".strip() if after[:1].isalnum() and after[:1].isascii() else before + after


def _read(found: re.Match[str]) -> Period:
    if day := found["day"]:
        unit, back = _DAYS.get(day, ("day", int(day.lower() in ("yesterday", "昨天", "昨日"))))
        return Period(unit, back)
    unit = found["unit"].lower()
    before = found["which"].lower().removeprefix("the ") in ("last", "previous", "上")
    return Period(_UNITS.get(unit, unit), int(before))
