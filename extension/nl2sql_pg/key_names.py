"""What a column's name says about the table it refers to: order_items.cust_id points at customers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

Words = tuple[str, ...]

# They say that a column is a key, not of what.
KEY_WORDS = frozenset("id ids key code no nr num number name uuid guid pk fk sk ref sid".split())

_SPLIT = re.compile(r"[^\W_a-z]+(?![a-z])|[^\W_]?[^\W_A-Z0-9]+|\d+")
# longest first; what is left need not be a word, only the same for singular and plural
_ENDINGS = (
    ("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("s", ""),
    ("ie", "y"), ("che", "ch"), ("she", "sh"), ("se", "s"), ("xe", "x"), ("ze", "z"),
)  # fmt: skip


@lru_cache(maxsize=20_000)
def words(identifier: str) -> Words:
    """Its words in lower case, singular and plural alike: OrderItems2 gives order, item, 2."""
    return tuple(stem(word.lower()) for word in _SPLIT.findall(identifier)) or (identifier.lower(),)


def stem(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    return next((word[: -len(end)] + put for end, put in _ENDINGS if word.endswith(end)), word)


@lru_cache(maxsize=20_000)
def is_generic(column: Words) -> bool:
    """Whether it names no table: id, code, name."""
    return all(word in KEY_WORDS or word.isdigit() for word in column)


@lru_cache(maxsize=20_000)
def tails(name: Words) -> tuple[str, ...]:
    """It and what is left without its first words, written together: dim_customer gives dimcustomer and customer."""
    return tuple("".join(name[start:]) for start in range(len(name)))


def is_short_for(short: str, word: str) -> bool:
    """cust for customer, dept for department: it begins like the word and has its letters in their order."""
    if not 3 <= len(short) < len(word) or short[:2] != word[:2]:
        return False
    letters = iter(word)
    return all(letter in letters for letter in short)


class Vocabulary:
    """The words of some tables' names, found by their abbreviations."""

    def __init__(self, names: Iterable[Words]) -> None:
        self._by_start: dict[str, set[str]] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        for word in {word for name in names for word in name}:
            self._by_start.setdefault(word[:2], set()).add(word)

    def spelled_out(self, short: str) -> tuple[str, ...]:
        """Words that it may stand for, other than itself."""
        if short not in self._known:
            bucket = self._by_start.get(short[:2], set())
            self._known[short] = tuple(sorted(word for word in bucket if is_short_for(short, word)))
        return self._known[short]
