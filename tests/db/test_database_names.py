"""Databases whose names need care in a connection string: the sidecar reaches them, by conninfo and by URL."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import Database
from tests.support.auditing import eventually
from tests.support.live_audit import WRITER, AuditingSidecar, prepare
from tools.cluster import Cluster

NAMES = ["their-db", "their db", "th'eir \"db\\name-2", "数据仓库", "Ünï?#@/%20", "y" * 63]


def conninfo(cluster: Cluster, name: str) -> str:
    return make_conninfo(host=str(cluster.sockets), port=cluster.port, dbname=name, user=WRITER)


def url(cluster: Cluster, name: str) -> str:
    host = quote(str(cluster.sockets), safe="")
    return f"postgresql://{WRITER}@{host}:{cluster.port}/{quote(name, safe='')}"


@contextlib.contextmanager
def named(cluster: Cluster, template: str, name: str) -> Iterator[None]:
    with psycopg.connect(cluster.dsn(), autocommit=True) as server:
        server.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.mark.parametrize("written", [conninfo, url])
def test_the_sidecar_reaches_them(cluster: Cluster, template: str, written: object) -> None:
    """Each question is on record in the database that it was asked in."""
    with tempfile.TemporaryDirectory(prefix="nl2sql-n-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        folder.chmod(0o755)
        databases = []
        for name in NAMES:
            stack.enter_context(named(cluster, template, name))
            databases.append(Database(cluster, name, folder / "sidecar.sock"))
        for database in databases:
            with database.connect() as admin:
                with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
                    prepare(admin, database)
                admin.execute("create table parcel (id int)")
        strings = [written(cluster, name) for name in NAMES]  # type: ignore[operator]
        sidecar = AuditingSidecar(folder, socket_mode="0666", databases=strings, audit_interval=0.05)
        stack.callback(sidecar.stop)
        for database in databases:
            with database.connect() as admin:
                assert_served(admin, database.name)
    with psycopg.connect(cluster.dsn(), autocommit=True) as server:
        server.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(WRITER)))


def assert_served(admin: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    admin.execute("select nl2sql.ask('how many parcels')")
    recorded = "select count(*) from nl2sql.audit_log where question = 'how many parcels'"
    eventually(lambda: admin.execute(recorded).fetchone() == (2,))
    state = admin.execute(
        "select state, detail from nl2sql.status() where component = %s", (f"audit journal {name}",)
    ).fetchone()
    assert state is not None and state[0] == "ready", state
