"""The calendar date that a question states: February 2026, 2026-03-02, 2026年3月, after 2025."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from sidecar.repair.bounds import DAY, MONTH, YEAR, Bound

_MONTHS = "january february march april may june july august september october november december".split()
_NAME = rf"(?P<month>{'|'.join(f'{m[:3]}(?:{m[3:]})?' if m[3:] else m for m in _MONTHS)})\.?"
_DATES = (
    re.compile(r"(?<!\d)(?P<y>\d{4})[-/年](?P<m>\d{1,2})(?:[-/月](?P<d>\d{1,2})日?|月)?(?!\d)"),
    re.compile(rf"\b{_NAME}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})\b", re.I),
    re.compile(rf"\b(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?)?{_NAME},?\s+(?:of\s+)?(?P<y>\d{{4}})\b", re.I),
    re.compile(r"(?<![\d-])(?P<y>20\d{2}|19\d{2})(?=年|\b)(?![-/]\d)"),
)
# What makes of it a bound, or more than one date.
_NOT_IN = re.compile(
    r"\b(?:before|after|since|from|until|till|through|by|between|to|earlier|later|prior|or)\b|[之以]?[前后]|从|到|至|截止",
    re.I,
)


def stated_date(question: str) -> Bound | None:
    """The one date within which something happened; None where there is another, or it bounds something."""
    if _NOT_IN.search(question):
        return None
    left, found = question, []
    for pattern in _DATES:
        found += list(_read(pattern, left))
        left = pattern.sub(" ", left)
    return found[0] if len(found) == 1 else None


def _read(pattern: re.Pattern[str], text: str) -> Iterator[Bound]:
    for match in pattern.finditer(text):
        parts = match.groupdict()
        month, day = _month(parts), parts.get("d")
        try:
            first = date(int(parts["y"]), month or 1, int(day or 1))
        except ValueError:
            continue
        yield Bound(DAY if day else MONTH if month else YEAR, first)


def _month(parts: dict[str, str | None]) -> int | None:
    if name := parts.get("month"):
        return next(n for n, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()[:3]))
    number = parts.get("m")
    return int(number) if number else None
