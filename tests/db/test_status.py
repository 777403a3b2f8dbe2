"""nl2sql.status() and its self-test: ready means that a statement runs and a question gets as far as the model."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.conftest import Connection, Database
from tests.support.peer import Peer, http, peer
from tests.support.sidecar import Sidecar

SELF_TEST = "select state, detail, action from nl2sql.status() where component = 'self-test'"


@pytest.fixture
def service(database: Database) -> Iterator[Sidecar]:
    running = Sidecar(database.socket.parent, socket_mode="0666")
    yield running
    running.stop()


def self_test(connection: Connection) -> tuple[str, str, str]:
    row = connection.execute(SELF_TEST).fetchone()
    assert row
    return row


def test_ready_has_run_and_looked_up(service: Sidecar, analyst: Connection) -> None:
    state, detail, action = self_test(analyst)
    assert (state, action) == ("ready", "none"), detail
    assert re.fullmatch(
        r"a statement guarded and run, a question looked up \(2 tables to tell the model\); \d+ ms", detail
    )
    assert not service.engine.requests, "it costs no answer"


def test_where_nothing_may_be_read(service: Sidecar, admin: Connection, analyst: Connection) -> None:
    admin.execute("revoke select on customers, orders from analyst")
    state, detail, _ = self_test(analyst)
    assert state == "ready"
    assert "no table here that this role may read" in detail


def test_a_superuser_runs_nothing(service: Sidecar, admin: Connection) -> None:
    state, detail, _ = self_test(admin)
    assert state == "ready", detail
    assert detail.startswith("a statement guarded, and not run for a superuser, a question looked up")


def test_a_role_that_may_not_ask(service: Sidecar, admin: Connection, analyst: Connection) -> None:
    admin.execute("grant nl2sql_admin to analyst")
    admin.execute("revoke nl2sql_user from analyst")
    try:
        assert self_test(analyst)[:2] == ("not tried", "this role may neither ask nor run")
    finally:
        admin.execute("revoke nl2sql_admin from analyst")


@pytest.mark.parametrize("function", ["_ask", "_run"])
def test_a_function_that_the_server_does_not_start(
    service: Sidecar, admin: Connection, analyst: Connection, function: str
) -> None:
    """As a setting among a function's clauses that the server takes when it is made, and refuses when it is called."""
    clause, refused = "temp_file_limit = '1GB'", '42501: permission denied to set parameter "temp_file_limit"'
    if admin.info.server_version >= 160_000:
        clause = "transaction_read_only = on"
        refused = '0A000: parameter "transaction_read_only" cannot be set locally in functions'
    admin.execute(f"alter function nl2sql.{function}(text, jsonb, jsonb) set {clause}".encode())
    assert self_test(analyst) == ("failed", refused, "see the server's log")


def test_what_is_on_record(service: Sidecar, admin: Connection, analyst: Connection) -> None:
    """A statement that is run is on record, as any; what is only looked at is not."""
    admin.execute("select nl2sql.set_setting('audit', 'required')")
    assert self_test(analyst)[0] == "ready"
    journal = b"".join(file.read_bytes() for file in service.settings.state_dir.rglob("*") if file.is_file())
    assert b"select 1 as ready" in journal
    assert b"how many rows are there" not in journal


def test_without_a_sidecar(analyst: Connection) -> None:
    assert self_test(analyst) == ("not tried", "nothing can be asked or run without the sidecar", "see sidecar")


def test_a_sidecar_that_hangs_at_its_work(database: Database, analyst: Connection) -> None:
    """It says that it is ready, and answers nothing else."""
    holder: list[Peer] = []

    def hang(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /version"):
            connection.sendall(http({"version": "1", "protocol": 1}))
        elif request.startswith(b"GET /ready"):
            connection.sendall(http({"components": []}))
        else:
            holder[0].wait_for_close(connection, request)

    with peer(database.socket, hang) as listening:
        holder.append(listening)
        began = time.monotonic()
        state, detail, _ = self_test(analyst)
        assert time.monotonic() - began < 6
    assert state == "failed"
    assert detail.startswith("NL003: ")
