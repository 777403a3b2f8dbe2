"""Undeclared keys on their way into descriptions and retrieval."""

from __future__ import annotations

from typing import Any

from nl2sql_pg import undeclared
from nl2sql_pg.bridge import Database

from tests.support.plpy import FakePlpy, Rows

TABLES = {"orders": "id* total", "goods": "id* label", "lines": "order_id goods_id", "notes": "order_id body"}


def columns() -> Rows:
    return [
        {
            "relation": relation,
            "schema": "s",
            "table": table,
            "number": number,
            "name": name.rstrip("*"),
            "kind": "N",
            "key_size": int(name.endswith("*")),
            "unique": name.endswith("*"),
        }
        for relation, (table, names) in enumerate(TABLES.items(), 1)
        for number, name in enumerate(names.split(), 1)
    ]


def session(known: Rows) -> Database:
    plpy = FakePlpy({})
    plpy.answers |= {
        "nl2sql._key_columns(": columns(),
        "nl2sql._known_joins(": known,
        "nl2sql._key_statistics(": [],
        "as namespace": [{"relid": relation, "namespace": 9} for relation in range(1, 5)],
    }
    return Database(plpy)


def rule(origin: str, relation: int, target: int, own: str, other: str) -> dict[str, Any]:
    ends = {"relation": relation, "numbers": [2], "target": target, "target_numbers": [2]}
    return {**ends, "origin": origin, "names": [own], "target_names": [other]}


def test_bridges() -> None:
    """Lines connect orders and goods, notes only lead to orders; a rule connects them, too."""
    assert undeclared.bridges(session([]), [1, 2], [3, 4]) == [3]
    defined = rule("defined", 4, 2, "body", "label")
    assert undeclared.bridges(session([defined]), [1, 2], [3, 4]) == [3, 4]
    assert undeclared.bridges(session([]), [1], [3, 4]) == []


def described(*names: str) -> list[dict[str, Any]]:
    return [{"schema": "s", "name": name, "foreign_keys": []} for name in names]


def test_keys_lead_to_tables_that_are_shown() -> None:
    tables = described("orders", "lines", "notes")
    defined = rule("defined", 4, 1, "body", "total")
    undeclared.add_to(session([defined]), [1, 2, 3, 4], tables)
    keys = {
        table["name"]: [(k["columns"], k["table"], k["references"]) for k in table["foreign_keys"]] for table in tables
    }
    assert keys == {
        "orders": [],
        "lines": [(["order_id"], "orders", ["id"])],
        "notes": [(["body"], "orders", ["total"])],
    }
    assert tables[1]["foreign_keys"][0]["score"] < 1 == tables[2]["foreign_keys"][0]["score"]
