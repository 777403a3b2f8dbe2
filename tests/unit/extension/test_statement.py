"""Which names stand in a statement, and which a result gets."""

from __future__ import annotations

import pytest
from nl2sql_pg.runner import MAX_NAME, unique
from nl2sql_pg.statement import names

NAMES = [
    ("SELECT Count(*) FROM Orders", ["count", "from", "orders", "select"], ["count"]),
    ('SELECT "Odd ""Name""" FROM "T"', ['Odd "Name"', "T", "from", "select"], []),
    ('SELECT "fn" (1), größe(2)', ["fn", "größe", "select"], ["fn", "größe"]),
    ("SELECT o.Éa(1)", ["o", "select", "Éa", "éa"], ["Éa", "éa"]),
    ("SELECT o.bonus FROM o", ["bonus", "from", "o", "select"], []),
]


@pytest.mark.parametrize(("sql", "found", "called"), NAMES)
def test_names(sql: str, found: list[str], called: list[str]) -> None:
    assert names(sql) == (found, called)


def test_columns_get_names_of_their_own() -> None:
    assert unique(["a", "a", "a_2", "a", "b"]) == ["a", "a_3", "a_2", "a_4", "b"]
    long = "ü" * 31
    assert len(unique([long, long])[1].encode()) <= MAX_NAME
