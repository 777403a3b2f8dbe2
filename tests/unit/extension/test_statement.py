"""Which names stand in a statement, and what a plan tells."""

from __future__ import annotations

import pytest
from nl2sql_pg.plans import largest_scans, locks_rows, most_rows
from nl2sql_pg.runner import MAX_NAME, unique
from nl2sql_pg.statement import names

NAMES = [
    ("SELECT Count(*) FROM Orders", ["count", "from", "orders", "select"], ["count"]),
    ('SELECT "Odd ""Name""" FROM "T"', ['Odd "Name"', "T", "from", "select"], []),
    ('SELECT "fn" (1), größe(2)', ["fn", "größe", "select"], ["fn", "größe"]),
    ("SELECT o.Éa(1)", ["o", "select", "Éa", "éa"], ["Éa", "éa"]),
    ("SELECT o.bonus FROM o", ["bonus", "from", "o", "select"], []),
]
PLAN = {
    "Node Type": "Nested Loop",
    "Plan Rows": 4,
    "Plans": [
        {"Node Type": "Seq Scan", "Relation Name": "orders", "Plan Rows": 900},
        {"Node Type": "Seq Scan", "Relation Name": "hidden", "Plan Rows": 5000},
    ],
}


@pytest.mark.parametrize(("sql", "found", "called"), NAMES)
def test_names(sql: str, found: list[str], called: list[str]) -> None:
    assert names(sql) == (found, called)


def test_columns_get_names_of_their_own() -> None:
    assert unique(["a", "a", "a_2", "a", "b"]) == ["a", "a_3", "a_2", "a_4", "b"]
    long = "ü" * 31
    assert len(unique([long, long])[1].encode()) <= MAX_NAME


def test_plans() -> None:
    assert most_rows(PLAN) == 5000
    assert largest_scans(PLAN, {"orders"}, 3) == [("orders", 900)]
    assert not locks_rows(PLAN) and locks_rows({**PLAN, "Node Type": "LockRows"})
