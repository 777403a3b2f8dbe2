"""Periods that a question counts from today: last quarter, this year, the last 30 days, 上个月, 最近三个月.

Read is only what is certain. A question that says more about time than one such period, or compares, or asks what did
not happen, is left to the model as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
_HAN_NUMBERS = "一二三四五六七八九十"
_COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)})"
_ENGLISH = re.compile(
    r"\b(?P<which>this|the current|current|last|the previous|previous)\s+(?P<unit>week|month|quarter|year)\b(?!\s+of\b)"
    r"|\b(?P<day>today|yesterday)\b"
    rf"|\b(?:the\s+)?(?:(?:last|past)\s+{_COUNT}\s+|past\s+)(?P<units>(?:day|week|month|quarter|year)s?)\b(?!\s+of\b)",
    re.I,
)
# Not where it is part of another word (线上, 成本, 超过, 接近), nor before a part of the period (上周一).
_CHINESE = re.compile(
    r"(?:(?<![线网以之上])(?P<last>上一?个?)|(?<![成基版样资日根])(?P<this>本|这个?))(?P<unit>周|星期|月|季度|季(?!度))"
    rf"(?![{_HAN_NUMBERS}日天末初底中度旬薪租期份\d]|[上下]旬)"
    r"|(?<!过)(?P<day>[今昨去]年|(?<!日)本年度?|[今昨][天日])(?![初末底头起至Qq\d]|最[后初])"
    rf"|(?:最近|(?<![超通经胜])过去|(?<![接将附靠临最龄度])近)(?P<count>\d{{1,3}}|[{_HAN_NUMBERS}两])个?"
    r"(?P<units>天|日|周|星期|月|季度|年)(?![内间]?平均|[期志份子薪租龄来])"
)
_UNITS = {
    "日": "day",
    "天": "day",
    "周": "week",
    "星期": "week",
    "月": "month",
    "季": "quarter",
    "季度": "quarter",
    "年": "year",
}
_DAYS = {"今年": ("year", 0), "去年": ("year", 1), "昨年": ("year", 1), "本年": ("year", 0), "本年度": ("year", 0)}

# Anywhere: a comparison, another time, what did not happen, a first or a share, how things stand.
_MORE = re.compile(
    r"\b(?:versus|vs|compared?|comparison|growth|grew|change[ds]?|same|ago|earl\w*|later|latest|newest|half|[qh][1-4]"
    r"|(?:first|second|third|fourth|last|[1-4]\w\w)\s+(?:quarter|half|week|day|month)|first|yoy|mom|next|start|begin\w*|end|cumulative"
    r"|preceding|following|not|never|no|none|zero|without|cannot|in(?:active)|un\w+ed|unsold|fail\w*|lack\w*|miss\w*|skip\w*"
    r"|stopp?ed|old|age|born|birthday\w*|anniversar\w*|per\s?cent\w*|shares?|ratio|fraction|proportion|stock|currently|now"
    r"|have|exist|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|january|february|march|april|may|june|july|august|september"
    r"|october|november|december)\b|n't\b|\d{4}|\d+(?:s|st|nd|rd|th)\b|\b\d+\s+(?:day|week|month|quarter|year)s?\b"
    r"|[\d一二三四五六七八九十]\s*(?:月|季)|半年|[Qq]\d|同比|环比|同期|相比|比较|除|未|没|无|零|非|缺|停|流失|不(?!同)|年龄|工龄|岁"
    r"|生日|周年|占|比例|累计|首|第一次|最后|库存|现有|目前|当前|距|节",
    re.I,
)
# Just before it or behind it: a bound, a part of it, someone's own time, a second thing that it is not about.
_BEFORE = re.compile(
    r"(?:\b(?:since|before|until|till|by|to|than|after|through|beyond|and|or|excluding|except|outside|other than|up to"
    r"|as of|aside from|apart from|their|his|her|its)(?:\s+(?:the|of|for|from|in|to|than))*|\band(?:\s+\w+){1,3}"
    r"|\b(?:part|rest|remainder|middle|days?|weeks?|months?|quarters?|within)\s+(?:of|from|in)(?:\s+the)?"
    r"|[从自到至比较于过和与及、]|截[至止])\s*$",
    re.I,
)
_BEHIND = re.compile(
    r"^\s*(?:onwards?|on\b|forward|and\b|or\b|to\b|through\b|until\b|[-–]|至今|[以之]?[前后]|以来|开始|起|[、和与及到至])",
    re.I,
)

# What leads to the period and goes with it.
_LEADING = re.compile(r"(?:\b(?:in|during|within|over|of|for|from|the)\s+|在)+$", re.I)
_TRAILING = re.compile(r"^(?:之?[内中里]|[的，,])\s*")
_LEAD = 60  # characters before the period that are looked at


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
    question = question.replace("’", "'")
    found = [*_ENGLISH.finditer(question), *_CHINESE.finditer(question)]
    if len(found) != 1:
        return None
    before, after = question[: found[0].start()], question[found[0].end() :]
    if _MORE.search(f"{before} {after}") or _BEFORE.search(before[-_LEAD:]) or _BEHIND.search(after):
        return None
    period = _read(found[0])
    if after.startswith("'s "):  # the total of last year's orders
        return Dated(period, _joined(before, after[3:]))
    before = before[:-_LEAD] + _LEADING.sub("", before[-_LEAD:])
    return Dated(period, _joined(before, _TRAILING.sub("", after)))


def named_period(question: str) -> Period | None:
    """The one period that a question is about."""
    dated = read_dated(question)
    return dated.period if dated else None


def _joined(before: str, after: str) -> str:
    """Both parts as one sentence: no blank before a full stop, one between words."""
    before, after = before.rstrip(), after.lstrip()
    return f"{before} {after}".strip() if after[:1].isalnum() and after[:1].isascii() else before + after


def _read(found: re.Match[str]) -> Period:
    named = found.groupdict()
    if day := named["day"]:
        unit, back = _DAYS.get(day, ("day", int(day.lower() in ("yesterday", "昨天", "昨日"))))
        return Period(unit, back)
    if units := named["units"]:
        return Period(_UNITS.get(units, units.lower().removesuffix("s")), length=_number(named["count"] or "1"))
    unit = named["unit"].lower()
    before = named.get("last") or "last previous".find((named.get("which") or "-").lower().removeprefix("the ")) >= 0
    return Period(_UNITS.get(unit, unit), int(bool(before)))


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    return 2 if text == "两" else [*_NUMBERS, *_HAN_NUMBERS].index(text.lower()) % len(_NUMBERS) + 1
