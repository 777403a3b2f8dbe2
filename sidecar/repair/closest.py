"""Which value of a closed list a literal means that is not in it: the nearest in spelling, or its only relative."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable

MIN_RATIO = 0.8  # of characters in common, below which two texts are no spellings of one
SHORTEST = 4  # characters; a slip in fewer makes another word
LEAD = 0.05  # how much nearer the nearest must be than the next

_WORD = re.compile(r"[^\W_]+")


def closest(asked: str, values: Iterable[str]) -> str | None:
    """The value meant by a folded literal; None where there is none, or more than one."""
    closed = {value: fold(value.strip()) for value in values}
    wanted = singular_words(asked)
    tests: tuple[Callable[[str], bool], ...] = (
        lambda known: known == asked,
        lambda known: singular_words(known) == wanted,
        lambda known: _abbreviates(singular_words(known), wanted) or _abbreviates(wanted, singular_words(known)),
    )
    for test in tests if wanted else tests[:1]:
        if found := [value for value, known in closed.items() if test(known)]:
            return found[0] if len(found) == 1 else None
    return (_nearest(asked, closed) or _only_with_words(set(wanted), closed)) if wanted else None


def fold(text: str) -> str:
    """Without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _nearest(asked: str, closed: dict[str, str]) -> str | None:
    """The value that is spelt nearly so; numbers in it must be the same, a slip in one makes another."""
    if len(asked) < SHORTEST:
        return None
    alike = {value: known for value, known in closed.items() if _numbers(known) == _numbers(asked)}
    near = difflib.get_close_matches(asked, alike.values(), n=2, cutoff=MIN_RATIO)
    ratios = [difflib.SequenceMatcher(None, known, asked).ratio() for known in near]
    if not near or (len(near) == 2 and ratios[0] - ratios[1] < LEAD):
        return None
    return next(value for value, known in alike.items() if known == near[0])


def _only_with_words(wanted: set[str], closed: dict[str, str]) -> str | None:
    """The only value that has all words of the literal, or whose words the literal has all."""
    words = {value: set(singular_words(known)) for value, known in closed.items()}
    wider = [value for value, own in words.items() if wanted <= own]
    narrower = [value for value, own in words.items() if own and own <= wanted]
    found = wider or narrower
    return found[0] if len(found) == 1 else None


def singular_words(text: str) -> list[str]:
    """Words in the singular, as far as their endings tell."""
    return [_singular(word) for word in _WORD.findall(text)]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word


def is_short_for(short: str, word: str) -> bool:
    """It begins like the word and has its letters in their order."""
    if not 3 <= len(short) < len(word) or short[:2] != word[:2]:
        return False
    letters = iter(word)
    return all(letter in letters for letter in short)


def _abbreviates(short: list[str], long: list[str]) -> bool:
    """`comp sci` for `computer science`: each word begins the other's word at its place. One alone may be a code."""
    alike = len(short) == len(long) > 1
    return alike and all(b.startswith(a) and len(a) >= 3 for a, b in zip(short, long, strict=True))


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)
