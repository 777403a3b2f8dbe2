"""Date patterns of strftime() and DATE_FORMAT() in the words of to_char()."""

from __future__ import annotations

import re

_PARTS = {
    "Y": "YYYY",
    "y": "YY",
    "m": "MM",
    "c": "FMMM",
    "d": "DD",
    "e": "FMDD",
    "H": "HH24",
    "h": "HH12",
    "I": "HH12",
    "i": "MI",
    "M": "MI",
    "s": "SS",
    "S": "SS",
    "T": "HH24:MI:SS",
    "F": "YYYY-MM-DD",
    "j": "DDD",
    "p": "AM",
    "b": "Mon",
    "B": "FMMonth",
    "a": "Dy",
    "A": "FMDay",
    "W": "FMDay",
    "w": "",
}
_PIECES = re.compile(r"%(.)|([A-Za-z\"]+)|([^%A-Za-z\"]+)")


def to_postgres(pattern: str) -> str | None:
    """The pattern for to_char(), None where it has a part that this one lacks; letters of its own go in quotes."""
    written = []
    for part, letters, rest in _PIECES.findall(pattern):
        if part and not _PARTS.get(part):
            return None
        written.append(_PARTS.get(part, "") or (f'"{letters}"' if letters else rest))
    return "".join(written) if pattern.count("%") == len(re.findall(r"%.", pattern)) and '"' not in pattern else None
