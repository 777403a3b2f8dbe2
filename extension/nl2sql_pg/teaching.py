"""Statements that people vouch for: checked as the caller, then stored as examples."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nl2sql_pg import planning
from nl2sql_pg.context import Context
from nl2sql_pg.embedding import TEXTS, embed
from nl2sql_pg.errors import LOCK_NOT_AVAILABLE, Refusal, ServerError, locked
from nl2sql_pg.statement import guard, refuse_captured, tidy

MAX_NOTE = 2000
STEP = 60.0  # seconds for one request that fills in vectors

Reads = list[dict[str, Any]]

_READABLE = """
    select nl2sql._describe(array(
        select s.relid from nl2sql._scope('database', $1) as s
            join jsonb_to_recordset($2) as r (schema name, "table" name)
                on r.schema = s.schema_name and r."table" = s.relation_name
        group by s.relid, s.schema_name, s.relation_name order by s.schema_name, s.relation_name))
"""
_PLAIN = """
    select r.schema, r."table" from jsonb_to_recordset($2) as r (schema name, "table" name)
    where nl2sql._first_schema($1, r."table") = r.schema
"""
_STORE = "select nl2sql._example_store($1, $2, $3)"
_NOTE = "select nl2sql._clean($1, $2)"
_PENDING = "select id, question from nl2sql._example_pending($1, $2)"
_EMBED = "select nl2sql._example_embed($1, $2)"

NOTHING_STORED = "Nothing was stored."


@dataclass(frozen=True)
class Statement:
    """A SELECT in its normal form and what it reads: {schema, table, column, plain}."""

    sql: str
    reads: Reads


def reads(context: Context, sql: str | None) -> Reads:
    """What a statement reads, as the server binds its names; raises NL204 if it is no SELECT that can be bound."""
    text = tidy(sql, NOTHING_STORED)
    refuse_captured(context, text, NOTHING_STORED)
    try:
        return list(planning.reads(context.db, text, context.search_path, NOTHING_STORED))
    except ServerError as error:
        raise _refused(error) from None


def checked(context: Context, sql: str | None) -> Statement:
    """A statement as an answer of ours would be: through the guard, then planned as the caller; raises NL204, NL4xx.

    The guard comes before the planner: planning runs functions, and somebody else may have written the text, or a view
    that it reads. For a superuser, whom nothing would hold back, it is bound but not planned.
    """
    found = reads(context, sql)
    tables = context.db.json(_READABLE, ["name[]", "jsonb"], [context.schemas, json.dumps(found)])
    if not tables:
        raise _nothing_read()
    normal = guard(context, tidy(sql, NOTHING_STORED), tables, NOTHING_STORED).sql
    refuse_captured(context, normal, NOTHING_STORED)
    try:
        if not context.superuser:
            planning.explain(context.db, normal, context.search_path, NOTHING_STORED)
        return Statement(normal, _with_plain(context, normal))
    except ServerError as error:
        raise _refused(error) from None


def add(context: Context, question: str, statement: Statement, note: str | None, source: str) -> dict[str, Any]:
    """Store an example; without an embedder it is stored without a vector, which is filled in later."""
    vector, name, warnings = None, None, []
    try:
        embedded = embed(context, [question])
        vector, name = str(embedded.vectors[0]), embedded.embedder
    except Refusal as refusal:
        if refusal.sqlstate != "NL310":
            raise
        warnings.append(f"NL310: {refusal.message}; until it is back the example is found by its words only")
    example = {"question": question, "sql": statement.sql, "note": clean_note(context, note), "source": source}
    values = [json.dumps(example | {"embedder": name}), json.dumps(statement.reads), vector]
    stored = context.db.value(_STORE, ["jsonb", "jsonb", "text"], values)
    return {"id": stored, "warnings": warnings}


def clean_note(context: Context, note: str | None) -> str | None:
    """A note as one line."""
    cleaned: str | None = context.db.value(_NOTE, ["text", "int"], [note, MAX_NOTE])
    return cleaned


def fill_in(context: Context) -> None:
    """Embed the questions of examples that have no vector of the embedder in use."""
    if not context.db.rows(_PENDING, ["text", "int"], ["", 1]):
        return
    embedder = embed(context.with_time(STEP), ["example"]).embedder
    while entries := [dict(row) for row in context.db.rows(_PENDING, ["text", "int"], [embedder, TEXTS])]:
        embedded = embed(context.with_time(STEP), [entry["question"] for entry in entries])
        for entry, vector in zip(entries, embedded.vectors, strict=True):
            entry["embedding"] = vector
        if not context.db.value(_EMBED, ["jsonb", "text"], [json.dumps(entries), embedded.embedder]):
            return


def _with_plain(context: Context, sql: str) -> Reads:
    """What the statement reads, and of which relations it may give the name without a schema."""
    found: Reads = list(planning.reads(context.db, sql, context.search_path, NOTHING_STORED))
    if _stands_alone(context, sql):
        return [{**read, "plain": False} for read in found]
    rows = context.db.rows(_PLAIN, ["name[]", "jsonb"], [context.schemas, json.dumps(found)])
    plain = {(row["schema"], row["table"]) for row in rows}
    return [{**read, "plain": (read["schema"], read["table"]) in plain} for read in found]


def _stands_alone(context: Context, sql: str) -> bool:
    """Whether it means the same under any search path."""
    try:
        planning.reads(context.db, sql, "pg_catalog", NOTHING_STORED)
    except ServerError as error:
        if error.final:
            raise
        return False
    return True


def _refused(error: ServerError) -> ServerError | Refusal:
    """The server's words without its hint, which may name a column that the caller may not read."""
    if error.final:
        return error
    if error.sqlstate == LOCK_NOT_AVAILABLE:
        return locked(error, NOTHING_STORED)
    hint = "Run the statement by itself first; what can't be planned for you can't be stored by you."
    return Refusal("NL204", f"the statement can't be used: {error.message}", detail=NOTHING_STORED, hint=hint)


def _nothing_read() -> Refusal:
    return Refusal(
        "NL204",
        "the statement can't be used: it reads no table that you may read",
        detail=NOTHING_STORED,
        hint="Ask for GRANT SELECT on its tables, or let somebody store it who may read them.",
    )
