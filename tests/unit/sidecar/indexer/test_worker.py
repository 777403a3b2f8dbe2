"""The worker on a real database: fills the index, follows DDL, outlives its connection, says what is wrong."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sidecar.errors import SidecarError
from sidecar.indexer.worker import IndexWorker
from tests.conftest import Connection, Database
from tests.support.sidecar import LetterEmbedder, wait_until

ROLE = "nl2sql_sidecar"


class Running:
    """A worker in a loop of its own thread."""

    def __init__(self, dsn: str, embedder: LetterEmbedder) -> None:
        self.worker = IndexWorker(dsn, embedder, interval=0.1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._loop.call_soon_threadsafe(self.worker.start)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.worker.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def state(self) -> str:
        return self.worker.state().state


@pytest.fixture
def embedder() -> LetterEmbedder:
    return LetterEmbedder()


@pytest.fixture
def sidecar_role(admin: Connection) -> Iterator[str]:
    admin.execute(f"alter role {ROLE} login")
    yield ROLE
    admin.execute(f"alter role {ROLE} nologin")


@pytest.fixture
def running(database: Database, sidecar_role: str, embedder: LetterEmbedder) -> Iterator[Running]:
    started = Running(database.dsn(sidecar_role), embedder)
    yield started
    started.stop()


def indexed(admin: Connection, table: str) -> dict[str, str | None]:
    """{names: embedder} of a table's index rows."""
    query = "select names, embedder from nl2sql._index where relid = to_regclass(%s)::oid order by attnum"
    return {str(names): made_by for names, made_by in admin.execute(query, (table,)).fetchall()}


def test_takes_the_values_of_what_it_indexes(admin: Connection, running: Running) -> None:
    admin.execute("""
        begin;
        create table wages (id int, currency text check (currency in ('Euro', 'Dollar')));
        insert into wages values (1, 'Euro');
        commit""")
    query = "select array_agg(key order by key) from nl2sql._known_value"
    wait_until(lambda: admin.execute(query).fetchone() == (["dollar", "euro"],), 20)


def queued(admin: Connection) -> int:
    row = admin.execute("select count(*) from nl2sql._index_queue").fetchone()
    assert row
    return int(row[0])


def test_fills_and_follows(admin: Connection, running: Running) -> None:
    admin.execute("create table wages (id int primary key, yearly_amount numeric)")
    started = time.monotonic()
    wait_until(lambda: len(indexed(admin, "wages")) == 3, 20)
    assert time.monotonic() - started < 2
    assert indexed(admin, "wages") == {"wages": "letters", "wages id": "letters", "wages yearly amount": "letters"}
    row = admin.execute("select dimension, embedding::text from nl2sql._index where names = 'wages'").fetchone()
    assert row and row[0] == 26 and row[1].startswith("[")
    admin.execute("alter table wages rename column yearly_amount to monthly_amount")
    wait_until(lambda: "wages monthly amount" in indexed(admin, "wages"), 2)
    assert "wages yearly amount" not in indexed(admin, "wages")
    admin.execute("comment on table wages is 'what people earn'")
    described = "select count(*) from nl2sql._index where document like '%%what people earn%%'"
    wait_until(lambda: admin.execute(described).fetchone() == (1,), 2)
    admin.execute("alter table wages drop column monthly_amount")
    wait_until(lambda: len(indexed(admin, "wages")) == 2, 2)
    admin.execute("drop table wages")
    assert admin.execute("select count(*) from nl2sql._index").fetchone() == (0,)
    wait_until(lambda: queued(admin) == 0, 3)
    assert running.state == "ready"


def test_many_tables(admin: Connection, running: Running) -> None:
    """More than one step reads at once."""
    for number in range(70):
        admin.execute(f"create table many_{number} (id int, word text)".encode())
    wait_until(lambda: admin.execute("select count(*) from nl2sql._index").fetchone() == (210,), 20)
    wait_until(lambda: queued(admin) == 0, 20)


def backends(admin: Connection) -> list[int]:
    query = (
        "select pid from pg_stat_activity where application_name = 'nl2sql-sidecar' and datname = current_database()"
    )
    return [row[0] for row in admin.execute(query).fetchall()]


def test_gives_vectors_to_examples(admin: Connection, running: Running) -> None:
    """To those without one, and to those of another model."""
    for question, vector in (("how many", None), ("how much", "[1, 2]")):
        example = json.dumps({"question": question, "sql": "x", "source": "manual", "embedder": "old"})
        admin.execute("select nl2sql._example_store(%s, '[]', %s)", (example, vector))
    query = "select embedder, dimension from nl2sql._example"
    wait_until(lambda: admin.execute(query).fetchall() == [("letters", 26)] * 2, 20)


def test_outlives_its_connection(admin: Connection, running: Running) -> None:
    wait_until(lambda: running.state == "ready")
    (first,) = backends(admin)
    admin.execute("select pg_terminate_backend(%s)", (first,))
    admin.execute("create table later (id int)")
    wait_until(lambda: len(indexed(admin, "later")) == 2, 20)
    assert backends(admin) != [first]
    wait_until(lambda: running.state == "ready", 20)


def test_outlives_a_failing_embedder(admin: Connection, running: Running, embedder: LetterEmbedder) -> None:
    wait_until(lambda: running.state == "ready")
    embedder.error = SidecarError("NL310", "the embedding model can't be used", detail="It is gone.", hint="Pull it.")
    admin.execute("create table later (id int)")
    wait_until(lambda: running.state == "restarting", 20)
    assert "embedding model" in running.worker.state().detail
    assert indexed(admin, "later") == {}
    embedder.error = None
    wait_until(lambda: len(indexed(admin, "later")) == 2, 20)
    wait_until(lambda: running.state == "ready", 20)


def test_waits_for_a_locked_index_without_dying(admin: Connection, database: Database, running: Running) -> None:
    wait_until(lambda: running.state == "ready")
    with psycopg.connect(database.dsn()) as locker:
        locker.execute("lock table nl2sql._index in access exclusive mode")
        admin.execute("create table later (id int)")
        time.sleep(0.5)
    wait_until(lambda: len(indexed(admin, "later")) == 2, 20)


def failed_detail(dsn: str, embedder: LetterEmbedder) -> str:
    started = Running(dsn, embedder)
    try:
        wait_until(lambda: started.state == "restarting", 20)
        assert "nl2sql_sidecar" in started.worker.state().action
        return started.worker.state().detail
    finally:
        started.stop()


def test_wrong_rights(database: Database, admin: Connection, embedder: LetterEmbedder) -> None:
    admin.execute("create role index_stranger login")
    try:
        assert "permission denied" in failed_detail(database.dsn("index_stranger"), embedder)
    finally:
        admin.execute("drop role index_stranger")


def test_no_such_role(database: Database, embedder: LetterEmbedder) -> None:
    assert "nobody_at_all" in failed_detail(database.dsn("nobody_at_all"), embedder)


def test_no_extension(database: Database, admin: Connection, sidecar_role: str, embedder: LetterEmbedder) -> None:
    admin.execute("drop extension nl2sql")
    assert "nl2sql" in failed_detail(database.dsn(sidecar_role), embedder)


def test_server_is_down(embedder: LetterEmbedder, tmp_path: Any) -> None:
    detail = failed_detail(f"host={tmp_path} dbname=shop", embedder)
    assert detail.startswith("database shop: ")


def test_name() -> None:
    assert IndexWorker("dbname=shop user=x", LetterEmbedder(), 1).name == "shop"
    assert IndexWorker("user=x", LetterEmbedder(), 1).name == "x"
