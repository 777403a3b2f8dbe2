"""Which tables a question speaks of."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.guard.scope import Table
from sidecar.repair.closest import fold, singular_words
from sidecar.repair.nodes import words

_OF_ANY_QUESTION = frozenset(
    """a all an any are as at be been but can data did do does find give had how if it its list many may more most much
    name not number one only or other our out over per row show table tell than that their them then there these they
    this those up was we were what when where which while who whose will you""".split()
)
_TELL_NOTHING = {"and", "by", "each", "for", "from", "has", "have", "in", "is", "of", "on", "the", "to", "with"}


def most_asked(tables: Sequence[Table], question: str, besides: Table | None = None) -> list[Table]:
    """Those of whose names the question has most words, not counting what they share with one; none if it has none."""
    asked = set(singular_words(fold(question)))
    shared = _name_words(besides) if besides else set()
    scores = [len((_name_words(table) - shared) & asked) for table in tables]
    best = max(scores, default=0)
    return [table for table, score in zip(tables, scores, strict=True) if score == best] if best else []


def telling_words(text: str) -> set[str]:
    """Words of a text that may tell what it is about."""
    return set(singular_words(fold(text))) - _TELL_NOTHING - _OF_ANY_QUESTION


def _name_words(table: Table) -> set[str]:
    return set(singular_words(" ".join(words(table.name)))) - _TELL_NOTHING
