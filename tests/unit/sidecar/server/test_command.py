"""The console command nl2sql-sidecar: it serves, it says what is wrong with its settings, it ends at SIGTERM."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from sidecar.version import __version__
from tests.support.contract import exchanges
from tests.support.sidecar import wait_until

COMMAND = Path(sys.executable).with_name("nl2sql-sidecar")


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="nl2sql-s-") as name:
        yield Path(name)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Ours, without settings of a sidecar, and with these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NL2SQL_")}
    given = {"SOCKET": str(folder / "s.sock"), "CACHE_DIR": str(folder), "CONFIG": str(folder / "none.toml")}
    given |= {"STATE_DIR": str(folder / "state")} | settings
    return clean | {f"NL2SQL_{name}": value for name, value in given.items()}


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    command = subprocess.Popen([COMMAND], env=environment(folder, **settings), stderr=subprocess.PIPE)
    try:
        wait_until(lambda: (folder / "s.sock").exists() or command.poll() is not None, 30)
        yield command
    finally:
        if command.poll() is None:
            command.kill()
        command.wait()


def failing(folder: Path, **settings: str) -> tuple[int, str]:
    done = subprocess.run([COMMAND], env=environment(folder, **settings), capture_output=True, timeout=60, check=False)
    return done.returncode, done.stderr.decode()


def test_serves_and_ends_at_sigterm(folder: Path) -> None:
    """With an engine that is nowhere: alive, saying so, and gone within seconds of SIGTERM."""
    with running(folder, ENGINE_URL=f"http://127.0.0.1:{unused_port()}/v1") as command:
        transport = httpx.HTTPTransport(uds=str(folder / "s.sock"), retries=20)
        with httpx.Client(transport=transport, base_url="http://sidecar", trust_env=False) as http:
            assert http.get("/version", timeout=20).json()["version"] == __version__
            answer = http.post("/v1/generate", json=exchanges("generate_ok")[0]["request"]["body"], timeout=20)
            assert answer.status_code == 503
            assert answer.json()["error"]["sqlstate"] == "NL302"
        command.send_signal(signal.SIGTERM)
        assert command.wait(15) == 0
        assert command.stderr
        lines = [json.loads(line) for line in command.stderr.read().decode().splitlines()]
    assert any(line["message"] == "serving" for line in lines)
    assert not (folder / "s.sock").exists()


def test_says_which_setting_is_wrong(folder: Path) -> None:
    code, said = failing(folder, MAX_CONNECTIONS="many", READ_TIMEOUT="-1")
    assert code == 2
    assert "setting max_connections" in said
    assert "setting read_timeout" in said
    assert "Traceback" not in said


def test_says_why_it_can_not_listen(folder: Path) -> None:
    code, said = failing(folder, SOCKET=str(folder / "none" / "s.sock"))
    assert code == 1
    assert "NL002" in said
    assert "Traceback" not in said


def test_version() -> None:
    done = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == __version__


def test_says_which_database_is_wrong(folder: Path) -> None:
    code, said = failing(folder, DATABASES='["no connection string"]')
    assert code == 2
    assert "setting databases" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"SOCKET_MODE": "rw"}, 2, "setting socket_mode"),
        ({"LOG_LEVEL": "loud"}, 2, "setting log_level"),
        ({"DATABASES": "dbname=shop"}, 2, "databases"),
        ({"SOCKET_GROUP": "no_such_group"}, 1, "no_such_group"),
    ],
)
def test_wrong_settings_give_no_trace(folder: Path, settings: dict[str, str], code: int, words: str) -> None:
    found, said = failing(folder, **settings)
    assert found == code
    assert words in said
    assert "Traceback" not in said


def test_file_that_is_not_toml(folder: Path) -> None:
    (folder / "none.toml").write_text("socket = ")
    code, said = failing(folder)
    assert code == 2
    assert "settings can't be read" in said
    assert "Traceback" not in said
