"""One database's schema index and examples: look for what changed, embed its texts, store them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sidecar.engine.base import Embedder, EngineState

log = logging.getLogger("sidecar.indexer")

RELATIONS = 32  # relations read in one step
TEXTS = 64  # texts embedded at once; small, so that a question's own embedding waits little
MAX_BACKOFF = 30.0

_HEAD = "select nl2sql._index_queue_head() as head"
_PENDING = "select relid::bigint as relid, attnum, names, document, fingerprint from nl2sql._index_pending(%s)"
_STORE = "select nl2sql._index_store(%s::jsonb, %s, %s)"
_EXAMPLES = "select id, question from nl2sql._example_pending(%s, %s)"
_STORE_EXAMPLES = "select nl2sql._example_embed(%s::jsonb, %s) as stored"


class IndexWorker:
    """A task that keeps one database's index and the vectors of its examples fresh.

    Whatever fails is tried again, with growing pauses.
    """

    def __init__(self, database: str, embedder: Embedder, interval: float) -> None:
        self._database = database
        self._embedder = embedder
        self._interval = interval
        self._task: asyncio.Task[None] | None = None
        self._state = EngineState("starting", "not connected yet", "none")
        self.name = psycopg.conninfo.conninfo_to_dict(database).get("dbname") or "default"

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def state(self) -> EngineState:
        return self._state

    async def _run(self) -> None:
        pause = self._interval
        while True:
            try:
                await self._keep_fresh()
            except Exception as error:  # a task that ended would leave a state that is no longer true
                self._note_failure(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_BACKOFF) if self._state.state == "restarting" else self._interval

    async def _keep_fresh(self) -> None:
        """Look for changes until something fails."""
        async with await psycopg.AsyncConnection.connect(
            self._database, autocommit=True, application_name="nl2sql-sidecar", row_factory=dict_row, connect_timeout=5
        ) as connection:
            await connection.execute("set statement_timeout = '60s'; set lock_timeout = '5s'")
            while True:
                stored = await self._step(connection)
                self._state = EngineState("ready", f"schema index of {self.name} is kept fresh", "none")
                stored += await self._embed_examples(connection)
                if not stored:
                    await asyncio.sleep(self._interval)

    async def _step(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> int:
        """Index up to RELATIONS relations; returns the rows stored."""
        head = (await self._rows(connection, _HEAD))[0]["head"]
        entries = await self._rows(connection, _PENDING, RELATIONS)
        if not entries and not head:
            return 0
        for start in range(0, len(entries), TEXTS):
            batch = entries[start : start + TEXTS]
            vectors = await self._embedder.embed([entry["document"] for entry in batch])
            for entry, vector in zip(batch, vectors, strict=True):
                entry["embedding"] = vector
        await connection.execute(_STORE, (json.dumps(entries), self._embedder.name, head))
        return len(entries)

    async def _embed_examples(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> int:
        """Give vectors to stored examples that have none of this embedder; returns how many."""
        entries = await self._rows(connection, _EXAMPLES, self._embedder.name, TEXTS)
        if not entries:
            return 0
        vectors = await self._embedder.embed([entry["question"] for entry in entries])
        for entry, vector in zip(entries, vectors, strict=True):
            entry["embedding"] = vector
        stored = await self._rows(connection, _STORE_EXAMPLES, json.dumps(entries), self._embedder.name)
        return int(stored[0]["stored"])

    @staticmethod
    async def _rows(
        connection: psycopg.AsyncConnection[dict[str, Any]], query: str, *parameters: Any
    ) -> list[dict[str, Any]]:
        return await (await connection.execute(query, parameters)).fetchall()

    def _note_failure(self, error: Exception) -> None:
        reason = str(error).strip().split("\n")[0][:200]
        if self._state.state != "restarting":
            log.warning("schema index can't be kept fresh", extra={"fields": {"database": self.name, "error": reason}})
        self._state = EngineState(
            "restarting",
            f"database {self.name}: {reason}",
            "Questions are still answered. Check the setting databases and the rights of its role (nl2sql_sidecar).",
        )
