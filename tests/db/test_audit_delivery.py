"""From the spool to the database: each acknowledged record arrives, in order and once, whatever ends meanwhile."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from sidecar.errors import SidecarError
from sidecar.journal.chain import Entry, Head, problems
from sidecar.journal.journal import journal_of
from tests.conftest import Connection
from tests.support.auditing import Callers, audit_record, client_of, eventually, post
from tests.support.process import SidecarProcess
from tests.support.sidecar import Sidecar
from tools.cluster import Cluster

OURS = "bi_reader"


class Store:
    """A database with the extension, and what it has of the records."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name, self.dsn = cluster, name, cluster.dsn(name, "nl2sql_sidecar")

    def connect(self) -> Connection:
        return psycopg.connect(self.cluster.dsn(self.name), autocommit=True, client_encoding="utf8")

    def entries(self) -> list[Entry]:
        query = """
            select chain::text, seq, encode(prev, 'hex'), encode(hash, 'hex'), record from nl2sql._audit order by 1, 2
        """
        with self.connect() as connection:
            return [Entry(*row) for row in connection.execute(query).fetchall()]

    def ours(self) -> list[dict[str, Any]]:
        """Records of the tests: what the database notes of itself is there, too."""
        return [dict(entry.record) for entry in self.entries() if entry.record["session_user"] == OURS]

    def ids(self) -> list[str]:
        return [str(record["id"]) for record in self.ours()]


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """A cluster that a test may restart."""
    with tempfile.TemporaryDirectory(prefix="nl2sql-a-", ignore_cleanup_errors=True) as root:
        Path(root).chmod(0o755)
        with Cluster(Path(root), settings={"fsync": "off", "max_wal_senders": "0", "wal_level": "minimal"}) as running:
            with psycopg.connect(running.dsn(), autocommit=True) as admin:
                admin.execute("create database model")
            with psycopg.connect(running.dsn("model"), autocommit=True) as admin:
                admin.execute("create extension nl2sql cascade")
                admin.execute("alter role nl2sql_sidecar login")
            yield running


@pytest.fixture
def store(own_cluster: Cluster) -> Iterator[Store]:
    with psycopg.connect(own_cluster.dsn(), autocommit=True) as admin:
        admin.execute("drop database if exists stored with (force)")
        admin.execute("create database stored template model")
    yield Store(own_cluster, "stored")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nl2sql-s-") as name:
        Path(name).chmod(0o755)  # the server's user goes through it to the socket
        yield Path(name)


def sidecar(folder: Path, *dsns: str, **settings: Any) -> SidecarProcess:
    """The real service without engine and embedder, which nobody asks here."""
    unused = {"engine_url": "http://127.0.0.1:9/v1", "embedder": folder / "none", "index_interval": 60}
    return SidecarProcess(folder, databases=list(dsns), audit_interval=0.1, **unused | settings)


def key_of(folder: Path) -> bytes:
    return (folder / "state" / "audit" / "key").read_bytes()


def row(service: SidecarProcess) -> dict[str, str]:
    rows = [row for row in service.get("/ready")["components"] if row["component"] == "audit journal stored"]
    return rows[0] if rows else {"state": "", "detail": ""}


def assert_one_sound_chain(entries: list[Entry], folder: Path) -> None:
    assert len({entry.chain for entry in entries}) == 1
    assert problems(key_of(folder), entries, None) == []
    assert len({entry.record["id"] for entry in entries}) == len(entries)


def test_killed_between_acknowledgement_and_delivery(store: Store, folder: Path) -> None:
    service = sidecar(folder).start()  # no database: what it acknowledges waits
    records = [audit_record(question='销售额 \\ \u2028 "x"') for _ in range(20)]
    with client_of(service.socket) as http:
        for record in records:
            assert post(http, "stored", record).json() == {"protocol": 1, "accepted": 1}
    assert row(service)["state"] == "waiting"
    assert row(service)["detail"].startswith("20 records wait")
    service.kill()
    service = sidecar(folder, store.dsn).start()
    try:
        eventually(lambda: len(store.ids()) == 20)
        eventually(lambda: row(service)["detail"].endswith("no record waits"))
        assert row(service)["state"] == "ready"
        with client_of(service.socket) as http:
            post(http, "stored", last := audit_record())
        eventually(lambda: len(store.ids()) == 21)
    finally:
        service.stop()
    assert store.ours() == [*records, last]
    assert_one_sound_chain(store.entries(), folder)


