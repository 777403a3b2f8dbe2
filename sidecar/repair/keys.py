"""The foreign keys of a scope as a graph, and the shortest paths in it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sidecar.guard.scope import Scope, Table

MAX_STEPS = 3  # a longer way is a guess, not a repair
CLEARLY = 0.05  # by how much one inferred way must be surer than another


@dataclass(frozen=True)
class Step:
    """From one table to its neighbour: pairs of columns that must be equal."""

    start: Table
    end: Table
    pairs: tuple[tuple[str, str], ...]
    outward: bool  # from the table that has the key to the one it refers to
    score: float = 1.0  # as ForeignKey has it


Path = tuple[Step, ...]


def surest(paths: Sequence[Path]) -> list[Path]:
    """Of equally long paths those by declared keys; without any, those that nothing is clearly surer than."""
    scores = [math.prod(step.score for step in path) for path in paths]
    best = max(scores, default=0.0)
    margin = 0.0 if best == 1 else CLEARLY
    return [path for path, score in zip(paths, scores, strict=True) if score >= best - margin]


class Keys:
    def __init__(self, scope: Scope) -> None:
        self._steps: dict[str, list[Step]] = {}
        for table in scope.tables:
            for key in table.foreign_keys:
                target = scope.find(key.schema, key.table)
                if target is not None and target is not table:
                    pairs = tuple(zip(key.columns, key.references, strict=False))
                    back = tuple((there, here) for here, there in pairs)
                    self._add(Step(table, target, pairs, True, key.score))
                    self._add(Step(target, table, back, False, key.score))

    def _add(self, step: Step) -> None:
        self._steps.setdefault(step.start.full_name, []).append(step)

    def between(self, start: Table, end: Table) -> list[Step]:
        return [step for step in self._steps.get(start.full_name, []) if step.end is end]

    def referring(self, table: Table) -> list[Step]:
        """Steps to the tables that refer to this one."""
        return [step for step in self._steps.get(table.full_name, []) if not step.outward]

    def origin(self, table: Table, column: str, limit: int = MAX_STEPS) -> tuple[Table, str]:
        """The column that keys lead to from this one, at last."""
        steps = [step for step in self._steps.get(table.full_name, []) if step.outward and limit]
        further = [(step.end, there) for step in steps for here, there in step.pairs if here == column]
        found = {
            (end.full_name, name): (end, name) for each in further for end, name in [self.origin(*each, limit - 1)]
        }
        return next(iter(found.values())) if len(found) == 1 else (table, column)

    def shortest(
        self, start: Table, targets: Collection[str], avoid: Collection[str], limit: int = MAX_STEPS
    ) -> list[Path]:
        """The surest of the shortest paths to one of the targets (full names), not through the tables to avoid."""
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
                return surest(arrived)
            seen |= {path[-1].end.full_name for path in paths}
        return []
