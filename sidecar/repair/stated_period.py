"""A calendar period that a question states by its number: in 2025, March 2025, the third quarter of 2024, 2025年3月.

Read is only what is certain: one period, one year in the whole question, and no word that makes it a bound (since 2020,
before March 2025).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = "january february march april may june july august september october november december".split()
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": 4}
_HAN = "一二三四五六七八九十"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_PERIODS = (
    re.compile(rf"\b(?P<month>{'|'.join(_MONTHS)})\s+(?:of\s+)?{_YEAR}\b", re.I),
    re.compile(rf"\b(?P<quarter>{'|'.join(_ORDINALS)})\s+quarter\s+(?:of\s+)?{_YEAR}\b", re.I),
    re.compile(
        rf"\bq(?P<quarter>[1-4])\s*(?:of\s+)?{_YEAR}\b|\b{_YEAR.replace('year', 'year2')}\s*q(?P<quarter2>[1-4])\b",
        re.I,
    ),
    re.compile(rf"\b(?P<half>first|second)\s+half\s+of\s+{_YEAR}\b", re.I),
    re.compile(rf"{_YEAR}\s*年\s*(?P<month>1[0-2]|0?[1-9])\s*月(?!\s*\d+\s*[日号])"),
    re.compile(rf"{_YEAR}\s*年\s*第?(?P<quarter>[1-4{_HAN[:4]}])\s*季度"),
    re.compile(rf"{_YEAR}\s*年\s*(?P<half>[上下])半年"),
    re.compile(
        rf"\b(?:in|during|of|for|throughout)\s+(?:the\s+)?(?:whole\s+)?(?:year\s+)?{_YEAR}\b(?!\s*[-/–.])", re.I
    ),
    re.compile(rf"{_YEAR}\s*年度?(?!\s*\d)"),
)
_ANY_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# Before it or behind it: a bound, or more than one period.
_BEFORE = re.compile(
    r"(?:\b(?:since|before|until|till|by|after|through|from|to|between|and|or|than|except|excluding|not|end|start|beginning"
    r"|(?:first|last|each|every|same)\s+day|as (?:of|at)|up to)(?:\s+(?:the|of|in|for|end))*"
    r"|\d(?:st|nd|rd|th)?(?:\s+of)?|[从自到至截止])\s*$",
    re.I,
)
_BEHIND = re.compile(
    r"^\s*(?:onwards?|or\s+(?:later|earlier|after|before|newer|older)|and\s+(?:later|after|before|earlier)|to\b|through\b|until\b"
    r"|against\b|compared|[-–]|至今|以来|(?:及|和|或)?(?:以|之)[前后]|[年月]?[前后底末初]|起|开始(?!的)|[、和与及到至])",
    re.I,
)


@dataclass(frozen=True)
class StatedPeriod:
    """From its first day, before the first day after it."""

    first: date
    after: date


def stated_period(question: str) -> StatedPeriod | None:
    """The one calendar period that the question states; None if there is none, or more is said about time."""
    if len(_ANY_YEAR.findall(question)) != 1:
        return None
    found = next((match for pattern in _PERIODS if (match := pattern.search(question))), None)
    if found is None or _BEHIND.search(question[found.end() :]):
        return None
    words = found.groupdict()
    if _BEFORE.search(question[: found.start()]):
        return None
    year = int(words.get("year") or words["year2"])
    return _months(year, *_span(words))


def _span(words: dict[str, str | None]) -> tuple[int, int]:
    """Its first month, and how many months it has."""
    if month := words.get("month"):
        return (int(month) if month.isdecimal() else _MONTHS.index(month.lower()) + 1), 1
    if quarter := words.get("quarter") or words.get("quarter2"):
        return 3 * _number(quarter.lower()) - 2, 3
    if half := words.get("half"):
        return (1 if half.lower() in ("first", "上") else 7), 6
    return 1, 12


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    return _ORDINALS.get(text) or _HAN.index(text) + 1


def _months(year: int, first: int, length: int) -> StatedPeriod:
    end = first + length - 1
    return StatedPeriod(date(year, first, 1), date(year + end // 12, end % 12 + 1, 1))