def test_killed_again_and_again_while_callers_post(store: Store, folder: Path) -> None:
    service = sidecar(folder, store.dsn).start()
    with Callers(20, service.socket, "stored") as callers:
        for count in (100, 200, 300):
            eventually(lambda count=count: len(callers.acknowledged) > count)  # type: ignore[misc]
            service.kill()
            service.start()
    try:
        eventually(lambda: set(callers.acknowledged) <= set(store.ids()))
    finally:
        service.stop()
    assert_one_sound_chain(store.entries(), folder)


def test_database_restarts_while_callers_post(store: Store, folder: Path) -> None:
    service = sidecar(folder, store.dsn).start()
    try:
        with Callers(50, service.socket, "stored") as callers:
            eventually(lambda: len(store.ids()) > 100)
            store.cluster.stop("immediate")
            before = len(callers.acknowledged)
            eventually(lambda: row(service)["state"] == "restarting")
            eventually(lambda: len(callers.acknowledged) > before + 200)
            store.cluster.start()
            eventually(lambda: row(service)["state"] == "ready", 40)
        assert callers.refused == 0
        eventually(lambda: set(callers.acknowledged) == set(store.ids()))
    finally:
        service.stop()
    assert_one_sound_chain(store.entries(), folder)


@contextlib.contextmanager
def service(folder: Path, *dsns: str) -> Iterator[Sidecar]:
    """The same in this process: where nothing is killed, it need not be a program."""
    running = Sidecar(folder, databases=list(dsns), audit_interval=0.1)
    try:
        yield running
    finally:
        running.stop()


def test_outbox_joins_the_chain(store: Store, folder: Path) -> None:
    """Also what no record may be: it must not stand in the way of what follows."""
    odd = audit_record(sql=["not", "a", "text"], surprise={"a": 1})
    records = [audit_record(action="set_setting"), odd, audit_record(action="mask", details="x", client_addr=None)]
    with store.connect() as admin, service(folder, store.dsn):
        for record in records:
            query = "insert into nl2sql._audit_outbox (id, record) values (%s, %s)"
            admin.execute(query, (record["id"], json.dumps(record)))
        eventually(lambda: len(store.ids()) == 3)
        eventually(lambda: admin.execute("select count(*) from nl2sql._audit_outbox").fetchone() == (0,))
    assert store.ids() == [record["id"] for record in records]
    assert "surprise" in store.ours()[1]["details"]
    assert_one_sound_chain(store.entries(), folder)


@pytest.mark.parametrize("known", [1, 2, 3, 5])
def test_database_has_other_entries(store: Store, folder: Path, known: int) -> None:
    """A spool from an old backup: its next numbers are taken, so it begins another chain, and nothing is lost."""
    with service(folder) as running:
        post(running.http, "stored", audit_record(), audit_record(), audit_record())
        chain = head(running.http)["chain"]
    with store.connect() as admin:
        admin.execute("insert into nl2sql._audit_chain (chain, seq, hash) values (%s, %s, '\\xab')", (chain, known))
    with service(folder, store.dsn):
        eventually(lambda: len(store.ids()) == 3)
    assert chain not in {entry.chain for entry in store.entries()}
    assert_one_sound_chain(store.entries(), folder)


def test_delivered_twice_is_stored_once(store: Store, folder: Path) -> None:
    """The answer of the database was lost, or the mark of what is delivered."""
    with service(folder, store.dsn) as running:
        post(running.http, "stored", *[audit_record() for _ in range(9)])
        eventually(lambda: len(store.ids()) == 9)
    (folder / "state" / "audit" / "db-stored" / "delivered.json").unlink()
    with service(folder, store.dsn) as running:
        post(running.http, "stored", audit_record())
        eventually(lambda: len(store.ids()) == 10 and head(running.http)["delivered"] == head(running.http)["seq"])
    assert_one_sound_chain(store.entries(), folder)


