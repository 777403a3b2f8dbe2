"""Values that neighbouring Chinese words name word by word: 网球俱乐部 is 'Tennis Club', 已确认 is 'Confirmed'."""

from __future__ import annotations

from dataclasses import dataclass

from nl2sql_pg.glossing import Word
from nl2sql_pg.phrases import Phrase, fold, singular

MOST_WORDS = 5  # of such a value
TERM = 2  # words of a meaning of which one alone may be the value: 信用卡 is a credit card, stored as 'Credit'
BETWEEN = ("", "·", "・", "的", " ")  # what may stand between neighbours, as in 丹尼尔·刘易斯
START = 4  # letters that the forms of a word share
ENDINGS = ("s", "es", "d", "ed", "ing", "time")
ENDINGS_OF_NAMES = (*ENDINGS, "n", "an", "ian", "ese", "ish")  # Japan, Japanese; but no German of a germ
SMALL_WORDS = frozenset("a an and at for in of on the to".split())


@dataclass(frozen=True)
class Meaning:
    """One meaning of a word: its forms, whether it is a proper name, and whether a part of it tells it."""

    number: int  # of the word
    forms: tuple[str, ...]
    proper: bool
    term: bool

    def is_told_by(self, used: int) -> bool:
        """By all of its forms, or by one of a short term; 'New' is not yet New York."""
        return used == len(self.forms) or self.term


class Meanings:
    """What the words of a question may mean, by the words of these meanings."""

    def __init__(self, question: str, words: list[Word]) -> None:
        self._question, self._words = question, words
        self._by_start: dict[str, set[Meaning]] = {}
        for number, word in enumerate(words):
            for text in word.meanings:
                key, proper = fold(text), text[:1].isupper()
                meaning = Meaning(number, tuple(_parts(key)), proper, not proper and len(key.split()) <= TERM)
                for form in meaning.forms:
                    self._by_start.setdefault(form[:START], set()).add(meaning)

    def named(self, key: str) -> Phrase | None:
        """The neighbouring words that mean those of a folded value; None where a word of either has no counterpart."""
        parts = _parts(key) if self._words else []
        if not 0 < len(parts) <= MOST_WORDS:
            return None
        span = self._neighbours(self._meant_by(parts), len(parts))
        if span is None:
            return None
        start, end = self._words[span[0]].start, self._words[span[1]].end
        return Phrase(self._question[start:end], key, start, end, meant=True) if end - start > 1 else None

    def _meant_by(self, parts: list[str]) -> dict[int, set[int]]:
        """Which of the parts each word means, by its number."""
        used: dict[Meaning, set[int]] = {}
        for place, part in enumerate(parts):
            for meaning in self._by_start.get(part[:START], ()):
                if any(_is_form(form, part, meaning.proper) for form in meaning.forms):
                    used.setdefault(meaning, set()).add(place)
        found: dict[int, set[int]] = {}
        for meaning, places in used.items():
            if meaning.is_told_by(len(places)):
                found.setdefault(meaning.number, set()).update(places)
        return found

    def _neighbours(self, found: dict[int, set[int]], parts: int) -> tuple[int, int] | None:
        """First and last of the first run of words that mean all parts; no longer than there are parts."""
        for first in sorted(found):
            covered: set[int] = set()
            for last in range(first, first + parts):
                if last not in found or (last > first and not self._adjoin(last - 1, last)):
                    break
                covered |= found[last]
                if len(covered) == parts:
                    return first, last
        return None

    def _adjoin(self, one: int, other: int) -> bool:
        return self._question[self._words[one].end : self._words[other].start] in BETWEEN


def _parts(key: str) -> list[str]:
    return [singular(part) for part in key.split() if part not in SMALL_WORDS]


def _is_form(one: str, other: str, proper: bool) -> bool:
    """Whether two words are forms of one: confirm, confirmed; Japan, Japanese."""
    short, long = sorted((one, other), key=len)
    endings = ENDINGS_OF_NAMES if proper else ENDINGS
    return short == long or (len(short) >= START and long.startswith(short) and long[len(short) :] in endings)
