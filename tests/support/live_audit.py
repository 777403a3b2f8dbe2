"""A database whose audit records the real service keeps: signed, spooled and delivered; the engine is scripted."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.conftest import Connection, Database, janitor
from tests.support.auditing import eventually
from tests.support.sidecar import Sidecar
from tools.cluster import Cluster

WRITER = "audit_writer"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Audited:
    """The database and its running sidecar."""

    database: Database
    sidecar: Sidecar

    def settle(self) -> None:
        """Wait until all that was recorded so far is in the log, outbox included."""
        with self.database.connect() as admin:
            eventually(lambda: self._settled(admin))

    def _settled(self, admin: Connection) -> bool:
        (head,) = self.sidecar.post("/v1/audit/head", {"database": self.database.name})["heads"] or [None]
        stored = admin.execute("select seq from nl2sql._audit_chain order by stored_at desc limit 1").fetchone()
        waiting = admin.execute("select count(*) from nl2sql._audit_outbox").fetchone()
        return bool(head and stored == (head["seq"],) and waiting == (0,))


class AuditingSidecar(Sidecar):
    """The service with a journal on a database."""

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post(path, json={"protocol": 1, **body}).json()
        return answer


@contextlib.contextmanager
def audited(cluster: Cluster, template: str) -> Iterator[Audited]:
    """A copy of the template in which every question must be on record."""
    name = f"audited{next(_numbers)}"
    with tempfile.TemporaryDirectory(prefix="nl2sql-a-") as made, janitor(cluster, name, template):
        folder = Path(made)
        folder.chmod(0o755)
        database = Database(cluster, name, folder / "sidecar.sock")
        with database.connect() as admin:
            prepare(admin, database)
            running = AuditingSidecar(folder, socket_mode="0666", databases=[database.dsn(WRITER)], audit_interval=0.05)
            try:
                yield Audited(database, running)
            finally:
                running.stop()
                with contextlib.suppress(psycopg.Error):
                    admin.execute(f"drop role if exists {WRITER}".encode())


def prepare(admin: Connection, database: Database) -> None:
    admin.execute(f"drop role if exists {WRITER}".encode())
    admin.execute(f"create role {WRITER} login in role nl2sql_sidecar".encode())
    admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(database.socket),))
    admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
    admin.execute("select nl2sql.set_setting('audit', null)")
