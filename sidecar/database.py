"""A task with a connection of its own to one database, kept up for as long as the process lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sidecar.engine.base import EngineState

Connection = psycopg.AsyncConnection[dict[str, Any]]

MAX_BACKOFF = 30.0


def database_name(dsn: str) -> str:
    """The database that a connection string leads to, as libpq finds it."""
    given = psycopg.conninfo.conninfo_to_dict(dsn)
    name = given.get("dbname") or os.environ.get("PGDATABASE") or given.get("user") or os.environ.get("PGUSER")
    return str(name or pwd.getpwuid(os.geteuid()).pw_name)


class DatabaseTask:
    """Works on a connection until something fails, then tries again with growing pauses.

    A subclass says what the work is and, in `failed`, what its absence means.
    """

    log: logging.Logger
    trouble: str  # one log line's message when it starts to fail
    action: str  # what a person should do about it
    lock_timeout = "5s"  # whoever may write a table may lock it: a statement that waits would wait for ever

    def __init__(self, database: str, interval: float) -> None:
        self._database = database
        self._interval = interval
        self._task: asyncio.Task[None] | None = None
        self._state = EngineState("starting", "not connected yet", "none")
        self.name = database_name(database)

    async def work(self, connection: Connection) -> None:
        """Work until something fails; sets the state to `ready` when it has succeeded once."""
        raise NotImplementedError

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
                await self._connected()
            except Exception as error:  # a task that ended would leave a state that is no longer true
                self._note_failure(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_BACKOFF) if self._state.state == "restarting" else self._interval

    async def _connected(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._database,
            autocommit=True,
            application_name="nl2sql-sidecar",
            client_encoding="utf8",  # not the database's: JSON is read and written as UTF-8
            row_factory=dict_row,
            connect_timeout=5,
        ) as connection:
            await connection.execute(f"set statement_timeout = '60s'; set lock_timeout = '{self.lock_timeout}'")
            await self.work(connection)

    @staticmethod
    async def rows(connection: Connection, query: str, *parameters: Any) -> list[dict[str, Any]]:
        return await (await connection.execute(query, parameters)).fetchall()

    def _note_failure(self, error: Exception) -> None:
        reason = str(error).strip().split("\n")[0][:200]
        if self._state.state != "restarting":
            self.log.warning(self.trouble, extra={"fields": {"database": self.name, "error": reason}})
        self._state = EngineState("restarting", f"database {self.name}: {reason}", self.action)
