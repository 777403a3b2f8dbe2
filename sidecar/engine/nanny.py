"""A small process between the sidecar and vLLM, so that none of vLLM's processes outlives either of them.

vLLM's workers go on for seconds, or for good, when their API server is killed, and the API server goes on when the
sidecar is. The nanny leads a process group of its own and ends all of it as soon as its standard input, a pipe that
only the sidecar holds, is closed, or the API server has ended. SIGTERM is handed on to the API server, which drains.

Run as a script, standard library only: `python -I -S nanny.py COMMAND…`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
TRACKER_WAIT = 2.0


def group_members(group: int) -> list[int]:
    """Process ids of a process group, zombies left out."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and _in_group(entry, group)]


def _in_group(entry: Path, group: int | None) -> bool:
    """Whether a process runs, and belongs to a group if one is named."""
    try:
        state, _, of_group = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
    except OSError:
        return False  # it ended meanwhile
    return group in (None, int(of_group)) and state not in "ZX"


def end_all(pids: list[int]) -> None:
    """SIGKILL to these processes, Python's resource trackers last.

    A tracker ends by itself when those it serves are gone, and only then removes what they left in /dev/shm:
    hundreds of megabytes for each engine that is killed.
    """
    trackers = [pid for pid in pids if _is_tracker(pid)]
    for pid in pids:
        if pid not in trackers:
            _signal(pid, signal.SIGKILL)
    patience = time.monotonic() + TRACKER_WAIT
    while any(_alive(pid) for pid in trackers) and time.monotonic() < patience:
        time.sleep(0.02)
    for pid in trackers:
        _signal(pid, signal.SIGKILL)


def _end_others() -> None:
    """End every process of the own group but this one."""
    end_all([pid for pid in group_members(os.getpgrp()) if pid != os.getpid()])


def _is_tracker(pid: int) -> bool:
    try:
        return b"multiprocessing.resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _alive(pid: int) -> bool:
    return _in_group(Path(f"/proc/{pid}"), None)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _start(command: list[str]) -> int:
    """Fork and exec; the child is killed by the kernel if the nanny goes."""
    nanny = os.getpid()
    child = os.fork()
    if child:
        return child
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != nanny:
        os._exit(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(f"nanny: {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def main(command: list[str]) -> int:
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = _start(command)
    signal.signal(signal.SIGTERM, lambda *_: _signal(child, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        readable, _, _ = select.select([0, wake_read], [], [])
        if 0 in readable and not os.read(0, 1):
            print("nanny: the sidecar ended; ending the engine", file=sys.stderr, flush=True)
            _end_others()
            return 0
        if wake_read in readable:
            os.read(wake_read, 512)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            _end_others()
            print(f"nanny: the engine ended with status {code}", file=sys.stderr, flush=True)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
