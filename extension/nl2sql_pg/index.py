"""Bring the schema index up to date from within the server, for when no sidecar keeps it."""

from __future__ import annotations

import json
from typing import Any

from nl2sql_pg.context import Context
from nl2sql_pg.embedding import TEXTS, embed
from nl2sql_pg.errors import Refusal, ServerError

RELATIONS = 32  # relations read in one step
STEP = 60.0  # seconds for one request; the whole takes as long as it takes, under statement_timeout

_HEAD = "select nl2sql._index_queue_head()"
_PENDING = "select relid::bigint as relid, attnum, names, document, fingerprint from nl2sql._index_pending($1)"
_STORE = "select nl2sql._index_store($1::jsonb, $2, $3)"
_VALUES = "select nl2sql._known_refresh($1)"


def refresh(context: Context) -> int:
    """Embed and store everything pending; returns the number of relations stored."""
    stored: set[int] = set()
    while True:
        head = context.db.value(_HEAD)
        entries = context.db.rows(_PENDING, ["int"], [RELATIONS])
        if not entries:
            _store(context, [], None, head)
            while context.db.value(_VALUES, ["int"], [RELATIONS]):
                pass
            return len(stored)
        embedder = _embed(context, entries)
        _store(context, entries, embedder, head)
        stored.update(entry["relid"] for entry in entries)


def _embed(context: Context, entries: list[dict[str, Any]]) -> str:
    """Put an embedding into each entry; returns the embedder's name."""
    name = ""
    for start in range(0, len(entries), TEXTS):
        batch = entries[start : start + TEXTS]
        embedded = embed(context.with_time(STEP), [entry["document"] for entry in batch])
        name = embedded.embedder
        for entry, vector in zip(batch, embedded.vectors, strict=True):
            entry["embedding"] = vector
    return name


def _store(context: Context, entries: list[dict[str, Any]], embedder: str | None, head: int) -> None:
    try:
        context.db.value(_STORE, ["text", "text", "bigint"], [json.dumps(entries), embedder, head])
    except ServerError as error:
        if error.final:
            raise
        raise Refusal(
            "NL203",
            "the schema index could not be stored",
            detail=f"{error.sqlstate}: {error.message}. The index is as it was before; questions are still answered.",
            hint="Free disk space or remove the cause, then run SELECT nl2sql.refresh_index() again.",
        ) from None
