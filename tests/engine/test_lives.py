"""How a real engine starts, fails, dies and comes back. The last test of the file kills the shared engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sidecar.engine.base import Message
from sidecar.engine.nanny import group_members
from sidecar.engine.process import EngineClaim
from sidecar.errors import SidecarError
from tests.support.engine import EngineHost, folder_model

OWNER = """
import sys, time
from pathlib import Path
from tests.support.engine import EngineHost, folder_model
host = EngineHost(Path(sys.argv[1]), lambda: folder_model(Path(sys.argv[2])))
host.start()
while host.engine.pid is None:
    time.sleep(0.05)
print(host.engine.pid, flush=True)
time.sleep(600)
"""
ESSAY = [Message("user", "Write a very long story about a database. Do not stop.")]


def command_line(pid: int) -> bytes:
    """Empty if the process ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def names(group: int) -> list[str]:
    return [command_line(pid).replace(b"\0", b" ").decode() for pid in group_members(group)]


def shared_memory(group: int) -> set[Path]:
    """The segments that a group's processes have mapped."""
    words = [word for pid in group_members(group) for word in Path(f"/proc/{pid}/maps").read_text().split()]
    return {Path(word) for word in words if word.startswith("/dev/shm/psm_")}


def seconds_until_gone(group: int, limit: float = 10) -> float:
    began = time.monotonic()
    while group_members(group):
        assert time.monotonic() - began < limit, names(group)
        time.sleep(0.05)
    return time.monotonic() - began


def test_a_killed_sidecar_takes_the_whole_engine_along(tiny_model: Path, tmp_path: Path) -> None:
    search = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), str(tiny_model)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ) | search,
    )
    assert owner.stdout is not None
    group = int(owner.stdout.readline())
    began = time.monotonic()
    while not any(name.startswith("VLLM::Worker") for name in names(group)):
        assert time.monotonic() - began < 120, names(group)
        time.sleep(0.1)
    assert len(group_members(group)) >= 4  # nanny, API server, engine core, worker
    segments = shared_memory(group)
    assert segments and all(path.exists() for path in segments)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert seconds_until_gone(group) < 5
    assert not [path for path in segments if path.exists()]
    noted = json.loads((tmp_path / "engine.pid").read_text())
    assert noted["group"] == group and Path(noted["scratch"]).is_dir()
    claim = EngineClaim(tmp_path / "engine.sock")
    claim.take()
    claim.release()
    assert not Path(noted["scratch"]).exists()


def test_a_file_cut_short_is_corrupt_at_once(tiny_model: Path, tmp_path: Path) -> None:
    weights = tiny_model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    host = EngineHost(tmp_path, lambda: folder_model(tiny_model))
    host.start()
    try:
        assert host.wait_for("dead", timeout=20) < 20
        with pytest.raises(SidecarError) as caught:
            host.ask(ESSAY)
        assert caught.value.sqlstate == "NL304" and "bytes instead of" in caught.value.detail
        assert host.engine.pid is None
    finally:
        host.stop()


def test_weights_that_only_vllm_finds_corrupt_end_without_restarts(tiny_model: Path, tmp_path: Path) -> None:
    weights = tiny_model / "model.safetensors"
    raw = weights.read_bytes()
    assert raw.count(b'"F32"') > 5
    weights.write_bytes(raw.replace(b'"F32"', b'"X32"'))
    host = EngineHost(tmp_path, lambda: folder_model(tiny_model))
    host.start()
    try:
        host.wait_for("dead", "restarting", timeout=120)
        assert host.engine.state().state == "dead", host.engine.state()
        with pytest.raises(SidecarError) as caught:
            host.ask(ESSAY)
        assert caught.value.sqlstate == "NL304" and "header" in caught.value.detail
        assert caught.value.hint
    finally:
        host.stop()


def test_a_model_that_comes_later_is_noticed(tiny_model: Path, tmp_path: Path) -> None:
    away = tiny_model.rename(tmp_path / "away")
    host = EngineHost(tmp_path, lambda: folder_model(tiny_model))
    host.start()
    try:
        host.wait_for("missing model", timeout=20)
        with pytest.raises(SidecarError) as caught:
            host.ask(ESSAY)
        assert caught.value.sqlstate == "NL303"
        away.rename(tiny_model)
        host.wait_for("loading", timeout=60)
        with pytest.raises(SidecarError) as caught:
            host.ask(ESSAY)
        assert caught.value.sqlstate == "NL301" and " s)" in caught.value.detail
    finally:
        host.stop()


def test_a_stale_socket_gives_way_and_a_used_one_does_not(tmp_path: Path, tiny_model: Path) -> None:
    host = EngineHost(tmp_path, lambda: folder_model(tiny_model))
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(host.settings.engine_socket_path))
        other.listen()
        host.start()
        host.wait_for("dead", timeout=30)
        assert "listens" in host.engine.state().detail
        host.stop()
        assert host.settings.engine_socket_path.exists(), "the other process's socket must stay"
    again = EngineHost(tmp_path, lambda: folder_model(tiny_model))
    again.start()
    try:
        again.wait_for("loading", timeout=60)
    finally:
        again.stop()
    assert not again.settings.engine_socket_path.exists()


def test_a_killed_engine_fails_its_requests_and_comes_back(host: EngineHost) -> None:
    group = host.engine.pid
    assert group is not None
    noted = json.loads(host.settings.engine_socket_path.with_suffix(".pid").read_text())
    assert noted["group"] == group
    (server,) = [pid for pid in group_members(group) if pid != group and b"--uds" in command_line(pid)]

    async def kill_midway() -> tuple[float, list[object]]:
        tasks = [asyncio.create_task(host.generate(ESSAY, max_tokens=1000, stop=[])) for _ in range(4)]
        await asyncio.sleep(1.5)
        os.kill(server, signal.SIGKILL)
        began = time.monotonic()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return time.monotonic() - began, list(results)

    took, results = host.call(kill_midway())
    assert [error.sqlstate for error in results if isinstance(error, SidecarError)] == ["NL302"] * 4
    assert took < 5, "the requests ended with the engine: their thousand tokens would take a minute"
    host.wait_for("restarting", timeout=5)
    with pytest.raises(SidecarError) as caught:
        host.ask(ESSAY)
    assert caught.value.sqlstate == "NL302"
    host.wait_for("ready")
    assert group_members(group) == []
    assert host.ask(ESSAY, max_tokens=5).samples[0].tokens == 5
