"""Brings the entries of spools to their database, and takes up there what administrators did."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
from pydantic import ValidationError

from sidecar.database import Connection, DatabaseTask
from sidecar.engine.base import EngineState
from sidecar.journal.chain import Entry, canonical
from sidecar.journal.ledger import Ledger
from sidecar.journal.record import Record, spelled_plainly

log = logging.getLogger("sidecar.journal")

BATCH = 500
BATCH_BYTES = 4_000_000
LOOKS_MISSED = 5  # in a row, until somebody is told
LOCKED_OUT = 5  # deliveries in a row that found a table locked, until somebody is told
GATHER = 0.1  # seconds to let records come together: each delivery is a transaction

_APPEND = "select nl2sql._audit_append(%s::jsonb) as answer"
_OUTBOX = "select nl2sql._audit_outbox(%s) as records"
_LOOK = "select nl2sql._audit_look()"


class Delivery(DatabaseTask):
    """Delivers in order, each entry once: the database ignores what it has, and says how far it has come."""

    log = log
    trouble = "audit records can't be delivered"
    action = (
        "No record is lost: they wait in the sidecar's state_dir. "
        "Check the setting databases and the rights of its role (nl2sql_sidecar)."
    )

    def __init__(self, database: str, ledger_of: Callable[[str], Ledger], interval: float) -> None:
        super().__init__(database, interval)
        self._ledger_of = ledger_of
        self._most = 1
        self._user = ""
        self._missed = 0  # looks in a row that failed
        self._locked = 0  # deliveries in a row that waited for a lock in vain

    async def _connected(self) -> None:
        try:
            await super()._connected()
        except psycopg.errors.LockNotAvailable as error:
            self._locked += 1
            if self._locked == LOCKED_OUT:
                await self._note_lock(error)
            raise

    async def _note_lock(self, error: psycopg.Error) -> None:
        """Put on record, once, that somebody holds up the delivery; the record arrives when he lets go."""
        reason = f"audit records of {self.name} could not be delivered: a table of the log was locked"
        log.error(reason, extra={"fields": {"database": self.name, "sqlstate": error.sqlstate}})
        await self._ledger_of(self.name).record([_gap(self._user, reason, error.sqlstate)])

    async def work(self, connection: Connection) -> None:
        """Deliver as records come, and look into the database each interval."""
        self.name, self._user = connection.info.dbname, connection.info.user
        ledger = self._ledger_of(self.name)
        self._most = 1  # the first answer shows whether the database and the spool know the same chain
        taken = await ledger.run(lambda: ledger.spool.head.seq)  # may hold records of the outbox
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while True:
            await self._deliver(connection, ledger)
            if loop.time() >= look_at and ledger.spool.delivered >= taken:
                taken = await self._take_up(connection, ledger)
                self._note_success()
                look_at = loop.time() + self._interval
                continue
            if await _happens(ledger.changed, self._interval):
                await asyncio.sleep(min(GATHER, self._interval))

    async def _deliver(self, connection: Connection, ledger: Ledger) -> None:
        while entries := await ledger.pending(self._most):
            sent = _first_of(entries)
            try:
                answer = await self.rows(connection, _APPEND, (b"[" + b",".join(sent) + b"]").decode())
            except psycopg.errors.UntranslatableCharacter:
                if all(spelled_plainly(entry.record) == entry.record for entry in entries):
                    raise  # signed anew it would be refused again
                await self._respell(ledger)
                continue
            await self._confirm(ledger, answer[0]["answer"])

    async def _respell(self, ledger: Ledger) -> None:
        """Sign anew what the database's encoding has no characters for: a model may write any of them."""
        reason = f"the encoding of {self.name} lacks characters of a record"
        await ledger.run(lambda: ledger.spool.begin_chain(reason, spelled_plainly))
        self._most = 1

    async def _confirm(self, ledger: Ledger, answer: dict[str, Any]) -> None:
        """Go on behind what the database has, if it has what was signed here."""
        stored, found = int(answer["stored"]), str(answer["hash"])
        if await ledger.run(lambda: ledger.spool.hash_at(stored)) == found:
            await ledger.delivered(stored)
            self._most = BATCH
            self._note_success()
        else:
            reason = f"the database has another entry {stored} than was signed here"
            await ledger.run(lambda: ledger.spool.begin_chain(reason))

    def _note_success(self) -> None:
        self._locked = 0
        if self._missed < LOOKS_MISSED:
            self._state = EngineState("ready", f"records are delivered to {self.name}", "none")

    async def _take_up(self, connection: Connection, ledger: Ledger) -> int:
        """Move records of the outbox into the chain; returns the entry up to which it must be delivered before more."""
        found = (await self.rows(connection, _OUTBOX, BATCH))[0]["records"] or []
        if found:
            await ledger.record([_acceptable(record) for record in found])
        await self._look(connection, ledger)
        return ledger.spool.head.seq if found else 0

    async def _look(self, connection: Connection, ledger: Ledger) -> None:
        """Have the database look at its roles and rights. Whoever blocks that must not hold up the delivery as well."""
        try:
            await connection.execute(_LOOK)
        except psycopg.Error as error:
            if connection.closed:
                raise
            self._missed += 1
            if self._missed == LOOKS_MISSED:
                await self._note_blindness(connection, ledger, error)
        else:
            self._missed = 0

    async def _note_blindness(self, connection: Connection, ledger: Ledger, error: psycopg.Error) -> None:
        """Put on record, once, that changes of roles and rights go unseen; the record raises an alert."""
        reason = f"roles and rights of {self.name} can't be watched"
        log.error(reason, extra={"fields": {"database": self.name, "sqlstate": error.sqlstate}})
        self._state = EngineState(
            "restarting", f"{reason}: SQLSTATE {error.sqlstate}", "See pg_locks for who holds nl2sql._audit_state."
        )
        await ledger.record([_gap(connection.info.user, reason, error.sqlstate)])


def _gap(user: str, reason: str, sqlstate: str | None) -> dict[str, object]:
    """A record of the sidecar's own."""
    return Record(
        id=str(uuid.uuid4()),
        event="event",
        action="audit_gap",
        at=time.time_ns() // 1000,
        session_user=user,
        role=user,
        sqlstate=sqlstate,
        details=reason,
    ).fields()


def _acceptable(record: dict[str, Any]) -> dict[str, object]:
    """A record of the outbox as a record may be; one that no record may be goes whole into the details."""
    try:
        return Record.model_validate(record).fields()
    except ValidationError as error:
        log.warning("a record of the outbox is malformed", extra={"fields": {"errors": error.error_count()}})
        kept = {name: record[name] for name in ("id", "action", "at", "session_user", "role")}
        return Record.model_validate({**kept, "event": "event", "details": canonical(record).decode()}).fields()


def _first_of(entries: list[Entry]) -> list[bytes]:
    """As many entries, as JSON, as make one call; one at least."""
    found: list[bytes] = []
    size = 0
    for entry in entries:
        found.append(canonical(entry.fields()))
        size += len(found[-1])
        if size > BATCH_BYTES:
            break
    return found


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
