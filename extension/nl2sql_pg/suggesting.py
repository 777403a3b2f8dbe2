"""Statements worth storing as examples: what views are made of, and what the workload asks most."""

from __future__ import annotations

import json
import re
from typing import Any

from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal
from nl2sql_pg.teaching import Statement, checked

WORKLOAD = 200  # most used statements that are looked at

# How pg_stat_statements writes a constant. For binding and planning any value would do.
_PARAMETER = re.compile(r"\$\d+")

_VIEWS = "select question, sql, source, uses from nl2sql._view_statements($1)"
_WORKLOAD = "select question, sql, source, uses from nl2sql._workload($1)"
_KNOWN = "select sql from nl2sql.list_examples()"
_FILTERED = """
    select exists (
        select from jsonb_to_recordset($1) as r (schema name, "table" name)
            join pg_namespace as n on n.nspname = r.schema
            join pg_class as c on c.relnamespace = n.oid and c.relname = r."table"
        where row_security_active(c.oid))
"""


def suggest(context: Context) -> list[dict[str, Any]]:
    """{question, sql, source, uses}: what the caller could run himself, and is not stored yet."""
    known = {row["sql"] for row in context.db.rows(_KNOWN)}
    found = context.db.rows(_VIEWS, ["name[]"], [context.schemas]) + context.db.rows(_WORKLOAD, ["int"], [WORKLOAD])
    suggestions = []
    for row in found:
        sql = _usable(context, row["sql"])
        if sql and sql not in known:
            known.add(sql)
            suggestions.append({**row, "sql": sql})
    return suggestions


def _usable(context: Context, text: str) -> str | None:
    """The statement as it may be shown, None if it may not be, or is no SELECT of ours."""
    try:
        statement = checked(context, _PARAMETER.sub("null", text))
    except Refusal as refusal:
        if refusal.sqlstate.startswith("NL0") or refusal.sqlstate == "NL501":
            raise
        return None
    if _quotes_rows(context, statement):
        return None
    return statement.sql if not _PARAMETER.search(text) else " ".join(text.split())


def _quotes_rows(context: Context, statement: Statement) -> bool:
    """Whether it may have a value in it of a row that row security hides from the caller."""
    return "'" in statement.sql and bool(context.db.value(_FILTERED, ["jsonb"], [json.dumps(statement.reads)]))
