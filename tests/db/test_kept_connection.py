"""A session uses its connection to the sidecar again, where that says that it stays open, and copes with its end."""

from __future__ import annotations

import contextlib
import socket
import time

import psycopg
import pytest
from nl2sql_pg import line

from tests.conftest import Connection, Database
from tests.support.peer import Behaviour, answer_to, peer, read_request

ASK = "select nl2sql('how many orders are there')"
ANSWER = "select 1 from orders"


def lingering(said: bytes) -> Behaviour:
    """A behaviour that answers one request after another on its connection, each with this header."""

    def behave(connection: socket.socket, request: bytes) -> None:
        while request:
            connection.sendall(answer_to(request, ANSWER).replace(b"\r\n\r\n", said + b"\r\n\r\n", 1))
            request = read_request(connection)

    return behave


@pytest.mark.parametrize(
    ("said", "connections"), [(b"\r\nConnection: keep-alive", 1), (b"", 2), (b"\r\nConnection: close", 2)]
)
def test_what_the_sidecar_says_counts(database: Database, analyst: Connection, said: bytes, connections: int) -> None:
    with peer(database.socket, lingering(said)) as listening:
        for _ in range(2):
            assert analyst.execute(ASK).fetchone()
    assert listening.connections == connections


def test_another_sidecar_listens_meanwhile(database: Database, analyst: Connection) -> None:
    with peer(database.socket, lingering(b"\r\nConnection: keep-alive")) as first:
        assert analyst.execute(ASK).fetchone()
        first.break_off()
        with peer(database.socket, lingering(b"")) as second:
            assert analyst.execute(ASK).fetchone()
    assert (first.connections, second.connections) == (1, 1)


def test_a_cancelled_request_is_the_last_on_its_connection(database: Database, analyst: Connection) -> None:
    """Its answer may still come, and must not be taken for that of the next one."""

    def slow_at_first(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.0 if listening.connections > 1 else 0.6)
        lingering(b"\r\nConnection: keep-alive")(connection, request)

    with contextlib.suppress(psycopg.Error):
        analyst.execute(ASK)  # nobody is there; but a session's first question loads Python
    with peer(database.socket, slow_at_first) as listening:
        analyst.execute("set statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            analyst.execute(ASK)
        analyst.execute("reset statement_timeout")
        assert analyst.execute(ASK).fetchone()
        assert listening.connections == 2


def test_kept_for_less_than_the_sidecar_keeps_it() -> None:
    from uvicorn import Config

    assert Config(lambda: None).timeout_keep_alive > line.IDLE * 2