def test_two_sidecars_do_not_share_a_folder(folder: Path) -> None:
    with service(folder) as running, pytest.raises(SidecarError, match="another sidecar uses") as caught:
        journal_of(running.settings).open()
    assert caught.value.sqlstate == "NL601"
    journal_of(running.settings).open()


def test_heads_and_verification_over_the_socket(folder: Path, store: Store) -> None:
    with service(folder, store.dsn) as running:
        http = running.http
        post(http, "stored", *[audit_record() for _ in range(5)])
        eventually(lambda: len(store.ids()) == 5 and head(http)["delivered"] == head(http)["seq"])
        entries = [entry.fields() for entry in store.entries()]

        def verify(given: list[dict[str, Any]], after: dict[str, Any] | None = None) -> dict[str, Any]:
            body = {"protocol": 1, "database": "stored", "entries": given, "after": after}
            answer: dict[str, Any] = http.post("/v1/audit/verify", json=body).json()
            return answer

        last = {name: entries[-1][name] for name in ("chain", "seq", "hash")}
        assert verify(entries) == {"protocol": 1, "problems": [], "last": last}
        changed = [*entries[:2], {**entries[2], "record": {**entries[2]["record"], "role": "root"}}, *entries[3:]]
        assert [problem["seq"] for problem in verify(changed)["problems"]] == [3]
        assert [problem["seq"] for problem in verify(entries[:2] + entries[3:])["problems"]] == [4]
        assert verify(entries[2:], {name: entries[1][name] for name in last})["problems"] == []
        # a cut tail: what the sidecar signed goes beyond what is there
        assert head(http)["seq"] >= last["seq"] > verify(entries[:-1])["last"]["seq"]


def head(http: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.post("/v1/audit/head", json={"protocol": 1, "database": "stored"}).json()["heads"][0]
    return found


def test_heads_are_written_where_others_find_them(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sidecar.journal"), service(folder) as running:
        post(running.http, "a/b", audit_record())
    written = json.loads((folder / "state" / "audit" / "db-a%2Fb" / "head.json").read_text())
    assert Head(**written).seq == 1
    logged = [record.fields for record in caplog.records if record.message == "audit chain head"]  # type: ignore[attr-defined]
    assert logged == [{"database": "a/b", **written}]


def test_a_question_is_on_record_whatever_its_transaction_does(store: Store, folder: Path) -> None:
    """Real backend, real sidecar; the engine is away, so each question ends in an error."""
    service = sidecar(folder, store.dsn).start()
    with store.connect() as admin:
        admin.execute("create table orders (id int)")
        admin.execute("create role bi_reader login in role nl2sql_user")
        admin.execute("grant select on orders to bi_reader")
        for name, value in (
            ("socket_path", str(service.socket)),
            ("sidecar_user", str(os.geteuid())),
            ("audit", "required"),
        ):
            admin.execute("select nl2sql.set_setting(%s, %s)", (name, value))
    try:
        with psycopg.connect(store.cluster.dsn(store.name, OURS)) as reader:
            for begin in ("begin", "begin read only"):
                reader.execute(begin)
                with pytest.raises(psycopg.Error) as caught:
                    reader.execute("select nl2sql('how many orders')")
                assert str(caught.value.sqlstate).startswith("NL3")
                reader.rollback()
            service.kill()
            with pytest.raises(psycopg.Error, match="audit record can't be stored") as caught:
                reader.execute("select nl2sql('how many orders')")
            assert caught.value.sqlstate == "NL601"
        service.start()
        eventually(lambda: len(store.ids()) == 4)
    finally:
        service.stop()
        with store.connect() as admin:
            admin.execute("drop owned by bi_reader")
            admin.execute("drop role bi_reader")
    assert [record["event"] for record in store.ours()] == ["intent", "outcome", "intent", "outcome"]
    assert {record["question"] for record in store.ours()} == {"how many orders"}
    assert len(set(store.ids())) == 2
