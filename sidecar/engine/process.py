"""The engine's processes and its socket: started, ended, and cleared up after a sidecar that was killed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from sidecar.engine import nanny
from sidecar.errors import SidecarError

KILL_WAIT = 5.0
SCRATCH_PREFIX = "nl2sql-engine-"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class EngineClaim:
    """The right to run the engine of one socket: a locked file beside it that also names the running group.

    The kernel drops the lock when the sidecar ends, in whatever way; the text stays, and tells the next sidecar
    which processes may have been left behind.
    """

    def __init__(self, engine_socket: Path) -> None:
        self._path = engine_socket.with_suffix(".pid")
        self._socket = engine_socket
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Lock the file, end what an earlier sidecar left, and remove its socket."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.close()
                raise _taken(self._socket, "Another sidecar holds it.") from error
            self._file = file
        noted = self._read()
        end_leftover(noted, self._socket)
        remove_scratch(Path(str(noted.get("scratch", ""))))
        remove_stale_socket(self._socket)

    def note(self, group: int, scratch: Path) -> None:
        """Write down the group that now runs and its folder for temporary files."""
        boot = BOOT_ID.read_text().strip()
        self._write({"group": group, "started": start_ticks(group), "boot": boot, "scratch": str(scratch)})

    def release(self) -> None:
        """Give the claim back; nothing runs any more."""
        if self._file is not None:
            self._write({})
            with contextlib.suppress(SidecarError):
                remove_stale_socket(self._socket)
            self._file.close()
            self._file = None

    def _read(self) -> dict[str, Any]:
        assert self._file is not None
        self._file.seek(0)
        try:
            value = json.loads(self._file.read() or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, value: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(value))
        self._file.flush()


def end_leftover(noted: dict[str, Any], engine_socket: Path) -> list[int]:
    """Kill the processes of a group that an earlier sidecar noted and did not end; give their ids."""
    group, started = noted.get("group"), noted.get("started")
    if not isinstance(group, int) or not isinstance(started, int) or noted.get("boot") != BOOT_ID.read_text().strip():
        return []
    if start_ticks(group) not in (None, started):
        return []  # the number was given to another process since
    ended = [pid for pid in nanny.group_members(group) if _is_engine(pid, started, engine_socket)]
    nanny.end_all(ended)
    return ended


def _is_engine(pid: int, started: int, engine_socket: Path) -> bool:
    """Whether a process is one of vLLM's or its nanny: ours by user, age and command line."""
    try:
        owner = Path(f"/proc/{pid}").stat().st_uid
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    age = start_ticks(pid)
    known = str(engine_socket) in words or words[0].startswith("VLLM::") or "multiprocessing" in " ".join(words)
    return owner == os.getuid() and age is not None and age >= started and known


def start_ticks(pid: int) -> int | None:
    """When a process began, in clock ticks since boot: with its id it names one process for good."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except OSError:
        return None


def make_scratch() -> Path:
    """A folder for one life's temporary files: vLLM leaves some behind when it is killed.

    Under the system's own folder, because vLLM makes sockets in it, whose paths must be short.
    """
    return Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))


def remove_scratch(folder: Path) -> None:
    """Remove such a folder, and nothing that is not one."""
    if folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(SCRATCH_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale_socket(path: Path) -> None:
    """Unlink a socket of ours that nobody listens on; refuse anything else that stands there."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.getuid():
        raise _taken(path, "Something stands there that is not a socket of the sidecar's user.")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise _taken(path, f"It does not answer: {error.strerror}.") from error
    raise _taken(path, "Another process listens on it.")


def _taken(path: Path, why: str) -> SidecarError:
    return SidecarError(
        "NL302",
        "the engine's socket is taken",
        detail=f"{path}: {why}",
        hint="End the other process, or set engine_socket to another path.",
    )


class EngineProcess:
    """One life of the engine: nanny, API server and workers in one process group."""

    def __init__(self, process: asyncio.subprocess.Process, scratch: Path) -> None:
        self._process = process
        self.scratch = scratch

    @classmethod
    async def start(cls, command: list[str], environment: dict[str, str], log: Path) -> EngineProcess:
        scratch = make_scratch()
        places = {"TMPDIR": str(scratch), "VLLM_RPC_BASE_PATH": str(scratch)}
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-I", "-S", nanny.__file__, *command],
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=environment | places,
                cwd="/",
                start_new_session=True,
                umask=0o077,
            )
        return cls(process, scratch)

    @property
    def group(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    async def ends_within(self, seconds: float) -> bool:
        """Wait for its end, but not longer."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)
        return self.ended

    async def end(self, grace: float) -> None:
        """Ask it to drain, wait `grace` seconds, then kill the whole group."""
        if grace > 0 and not self.ended:
            self._process.terminate()
            await self.ends_within(grace)
        if not self.ended and self._process.stdin is not None:
            self._process.stdin.close()  # the nanny ends the group
            await self.ends_within(KILL_WAIT)
        if not self.ended:
            # The leader is not reaped yet, so the number can't belong to anybody else.
            os.killpg(self.group, signal.SIGKILL)
            await self.ends_within(KILL_WAIT)
        remove_scratch(self.scratch)
