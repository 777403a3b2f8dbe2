"""A pid file is believed only if the process is the one that was started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.processes import end, identify, recall, remember, working_in

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], cwd=tmp_path, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_running_process_is_recalled(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    remember(tmp_path / "pid", sleeper.pid)
    found = recall(tmp_path / "pid")
    assert found is not None
    assert found.pid == sleeper.pid


def test_an_ended_process_is_not(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    remember(tmp_path / "pid", sleeper.pid)
    sleeper.kill()
    # Not waited for: its number is still taken, by a zombie.
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert recall(tmp_path / "pid") is None


@pytest.mark.parametrize("change", [{"started": "1"}, {"boot": "another"}])
def test_a_number_that_now_belongs_to_another_is_not(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], change: dict[str, str]
) -> None:
    remember(tmp_path / "pid", sleeper.pid)
    stored = json.loads((tmp_path / "pid").read_text())
    (tmp_path / "pid").write_text(json.dumps(stored | change))
    assert recall(tmp_path / "pid") is None


@pytest.mark.parametrize("text", ["", "1234\n", "[]", '{"pid": 1}', '{"pid": 1, "other": 2}'])
def test_a_broken_pid_file_is_not(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert recall(tmp_path / "pid") is None


def test_a_polite_process_ends_at_once(sleeper: subprocess.Popen[bytes]) -> None:
    process = identify(sleeper.pid)
    assert process is not None
    assert end(process, patience=5)


def test_a_stubborn_one_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = identify(child.pid)
        assert process is not None
        assert not end(process, patience=0.3)
        assert child.wait(5) == -9


def test_processes_are_found_by_their_folder(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    assert working_in(tmp_path) == [sleeper.pid]
