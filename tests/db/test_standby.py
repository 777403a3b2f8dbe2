"""On a hot standby, where nothing can be written at all, questions are answered like on the primary."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from tests.conftest import Connection
from tests.db.test_question_errors import refused
from tests.support.answering_peer import answers, request_path
from tests.support.auditing import eventually
from tests.support.journal import journal
from tests.support.live_audit import WRITER, AuditingSidecar
from tests.support.peer import answer_to, http, silent_peer
from tools.cluster import Cluster
from tools.places import own_folder

ASK = "select nl2sql('how many orders are there')"
REPLICATED = {"fsync": "off", "max_connections": "20"}


class Standby(Cluster):
    """A cluster that follows another one."""

    def __init__(self, root: Path, primary: Cluster) -> None:
        super().__init__(root, settings=REPLICATED)
        self._primary = primary

    def create(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        own_folder(self.data, 0o700, self.account.uid, self.account.gid)
        self._run("pg_basebackup", "-D", ".", "-R", "-X", "stream", "--checkpoint=fast", "-d", self._primary.dsn())
        return self


def folder(name: str) -> Path:
    made = Path(tempfile.mkdtemp(prefix=f"nl2sql-{name}-"))
    made.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def sidecar_socket(short_folder: Path) -> Path:
    path = short_folder / "standby" / "sidecar.sock"
    path.parent.mkdir()
    return path


@dataclass(frozen=True)
class Followed:
    """An analyst's connection to a standby, and the two servers."""

    analyst: Connection
    primary: Cluster
    standby: Cluster


@pytest.fixture(scope="module")
def followed(sidecar_socket: Path) -> Iterator[Followed]:
    """The primary has the extension and a table."""
    roots = folder("primary"), folder("standby")
    with Cluster(roots[0], settings=REPLICATED) as primary:
        with psycopg.connect(primary.dsn(), autocommit=True) as connection:
            connection.execute("create extension nl2sql cascade")
            connection.execute("create table orders (id int)")
            connection.execute("insert into orders values (1), (2)")
            connection.execute("create role analyst_there login in role nl2sql_user")
            connection.execute("grant select on orders to analyst_there")
            connection.execute("create role auditor_there login in role nl2sql_auditor")
            connection.execute(f"create role {WRITER} login in role nl2sql_sidecar")
            connection.execute("select nl2sql.set_setting('socket_path', %s)", (str(sidecar_socket),))
            connection.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
        with (
            Standby(roots[1], primary) as following,
            psycopg.connect(following.dsn("postgres", "analyst_there"), autocommit=True) as connection,
        ):
            yield Followed(connection, primary, following)
    for root in roots:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def standby(followed: Followed) -> Connection:
    return followed.analyst


def test_answers(standby: Connection, sidecar_socket: Path) -> None:
    assert standby.execute("select pg_is_in_recovery()").fetchone() == (True,)
    with journal(sidecar_socket, lambda c, r: c.sendall(answer_to(r, "select count(*) from orders"))) as kept:
        assert standby.execute(ASK).fetchone() == ("select count(*) from orders",)
    assert kept.pair()[1]["in_recovery"] is True


def test_runs(standby: Connection, sidecar_socket: Path) -> None:
    passed = http({"protocol": 1, "sql": "select count(*) from orders", "tables": ["public.orders"], "error": None})
    with journal(sidecar_socket, lambda c, r: c.sendall(passed)):
        assert standby.execute("select nl2sql.run('select count(*) from orders')").fetchone() == ({"count": 2},)
        checked = standby.execute("select nl2sql.check('select count(*) from orders')").fetchone()
        assert checked and (checked[0]["verdict"], checked[0]["columns"]) == ("allowed", [])
        for sql, rule in (("select pg_terminate_backend(1)", "NL403"), ("select relname from pg_class", "NL402")):
            passed = http({"protocol": 1, "sql": sql, "tables": [], "error": None})
            assert refused(standby, "select nl2sql.run('select 1')").sqlstate == rule
    with journal(sidecar_socket, lambda c, r: c.sendall(answer_to(r, "select count(*) as n from orders"))):
        typed = "select * from nl2sql.query_as('how many orders') as t(n bigint)"
        assert standby.execute(typed.encode()).fetchone() == (2,)
        standby.execute("begin; select nl2sql.open('how many orders', 'c')")
        assert standby.execute("fetch all from c").fetchall() == [(2,)]
        standby.execute("commit")
        assert refused(standby, "select nl2sql.save_view('public.v', 'how many')").sqlstate in ("25006", "42501")


def test_refuses(standby: Connection, sidecar_socket: Path) -> None:
    with journal(sidecar_socket, lambda c, r: c.sendall(answer_to(r, "select nothing from nowhere"))):
        assert refused(standby, ASK).sqlstate == "NL406"


