"""Ways between tables: the shortest, declared keys before inferred ones, and no choice between equals."""

from __future__ import annotations

import pytest

from sidecar.guard.scope import Column, ForeignKey, Scope, Table
from sidecar.repair.keys import Keys
from sidecar.repair.repair import Repaired, repair


def table(name: str, columns: str, **keys: float) -> Table:
    """`keys` are its columns that refer to the first column of the table of their name, with a score."""
    foreign = tuple(ForeignKey((f"{end}_id",), "s", end, ("id",), score) for end, score in keys.items())
    return Table("s", name, "table", tuple(Column(c, "integer") for c in columns.split()), foreign_keys=foreign)


def scope(left: float, right: float) -> Scope:
    """Orders and people are connected through two tables."""
    return Scope(
        ("s",),
        (
            table("orders", "id total"),
            table("people", "id age"),
            table("buyers", "orders_id people_id", orders=1.0, people=left),
            table("agents", "orders_id people_id", orders=1.0, people=right),
        ),
    )


def ways(found: Scope) -> list[str]:
    start, end = found.tables[:2]
    return sorted(path[0].end.name for path in Keys(found).shortest(start, [end.full_name], []))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1.0, 1.0, ["agents", "buyers"]),
        (1.0, 0.99, ["buyers"]),
        (0.7, 0.95, ["agents"]),
        (0.9, 0.9, ["agents", "buyers"]),
        (0.9, 0.88, ["agents", "buyers"]),
    ],
)
def test_the_surest_way(left: float, right: float, expected: list[str]) -> None:
    assert ways(scope(left, right)) == expected


ASKED = "SELECT orders.total, age FROM orders"


def test_an_inferred_key_mends_a_statement() -> None:
    repaired = repair(ASKED, scope(0.7, 0.95))
    assert "JOIN agents ON agents.orders_id = orders.id" in repaired.sql
    assert "JOIN people ON people.id = agents.people_id" in repaired.sql


def test_two_inferred_keys_of_one_worth_mend_nothing() -> None:
    assert repair(ASKED, scope(0.9, 0.9)) == Repaired(ASKED)


def test_a_declared_key_is_taken_from_another_start() -> None:
    """The column may be joined to either table of FROM: the declared key decides."""
    found = Scope(
        ("s",),
        (
            table("visits", "id people_id", people=0.95),
            table("bills", "id people_id", people=1.0),
            table("people", "id age"),
        ),
    )
    repaired = repair("SELECT visits.id, age FROM visits CROSS JOIN bills", found)
    assert "JOIN people ON people.id = bills.people_id" in repaired.sql
