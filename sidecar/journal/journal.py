"""All of this sidecar's audit records: a ledger a database, their delivery, and the heads that others may anchor."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sidecar.engine.base import EngineState
from sidecar.errors import SidecarError
from sidecar.journal.chain import Entry, Head, Problem, Record, problems
from sidecar.journal.delivery import Delivery
from sidecar.journal.faults import not_started, not_written
from sidecar.journal.key import load_key
from sidecar.journal.ledger import Ledger
from sidecar.journal.spool import Spool
from sidecar.settings import Settings

log = logging.getLogger("sidecar.journal")

ANCHOR_INTERVAL = 60.0


class Journal:
    """open() takes the folder for this process; start() begins to deliver."""

    def __init__(self, folder: Path, databases: Sequence[str], limit: int, interval: float) -> None:
        self._folder = folder
        self._limit = limit
        self._key: bytes | None = None
        self._lock: int | None = None
        self._ledgers: dict[str, Ledger] = {}
        self._deliveries = [Delivery(database, self.ledger, interval) for database in databases]
        self._anchored: dict[str, Head] = {}
        self._anchoring: asyncio.Task[None] | None = None
        self._preparing: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Make and lock the folder; raises NL601 where that can't be."""
        if self._lock is not None:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_foreign(self._folder)
            self._lock = _locked(self._folder)
        except OSError as error:
            raise not_started(
                f"{self._folder}: {error.strerror}", "Set state_dir to a folder that the sidecar's user may write to."
            ) from error

    async def start(self) -> None:
        self.open()
        for folder in self._folder.glob("db-*"):
            self._prepare(unquote(folder.name.removeprefix("db-")))
        for delivery in self._deliveries:
            delivery.start()
        self._anchoring = asyncio.create_task(self._keep_anchored())

    def _prepare(self, database: str) -> None:
        try:
            self._preparing.append(asyncio.create_task(self.ledger(database).prepare()))
        except SidecarError as error:  # the key; whoever sends a record hears of it, too
            log.warning(error.message, extra={"fields": {"hint": error.hint}})

    async def stop(self) -> None:
        if self._anchoring:
            self._anchoring.cancel()
        for delivery in self._deliveries:
            await delivery.stop()
        await asyncio.gather(*self._preparing, return_exceptions=True)
        with contextlib.suppress(OSError, SidecarError):
            await self.anchor()
        for ledger in self._ledgers.values():
            await ledger.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def ledger(self, database: str) -> Ledger:
        if database not in self._ledgers:
            folder = self._folder / f"db-{quote(database, safe='')}"
            self._ledgers[database] = Ledger(database, Spool(folder, self._the_key(), self._limit))
        return self._ledgers[database]

    def _the_key(self) -> bytes:
        """Made at first use."""
        if self._key is None:
            try:
                self._key = load_key(self._folder / "key")
            except OSError as error:
                raise not_written(self._folder, error) from error
        return self._key

    async def record(self, database: str, records: Sequence[Record]) -> None:
        """Keep records; they outlive this process and the machine's power when it returns, else it raises NL601."""
        await self.ledger(database).record(records)

    async def heads(self, database: str) -> list[dict[str, Any]]:
        """Chains of a database that this sidecar has signed, their last entries, and what the database confirmed."""
        if database not in self._ledgers and not any(d.name == database for d in self._deliveries):
            return []
        ledger = self.ledger(database)
        return await ledger.run(ledger.spool.heads)

    def verify(self, entries: Sequence[Entry], after: Head | None) -> list[Problem]:
        """Whether hashes of one chain are right; it never says what would be."""
        return problems(self._the_key(), entries, after)

    async def _keep_anchored(self) -> None:
        while True:
            await asyncio.sleep(ANCHOR_INTERVAL)
            try:
                await self.anchor()
            except (OSError, SidecarError) as error:
                log.warning("audit chain heads can't be written", extra={"fields": {"error": str(error)}})

    async def anchor(self) -> None:
        """Log heads that changed, and write them beside their spools: who keeps a copy elsewhere finds a cut tail."""
        for name, ledger in self._ledgers.items():
            await ledger.run(ledger.spool.sync)
            head = ledger.spool.head
            if head.seq == 0 or self._anchored.get(name) == head:
                continue
            fields = {"database": name, "chain": head.chain, "seq": head.seq, "hash": head.hash}
            log.info("audit chain head", extra={"fields": fields})
            await ledger.run(ledger.spool.anchor)
            self._anchored[name] = head

    def states(self) -> dict[str, EngineState]:
        """A row a database that has records or a connection."""
        reached = {delivery.name: delivery.state() for delivery in self._deliveries}
        names: Iterable[str] = sorted({*self._ledgers, *reached})
        return {f"audit journal {name}": self._state(name, reached.get(name)) for name in names}

    def _state(self, name: str, delivery: EngineState | None) -> EngineState:
        ledger = self._ledgers.get(name)
        waiting = ledger.spool.waiting if ledger else 0
        counted = {0: "no record waits", 1: "1 record waits"}.get(waiting, f"{waiting} records wait")
        if ledger and ledger.trouble:
            return EngineState("dead", f"{ledger.trouble.message}; {counted}", ledger.trouble.hint)
        if delivery is None:
            action = f"Add a connection string of {name} to the sidecar's setting databases."
            return EngineState("waiting", f"{counted}, and none is delivered", action)
        return EngineState(delivery.state, f"{delivery.detail}; {counted}", delivery.action)


def journal_of(settings: Settings) -> Journal:
    """The journal as the settings say; nothing is opened yet."""
    return Journal(settings.journal_path, settings.databases, settings.audit_spool_bytes, settings.audit_interval)


def _refuse_foreign(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise not_started(f"{folder} is a link or belongs to another user", "Set state_dir to a folder of our own.")
    folder.chmod(0o700)


def _locked(folder: Path) -> int:
    """The lock of the folder, which ends with the process however it ends."""
    number = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise not_started(
            f"another sidecar uses {folder}", "Give every sidecar a state_dir of its own, or stop the other one."
        ) from None
    return number
