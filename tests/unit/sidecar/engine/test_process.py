"""What is left of an engine whose sidecar was killed, and who may take its socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.engine import nanny
from sidecar.engine.process import (
    BOOT_ID,
    SCRATCH_PREFIX,
    EngineClaim,
    end_leftover,
    make_scratch,
    remove_scratch,
    remove_stale_socket,
    start_ticks,
)
from sidecar.errors import SidecarError

SLEEPER = "import sys, time; print('up', flush=True); time.sleep(600)"
# Starts a process of its own in the same group, and says so.
PARENT = "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); print('up', flush=True); time.sleep(600)"


def wait_until_gone(group: int, limit: float = 5) -> None:
    began = time.monotonic()
    while nanny.group_members(group):
        assert time.monotonic() - began < limit
        time.sleep(0.01)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def start(started: list[subprocess.Popen[str]], *command: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    started.append(process)
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    return process


def under_nanny(started: list[subprocess.Popen[str]], script: str) -> subprocess.Popen[str]:
    return start(started, sys.executable, "-I", "-S", nanny.__file__, sys.executable, "-c", script)


def test_the_group_ends_when_the_pipe_closes(started: list[subprocess.Popen[str]]) -> None:
    process = under_nanny(started, PARENT)
    assert len(nanny.group_members(process.pid)) == 3
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    wait_until_gone(process.pid)


def test_shared_memory_of_a_killed_engine_is_removed(started: list[subprocess.Popen[str]]) -> None:
    name = f"nl2sql_test_{os.getpid()}"
    script = (
        "import time; from multiprocessing.shared_memory import SharedMemory; "
        f"memory = SharedMemory({name!r}, create=True, size=9999); print('up', flush=True); time.sleep(600)"
    )
    process = under_nanny(started, script)
    assert Path(f"/dev/shm/{name}").exists()
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    wait_until_gone(process.pid)
    assert not Path(f"/dev/shm/{name}").exists()


def test_the_group_ends_with_the_engine(started: list[subprocess.Popen[str]]) -> None:
    process = under_nanny(started, PARENT)
    child = next(pid for pid in nanny.group_members(process.pid) if pid != process.pid and parent(pid) == process.pid)
    os.kill(child, signal.SIGKILL)
    assert process.wait(5) == 128 + signal.SIGKILL
    wait_until_gone(process.pid)


def test_the_engine_ends_with_the_nanny(started: list[subprocess.Popen[str]]) -> None:
    process = under_nanny(started, SLEEPER)
    process.kill()
    wait_until_gone(process.pid)


def test_terminating_the_nanny_lets_the_engine_end_by_itself(started: list[subprocess.Popen[str]]) -> None:
    script = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(9)"
    )
    process = under_nanny(started, script)
    process.terminate()
    assert process.wait(5) == 7


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def noted(group: int) -> dict[str, object]:
    return {"group": group, "started": start_ticks(group), "boot": BOOT_ID.read_text().strip()}


def test_a_leftover_of_ours_is_ended(started: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    process = start(started, sys.executable, "-c", SLEEPER, str(path))
    assert end_leftover(noted(process.pid), path) == [process.pid]
    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"group": "text"}, {"started": None}])
def test_a_note_that_does_not_fit_ends_nobody(
    started: list[subprocess.Popen[str]], tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "engine.sock"
    process = start(started, sys.executable, "-c", SLEEPER, str(path))
    assert end_leftover(noted(process.pid) | change, path) == []
    assert process.poll() is None


def test_a_process_of_another_kind_is_not_ended(started: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start(started, sys.executable, "-c", SLEEPER)
    assert end_leftover(noted(process.pid), tmp_path / "engine.sock") == []
    assert process.poll() is None


def test_a_claim_ends_leftovers_and_clears_the_socket(started: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    process = start(started, sys.executable, "-c", SLEEPER, str(path))
    path.with_suffix(".pid").write_text(json.dumps(noted(process.pid)))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    claim = EngineClaim(path)
    claim.take()
    assert process.wait(5) == -signal.SIGKILL and not path.exists()
    with pytest.raises(SidecarError, match="taken"):
        EngineClaim(path).take()
    claim.release()
    second = EngineClaim(path)
    second.take()
    second.release()


def test_only_a_scratch_folder_is_removed(tmp_path: Path) -> None:
    scratch, other = make_scratch(), tmp_path / f"{SCRATCH_PREFIX}other"
    other.mkdir()
    assert scratch.stat().st_mode & 0o077 == 0
    for folder in (scratch, other, Path(), Path("/")):
        remove_scratch(folder)
    assert other.exists() and not scratch.exists()


def test_a_broken_note_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    path.with_suffix(".pid").write_text("{not json")
    claim = EngineClaim(path)
    claim.take()
    claim.release()


def test_a_socket_with_a_listener_stays(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(SidecarError) as caught:
            remove_stale_socket(path)
        assert "listens" in caught.value.detail and path.exists()


def test_what_is_not_a_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    path.write_text("precious")
    with pytest.raises(SidecarError):
        remove_stale_socket(path)
    assert path.read_text() == "precious"
    link = tmp_path / "link.sock"
    link.symlink_to(path)
    with pytest.raises(SidecarError):
        remove_stale_socket(link)
