"""Addresses of electronic mail: looked for around each at sign, so that no text makes it slow."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from nl2sql_pg.masking.findings import CHECKED, Finding

_LOCAL = string.ascii_letters + string.digits + "._%+-'&=/!#$^`{|}~"
_EDGE = "._%+-'&=/!#$^`{|}~"
_DOMAIN = re.compile(r"(?:[^\W_\u2e80-\uffff](?:[^\W_\u2e80-\uffff]|-){0,62}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9_])")
_CHINESE_DOMAIN = re.compile(r"[\w-]{1,63}\.(?:中国|公司|网络|cn|com)")
_REACH = 256


def find(text: str) -> Iterator[Finding]:
    place = text.find("@")
    while place >= 0:
        domain = _DOMAIN.match(text, place + 1) or _CHINESE_DOMAIN.match(text, place + 1)
        start = _start(text, place) if domain else place
        if domain and start < place:
            yield Finding(start, domain.end(), "email", CHECKED, shown(text[start:place]) + text[place : domain.end()])
        place = text.find("@", place + 1)


def _start(text: str, place: int) -> int:
    """Where the part before the at sign starts; letters with accents belong to it, Han characters don't."""
    first = max(0, place - _REACH)
    before = text[first:place]
    start = first + len(before.rstrip(_LOCAL))
    while start > first and "\x7f" < text[start - 1] < "\u2e80" and text[start - 1].isalpha():
        start = first + len(text[first : start - 1].rstrip(_LOCAL))
    while start < place and text[start] in _EDGE:
        start += 1
    return start


def shown(local: str) -> str:
    """At most three characters, and less than half of it. Four stars whatever its length."""
    return local[: min(3, (len(local) - 1) // 2)] + "****"
