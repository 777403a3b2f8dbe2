"""The socket: where it may stand, who may use it, how many at once, and how it goes away."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from sidecar import server
from sidecar.errors import SidecarError
from sidecar.server import allowed_uids, open_socket
from sidecar.settings import Settings
from tests.support.contract import exchanges
from tests.support.sidecar import Sidecar, sidecar, wait_until

# Asks /health as another user: only a process of that user can show what SO_PEERCRED says of it.
STRANGER = """
import contextlib, os, socket, sys
os.setgroups([]); os.setgid(12345); os.setuid(12345)
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
with contextlib.suppress(BrokenPipeError):  # it may have hung up by now; its answer is still there
    s.sendall(b"GET /health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
with contextlib.suppress(ConnectionResetError):
    while chunk := s.recv(65536):
        sys.stdout.buffer.write(chunk)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="nl2sql-s-") as name:
        yield Path(name)


def at(path: Path, **settings: str) -> Settings:
    return Settings.model_validate({"socket": path, **settings})


def refused(settings: Settings) -> str:
    with pytest.raises(SidecarError) as caught:
        open_socket(settings)
    assert caught.value.sqlstate == "NL002"
    assert caught.value.detail
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("mode", ["0660", "0600", "0666"])
def test_mode(folder: Path, mode: str) -> None:
    path = folder / "s.sock"
    before = os.umask(0o077)
    try:
        with open_socket(at(path, socket_mode=mode)):
            assert stat.S_IMODE(path.stat().st_mode) == int(mode, 8)
            assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)


def test_stale_socket_is_replaced(folder: Path) -> None:
    path = folder / "s.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with open_socket(at(path)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_live_socket_is_left_alone(folder: Path) -> None:
    path = folder / "s.sock"
    with open_socket(at(path)):
        assert "another sidecar" in refused(at(path))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_foreign_file_is_left_alone(folder: Path) -> None:
    path = folder / "s.sock"
    path.write_text("precious")
    assert "something else" in refused(at(path))
    assert path.read_text() == "precious"


def test_link_at_the_path_is_left_alone(folder: Path) -> None:
    path = folder / "s.sock"
    path.symlink_to(folder / "elsewhere")
    assert "something else" in refused(at(path))


def test_folder_that_others_may_write_to(folder: Path) -> None:
    folder.chmod(0o777)
    assert "others may write" in refused(at(folder / "s.sock"))


def test_folder_that_is_a_link(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "link").symlink_to(folder / "real")
    assert "link" in refused(at(folder / "link" / "s.sock"))


def test_folder_that_is_missing(folder: Path) -> None:
    assert "No such file" in refused(at(folder / "none" / "s.sock"))


def test_longest_path(folder: Path) -> None:
    room = 107 - len(os.fsencode(folder)) - 1
    with open_socket(at(folder / ("x" * room))):
        pass
    assert "longer than 107" in refused(at(folder / ("x" * (room + 1))))


def test_allowed_users() -> None:
    own = {0, os.geteuid()}
    assert allowed_uids([]) == own
    assert allowed_uids(["4711", "root", "no_such_user_here"]) == own | {4711}


def test_stranger_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid():
        # nobody but root can be another user: so let the service take our own for a stranger
        monkeypatch.setattr(server, "allowed_uids", lambda users: frozenset({0}))
    with sidecar(socket_mode="0666") as service:
        if os.geteuid():
            answer = service.http.get("/health").content
        else:
            service.settings.socket.parent.chmod(0o755)
            command = [sys.executable, "-c", STRANGER, str(service.settings.socket)]
            head, _, answer = subprocess.run(command, capture_output=True, check=True).stdout.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 403 ")
            assert service.http.get("/health").status_code == 200
    error = json.loads(answer)["error"]
    assert error["sqlstate"] == "NL009"
    assert "allowed_users" in error["hint"]


def test_too_many_connections() -> None:
    with sidecar(max_connections=3) as service:
        holders = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for holder in holders:
            holder.connect(str(service.settings.socket))
        wait_until(lambda: len(service.server.server_state.connections) == 3)
        with service.client() as other:
            answer = other.get("/health")
        assert answer.status_code == 503
        assert answer.json()["error"]["sqlstate"] == "NL307"
        for holder in holders:
            holder.close()
        wait_until(lambda: not service.server.server_state.connections)
        assert service.http.get("/health").status_code == 200


def question(service: Sidecar, answers: list[httpx.Response]) -> threading.Thread:
    def ask() -> None:
        with service.client() as client:
            answers.append(client.post("/v1/generate", json=exchanges("generate_ok")[0]["request"]["body"]))

    thread = threading.Thread(target=ask)
    thread.start()
    assert service.engine.asked.wait(5)
    return thread


def test_running_request_finishes_at_a_stop() -> None:
    answers: list[httpx.Response] = []
    with sidecar() as service:
        service.engine.seconds = 0.6
        asking = question(service, answers)
        service.begin_stop()
        asking.join(10)
    assert answers[0].status_code == 200


def test_stop_waits_no_longer_than_the_settings_say() -> None:
    with sidecar(drain_timeout=1) as service:
        service.engine.seconds = 60
        with socket.socket(socket.AF_UNIX) as client:
            payload = json.dumps(exchanges("generate_ok")[0]["request"]["body"]).encode()
            client.connect(str(service.settings.socket))
            head = "POST /v1/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            client.sendall(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
            assert service.engine.asked.wait(5)
            service.begin_stop()
            assert service.engine.cancelled.wait(5)


@pytest.mark.parametrize("sent", [b"", b"POST /v1/check HT", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /hea"])
def test_half_a_head_does_not_hold_its_connection(sent: bytes) -> None:
    with sidecar(read_timeout=0.4) as service, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(service.settings.socket))
        client.sendall(sent)
        began = time.monotonic()
        while client.recv(65536):
            pass
        assert time.monotonic() - began < 8  # uvicorn's own limit is 5 s after an answer


def test_a_head_in_drops_does_not_last_longer() -> None:
    with sidecar(read_timeout=0.6) as service, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(service.settings.socket))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(100):
                client.sendall(b"X")
                time.sleep(0.1)
            raise AssertionError("it is still open after ten seconds")


def test_an_answer_that_takes_longer_is_waited_for() -> None:
    answers: list[httpx.Response] = []
    with sidecar(read_timeout=0.3) as service:
        service.engine.seconds = 1
        question(service, answers).join(10)
    assert answers[0].status_code == 200
