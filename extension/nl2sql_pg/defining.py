"""A standing condition that somebody gives: read by the guard, bound by the server over its table alone."""

from __future__ import annotations

from typing import Any

from nl2sql_pg import planning
from nl2sql_pg.client import malformed
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal, ServerError
from nl2sql_pg.filter_signs import quoted

NOTHING_STORED = "Nothing was stored."
OWN_PATH = "pg_catalog, pg_temp"  # no operator of anybody's is meant
MAX_CONDITION = 2000

_DESCRIBE = "select nl2sql._describe($1::oid[])"


def check(context: Context, relation: int, condition: str | None) -> dict[str, Any]:
    """{parts, columns} of the condition; raises 22023, 42703, what the guard and what the server have against it."""
    text = (condition or "").strip()
    if not text or len(text) > MAX_CONDITION:
        raise Refusal(
            "22023",
            f"a standing condition has 1 to {MAX_CONDITION} characters",
            detail=NOTHING_STORED,
            hint="For example: SELECT nl2sql.define_filter('shop.orders', 'deleted_at IS NULL').",
        )
    (table,) = context.db.json(_DESCRIBE, ["bigint[]"], [[relation]])
    asked = {"condition": text, "table": table, "server_version": context.server_version}
    parts, columns = _read(context.client.post("/v1/condition", asked, context.deadline))
    written = "".join(part + name for part, name in zip(parts, [*map(quoted, columns), ""], strict=True))
    _bind(context, table, written)
    return {"parts": parts, "columns": columns}


def _read(reply: dict[str, Any]) -> tuple[list[str], list[str]]:
    parts, columns, error = reply.get("parts"), reply.get("columns"), reply.get("error")
    if isinstance(error, dict) and {"sqlstate", "message", "hint"} <= set(error):
        state, message, hint = (str(error[name]) for name in ("sqlstate", "message", "hint"))
        raise Refusal(state[:5], message, detail=NOTHING_STORED, hint=hint)
    if not isinstance(parts, list) or not isinstance(columns, list) or len(parts) != len(columns) + 1:
        raise malformed("it is not an answer to /v1/condition")
    return [str(part) for part in parts], [str(name) for name in columns]


def _bind(context: Context, table: dict[str, Any], condition: str) -> None:
    """Raise unless it is a truth value over this table alone, and stands between brackets as it stands alone."""
    source = f"{quoted(table['schema'])}.{quoted(table['name'])}"
    for text in (condition, f"({condition}\n)"):
        try:
            read = planning.reads(context.db, f"select 1 from {source} where {text}", OWN_PATH, NOTHING_STORED)
        except ServerError as error:
            if error.final:
                raise
            raise Refusal(
                error.sqlstate,
                f"the condition can't be used: {error.message}",
                detail=NOTHING_STORED,
                hint=f"Try it by itself: SELECT count(*) FROM {source} WHERE {condition}.",
            ) from None
        if any((row["schema"], row["table"]) != (table["schema"], table["name"]) for row in read):
            raise Refusal(
                "22023",
                "the condition reads another table",
                detail=NOTHING_STORED,
                hint="It may name columns of its own table alone, and have no subquery.",
            )
