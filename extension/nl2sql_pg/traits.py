"""What columns hold where their types do not say it, put into the descriptions of their tables."""

from __future__ import annotations

from typing import Any

from nl2sql_pg import forms
from nl2sql_pg.bridge import Database

_SEEN = """
    select schema_name, table_name, column_name, seen from nl2sql._seen_values($1, $2, $3)
    union all
    select schema_name, table_name, column_name, seen from nl2sql._masked_seen_values(current_user, $1, $2, $3)
"""
_LOOSE = "select schema_name, table_name, column_name from nl2sql._loose_columns($1::oid[])"


def add_to(db: Database, relations: list[int], tables: list[dict[str, Any]]) -> None:
    """Give columns the form of their dates, and say which have a nondeterministic collation."""
    places = [
        (table["schema"], table["name"], column["name"])
        for table in tables
        for column in table["columns"]
        if forms.may_have(column["name"], column["type"], column["comment"])
    ]
    forms.add_to(tables, _seen(db, places))
    loose = {tuple(row.values()) for row in db.rows(_LOOSE, ["bigint[]"], [relations])}
    for table in tables if loose else ():
        for column in table["columns"]:
            if (table["schema"], table["name"], column["name"]) in loose:
                column["deterministic"] = False


def _seen(db: Database, places: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], list[str]]:
    if not places:
        return {}
    lists = [list(names) for names in zip(*places, strict=True)]
    rows = db.rows(_SEEN, ["name[]", "name[]", "name[]"], lists)
    return {(row["schema_name"], row["table_name"], row["column_name"]): row["seen"] for row in rows}
