"""One private cluster for the whole run, and a database of its own for each test that asks for one."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_postgresql.janitor import DatabaseJanitor

from tools.cluster import SUPERUSER, Cluster

Connection = psycopg.Connection[tuple[Any, ...]]

# No data of these clusters is worth waiting for the disk.
FAST = {
    "fsync": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_connections": "300",
    "max_prepared_transactions": "5",
}
TEMPLATE = "nl2sql_template"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A database with the extension, and how to get at it."""

    cluster: Cluster
    name: str
    socket: Path  # where its sidecar is to listen

    def dsn(self, user: str = SUPERUSER) -> str:
        return self.cluster.dsn(self.name, user)

    def connect(self, user: str = SUPERUSER) -> Connection:
        """A connection that commits every statement."""
        return psycopg.connect(self.dsn(user), autocommit=True)


def janitor(cluster: Cluster, name: str, template: str | None = None) -> DatabaseJanitor:
    return DatabaseJanitor(
        user=SUPERUSER,
        host=str(cluster.sockets),
        port=cluster.port,
        version=cluster_version(cluster),
        dbname=name,
        template_dbname=template,
        maintenance_dbname="postgres",
    )


def cluster_version(cluster: Cluster) -> str:
    return (cluster.data / "PG_VERSION").read_text().strip()


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder whose sockets have short paths and which the server's user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="nl2sql-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running server without databases of ours."""
    root = Path(tempfile.mkdtemp(prefix="nl2sql-pg-"))
    root.chmod(0o755)
    with Cluster(root, settings=FAST) as running:
        yield running
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """The name of a database with the extension, to be copied.

    No record is required there: most tests have a scripted sidecar, which keeps none.
    """
    with janitor(cluster, TEMPLATE).cursor() as cursor:
        cursor.execute(f"create database {TEMPLATE}")
    with psycopg.connect(cluster.dsn(TEMPLATE), autocommit=True) as connection:
        connection.execute("create extension nl2sql cascade")
        connection.execute("select nl2sql.set_setting('audit', 'off')")
        connection.execute("revoke create on schema public from public")
    return TEMPLATE


@pytest.fixture
def database(cluster: Cluster, template: str, short_folder: Path) -> Iterator[Database]:
    """A fresh database with the extension, its sidecar expected at `database.socket`, where nobody listens yet."""
    number = next(_numbers)
    found = Database(cluster, f"t{number}", short_folder / f"s{number}" / "sidecar.sock")
    found.socket.parent.mkdir()
    with janitor(cluster, found.name, template):
        with found.connect() as admin:
            admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(found.socket),))
            admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
        yield found


@pytest.fixture
def admin(database: Database) -> Iterator[Connection]:
    """A superuser's connection to `database`."""
    with database.connect() as connection:
        yield connection


@pytest.fixture
def analyst(database: Database, admin: Connection) -> Iterator[Connection]:
    """A connection of role `analyst`, a member of nl2sql_user, to `database` with a small shop it may read."""
    admin.execute("drop role if exists analyst")
    admin.execute("create role analyst login in role nl2sql_user")
    admin.execute("create table customers (id int primary key, name text, city text)")
    admin.execute("create table orders (id int primary key, customer_id int references customers, amount numeric)")
    admin.execute("create table secrets (id int, word text)")
    admin.execute("grant select on customers, orders to analyst")
    with database.connect("analyst") as connection:
        yield connection
    admin.execute("drop owned by analyst")
    admin.execute("drop role analyst")
