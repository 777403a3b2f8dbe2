"""The demo's sidecar: its settings are ones that the sidecar takes, and its state is read over a real socket."""

from __future__ import annotations

import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.settings import Settings
from tools.account import server_account
from tools.errors import ToolError
from tools.sidecar_process import Component, SidecarProcess
from tools.unix_http import get_json

CHECKOUT = Path(__file__).resolve().parents[3]
DSN = "host=/tmp/x port=1 dbname='demo' user='postgres'"
READY = {
    "protocol": 1,
    "ready": True,
    "components": [{"component": "engine", "state": "loading", "detail": "weights", "action": None}],
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers /ready as a sidecar does, with 503 while the body says so."""

    def do_GET(self) -> None:
        body = json.dumps(READY).encode()
        self.send_response(200 if READY["ready"] else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Tests need no access log."""

    def address_string(self) -> str:
        return "unix"


@pytest.fixture
def process(tmp_path: Path) -> SidecarProcess:
    return SidecarProcess(tmp_path, tmp_path / "run", server_account())


@pytest.fixture
def served(process: SidecarProcess) -> Iterator[Path]:
    process.folder.mkdir(parents=True)
    with socketserver.UnixStreamServer(str(process.socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield process.socket
        server.shutdown()
        thread.join()


def test_the_sidecar_takes_the_settings(process: SidecarProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NL2SQL_CACHE", "/somewhere/else")
    for name, value in process.environment([DSN], "some-model").items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.socket == process.socket
    assert settings.databases == [DSN]
    assert settings.allowed_users == [server_account().name]
    assert settings.model == "some-model"
    assert settings.cache_dir == Path("/somewhere/else")


def test_the_state_is_read_over_the_socket(process: SidecarProcess, served: Path) -> None:
    ready, components = process.components()
    assert ready
    assert components == [Component("engine", "loading", "weights", "")]
    assert str(components[0]) == "engine: loading (weights)"
    assert get_json(served, "/ready", timeout=5) == READY


@pytest.mark.parametrize(("ready", "status"), [(True, 0), (False, 1)])
def test_the_probe_tells_by_its_status(served: Path, ready: bool, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READY, "ready", ready)
    assert probe(served) == status


def test_the_probe_says_when_nobody_is_there(tmp_path: Path) -> None:
    assert probe(tmp_path / "no.sock") == 1


def probe(path: Path) -> int:
    env = os.environ | {"NL2SQL_SOCKET": str(path)}
    return subprocess.run([sys.executable, "-m", "tools.probe"], cwd=CHECKOUT, env=env, check=False).returncode


def test_waiting_ends_when_the_process_has(process: SidecarProcess) -> None:
    process.log.parent.mkdir(parents=True)
    process.log.write_text("it broke\n")
    with pytest.raises(ToolError, match="it broke"):
        process.wait_ready(patience=1)
