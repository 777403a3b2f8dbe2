"""Processes that outlive the tool: are they still the ones that were started?

A number alone is no proof: after a crash or a reboot it may belong to anything.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process, told from later ones with the same number by its start time and the machine's boot."""

    pid: int
    started: str
    boot: str

    def alive(self) -> bool:
        return identify(self.pid) == self


def identify(pid: int) -> Process | None:
    """The process that has this number now; None if there is none, or only its exit status is left."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = BOOT_ID.read_text().strip()
    except (OSError, ValueError):
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else Process(pid, started, boot)


def remember(path: Path, pid: int) -> None:
    process = identify(pid)
    if process is not None:
        path.write_text(json.dumps(asdict(process)) + "\n")


def recall(path: Path) -> Process | None:
    """The process that the pid file names, if it is still that one."""
    try:
        process = Process(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return process if process.alive() else None


def end(process: Process, patience: float) -> bool:
    """Ask a session leader to end, and kill its session's processes when it does not; False if that was needed."""
    os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not process.alive():
            return True
        time.sleep(0.1)
    if process.alive():
        os.killpg(process.pid, signal.SIGKILL)
    return False


def working_in(folder: Path) -> list[int]:
    """Processes whose working folder this is: a PostgreSQL server and its children work in their data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found
