"""Where questions are asked: the harness's own cluster with a suite's databases in it, and a sidecar beside it."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
import pwd
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.accuracy.suite import Suite
from tools.cluster import Cluster
from tools.errors import ToolError
from tools.sidecar_process import SidecarProcess

CHECKOUT = Path(__file__).resolve().parents[2]
ROOT = CHECKOUT / ".nl2sql" / "accuracy"
READER = "accuracy_reader"
# What is loaded can be loaded again; what is measured is the engine and our own code, not the disk.
SETTINGS = {"fsync": "off", "shared_buffers": "256MB", "max_connections": "200"}
ASKING_CODE = ("sql/functions", "sql/changes", "extension/nl2sql_pg", "sidecar")
SUFFIXES = {".py", ".sql", ".j2", ".toml", ".txt"}

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Target:
    """How to reach one database: as who administers it (nobody, where it is not ours), and as who asks and reads."""

    admin: str
    reader: str


def code_digest() -> str:
    """A short name for everything that an answer depends on, but the model."""
    seen = hashlib.sha256()
    for folder in ASKING_CODE:
        for path in sorted((CHECKOUT / folder).rglob("*")):
            if path.suffix in SUFFIXES:
                seen.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()[:10]


class Databases:
    """The databases of suites in the harness's cluster; each is made once and kept until its dumps change."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def prepare(self, suite: Suite, keys: bool) -> Target:
        """A database with the suite's schemas, the extension as it is installed now, and the reader."""
        name = database_name(suite, keys)
        self._make_reader()
        if not self._exists(name) or self.cluster.state.read().get(name) != suite.fingerprint:
            self._load(name, suite)
            if not keys:
                self._on(name, drop_keys)
            self.cluster.state.update(**{name: suite.fingerprint})
        self._on(name, self._install)
        return Target(self.cluster.dsn(name), self.cluster.dsn(name, READER))

    def _exists(self, name: str) -> bool:
        return bool(self._ask("select 1 from pg_database where datname = %s", name))

    def _ask(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.cluster.dsn("postgres"), autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def _make_reader(self) -> None:
        with psycopg.connect(self.cluster.dsn("postgres"), autocommit=True) as connection:
            if connection.execute("select to_regrole(%s)", (READER,)).fetchone() == (None,):
                connection.execute(sql.SQL("create role {} login").format(sql.Identifier(READER)))

    def _load(self, name: str, suite: Suite) -> None:
        if not suite.dumps:
            raise ToolError(f"the suite {suite.name} has no dumps", hint="it needs dumps/*.sql or *.sql.gz")
        with psycopg.connect(self.cluster.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        with psycopg.connect(self.cluster.dsn(name), autocommit=True) as connection:
            for number, dump in enumerate(suite.dumps, 1):
                print(f"\r  loading {number} of {len(suite.dumps)}", end="", flush=True)
                load_dump(connection, dump)
            print()
            connection.execute("analyze")

    def _on(self, name: str, work: Callable[[Connection], None]) -> None:
        with psycopg.connect(self.cluster.dsn(name), autocommit=True) as connection:
            work(connection)

    def _install(self, connection: Connection) -> None:
        """The extension, made anew when the installed script is another one than it was made from."""
        name = connection.info.dbname
        wanted, known = installed_script(connection), self.cluster.state.read().get(f"{name} extension")
        if wanted != known:
            connection.execute("drop extension if exists nl2sql cascade")
        connection.execute("create extension if not exists nl2sql cascade")
        connection.execute(sql.SQL("grant nl2sql_user to {}").format(sql.Identifier(READER)))
        self.cluster.state.update(**{f"{name} extension": wanted})


def database_name(suite: Suite, keys: bool) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", suite.name.lower()).strip("_")
    return f"{plain}{'' if keys else '_nokeys'}"[:63]


def load_dump(connection: Connection, dump: Path) -> None:
    """One schema, dropped and made anew by its own dump; the reader may read it."""
    raw = dump.read_bytes()
    text = (gzip.decompress(raw) if dump.suffix == ".gz" else raw).decode()
    connection.execute(text.encode())
    connection.execute("reset all")
    for schema in re.findall(r'^CREATE SCHEMA "?([^";\s]+)"?;', text, re.M):
        names = {"schema": sql.Identifier(schema), "role": sql.Identifier(READER)}
        connection.execute(sql.SQL("grant usage on schema {schema} to {role}").format(**names))
        connection.execute(sql.SQL("grant select on all tables in schema {schema} to {role}").format(**names))


def drop_keys(connection: Connection) -> None:
    """Drop every foreign key, as in databases that declare none."""
    rows = connection.execute(
        "select conrelid::regclass::text, quote_ident(conname) from pg_constraint"
        " where contype = 'f' and conparentid = 0"
    ).fetchall()
    for table, name in rows:
        connection.execute(f"alter table {table} drop constraint {name}".encode())


def installed_script(connection: Connection) -> str:
    """A digest of the extension's scripts as the server has them."""
    row = connection.execute("select setting from pg_config where name = 'SHAREDIR'").fetchone()
    assert row
    scripts = sorted((Path(row[0]) / "extension").glob("nl2sql--*.sql"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in scripts)).hexdigest()[:16]


class Sidecar:
    """The harness's own sidecar, started with the model that is measured; it goes on while model and code stay."""

    def __init__(self, cluster: Cluster) -> None:
        self.process = SidecarProcess(cluster.root, cluster.run, cluster.account, CHECKOUT)
        self.state = cluster.state

    def start(self, model: str, code: str) -> None:
        wanted = {"sidecar_model": model, "sidecar_code": code}
        known = self.state.read()
        if self.process.running() and any(known.get(key) != value for key, value in wanted.items()):
            print("  the running sidecar has another model or older code: it is started anew", flush=True)
            self.process.stop()
        self.process.start([], model)
        self.state.update(**wanted)
        self.process.wait_ready()


def connect_sidecar(target: Target, socket: Path) -> None:
    """Tell the extension where the sidecar is, and who runs it; then index the schema."""
    try:
        owner = socket.stat().st_uid
    except OSError as error:
        raise ToolError(
            f"no sidecar listens on {socket}: {error.strerror}", hint="start one, or leave --socket away"
        ) from None
    with psycopg.connect(target.admin, autocommit=True) as connection:
        set_protected(connection, {"socket_path": str(socket), "sidecar_user": owner_name(owner)})
        try:
            connection.execute("select nl2sql.refresh_index()")
        except psycopg.Error as error:
            raise ToolError(
                f"the schema can't be indexed through the sidecar: {error.diag.message_primary}",
                hint=error.diag.message_hint or f"see whether it listens on {socket}",
            ) from None


def owner_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def protect(dsn: str, settings: Mapping[str, str]) -> None:
    """The protected settings of one arm; those of others go back to their defaults."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        set_protected(connection, {"repair_rounds": None, "max_timeout": "3600s", "audit": "off", **settings})


def set_protected(connection: Connection, settings: Mapping[str, str | None]) -> None:
    for name, value in settings.items():
        connection.execute("select nl2sql.set_setting(%s, %s)", (name, value))


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Settings are the database's and the engine is shared: two runs at once would measure each other."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ToolError(f"another run works in {root}", hint="wait for it; what it has answered is kept") from None
        yield


def open_cluster(root: Path = ROOT) -> Cluster:
    """The harness's cluster, running."""
    if os.environ.get("PGOPTIONS"):
        raise ToolError("PGOPTIONS is set", hint="unset it: its settings would count as part of what is measured")
    return Cluster(root, settings=SETTINGS).create().start()
