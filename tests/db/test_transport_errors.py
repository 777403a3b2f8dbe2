"""A sidecar that is down, slow, hostile or another's: a clear error within the deadline, and the backend lives."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.peer import Behaviour, answer_to, http, peer, says, silent_peer

ASK = "select nl2sql('how many orders are there')"


def drip(connection: socket.socket, request: bytes) -> None:
    for byte in answer_to(request, "select 1 from orders"):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def flood(connection: socket.socket, request: bytes) -> None:
    while True:
        connection.sendall(b"x" * 65_536)


def half(connection: socket.socket, request: bytes) -> None:
    connection.sendall(answer_to(request, "select 1 from orders")[:-20])


def with_error(code: str, **fields: str) -> bytes:
    texts = {"message": "engine is loading", "detail": "It takes a while.", "hint": "Wait."} | fields
    return http({"protocol": 1, "error": {"sqlstate": code, **texts}}, status=503)


DEEP = b"[" * 100_000 + b"]" * 100_000
PEERS: dict[str, tuple[Behaviour, str]] = {
    "garbage": (says(b"\x00\xff garbage \r\n\r\n"), "NL005"),
    "not_http": (says(b"SSH-2.0-OpenSSH\r\n\r\n"), "NL005"),
    "endless_header": (lambda c, r: c.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000), "NL005"),
    "flood": (flood, "NL005"),
    "not_json": (says(http(b"hello")), "NL005"),
    "not_utf8": (says(http(b'{"protocol": 1, "x": "\xff\xfe"}')), "NL005"),
    "nul": (says(http(b'{"protocol": 1, "x": "a\\u0000b"}')), "NL005"),
    "lone_surrogate": (says(http(b'{"protocol": 1, "x": "\\ud800"}')), "NL005"),
    "double_key": (says(http(b'{"protocol": 1, "x": 1, "x": 2}')), "NL005"),
    "nan": (says(http(b'{"protocol": 1, "x": NaN}')), "NL005"),
    "deep": (says(http(b'{"protocol": 1, "x": ' + DEEP + b"}")), "NL005"),
    "huge_number": (says(http(b'{"protocol": 1, "x": ' + b"9" * 10_000 + b"}")), "NL005"),
    "json_list": (says(http(b"[1]")), "NL005"),
    "empty_object": (says(http(b"{}")), "NL005"),
    "candidates_missing": (says(http({"protocol": 1, "model": "m"})), "NL005"),
    "no_candidate": (lambda c, r: c.sendall(answer_to(r)), "NL005"),
    "candidate_of_wrong_type": (
        says(http({"protocol": 1, "model": "m", "timings_ms": {}, "warnings": [], "candidates": [7]})),
        "NL005",
    ),
    "no_length": (says(b"HTTP/1.1 200 OK\r\n\r\n{}"), "NL005"),
    "negative_length": (says(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "NL005"),
    "two_lengths": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "NL005"),
    "longer_than_it_says": (says(http(b'{"protocol": 1}xxxx', length=15)), "NL005"),
    "too_much": (says(http(b"x", length=10**9)), "NL006"),
    "wrong_version": (says(http({"protocol": 2})), "NL007"),
    "redirect": (says(b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 2\r\n\r\n{}"), "NL005"),
    "error_without_fields": (says(http({"error": "no"}, status=500)), "NL005"),
    "error_with_foreign_code": (says(with_error("00000")), "NL005"),
    "error_that_claims_a_cancel": (says(with_error("57014")), "NL005"),
    "engine_loading": (says(with_error("NL301")), "NL301"),
    "engine_dead": (says(with_error("NL302")), "NL302"),
    "broken_off": (half, "NL004"),
    "closed_at_once": (lambda c, r: None, "NL004"),
    "proposes_nonsense": (lambda c, r: c.sendall(answer_to(r, "select nothing from nowhere")), "NL406"),
    "proposes_two_statements": (lambda c, r: c.sendall(answer_to(r, "select 1; drop table orders")), "NL406"),
    "proposes_a_write": (lambda c, r: c.sendall(answer_to(r, "set role postgres")), "NL406"),
}


@pytest.mark.parametrize(("behaviour", "sqlstate"), PEERS.values(), ids=PEERS)
def test_answers_badly(database: Database, analyst: Connection, behaviour: Behaviour, sqlstate: str) -> None:
    with peer(database.socket, behaviour):
        assert refused(analyst, ASK).sqlstate == sqlstate


@pytest.mark.parametrize("behaviour", [drip, lambda c, r: time.sleep(5)], ids=["byte_by_byte", "silent"])
def test_answers_too_slowly(database: Database, analyst: Connection, behaviour: Behaviour) -> None:
    analyst.execute("set nl2sql.timeout = '1s'")
    started = time.monotonic()
    with peer(database.socket, behaviour):
        assert refused(analyst, ASK).sqlstate == "NL003"
    assert time.monotonic() - started < 3


def test_nobody_listens(database: Database, analyst: Connection) -> None:
    assert refused(analyst, ASK).sqlstate == "NL001"


def test_stale_socket(database: Database, analyst: Connection) -> None:
    with peer(database.socket, lambda c, r: None):
        pass
    assert stat.S_ISSOCK(database.socket.lstat().st_mode)
    assert refused(analyst, ASK).sqlstate == "NL001"


def test_full_backlog(database: Database, analyst: Connection) -> None:
    """connect() on a full backlog would block for ever; here it ends at the deadline."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(database.socket))
    database.socket.chmod(0o666)
    listener.listen(0)
    fillers = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(str(database.socket))
    analyst.execute("set nl2sql.timeout = '500ms'")
    assert refused(analyst, ASK).sqlstate == "NL003"
    for each in (*fillers, listener):
        each.close()


