"""Numbers of passports and the like, after words that say so: their shape alone is that of many other numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nl2sql_pg.masking.findings import LABELLED, Finding

_LABEL = re.compile(
    r"(?:[Pp](?:assport|ASSPORT)|护照|通行证|证件|驾驶证|驾照|[Tt]ravel [Dd]ocument|[Dd]river'?s? [Ll]icen[cs]e)"
    r"(?: ?(?:[Nn](?:umber|o|r|um|UMBER|O)\b\.?|#|号码|号))?(?: is|是|为)?[ ]{0,3}[:：=#]?[ ]{0,3}[\"']?"
)
_NUMBER = re.compile(
    r"[A-Za-z]{0,2}[0-9]{5,10}[A-Za-z]?(?![0-9A-Za-z*])|(?=[A-Z0-9]*[0-9]{4})[A-Z0-9]{7,10}(?![0-9A-Za-z*])"
)


def find(text: str) -> Iterator[Finding]:
    for label in _LABEL.finditer(text):
        number = _NUMBER.match(text, label.end())
        if number:
            yield Finding(number.start(), number.end(), "passport", LABELLED, shown(number[0]))


def shown(number: str) -> str:
    return number[0] + "*" * (len(number) - 3) + number[-2:]
