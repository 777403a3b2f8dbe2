"""What the planner's JSON says of a statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]


def nodes(root: Node) -> Iterator[Node]:
    """Every node of a plan, the root first."""
    yield root
    for child in root.get("Plans", []):
        yield from nodes(child)


def locks_rows(root: Node) -> bool:
    """Whether it is the plan of SELECT … FOR UPDATE or the like."""
    return any(node["Node Type"] == "LockRows" for node in nodes(root))


def most_rows(root: Node) -> int:
    """The most rows that any step is expected to give."""
    return max(int(node["Plan Rows"]) for node in nodes(root))


def largest_scans(root: Node, known: set[str], most: int) -> list[tuple[str, int]]:
    """(table, rows expected) of the largest scans, of tables with a known name only."""
    scans = {node["Relation Name"]: int(node["Plan Rows"]) for node in nodes(root) if "Relation Name" in node}
    return sorted(((n, rows) for n, rows in scans.items() if n in known), key=lambda scan: -scan[1])[:most]
