"""Columns of enum types: their labels, whose order is the type's."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.guard.scope import Column
from sidecar.repair import kinds
from sidecar.repair.binding import Reference, State
from sidecar.repair.closest import fold

# How severe words are, to tell a type that begins with its greatest label.
_RANKS = (
    "none off info lowest trivial minimal 无 提示",
    "low minor small light mild 低 轻微 轻",
    "medium moderate normal middle average 中 一般 普通",
    "high major large heavy 高 较重 重要",
    "serious severe 严重",
    "critical urgent 紧急 危急 特急",
    "highest blocker emergency fatal 致命 特别严重",
)
_RANK = {word: rank for rank, words in enumerate(_RANKS) for word in words.split()}


def labels_of(reference: Reference) -> tuple[str, ...]:
    """Labels in the order of the type; none for another column."""
    table = reference.home.table if reference.home and reference.state is State.BOUND else None
    found = next((c for c in table.columns if c.name == reference.name), None) if table else None
    return found.values if found and _is_enum(found) else ()


def _is_enum(column: Column) -> bool:
    return bool(column.values) and kinds.kind_of_type(column.type) is None and not column.type.endswith("]")


def falls(labels: Sequence[str]) -> bool:
    """Whether the greatest stands first."""
    ranks = [_RANK[word] for label in labels if (word := spoken(label)) in _RANK]
    return len(ranks) > 1 and ranks == sorted(ranks, reverse=True) and ranks[0] > ranks[-1]


def is_graded(labels: Sequence[str]) -> bool:
    """Whether labels are grades that people speak of."""
    return sum(spoken(label) in _RANK for label in labels) > 1


def label_for(written: str, labels: Sequence[str]) -> str | None:
    """The only label that a literal can mean."""
    found = [label for label in labels if spoken(label) == spoken(written.strip())]
    return written if written in labels else found[0] if len(found) == 1 else None


def spoken(label: str) -> str:
    """As people say it: ON_HOLD as on hold."""
    return " ".join(fold(label).replace("_", " ").replace("-", " ").split())
