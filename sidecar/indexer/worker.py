"""One database's schema index and examples: look for what changed, embed its texts, store them."""

from __future__ import annotations

import asyncio
import json
import logging
import time

from sidecar.database import Connection, DatabaseTask
from sidecar.engine.base import Embedder, EngineState

log = logging.getLogger("sidecar.indexer")

RELATIONS = 32  # relations read in one step
TEXTS = 64  # texts embedded at once; small, so that a question's own embedding waits little
VALUES_PAUSE = 30.0  # seconds between two looks for ANALYZE: each asks about every relation

_HEAD = "select nl2sql._index_queue_head() as head"
_PENDING = "select relid::bigint as relid, attnum, names, document, fingerprint from nl2sql._index_pending(%s)"
_STORE = "select nl2sql._index_store(%s::jsonb, %s, %s)"
_VALUES = "select nl2sql._known_refresh(%s) as stored"
_EXAMPLES = "select id, question from nl2sql._example_pending(%s, %s)"
_STORE_EXAMPLES = "select nl2sql._example_embed(%s::jsonb, %s) as stored"


class IndexWorker(DatabaseTask):
    """A task that keeps one database's index and the vectors of its examples fresh.

    Whatever fails is tried again, with growing pauses.
    """

    log = log
    trouble = "schema index can't be kept fresh"
    action = "Questions are still answered. Check the setting databases and the rights of its role (nl2sql_sidecar)."

    def __init__(self, database: str, embedder: Embedder, interval: float) -> None:
        super().__init__(database, interval)
        self._embedder = embedder
        self._values_due = 0.0

    async def work(self, connection: Connection) -> None:
        """Look for changes until something fails."""
        while True:
            stored = await self._step(connection)
            self._state = EngineState("ready", f"schema index of {self.name} is kept fresh", "none")
            stored += await self._embed_examples(connection)
            stored += await self._take_values(connection, at_once=stored > 0)
            if not stored:
                await asyncio.sleep(self._interval)

    async def _take_values(self, connection: Connection, at_once: bool) -> int:
        """Take the values of relations that were indexed or analyzed since; returns how many relations."""
        if not at_once and time.monotonic() < self._values_due:
            return 0
        taken = int((await self.rows(connection, _VALUES, RELATIONS))[0]["stored"])
        self._values_due = time.monotonic() + (0 if taken else VALUES_PAUSE)
        return taken

    async def _step(self, connection: Connection) -> int:
        """Index up to RELATIONS relations; returns the rows stored."""
        head = (await self.rows(connection, _HEAD))[0]["head"]
        entries = await self.rows(connection, _PENDING, RELATIONS)
        if not entries and not head:
            return 0
        for start in range(0, len(entries), TEXTS):
            batch = entries[start : start + TEXTS]
            vectors = await self._embedder.embed([entry["document"] for entry in batch])
            for entry, vector in zip(batch, vectors, strict=True):
                entry["embedding"] = vector
        await connection.execute(_STORE, (json.dumps(entries), self._embedder.name, head))
        return len(entries)

    async def _embed_examples(self, connection: Connection) -> int:
        """Give vectors to stored examples that have none of this embedder; returns how many."""
        entries = await self.rows(connection, _EXAMPLES, self._embedder.name, TEXTS)
        if not entries:
            return 0
        vectors = await self._embedder.embed([entry["question"] for entry in entries])
        for entry, vector in zip(entries, vectors, strict=True):
            entry["embedding"] = vector
        stored = await self.rows(connection, _STORE_EXAMPLES, json.dumps(entries), self._embedder.name)
        return int(stored[0]["stored"])
