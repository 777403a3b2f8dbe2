"""What the planner says of a statement."""

from __future__ import annotations

import json
from dataclasses import dataclass

_READ = tuple(f'"{name}": ' for name in ("Node Type", "Relation Name", "Total Cost", "Plan Rows"))


@dataclass
class Node:
    """A step of a plan."""

    kind: str
    relation: str = ""
    cost: float = 0.0
    rows: int = 0


@dataclass(frozen=True)
class Plan:
    """Every step of a plan, the last one to run first."""

    nodes: list[Node]

    @property
    def cost(self) -> float:
        return self.nodes[0].cost

    @property
    def rows(self) -> int:
        return self.nodes[0].rows

    def locks_rows(self) -> bool:
        """Whether it is the plan of SELECT … FOR UPDATE or the like."""
        return any(node.kind == "LockRows" for node in self.nodes)

    def most_rows(self) -> int:
        """The most rows that any step is expected to give."""
        return max(node.rows for node in self.nodes)

    def largest_scans(self, known: set[str], most: int) -> list[tuple[str, int]]:
        """(table, rows expected) of the largest scans, of tables with a known name only."""
        scans = {node.relation: node.rows for node in self.nodes if node.relation in known}
        return sorted(scans.items(), key=lambda scan: -scan[1])[:most]


def read_plan(text: str) -> Plan:
    """The answer of EXPLAIN (FORMAT JSON).

    It has a property a line, and is read so: a plan may be nested deeper than json.loads() goes. In what stands in a
    text line ends are written as \\n, so that no text can look like a line.
    """
    nodes: list[Node] = []
    for line in text.split("\n"):
        found = line.lstrip()
        if not found.startswith(_READ):
            continue
        name, _, written = found[1:].partition('": ')
        value = json.loads(written.rstrip(","))
        if name == "Node Type":  # the first property of each
            nodes.append(Node(value))
        elif name == "Relation Name":
            nodes[-1].relation = value
        elif name == "Total Cost":
            nodes[-1].cost = float(value)
        else:
            nodes[-1].rows = int(value)
    return Plan(nodes)
