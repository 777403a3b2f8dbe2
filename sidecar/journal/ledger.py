"""One database's spool on the event loop: all that comes while the disk is busy goes to the disk together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from sidecar.errors import SidecarError
from sidecar.journal.chain import Entry, Record
from sidecar.journal.faults import not_written
from sidecar.journal.spool import Spool

log = logging.getLogger("sidecar.journal")

T = TypeVar("T")
Waiting = tuple[Sequence[Record], bool, asyncio.Future[None]]

LATE = 0.05  # seconds until an outcome is synced, unless something else is before


class Ledger:
    """Callers of record() share syncs. The spool is used by a thread of its own: the loop never waits for a disk."""

    def __init__(self, database: str, spool: Spool) -> None:
        self.database = database
        self.spool = spool
        self.trouble: SidecarError | None = None  # why the last write failed
        self.changed = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._syncing: asyncio.Task[None] | None = None
        self._recovered = False

    async def record(self, records: Sequence[Record]) -> None:
        """Returns once the records are kept; raises NL601 where they are not.

        They are on the disk then. Outcomes alone may be with the operating system only: they outlive this process, and
        what they tell of has its intent on the disk, so that a power cut right then leaves a trace of it, too.
        """
        stored = asyncio.get_running_loop().create_future()
        durable = any(record.get("event") != "outcome" for record in records)
        self._waiting.append((records, durable, stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            records = [record for given, _, _ in batch for record in given]
            durable = any(wanted for _, wanted, _ in batch)
            error = await self._try(partial(self.spool.append, records, durable=durable))
            if not durable and self._syncing is None:
                self._syncing = asyncio.create_task(self._sync_late())
            for _, _, stored in batch:
                if not stored.done():  # else its client has left
                    stored.set_exception(error) if error else stored.set_result(None)

    async def _sync_late(self) -> None:
        await asyncio.sleep(LATE)
        self._syncing = None
        while await self._try(self.spool.sync):
            await asyncio.sleep(1)

    async def _try(self, work: Callable[[], None]) -> Exception | None:
        try:
            await self.run(work)
        except Exception as error:  # whoever waits must hear of it
            self._note(error)
            return error
        if self.trouble:
            log.warning("audit journal writes again", extra={"fields": {"database": self.database}})
        self.trouble = None
        self.changed.set()
        return None

    def _note(self, error: Exception) -> None:
        if not isinstance(error, SidecarError):
            log.exception("audit journal failed", exc_info=error)
            return
        if self.trouble is None:
            fields = {"database": self.database, "reason": error.message}
            log.error("audit records can't be stored", extra={"fields": fields})
        self.trouble = error

    async def run(self, work: Callable[[], T]) -> T:
        """Do something with the spool, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._on_recovered, work)

    def _on_recovered(self, work: Callable[[], T]) -> T:
        if not self._recovered:
            try:
                self.spool.recover()
            except OSError as error:
                raise not_written(self.spool.folder, error) from error
            self._recovered = True
        return work()

    async def prepare(self) -> None:
        """Take up what an earlier process left, so that its state is known before somebody writes."""
        try:
            await self.run(lambda: None)
        except SidecarError as error:
            self._note(error)

    async def pending(self, most: int) -> list[Entry]:
        self.changed.clear()
        return await self.run(lambda: self.spool.pending(most))

    async def delivered(self, seq: int) -> None:
        await self.run(lambda: self.spool.mark_delivered(seq))

    async def close(self) -> None:
        """Let what was begun end; further records are not expected."""
        running = [task for task in (self._writing, self._syncing) if task]
        await asyncio.gather(*running, return_exceptions=True)
        self._thread.shutdown()
        self.spool.close()
