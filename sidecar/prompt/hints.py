"""Kinds of questions that a small model answers better with a line that only these need, and what tells them."""

from __future__ import annotations

import re

# "last quarter", "the previous 3 months", "by month", 上季度: what is counted from today, or months as such.
_PERIOD = re.compile(
    r"\b(?:this|last|current|previous|past|next|recent)\s+(?:\w+\s+){0,2}(?:day|week|month|quarter|year)s?\b"
    r"|\b(?:today|yesterday|months?|monthly|quarters?|quarterly|so far|year to date|ytd)\b"
    r"|(?:[本上下去今昨前]|最近)\s*(?:个|一|两|三|\d)*\s*(?:月|季|年|周|星期|天|日)|[每按]个?[月季]|月份|季度",
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
# What stands beside questions of a kind, and beside these alone, by the name of its template.
_KINDS = {"periods": _PERIOD, "both": _BOTH, "each": _EACH}


def hints_for(question: str) -> list[str]:
    """Names of the templates with what this question needs."""
    found = [name for name, kind in _KINDS.items() if kind.search(question)]
    # each month is no table that others refer to
    return [name for name in found if name != "each" or "periods" not in found]