def in_writable_folder(path: Path) -> None:
    path.parent.chmod(0o777)


def behind_a_link(path: Path) -> None:
    real = path.parent.with_name(path.parent.name + "-real")
    path.parent.rename(real)
    path.parent.symlink_to(real)


def no_socket(path: Path) -> None:
    path.unlink()
    path.write_text("not a socket")


@pytest.mark.parametrize("spoil", [in_writable_folder, behind_a_link, no_socket])
def test_socket_that_others_may_have_put_there(
    database: Database, analyst: Connection, spoil: Callable[[Path], None]
) -> None:
    with silent_peer(database.socket) as listening:
        spoil(database.socket)
        assert refused(analyst, ASK).sqlstate == "NL002"
        assert not listening.requests


def test_socket_of_another_user(database: Database, admin: Connection, analyst: Connection) -> None:
    """The server trusts its own user and root; a test that is neither can show another user by naming one."""
    if os.geteuid() == 0:
        with silent_peer(database.socket) as listening:
            os.chown(database.socket, 12_345, -1)
            assert refused(analyst, ASK).sqlstate == "NL002"
            assert not listening.requests
        return
    from nl2sql_pg.client import trusted_users

    assert os.geteuid() + 1 not in trusted_users("no_such_user")


def test_path_too_long(admin: Connection, analyst: Connection) -> None:
    admin.execute("select nl2sql.set_setting('socket_path', %s)", ("/" + "x" * 106,))
    assert refused(analyst, ASK).sqlstate == "NL001"


def test_status_tells_without_failing(analyst: Connection) -> None:
    rows = {row[0]: row for row in analyst.execute("select * from nl2sql.status()").fetchall()}
    assert {"extension", "sidecar", "engine", "model", "embedder", "index"} <= set(rows)
    assert rows["sidecar"][1] == "unreachable"
    assert "NL001" in rows["sidecar"][2]
    assert rows["extension"][1] == "ready"
    assert rows["server"][2] == "looks every 2s whether clients of running statements are still there"
