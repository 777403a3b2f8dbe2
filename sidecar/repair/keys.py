"""The foreign keys of a scope as a graph, and the shortest paths in it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sidecar.guard.scope import Scope, Table

MAX_STEPS = 3  # a longer way is a guess, not a repair


@dataclass(frozen=True)
class Step:
    """From one table to its neighbour: pairs of columns that must be equal."""

    start: Table
    end: Table
    pairs: tuple[tuple[str, str], ...]
    outward: bool  # from the table that has the key to the one it refers to


Path = tuple[Step, ...]


class Keys:
    def __init__(self, scope: Scope) -> None:
        self._steps: dict[str, list[Step]] = {}
        for table in scope.tables:
            for key in table.foreign_keys:
                target = scope.find(key.schema, key.table)
                if target is not None and target is not table:
                    pairs = tuple(zip(key.columns, key.references, strict=False))
                    back = tuple((there, here) for here, there in pairs)
                    self._add(Step(table, target, pairs, True))
                    self._add(Step(target, table, back, False))

    def _add(self, step: Step) -> None:
        self._steps.setdefault(step.start.full_name, []).append(step)

    def between(self, start: Table, end: Table) -> list[Step]:
        return [step for step in self._steps.get(start.full_name, []) if step.end is end]

    def shortest(
        self, start: Table, targets: Collection[str], avoid: Collection[str], limit: int = MAX_STEPS
    ) -> list[Path]:
        """All shortest paths to one of the targets (full names), not through the tables to avoid."""
        paths: list[Path] = [()]
        seen = {start.full_name, *avoid}
        for _ in range(limit):
            paths = [
                (*path, step)
                for path in paths
                for step in self._steps.get(path[-1].end.full_name if path else start.full_name, [])
                if step.end.full_name not in seen
            ]
            if arrived := [path for path in paths if path[-1].end.full_name in targets]:
                return arrived
            seen |= {path[-1].end.full_name for path in paths}
        return []
