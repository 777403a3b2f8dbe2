"""While a question waits for its answer, PostgreSQL stays in charge: cancel, timeout, terminate, shutdown."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.conftest import FAST, Connection, Database
from tests.support.peer import Peer, answer_to, peer, silent_peer
from tools.cluster import Cluster

ASK = "select nl2sql('how many orders are there')"
TRIES = 100
WAITERS = 20


def ask_until_error(dsn: str) -> tuple[str | None, float]:
    """SQLSTATE of a question that gets no answer, and when it ended."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            connection.execute(ASK)
        except psycopg.Error as error:
            return error.sqlstate, time.monotonic()
    return None, time.monotonic()


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99) - 1] if len(seconds) > 1 else seconds[0]


def cancel_once_waiting(listening: Peer, attempt: int, connection: Connection) -> float:
    """Cancel the question when the sidecar has it, at another point of the waiting each time; returns when."""
    while len(listening.requests) <= attempt:
        time.sleep(0.001)
    time.sleep(0.0007 * attempt)
    sent = time.monotonic()
    connection.cancel_safe()
    return sent


def test_cancel(database: Database, analyst: Connection) -> None:
    """Of 100 cancelled questions 99 end within 200 ms, each with PostgreSQL's own words, and the session goes on."""
    delays: list[float] = []
    with silent_peer(database.socket) as listening, ThreadPoolExecutor(1) as pool:
        for attempt in range(TRIES):
            sent = pool.submit(cancel_once_waiting, listening, attempt, analyst)
            with pytest.raises(psycopg.errors.QueryCanceled) as caught:
                analyst.execute(ASK)
            delays.append(time.monotonic() - sent.result(timeout=5))
            assert caught.value.diag.message_primary == "canceling statement due to user request"
            assert "Traceback" not in (caught.value.diag.context or "")
    assert analyst.execute("select 1").fetchone() == (1,)
    print(f"cancel: median {statistics.median(delays) * 1000:.0f} ms, p99 {p99(delays) * 1000:.0f} ms")
    assert p99(delays) < 0.2


def test_statement_timeout(database: Database, analyst: Connection) -> None:
    delays = []
    analyst.execute("set statement_timeout = '60ms'")
    with silent_peer(database.socket) as listening:
        for _ in range(TRIES):
            started = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled) as caught:
                analyst.execute(ASK)
            delays.append(time.monotonic() - started - 0.06)
            assert caught.value.diag.message_primary == "canceling statement due to statement timeout"
        assert listening.closed_by_client.wait(1), "the sidecar must see that nobody waits any more"
    print(f"timeout: median {statistics.median(delays) * 1000:.0f} ms, p99 {p99(delays) * 1000:.0f} ms")
    assert p99(delays) < 0.2


def test_terminate(database: Database, admin: Connection, analyst: Connection) -> None:
    delays = []
    with silent_peer(database.socket) as listening:
        for attempt in range(TRIES):
            with database.connect("analyst") as waiting, ThreadPoolExecutor(1) as pool:
                pid = waiting.info.backend_pid
                result = pool.submit(lambda c: c.execute(ASK), waiting)
                while listening.connections <= attempt:
                    time.sleep(0.002)
                ended = time.monotonic()
                admin.execute("select pg_terminate_backend(%s)", (pid,))
                with pytest.raises(psycopg.errors.AdminShutdown):
                    result.result(timeout=5)
                delays.append(time.monotonic() - ended)
    print(f"terminate: median {statistics.median(delays) * 1000:.0f} ms, p99 {p99(delays) * 1000:.0f} ms")
    assert p99(delays) < 0.2


def test_cancel_inside_plpgsql_is_not_swallowed(database: Database, admin: Connection, analyst: Connection) -> None:
    """`exception when others` does not catch a cancel; nor may we turn it into something it catches."""
    admin.execute(
        "create function stubborn() returns text language plpgsql as "
        "$$ begin return nl2sql('how many orders'); exception when others then return 'caught ' || sqlstate; end $$"
    )
    analyst.execute("set statement_timeout = '200ms'")
    with silent_peer(database.socket), pytest.raises(psycopg.errors.QueryCanceled):
        analyst.execute("select stubborn()")


def test_sidecar_killed_with_waiters(database: Database, analyst: Connection) -> None:
    """All waiting callers hear of it within a second; the next question after a restart is answered."""
    with silent_peer(database.socket) as listening, ThreadPoolExecutor(WAITERS) as pool:
        waiting = [pool.submit(ask_until_error, database.dsn("analyst")) for _ in range(WAITERS)]
        while listening.connections < WAITERS:
            time.sleep(0.01)
        killed = time.monotonic()
        listening.break_off()
        results = [each.result(timeout=10) for each in waiting]
    assert {sqlstate for sqlstate, _ in results} == {"NL004"}
    assert max(ended for _, ended in results) - killed < 1
    with peer(database.socket, lambda c, r: c.sendall(answer_to(r, "select count(*) from orders"))):
        assert analyst.execute(ASK).fetchone() == ("select count(*) from orders",)


def test_callers_that_vanish(database: Database, admin: Connection, analyst: Connection) -> None:
    """kill -9 of 20 clients: their backends end, and hang up on the sidecar, whose engine then stops working."""
    with silent_peer(database.socket) as listening:
        asking = f"psql -X -d '{database.dsn('analyst')}' -c \"{ASK}\""
        clients = [subprocess.Popen(["bash", "-c", f"exec {asking}"]) for _ in range(WAITERS)]
        while listening.connections < WAITERS:
            time.sleep(0.01)
        for client in clients:
            client.kill()
        killed = time.monotonic()
        alive = "select count(*) from pg_stat_activity where usename = 'analyst' and pid <> %s"
        while admin.execute(alive, (analyst.info.backend_pid,)).fetchone() != (0,):
            assert time.monotonic() - killed < 5, "backends wait for nobody"
            time.sleep(0.01)
        took = time.monotonic() - killed
        assert listening.closed_by_client.wait(1)
        for client in clients:
            client.wait()
    print(f"{WAITERS} clients killed: the last backend ended after {took * 1000:.0f} ms")
    assert took < 4


def test_fast_shutdown_with_waiters(short_folder: Path) -> None:
    """`pg_ctl stop -m fast` does not wait for questions."""
    root = Path(tempfile.mkdtemp(prefix="nl2sql-stop-"))
    root.chmod(0o755)
    socket = short_folder / "stop" / "sidecar.sock"
    socket.parent.mkdir()
    with Cluster(root, settings=FAST) as cluster, silent_peer(socket) as listening:
        with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
            admin.execute("create extension nl2sql cascade")
            admin.execute("create table orders (id int)")
            admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(socket),))
            admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(socket.stat().st_uid),))
        with ThreadPoolExecutor(WAITERS) as pool:
            waiting = [pool.submit(ask_until_error, cluster.dsn()) for _ in range(WAITERS)]
            while listening.connections < WAITERS:
                time.sleep(0.01)
            started = time.monotonic()
            cluster.stop("fast")
            took = time.monotonic() - started
            assert {each.result(timeout=5)[0] for each in waiting} == {"57P01"}
    print(f"fast stop with {WAITERS} waiters: {took:.2f} s")
    assert took < 5
    shutil.rmtree(root, ignore_errors=True)
