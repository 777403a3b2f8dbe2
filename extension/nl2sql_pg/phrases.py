"""The words of a question as values may be written: runs of words, folded, and what speaks for or against each."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 8  # words in a run; longer values are found only in quotation marks
SHORTEST_HAN = 2  # characters of a Chinese value; a single one is part of any word

_SEPARATOR = re.compile(r"[\W_]+")
# A run of Chinese characters has no words to split; it is looked through character by character.
_TOKEN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u9fff\uf900-\ufaff]+")
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|「([^」]+)」|‘([^’]+)’|(?<!\w)'((?:[^']|'(?=\w))+)'(?!\w)|`([^`]+)`")

STOP_WORDS = frozenset(
    "a about above after all also am among an and any are as at be been before below between both but by can"
    " could did do does done each either ever every few find first for from get give had has have having he her"
    " here his how i if in into is it its last least less list many me more most much my name names no nor not"
    " number of off on one only or other our out over own per please same select she should show so some such sum"
    " tell than that the their them then there these they this those to too total under until up us very was we"
    " were what when where which while who whom whose why will with within without would you your".split()
)


@dataclass(frozen=True)
class Phrase:
    """A run of words of the question."""

    text: str  # as it is written
    key: str  # as it is compared
    start: int
    end: int
    quoted: bool = False
    meant: bool = False  # the key is what a Chinese word means in English
    proper: bool = False  # and it is a proper name there

    @property
    def words(self) -> int:
        return self.key.count(" ") + 1

    @property
    def short(self) -> bool:
        """Too few letters to tell a value by themselves; one Chinese character tells more."""
        return len(self.key) <= 2 and self.key.isascii()

    def within(self, other: Phrase) -> bool:
        """Whether the other run has all of it."""
        return other.start <= self.start and self.end <= other.end

    def part_of(self, other: Phrase) -> bool:
        """Whether the other run has all of it, and more."""
        return self.within(other) and other.end - other.start > self.end - self.start

    @property
    def capital(self) -> bool:
        """Written with a capital where none begins a sentence: a name."""
        return self.proper or (self.start > 0 and self.text[:1].isupper())


def fold(text: str) -> str:
    """Lower case, no accents, one space for what is neither letter nor digit; nl2sql._folded does the same."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _SEPARATOR.sub(" ", text.lower()).strip()


def singular(key: str) -> str:
    """The key with its last word in the singular, as far as English spelling tells."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if key.endswith(ending) and len(key) > len(ending) + 1:
            return key[: -len(ending)] + instead
    return key[:-1] if key.endswith("s") and len(key) > 3 and not key.endswith(("ss", "us", "is")) else key


def phrases(question: str) -> list[Phrase]:
    """All that may name a value, longest first."""
    found = [*_quoted(question), *_runs(question)]
    return sorted(found, key=lambda phrase: (-len(phrase.key), phrase.start))


def meant(word: str, start: int, meaning: str) -> Phrase:
    """A word as its meaning in English is stored; `start` is where the word stands in the question."""
    return Phrase(word, fold(meaning), start, start + len(word), meant=True, proper=meaning[:1].isupper())


def _quoted(question: str) -> list[Phrase]:
    found = []
    for match in _QUOTED.finditer(question):
        text = next(group for group in match.groups() if group)
        found.append(Phrase(text, fold(text), match.start(), match.end(), quoted=True))
    return [phrase for phrase in found if phrase.key]


def _runs(question: str) -> list[Phrase]:
    tokens = [(m.start(), m.end()) for m in _TOKEN.finditer(question)]
    found = []
    for first, (start, end) in enumerate(tokens):
        if _is_han(question[start]):
            found += _han(question, start, end)
            continue
        for _, end in tokens[first : first + LONGEST]:
            if _is_han(question[end - 1]):
                break
            found.append(Phrase(question[start:end], fold(question[start:end]), start, end))
    return [phrase for phrase in found if phrase.key]


def _han(question: str, start: int, end: int) -> list[Phrase]:
    """Every part of a run of Chinese characters."""
    return [
        Phrase(question[i:j], fold(question[i:j]), i, j)
        for i in range(start, end)
        for j in range(i + SHORTEST_HAN, min(i + LONGEST, end) + 1)
    ]


def words_with_gaps(question: str) -> list[str]:
    """Words and numbers between the Chinese ones."""
    return [token for token in _TOKEN.findall(question) if not _is_han(token[0])]


def is_chinese(question: str) -> bool:
    """Whether any of it is in Chinese."""
    return any(map(_is_han, question))


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def trigrams(key: str) -> frozenset[str]:
    """As pg_trgm cuts a text: each word with two spaces before and one behind it."""
    padded = [f"  {word} " for word in key.split()]
    return frozenset(word[i : i + 3] for word in padded for i in range(len(word) - 2))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared trigrams of all, as pg_trgm's similarity()."""
    return len(one & other) / len(one | other) if one and other else 0.0
