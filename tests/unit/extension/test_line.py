"""The connection kept for the next request: given back once, to whom it belongs, and only while it is silent."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from nl2sql_pg import line

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    line.keep("here", ours)
    yield ours, theirs
    assert line.take("here") is None
    theirs.close()
    ours.close()


def test_is_given_once(pair: Pair) -> None:
    assert line.take("here") is pair[0]
    assert line.take("here") is None


def test_of_another_endpoint(pair: Pair) -> None:
    assert line.take("there") is None
    assert pair[0].fileno() == -1


def test_that_the_sidecar_has_ended(pair: Pair) -> None:
    pair[1].close()
    assert line.take("here") is None


def test_on_which_something_was_said_unasked(pair: Pair) -> None:
    pair[1].sendall(b"HTTP/1.1 200 OK\r\n")
    assert line.take("here") is None


def test_that_was_idle(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    now = line.time.monotonic()
    monkeypatch.setattr(line.time, "monotonic", lambda: now + line.IDLE + 1)
    assert line.take("here") is None
