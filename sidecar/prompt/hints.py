"""Kinds of questions that a small model answers better with a line that only these need, and what tells them."""

from __future__ import annotations

import re

from sidecar.periods import counts_from_today

# "last quarter", "the previous 3 months", "by month", 上季度: what is counted from today, or months as such.
_PERIOD = re.compile(
    r"\b(?:this|last|current|previous|past|next|recent)\s+(?:\w+\s+){0,2}(?:day|week|month|quarter|year)s?\b"
    r"|\b(?:today|yesterday|months?|monthly|quarters?|quarterly|so far|year to date|ytd)\b"
    r"|(?:[本上下去今昨前]|最近)\s*(?:个|一|两|三|\d)*\s*(?:月|季|年|周|星期|天|日)|[每按]个?[月季]|月份|季度",
    re.I,
)
# A year by its number, and no amount such as "above 2000".
_YEAR = re.compile(
    r"(?<!\d)(?<![$€¥])(?<!above )(?<!over )(?<!below )(?<!under )(?<!than )(?<!least )(?<!most )"
    r"(?<![超大小多少高低][过于])"
    r"(?:19|20)\d\d(?!\d|\s*(?:dollars|euros?|eur|usd|units|pieces|元|块|个|件))",
    re.I,
)
# "both X and Y", 既…又…, 同时: rows for each are wanted; not "show both columns".
_BOTH = re.compile(
    r"(?<!list )(?<!show )(?<!return )(?<!give )(?<!display )\bboth\b|\bshared by\b|\bin common\b"
    r"|既.+[又也]|同时|共同|(?<![一总])共有",
    re.I,
)
# 多少 alone may ask for an average or a sum, too.
_COUNTED = r"(?:有多少|多少[个名位人次种家张本条份]|几[个名位人次种]|数量|个数|人数|次数)"
# "how many orders does each customer have", 每个客户有多少订单: a count for each.
_EACH = re.compile(
    r"\b(?:each|every|per)\b.*\b(?:numbers?|how many|counts?|total)\b"
    r"|\b(?:numbers?|how many|counts?|total)\b.*\b(?:each|every|per)\b"
    rf"|[每各].*{_COUNTED}|{_COUNTED}.*[每各]",
    re.I,
)
# What analysts ask for, and a small model has seen seldom; the question says it word for word.
_MONTH_TEXT = re.compile(r"YYYY-?MM\b", re.I)
_FIRST_DAY = re.compile(r"\bfirst day of (?:the|each|every) (?:month|quarter|week)|[月季]度?的?(?:首日|第一天)", re.I)
_QUARTER_NUMBER = re.compile(r"\bquarter number|\bquarter \(1|\bquarters? 1 to 4|第几季度|季度\s*[（(]1", re.I)
_PERCENT = re.compile(
    r"\b(?:in|what) percent(?:age)?\b|\bpercentage of (?:all|the)\b|\b(?:what|which) share (?:of|do|does)\b"
    r"|(?<!per )\bshare of\b|\brate in percent|百分比|百分之|百分率|占比",
    re.I,
)
_LATEST_OF_EACH = re.compile(
    r"\b(?:latest|most recent|newest)\b.*\b(?:each|every|per|for all)\b"
    r"|\b(?:each|every|for all)\b.*\b(?:latest|most recent|newest)\b"
    r"|[每各].*(?:最近一次|最新)|(?:最近一次|最新).*[每各]",
    re.I,
)
_AGAINST_BEFORE = re.compile(
    r"\b(?:against|compared (?:to|with)|versus|than) (?:\w+ ){0,3}(?:the )?"
    r"(?:previous|preceding|prior|(?:month|year) before)"
    r"|\bin the (?:month|year|quarter) before\b|[与和比](?:上个?|前一?个?)[月年季]",
    re.I,
)
# What stands beside questions of a kind, and beside these alone, by the name of its template.
_KINDS = {
    "periods": _PERIOD,
    "both": _BOTH,
    "each": _EACH,
    "month_text": _MONTH_TEXT,
    "first_day": _FIRST_DAY,
    "quarter_number": _QUARTER_NUMBER,
    "percent": _PERCENT,
    "latest_of_each": _LATEST_OF_EACH,
    "against_before": _AGAINST_BEFORE,
}


def hints_for(question: str) -> list[str]:
    """Names of the templates with what this question needs."""
    found = [name for name, kind in _KINDS.items() if kind.search(question)]
    if "periods" not in found:
        return found
    stated = bool(_YEAR.search(question)) and not counts_from_today(question)
    # each month is no table that others refer to
    found = [name for name in found if name != "each"]
    return ["stated" if stated and name == "periods" else name for name in found]
