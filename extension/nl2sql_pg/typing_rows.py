"""Types for rows that travelled as text: how each column is called in a column definition list."""

from __future__ import annotations

import json
from typing import Any

from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal
from nl2sql_pg.running import Ran

_TYPES = "select number, name, readable from nl2sql._column_types($1, $2) order by number"


def typed(context: Context, ran: Ran, told: dict[str, Any]) -> dict[str, Any]:
    """`told` with rows as lists of text and columns as {name, type}; raises NL413."""
    given = [[column.type for column in ran.columns], [column.modifier for column in ran.columns]]
    types = context.db.rows(_TYPES, ["oid[]", "int[]"], given)
    columns = []
    for column, kind in zip(ran.columns, types, strict=True):
        if not kind["readable"]:
            raise _untypable(column.name, kind["name"])
        columns.append({"name": column.name, "type": kind["name"]})
    if not columns:
        raise _untypable("none", "no column")
    return {**told, "rows": [json.loads(row) for row in ran.rows], "columns": columns}


def _untypable(column: str, kind: str) -> Refusal:
    return Refusal(
        "NL413",
        f"the column {column[:63]!r} can't be given a type of its own: it is {kind[:80]}",
        detail="The statement was run, but its rows can't be passed on as typed rows. Nothing was changed.",
        hint="Ask for its parts or its text as columns of their own, or take the rows as jsonb: nl2sql.query().",
    )