def test_is_cancelled_in_time(standby: Connection, sidecar_socket: Path) -> None:
    standby.execute("set statement_timeout = '200ms'")
    started = time.monotonic()
    with silent_peer(sidecar_socket), pytest.raises(psycopg.errors.QueryCanceled):
        standby.execute(ASK)
    assert time.monotonic() - started < 5
    standby.execute("reset statement_timeout")


def conflicting(followed: Followed, sidecar_socket: Path) -> tuple[psycopg.Error, bool, list[dict[str, Any]]]:
    """A question whose rows the primary removes while it is with the model: its error, whether the session ended, and
    what is on record of it."""

    def behave(connection: Any, request: bytes) -> None:
        if request_path(request) != "/v1/generate":
            answers()(connection, request)
            return
        with psycopg.connect(followed.primary.dsn(), autocommit=True) as primary:
            primary.execute("drop table if exists gone")
            primary.execute("create table gone as select generate_series(1, 1000) as id")
            primary.execute("delete from gone")
            primary.execute("vacuum gone")
        connection.recv(1)

    with (
        psycopg.connect(followed.standby.dsn("postgres", "analyst_there"), autocommit=True) as standby,
        journal(sidecar_socket, behave) as kept,
    ):
        with pytest.raises(psycopg.Error) as caught:
            standby.execute(ASK)
        return caught.value, standby.closed, kept.records


def test_a_conflict_says_to_ask_again(followed: Followed, sidecar_socket: Path) -> None:
    """PostgreSQL repeats its signal every 5 ms until the session has let go. Where one arrives within one of
    PL/Python's subtransactions the session ends, by PostgreSQL's rules (always from 16 on, seldom before); where one
    arrives while our error is under way, PostgreSQL's own error takes its place. Neither comes ten times in a row."""
    always_ends = followed.analyst.info.server_version >= 160_000
    with impatient(followed.standby):
        for _ in range(10):
            conflict, ended, records = conflicting(followed, sidecar_socket)
            assert conflict.sqlstate == "40001"
            assert "conflict with recovery" in str(conflict)
            if not records:
                continue  # what the try before left to replay came before the question
            assert records[0]["event"] == "intent"
            if always_ends and ended:
                return
            if "Ask again" in str(conflict.diag.message_hint) and len(records) == 2:
                assert records[1]["sqlstate"] == "40001"
                return
    pytest.fail("no session ended, or was told to ask again")


@contextmanager
def impatient(standby: Cluster) -> Iterator[None]:
    """Replay waits for no session; without this it gives them half a minute."""
    tell(standby, "alter system set max_standby_streaming_delay = 0")
    try:
        yield
    finally:
        tell(standby, "alter system reset max_standby_streaming_delay")


def tell(standby: Cluster, command: str) -> None:
    with psycopg.connect(standby.dsn(), autocommit=True) as admin:
        admin.execute(command.encode())
        admin.execute("select pg_reload_conf()")


def test_status(standby: Connection) -> None:
    states = {row[0]: row[1] for row in standby.execute("select * from nl2sql.status()").fetchall()}
    assert states["extension"] == "ready"
    assert states["index"] in ("empty", "behind")


def test_what_is_asked_there_is_in_the_log_of_the_primary(followed: Followed, sidecar_socket: Path) -> None:
    """The sidecar beside the standby delivers to the primary, and the log comes back with the rest of it."""
    connect = lambda cluster, user: psycopg.connect(cluster.dsn("postgres", user), autocommit=True)  # noqa: E731
    settings = {"socket_mode": "0666", "databases": [followed.primary.dsn("postgres", WRITER)], "audit_interval": 0.05}
    running = AuditingSidecar(sidecar_socket.parent, **settings)
    try:
        assert followed.analyst.execute(ASK).fetchone() == ("SELECT 1",)
        with connect(followed.primary, "postgres") as admin:
            stored = (
                "select event from nl2sql._audit where role = 'analyst_there' and record @> '{\"in_recovery\": true}'"
            )
            eventually(lambda: len(admin.execute(stored).fetchall()) == 2)
        with connect(followed.standby, "auditor_there") as auditor:
            read = "select verdict from nl2sql.audit_log where event = 'outcome' and role = 'analyst_there'"
            eventually(lambda: ("answered",) in auditor.execute(read).fetchall())
            assert auditor.execute("select * from nl2sql.audit_verify()").fetchall() == []
            auditor.execute("begin transaction isolation level repeatable read")
            with pytest.raises(psycopg.DatabaseError) as caught:
                auditor.execute("select * from nl2sql.audit_verify()")
            assert caught.value.sqlstate == "NL602"
    finally:
        running.stop()
