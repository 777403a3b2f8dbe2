"""What makes a statement doubtful though it binds and runs: structure that the catalog speaks against.

None of it is certain, so nothing is changed; it is told with the answer, and the answer counts as less sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sidecar.repair.binding import Statement
from sidecar.repair.rules import value_spelling

MOST = 5  # that are told of one statement

_KINDS: tuple[Callable[[Statement], Iterator[str]], ...] = (value_spelling.unstored,)


def doubts(statement: Statement) -> tuple[str, ...]:
    """In words, each once."""
    return tuple(dict.fromkeys(doubt for kind in _KINDS for doubt in kind(statement)))[:MOST]
