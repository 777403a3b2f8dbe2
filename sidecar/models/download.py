"""Fetch one file over HTTP: resumes what is there, survives broken connections, checks SHA-256 while it writes."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import httpx

from sidecar.errors import SidecarError
from sidecar.models.catalog import File

CHUNK = 1 << 20
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
ATTEMPTS = 5  # in a row without a single new byte
RETRY_STATUS = {408, 429, 500, 502, 503, 504}
SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")

Report = Callable[[int], None]


def fetch(url: str, target: Path, file: File, report: Report | None = None, pause: float = 1.0) -> None:
    """Bring `url` to `target`. What arrived before an interruption stays in `target`.part and is not fetched again.

    A file that fails its hash is fetched once more from the start, then it is an error.
    """
    if target.exists() and _matches(target, file):
        _report(report, target.stat().st_size)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        with _Part(Path(f"{target}.part")) as part:
            wanted = _fill(url, part, file, report, pause)
            if wanted in (None, part.hexdigest()):
                part.keep(target)
                return
            part.restart()
    raise corrupt(file.name, url)


def corrupt(name: str, origin: str) -> SidecarError:
    return SidecarError(
        "NL304",
        f"{name} failed its SHA-256 check twice",
        detail=f"What {origin} delivers is not the file that the catalog records; nothing of it was kept.",
        hint="Try again later or from another network; a proxy that changes downloads gives the same error.",
    )


class UnreachableError(SidecarError):
    """NL303 with the reason in the network; `host_down` where not even a connection was made."""

    host_down = False


def unreachable(origin: str, reason: str, *, host_down: bool = False) -> UnreachableError:
    error = UnreachableError(
        "NL303",
        f"{origin} can't be fetched",
        detail=f"{reason}. What was fetched so far is kept.",
        hint="Check the network and run the same command again: it goes on where it stopped.",
    )
    error.host_down = host_down
    return error


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def shifted(report: Report, base: int) -> Report:
    """A report for one file of several, of which `base` bytes came before."""
    return lambda size: report(base + size)


class _Part:
    """The unfinished file and the running hash of what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = path.open("ab+")
        self._digest = hashlib.sha256()
        self.size = 0
        self._stream.seek(0)
        while block := self._stream.read(CHUNK):
            self._digest.update(block)
            self.size += len(block)

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._stream.close()

    def append(self, block: bytes) -> None:
        self._stream.write(block)
        self._digest.update(block)
        self.size += len(block)

    def restart(self) -> None:
        self._stream.truncate(0)
        self._digest = hashlib.sha256()
        self.size = 0

    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    def keep(self, target: Path) -> None:
        self._stream.close()
        self.path.replace(target)


def _fill(url: str, part: _Part, file: File, report: Report | None, pause: float) -> str | None:
    """Read until the file is complete; the hash it should have, by the catalog or else by the server."""
    if file.bytes is not None and part.size > file.bytes:
        part.restart()
    if file.bytes is not None and part.size == file.bytes and file.sha256:
        _report(report, part.size)
        return file.sha256
    failures = 0
    timeout = httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    with httpx.Client(follow_redirects=True, timeout=timeout) as client:
        while True:
            before = part.size
            try:
                stated = _read_response(client, url, part, report)
                return file.sha256 or stated
            except (httpx.TransportError, _TryAgainError) as exc:
                failures = 1 if part.size > before else failures + 1
                if failures >= _allowed(exc):
                    reason, down = f"{type(exc).__name__}: {exc}", _is_connect(exc)
                    raise unreachable(httpx.URL(url).host if down else url, reason, host_down=down) from exc
                time.sleep(pause * failures)


class _TryAgainError(Exception):
    """The server answered, but not with the file; it may do so later."""


def _allowed(exc: Exception) -> int:
    """A host that can't be connected to is given up soon: there may be another source."""
    return 2 if _is_connect(exc) else ATTEMPTS


def _is_connect(exc: Exception) -> bool:
    return isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout)


def _read_response(client: httpx.Client, url: str, part: _Part, report: Report | None) -> str | None:
    headers = {"Accept-Encoding": "identity", "User-Agent": "nl2sql-model"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
    with client.stream("GET", url, headers=headers) as response:
        if _is_body_wanted(url, response, part):
            # As the bytes come: gathered into larger blocks, the last one would be lost when the connection breaks.
            for block in response.iter_raw():
                part.append(block)
                _report(report, part.size)
        return _stated_hash(response)


def _is_body_wanted(url: str, response: httpx.Response, part: _Part) -> bool:
    """Compare the answer with what was asked for; a server without ranges sends the file from its start."""
    status = response.status_code
    if status == 416:
        # Nothing is left to send, or the part does not belong to this file: then the hash will tell.
        return False
    if status in RETRY_STATUS:
        raise _TryAgainError(f"HTTP status {status}")
    if status == 200:
        part.restart()
    elif status != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {part.size}-"):
        raise unreachable(url, f"The server answered with HTTP status {status}")
    return True


def _stated_hash(response: httpx.Response) -> str | None:
    """The SHA-256 that Hugging Face states for a large file in the answer before its redirect."""
    for answer in [*response.history, response]:
        value = answer.headers.get("X-Linked-Etag", "").strip('"')
        if SHA256_PATTERN.fullmatch(value):
            return str(value)
    return None


def _matches(path: Path, file: File) -> bool:
    if file.bytes is not None and path.stat().st_size != file.bytes:
        return False
    return file.sha256 is None or sha256_of(path) == file.sha256


def _report(report: Report | None, done: int) -> None:
    if report:
        report(done)
