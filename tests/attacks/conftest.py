"""The stage: a database full of traps and of things that may never come back, its sidecar, the role that attacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.conftest import Connection, Database
from tests.support.aftermath import in_database, in_session
from tests.support.databases import new_database
from tests.support.sidecar import Sidecar
from tools.cluster import Cluster

STAGE = Path(__file__).with_name("stage.sql")
PATH = "public, planted"
# The runner by itself, as a superuser would expose it; the guard in front of it is left out.
UNGUARDED = """
create schema unguarded;
create function unguarded.run(statement text) returns jsonb language plpython3u volatile security invoker
set search_path = pg_catalog, pg_temp set lock_timeout = '1s'
as $python$
{prelude}
import json
from nl2sql_pg.bridge import Database
from nl2sql_pg.errors import ServerError
from nl2sql_pg.runner import Limits, run
db = Database(plpy)
try:
    with db.read_only():
        result = run(db, statement, '{path}', Limits(seconds={seconds}, rows=100, bytes=1000000))
    return json.dumps({{"rows": result.rows}})
except ServerError as error:
    return json.dumps({{"error": error.sqlstate, "message": error.message}})
$python$;
grant usage on schema unguarded to public;
"""
SECONDS = 0.2


@dataclass
class Stage:
    """Connections by how they came in: `login`, and `became` (a superuser's after SET ROLE)."""

    database: Database
    watcher: Connection
    service: Sidecar
    _open: dict[str, Connection] = field(default_factory=dict)

    def proposes(self, statement: str) -> None:
        """Let the model say this, whatever it is asked."""
        self.service.engine.reset()
        self.service.engine.samples = [Sample(statement, -0.1, 9, "stop")]

    @property
    def prompts(self) -> str:
        """Everything that the model has been shown since it was told what to say."""
        return "\n".join(message.content for messages, _ in self.service.engine.requests for message in messages)

    def connect(self, how: str) -> Connection:
        """The session of that kind, a new one where it is gone."""
        found = self._open.get(how)
        if found is None or found.closed:
            found = self._open[how] = open_session(self.database.dsn("attacker" if how == "login" else "postgres"))
        return found

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


def open_session(dsn: str) -> Connection:
    """A session of the attacker's, with a prepared statement, an advisory lock and a channel of its own."""
    connection: Connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("set role attacker")
    connection.execute(f"set search_path = {PATH}")
    connection.execute("prepare mine as select 1")
    if not in_recovery(connection):
        connection.execute("listen own")
    connection.execute("select pg_advisory_lock_shared(4711)")
    connection.prepare_threshold = None
    warm_up(connection)
    return connection


def warm_up(connection: Connection) -> None:
    """What a session loads for its first question: a library brings settings of its own."""
    connection.execute("select unguarded.run('select 1')")


def in_recovery(connection: Connection) -> bool:
    """On a standby nobody can listen."""
    return connection.execute("select pg_is_in_recovery()").fetchone() == (True,)


def watch(dsn: str) -> Connection:
    """A superuser's session that listens, and holds a lock for others to run into."""
    watcher: Connection = psycopg.connect(dsn, autocommit=True)
    if not in_recovery(watcher):
        watcher.execute("listen ears")
    watcher.execute("select pg_advisory_lock(999)")
    return watcher


def set_stage(connection: Connection) -> None:
    """Roles, tables, traps; and the runner without its guard."""
    connection.execute(STAGE.read_bytes())
    source = """
        select split_part(prosrc, 'from nl2sql_pg', 1) from pg_proc
        where oid = 'nl2sql._ask(text, jsonb, jsonb)'::regprocedure"""
    row = connection.execute(source.encode()).fetchone()
    assert row
    connection.execute(UNGUARDED.format(prelude=row[0], path=PATH, seconds=SECONDS).encode())


def strike_stage(connection: Connection) -> None:
    """Roles are the cluster's and outlive the database."""
    connection.execute("drop owned by attacker, planter cascade; drop role attacker, planter")


@pytest.fixture(scope="module")
def stage(cluster: Cluster, template: str, short_folder: Path) -> Iterator[Stage]:
    folder = short_folder / "attacked"
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        database = stack.enter_context(new_database(cluster, template, folder))
        service = Sidecar(folder, socket_mode="0666")
        stack.callback(service.stop)
        watcher = stack.enter_context(watch(database.dsn()))
        watcher.execute("select nl2sql.set_setting('socket_path', %s)", (str(service.settings.socket),))
        watcher.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
        watcher.execute(
            "select nl2sql.set_setting('trial_milliseconds', '200'), nl2sql.set_setting('max_cost', '100000')"
        )
        watcher.execute("select nl2sql.set_setting('max_seconds', '2')")
        set_stage(watcher)
        stack.callback(strike_stage, watcher)
        found = Stage(database, watcher, service)
        stack.callback(found.close)
        yield found


@dataclass
class Untouched:
    """Compares what is there with what was there at the last look, so that each attack answers for itself."""

    watcher: Connection
    _seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def database_changes(self) -> list[str]:
        return self._changes("database", in_database(self.watcher))

    def session_changes(self, how: str, connection: Connection) -> list[str]:
        return self._changes(f"{how} {connection.info.backend_pid}", in_session(connection))

    def _changes(self, key: str, now: dict[str, Any]) -> list[str]:
        before, self._seen[key] = self._seen.get(key, now), now
        return [f"{name}: {before[name]} -> {now[name]}" for name in now if now[name] != before[name]]


@pytest.fixture(scope="module")
def untouched(stage: Stage) -> Untouched:
    found = Untouched(stage.watcher)
    for how in ("login", "became"):
        found.session_changes(how, stage.connect(how))
    found.database_changes()
    return found
