"""What makes a statement doubtful though it binds and runs: structure that the catalog speaks against.

None of it is certain, so nothing is changed; it is told with the answer, and the answer counts as less sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sidecar.repair.binding import Statement
from sidecar.repair.fan_out import fan_outs
from sidecar.repair.rules.half_key import half_keys
from sidecar.repair.rules.named_key import unnamed
from sidecar.repair.rules.value_spelling import unstored

MOST = 5  # that are told of one statement


def doubts(statement: Statement) -> tuple[str, ...]:
    """In words, each once."""
    return tuple(dict.fromkeys(doubt for kind in _KINDS for doubt in kind(statement)))[:MOST]


def _half_keys(statement: Statement) -> Iterator[str]:
    return map(str, half_keys(statement))


def _fan_outs(statement: Statement) -> Iterator[str]:
    return map(str, fan_outs(statement))


def _unnamed(statement: Statement) -> Iterator[str]:
    return (f"{key} is shown where the question asks for a name" for key in unnamed(statement))


_KINDS: tuple[Callable[[Statement], Iterator[str]], ...] = (_half_keys, _fan_outs, _unnamed, unstored)
