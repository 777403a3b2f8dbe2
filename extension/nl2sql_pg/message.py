"""What somebody has written instead of, or as, a question: its sentences as words, for the rules that look at them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property

from nl2sql_pg.budget import stems
from nl2sql_pg.phrases import STOP_WORDS

VALUE = "‹value›"  # stands for what was written in quotation marks

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』|«[^»]*»|(?<!\w)'(?:[^']|'(?=\w))*'(?!\w)")
ALIKE = 0.6  # of the longer of two words, from their beginning, that is the same
_STEM = 5  # letters of a stem

_PLAIN = re.compile(r"[a-z0-9]{3,}")
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")
_SENTENCE = re.compile(r"[!?;。！？；\n]+|\.+(?=\s|$)")
# Words keep hyphens and underscores: "delete-flagged" is no "delete".
_LETTERS = r"(?:[^\W_]|[\u0900-\u0e7f])+"  # vowel signs of Indic and Thai writing are no letters to Python
_WORD = re.compile(rf"{VALUE}|{_LETTERS}(?:[_'\-]{_LETTERS})*|[=%,:+]")
_NOT = re.compile(r"\b(can|won|don|doesn|didn|isn|aren|wasn|weren|couldn|wouldn|shouldn|haven|hasn)'?t\b")
_SHORT = [
    (re.compile(r"\b(what|who|where|when|how|why|it|that|there|here|he|she)'s\b"), r"\1 is"),
    (re.compile(r"\b(i)'?m\b"), r"\1 am"),
    (re.compile(r"\b(you|they|we)'re\b"), r"\1 are"),
    (re.compile(r"\b(i|you|they|we|it|he|she)'(?:d)\b"), r"\1 would"),
    (re.compile(r"\b(i|you|they|we|it|he|she)'(?:ll)\b"), r"\1 will"),
    (re.compile(r"\b(i|you|they|we)'(?:ve)\b"), r"\1 have"),
    (re.compile(r"\blet'?s\b"), "let us"),
    (re.compile(r"\b(what|how) ?s\b"), r"\1 is"),
    (re.compile(r"'s\b"), ""),
]


@dataclass(frozen=True)
class Message:
    """A message, and the words that the caller's tables have: their names, comments, values, terms."""

    text: str
    known: frozenset[str]  # stems of all of them, and the words themselves
    tables: frozenset[str]  # the same of tables alone
    names: frozenset[str]  # names of tables and columns, in lower case
    means: frozenset[str] = frozenset()  # stems of what Chinese words of the text mean in English

    @cached_property
    def plain(self) -> str:
        """In lower case, short forms written out, with a mark for whatever stands in quotation marks."""
        return _written_out(_QUOTED.sub(f" {VALUE} ", _normal(self.text)))

    @cached_property
    def sentences(self) -> list[list[str]]:
        """Words of each sentence; commas and colons among them."""
        found = [_WORD.findall(part) for part in _SENTENCE.split(self.plain)]
        return [words for words in found if words]

    @cached_property
    def words(self) -> list[str]:
        """All words, without punctuation."""
        return [word for words in self.sentences for word in words if word[0].isalnum()]

    @cached_property
    def han(self) -> set[str]:
        """Pairs of Chinese characters: two of which make most words."""
        return {stem for stem in stems(self.plain) if not stem.isascii()}

    @cached_property
    def is_foreign(self) -> bool:
        """Whether it is in Latin letters and most names of the tables are not: nothing is told by a missing word."""
        return self.text.isascii() and 2 * sum(name.isascii() for name in self.names) < len(self.names)

    def knows(self, word: str) -> bool:
        """Whether the tables have a word like it."""
        if word in self.names:
            return True
        return any(part not in STOP_WORDS and _has(self.known, part) for part in word.split("_") if part)

    def is_table(self, word: str) -> bool:
        return word not in STOP_WORDS and _has(self.tables, word)

    def names_data(self, but: frozenset[str] = frozenset()) -> bool:
        """Whether any word is one that the tables have; of these only if a table is called so."""
        if (self.means & self.known) - _stems_of(but) or self.han & self.known:
            return True
        return any(self.is_table(word) if word in but else self.knows(word) for word in self.words)


@cache
def _stems_of(words: frozenset[str]) -> frozenset[str]:
    return frozenset(stems(" ".join(words)))


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text, with their stems: what `known` and `tables` hold."""
    return frozenset(stems(text)) | frozenset(_PLAIN.findall(_CAMEL.sub(r"\1 \2", text).lower()))


def _has(words: frozenset[str], word: str) -> bool:
    """Whether one of them begins as the word does, and goes on for little: "salesperson" as "salespeople"."""
    if not stems(word) & words:
        return False
    return any(_alike(other, word) for other in words) if len(word) > _STEM else True


def _alike(one: str, other: str) -> bool:
    if one[:_STEM] != other[:_STEM]:
        return False
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return same >= ALIKE * max(len(one), len(other))


def _normal(text: str) -> str:
    """Full-width letters as usual ones, one kind of apostrophe, no accents, lower case."""
    text = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'").replace("`", " ")
    if not text.isascii():
        letters = unicodedata.normalize("NFD", text)
        # only of Latin letters: in other scripts the marks are part of the letter
        text = "".join(c for c in letters if not 0x300 <= ord(c) <= 0x36F)
        text = unicodedata.normalize("NFC", text)
    return text.lower().replace("ı", "i")


def _written_out(text: str) -> str:
    text = _NOT.sub(lambda match: f"{match[1]} not", text)
    for short, long in _SHORT:
        text = short.sub(long, text)
    return text


def breaks(words: list[str], at: frozenset[str]) -> list[list[str]]:
    """The words in parts, cut at each of `at`, which belong to none; no empty parts."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word in at:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]
