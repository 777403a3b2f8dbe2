"""The log survives what befalls databases: dump and restore with its chain, a backend killed amid a question."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import FAST
from tests.db.test_dump_restore import Copy, copy_parallel
from tests.db.test_question_errors import refused
from tests.support.auditing import eventually
from tests.support.databases import new_database
from tests.support.live_audit import Audited, audited
from tools.cluster import Cluster

ASK = "select nl2sql('how many orders are there')"
PROBLEMS = "select problem from nl2sql.audit_verify()"
CONTENTS = "select chain, seq, at, record, prev, hash, tableoid::regclass::text from nl2sql._audit order by chain, seq"
INDEXES = "select indexdef from pg_indexes where tablename like '\\_audit%' order by 1"
TRIGGERS = """
    select tgrelid::regclass::text, tgname, tgenabled, tgtype from pg_trigger
    where tgfoid = 'nl2sql._audit_keep()'::regprocedure order by 1, 2"""


@pytest.fixture
def used(cluster: Cluster, template: str) -> Iterator[Audited]:
    """A database with entries of several months, one of them dropped."""
    with audited(cluster, template) as running:
        with running.database.connect() as admin:
            admin.execute("create table orders (id int)")
            for _ in range(5):
                admin.execute(ASK)
            admin.execute("select nl2sql.set_setting('max_tables', '9')")
        running.settle()
        yield running


@pytest.mark.parametrize("copy", [copy_parallel])
def test_dump_and_restore(used: Audited, cluster: Cluster, tmp_path: Path, copy: Copy) -> None:
    """Partitions, triggers, chain and alerts come along, and the rest is signed on."""
    with used.database.connect() as source, new_database(cluster) as target:
        copy(used.database, target, tmp_path)
        with target.connect() as restored:
            assert restored.execute(CONTENTS).fetchall() == source.execute(CONTENTS).fetchall()
            assert restored.execute(TRIGGERS).fetchall() == source.execute(TRIGGERS).fetchall()
            assert restored.execute(INDEXES).fetchall() == source.execute(INDEXES).fetchall()
            alerts = "select id, kind, detail from nl2sql._audit_alert order by id"
            assert restored.execute(alerts).fetchall() == source.execute(alerts).fetchall()
            assert restored.execute("select nl2sql._audit_unprotected()").fetchall() == []
            assert refused(restored, "delete from nl2sql._audit").sqlstate == "42501"
            # the sidecar has signed it under the name of the other database, whose key is the same
            assert restored.execute(PROBLEMS).fetchall() == []
            restored.execute("select nl2sql._audit_look()")
            restored.execute("drop extension nl2sql cascade")
            left = "select count(*) from pg_class where relname like '\\_audit%'"
            assert restored.execute(left).fetchone() == (0,)


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that a test may let crash."""
    root = Path(tempfile.mkdtemp(prefix="nl2sql-crash-"))
    root.chmod(0o755)
    with Cluster(root, settings=FAST) as running:
        with psycopg.connect(running.dsn(), autocommit=True) as admin:
            admin.execute("create database plain")
        with psycopg.connect(running.dsn("plain"), autocommit=True) as admin:
            admin.execute("create extension nl2sql cascade")
        yield running
    shutil.rmtree(root, ignore_errors=True)


def test_a_killed_backend_leaves_its_intent(own_cluster: Cluster) -> None:
    """kill -9 restarts the whole server. What was asked is known; what became of it is not, and that is seen."""
    with audited(own_cluster, "plain") as running:
        with running.database.connect() as admin:
            admin.execute("create table orders (id int)")
        running.sidecar.engine.seconds = 30
        asking, witness = running.database.connect(), running.database.connect()
        caller = threading.Thread(target=ask_and_lose, args=(asking,))
        caller.start()
        assert running.sidecar.engine.asked.wait(10)
        os.kill(asking.info.backend_pid, signal.SIGKILL)
        caller.join(20)
        running.sidecar.engine.seconds = 0
        eventually(lambda: is_lost(witness))  # before, the server may not have noticed, and would take a last question
        eventually(lambda: can_connect(running))
        with running.database.connect() as admin:
            admin.execute(ASK)
            running.settle()
            events = (
                "select array_agg(event order by seq) from nl2sql._audit where action = 'ask' group by id order by 1"
            )
            assert admin.execute(events).fetchall() == [(["intent"],), (["intent", "outcome"],)]
            assert admin.execute(PROBLEMS).fetchall() == []


def ask_and_lose(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute(ASK)


def is_lost(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.OperationalError:
        return True
    return False


def can_connect(running: Audited) -> bool:
    try:
        with running.database.connect():
            return True
    except psycopg.OperationalError:
        return False
