"""Periods that a question counts from today: last quarter, this year, the last 30 days, 上个月, 最近三个月.

Read is only what is certain. A question that says more about time than one such period, or compares, or asks what did
not happen, is left to the model as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
_HAN_NUMBERS = "一二三四五六七八九十"
_COUNT = rf"(?P<count>[1-9]\d{{0,2}}|{'|'.join(_NUMBERS)})"
_ENGLISH = re.compile(
    r"\b(?P<which>this|the current|current|last|the previous|previous)\s+(?P<unit>week|month|quarter|year)\b(?!\s+of\b)"
    r"|\b(?P<day>today|yesterday)\b"
    rf"|\b(?:the\s+)?(?:(?:last|past)\s+{_COUNT}\s+(?P<units>(?:day|week|month|quarter|year)s?)"
    r"|past\s+(?P<past>day|week|month|quarter|year))\b(?!\s+of\b)",
    re.I | re.A,
)
# Not where it is part of another word (线上, 成本, 超过, 接近), nor before a part of the period (上周一).
_CHINESE = re.compile(
    r"(?:(?<![线网以之上])(?P<last>上一?个?)|(?<![成基版样资日根记书课账副脚文剧])(?P<this>本|这个?))"
    rf"(?P<unit>周|星期|月|季度|季(?!度))(?![{_HAN_NUMBERS}日天末初底中度旬薪租期份饼\d]|[上下]旬|周)"
    r"|(?<![过减扣除])(?P<day>[今去]年度?|(?<!日)本年度?|[今昨][天日])(?![初末底头起至费级Qq\d]|最[后初]|[上中下]午)"
    rf"|(?:最近|(?<![超通经胜])过去|(?<![接将附靠临最龄度])近)(?P<count>[1-9]\d{{0,2}}|[{_HAN_NUMBERS}两])个?"
    r"(?P<units>天|日|周|星期|月|季度|年)(?![半内间]?平均|半|[期志份子薪租龄来])"
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
_BACK = {"去年": ("year", 1), "昨天": ("day", 1), "昨日": ("day", 1), "yesterday": ("day", 1)}

# Anywhere: a comparison, another time, what did not happen, a first or a share, only and each, how things stand.
_MORE = re.compile(
    r"\b(?:versus|vs|compar\w*|difference|growth|grew|grow\w*|change[ds]?|increas\w*|decreas\w*|declin\w*|dropp?\w*|fell|rose|rise\w*"
    r"|trend\w*|double\w*|twice|tripled?|times|more did|same|ago|earl\w*|late|later|latest|newest|mid|half|[qh][1-4]"
    r"|(?:first|second|third|fourth|last|[1-4]\w\w)\s+(?:quarter|half|week|day|month)|first|yoy|mom|next|start|begin\w*|end"
    r"|cumulative|preceding|following|not|never|no|none|zero|without|cannot|inactive|un\w+ed|unsold|fail\w*|lack\w*|miss\w*"
    r"|skip\w*|stopp?ed|lost|left|churn\w*|retain\w*|repeat\w*|old|age|born|birthday\w*|anniversar\w*|per\s?cent\w*|shares?"
    r"|ratio|rates?|fraction|proportion|stock|headcount|work\w*|currently|now|have|exist|only|each of|every one of|both"
    r"|(?:are|is) there|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekends?|spring|summer|autumn|fall|winter"
    r"|mornings?|afternoons?|evenings?|nights?|noon|[ap]m|christmas|easter|black friday|on (?:the )?\d+)\b"
    r"|n't\b|\d{4}|\d+(?:s|st|nd|rd|th)\b|\b\d+\s+(?:day|week|month|quarter|year)s?\b"
    r"|[\d一二三四五六七八九十]\s*(?:月|季)|半年|年[底末初中]|[周星][期一二三四五六日天末]|[春夏秋冬][季天]|[上中下]午|早上|晚上|凌晨|[Qq]\d"
    r"|双十|国庆|圣诞|节|同比|环比|同期|相比|比较|增长|增加|上升|下降|减少|倍|趋势|除|未|没|无|零|非|缺|停|流失|复购|不(?!同)"
    r"|年龄|工龄|岁|生日|周年|占|比例|率|累计|首|第一次|最后|库存|总数|在职|现有|目前|当前|距|[只仅]|都",
    re.I | re.A,
)
# Just before it or behind it: a bound, a part of it, someone's own time, a second thing that it is not about.
_BEFORE = re.compile(
    r"(?:\b(?:since|before|until|till|by|to|than|after|through|beyond|and|or|excluding|except|outside|other than|up to"
    r"|as of|aside from|apart from|against|on|above|below|exceed\w*|beat\w*|their|his|her|its)"
    r"(?:\s+(?:the|of|for|from|in|to|than))*|\band(?:\s+\w+){1,3}"
    r"|\b(?:part|rest|remainder|middle|days?|weeks?|months?|quarters?|within|course)\s+(?:of|from|in)(?:\s+the)?"
    r"|[从自到至比较于过和与及、]|截[至止])\s*$",
    re.I | re.A,
)
_BEHIND = re.compile(
    r"^\s*(?:onwards?|on\b|forward|and\b|or\b|to\b|through\b|until\b|[-–]|至今|[以之]?[前后]|以来|开始|起|[、和与及到至])",
    re.I,
)

# What leads to the period and goes with it.
_LEADING = re.compile(
    r"(?:\b(?:in|during|within|throughout|over|of|for|from|the|all|whole|entire|full)\s+|在|[-(（]\s*)+$", re.I | re.A
)
_TRAILING = re.compile(r"^(?:(?:以?[内]|之?[中里])?的?|[，,)）])\s*")
_LEAD = 60  # characters before the period that are looked at
# Before it or behind it, what is done at that time: ordered last month, 去年注册的客户.
_DONE = re.compile(
    r"\b(?:\w+ed|sold|bought|made|sent|paid|won|came|got|wrote|spent)(?:\s+(?:up|in|out|off))?$", re.I | re.A
)
_DONE_HAN = re.compile(r"^(?!各|每|所有|全部|总|平均)[\u4e00-\u9fff]{1,4}的")


@dataclass(frozen=True)
class Period:
    """A whole unit, `back` before the one that today lies in; or, with a length, so many units up to today."""

    unit: str
    back: int = 0
    length: int = 0
    done: str | None = None  # what the question says was done then, in its own words

    @property
    def name(self) -> str:
        return "" if self.length else f"{'last' if self.back else 'this'} {self.unit}"


@dataclass(frozen=True)
class Dated:
    """A question that is about one period: the period, and the question without it."""

    period: Period
    rest: str


# Words that count from today, whether or not they name one period: "the previous month" of each month does not.
_RELATIVE = re.compile(
    r"\b(?:this|last|current|past|next|recent)\s+(?:\w+\s+){0,2}(?:day|week|month|quarter|year)s?\b"
    r"|\bthe previous\s+(?:\d+\s+)?(?:day|week|month|quarter|year)s?\b(?!.*\b(?:each|every|by|per)\b)"
    r"|\b(?:today|yesterday|tomorrow|now|ago|so far|year to date|ytd|overdue|future)\b"
    r"|\b(?:older|younger) than\b|\bat least \d+ years\b"
    r"|[本下去今昨明]\s*(?:月|季|年|周|天|日)|上\s*(?:个|月|季|周|星期)|前[一两三几\d]*\s*(?:天|周|个月|年)|最近|过去|以前|至今",
    re.I,
)


def counts_from_today(question: str) -> bool:
    """Whether any word of it counts from today."""
    return _RELATIVE.search(question) is not None


def read_dated(question: str) -> Dated | None:
    """None if the question names no period or several, or says more about time than one."""
    question = question.replace("’", "'")
    found = [*_ENGLISH.finditer(question), *_CHINESE.finditer(question)]
    if len(found) != 1:
        return None
    before, after = question[: found[0].start()], question[found[0].end() :]
    if _MORE.search(f"{before} {after}") or _BEFORE.search(before[-_LEAD:]) or _BEHIND.search(after):
        return None
    if after.startswith("'"):  # the total of last year's orders
        after = after[1:].removeprefix("s")
    else:
        before = before[:-_LEAD] + _LEADING.sub("", before[-_LEAD:])
        after = _TRAILING.sub("", after)
    done = _DONE.search(before.rstrip()[-_LEAD:]) or _DONE_HAN.search(after)
    return Dated(_read(found[0], done[0] if done else None), _joined(before, after))


def named_period(question: str) -> Period | None:
    """The one period that a question is about."""
    dated = read_dated(question)
    return dated.period if dated else None


def _joined(before: str, after: str) -> str:
    """Both parts as one sentence: no blank before a full stop, one between words."""
    before, after = before.rstrip(), after.lstrip()
    return f"{before} {after}".strip() if after[:1].isalnum() and after[:1].isascii() else before + after


def _read(found: re.Match[str], done: str | None) -> Period:
    named = found.groupdict()
    if day := named["day"]:
        day = day.lower()
        unit, back = _BACK.get(day.removesuffix("度"), ("year" if "年" in day else "day", 0))
        return Period(unit, back, done=done)
    if units := named["units"] or named.get("past"):
        length = _number(named["count"] or "1")
        return Period(_UNITS.get(units, units.lower().removesuffix("s")), length=length, done=done)
    unit = named["unit"].lower()
    before = named.get("last") or (named.get("which") or "").lower().removeprefix("the ") in ("last", "previous")
    return Period(_UNITS.get(unit, unit), int(bool(before)), done=done)


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    return 2 if text == "两" else [*_NUMBERS, *_HAN_NUMBERS].index(text.lower()) % len(_NUMBERS) + 1
