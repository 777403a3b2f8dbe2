"""One HTTP request over the sidecar's Unix socket, with one deadline and with PostgreSQL's interrupts seen in time.

A blocking socket call in a backend ignores cancel, statement_timeout and shutdown (PEP 475 restarts it after a signal),
so this waits in short steps and looks for interrupts between them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pwd
import re
import select
import socket
import stat
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nl2sql_pg import PROTOCOL, line
from nl2sql_pg.errors import Refusal

TICK = 0.04  # seconds between two looks for interrupts
MAX_HEAD = 16_384
CHUNK = 65_536

# NUL as JSON writes it: an odd number of backslashes before u0000. PostgreSQL's text can't hold one.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

_START = "Start it (systemctl start nl2sql-sidecar, or make up) and see SELECT * FROM nl2sql.status()."
_BUG = "Run SELECT * FROM nl2sql.status(); if the sidecar is what it should be, please report this as a bug."


@dataclass(frozen=True)
class Endpoint:
    """Where the sidecar listens and who it may be."""

    path: str
    user: str
    max_bytes: int


class Client:
    """Requests to one sidecar. `check` is called every TICK while waiting and raises when the statement is to end."""

    def __init__(self, endpoint: Endpoint, check: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self._check = check

    def post(self, path: str, body: dict[str, Any], deadline: float) -> dict[str, Any]:
        """The decoded 200 answer to a JSON body; anything else raises Refusal. `deadline` is on time.monotonic()."""
        payload = json.dumps({"protocol": PROTOCOL, **body}, ensure_ascii=False).encode()
        status, answer = self._exchange("POST", path, payload, deadline)
        document = decode(answer)
        if status != 200:
            raise _refused(status, document)
        return document

    def get(self, path: str, deadline: float) -> dict[str, Any]:
        """The decoded answer, whatever its status (a 503 of /ready has a body to read, too)."""
        _, answer = self._exchange("GET", path, b"", deadline)
        return decode(answer)

    def _exchange(self, method: str, path: str, payload: bytes, deadline: float) -> tuple[int, bytes]:
        connection = line.take(self._endpoint) or _connect(self._endpoint, self._check, deadline)
        try:
            wire = _Wire(connection, self._check, deadline, self._endpoint.max_bytes)
            head = f"{method} {path} HTTP/1.1\r\nHost: sidecar\r\nConnection: keep-alive\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
            wire.send(head.encode("ascii") + payload)
            answer = wire.receive()
        except BaseException:
            connection.close()  # nobody knows what else will come on it
            raise
        if wire.stays_open:
            line.keep(self._endpoint, connection)
        else:
            connection.close()
        return answer


class _Wire:
    """The bytes of one exchange."""

    def __init__(self, connection: socket.socket, check: Callable[[], None], deadline: float, max_bytes: int) -> None:
        self._connection = connection
        self._check = check
        self._deadline = deadline
        self._max_bytes = max_bytes
        self.stays_open = False  # whether the sidecar has said so

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            wait(self._connection, select.POLLOUT, self._check, self._deadline)
            try:
                view = view[self._connection.send(view) :]
            except BlockingIOError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                return  # it may have refused early and said why: read the answer

    def receive(self) -> tuple[int, bytes]:
        """Status and body; the body's length must be stated and kept."""
        head, _, body = self._until_head().partition(b"\r\n\r\n")
        status, length, self.stays_open = _parse_head(head)
        if length > self._max_bytes:
            raise _too_large(self._max_bytes)
        parts, got = [body], len(body)
        while got < length:
            parts.append(self._read())
            got += len(parts[-1])
        if got > length:
            raise malformed("it is longer than it says")
        return status, b"".join(parts)

    def _until_head(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            if len(data) > MAX_HEAD:
                raise malformed("its header does not end")
            data += self._read()
            if not b"HTTP/1.1 ".startswith(data[:9]):
                raise malformed("it is not HTTP")
        return data

    def _read(self) -> bytes:
        while True:
            wait(self._connection, select.POLLIN, self._check, self._deadline)
            try:
                data = self._connection.recv(CHUNK)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                data = b""
            if not data:
                raise Refusal(
                    "NL004",
                    "the sidecar broke off before its answer was complete",
                    detail="The question has no answer. The sidecar ended or was restarted meanwhile.",
                    hint="Ask again; if it happens again, see the sidecar's log and SELECT * FROM nl2sql.status().",
                )
            return data


def wait(connection: socket.socket, event: int, check: Callable[[], None], deadline: float) -> None:
    """Return when the socket is ready; look for interrupts every TICK; raise NL003 at the deadline."""
    poller = select.poll()  # not select(): a backend may have more than 1024 files open
    poller.register(connection, event)
    while True:
        check()
        left = deadline - time.monotonic()
        if left <= 0:
            raise _timed_out()
        if poller.poll(max(1, int(min(TICK, left) * 1000))):
            return


def decode(answer: bytes) -> dict[str, Any]:
    """The JSON object of an answer that speaks our protocol; hostile input ends in NL005 or NL007."""
    try:
        document = json.loads(answer.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # fails on lone surrogates
    except (ValueError, RecursionError) as error:
        raise malformed(f"it is not the JSON we expect ({type(error).__name__})") from None
    if not isinstance(document, dict) or _NUL.search(answer):
        raise malformed("it is not a JSON object of text without NUL")
    if document.get("protocol", PROTOCOL) != PROTOCOL:
        raise Refusal(
            "NL007",
            f"the sidecar speaks protocol {str(document['protocol'])[:20]}, this extension speaks {PROTOCOL}",
            detail="The question was not answered, since one side could misread the other.",
            hint="Install the same version of both: ALTER EXTENSION nl2sql UPDATE, or update the sidecar.",
        )
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a key stands twice")
    return names


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def finite(value: Any) -> float:
    """A number of an answer as a float that JSON can hold again; raises ValueError for anything else."""
    if type(value) not in (int, float) or not abs(value) < 1e30:  # NaN is not less either
        raise ValueError("not a number of ordinary size")
    return float(value)


def _parse_head(head: bytes) -> tuple[int, int, bool]:
    """(status, Content-Length, whether the connection stays open) of a response head."""
    try:
        lines = head.decode("ascii").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = [header.split(":", 1) for header in lines[1:]]
        lengths = [int(value) for name, value in headers if name.strip().lower() == "content-length"]
        kept = [value.strip().lower() for name, value in headers if name.strip().lower() == "connection"]
    except (ValueError, IndexError):
        raise malformed("its header can't be read") from None
    if len(lengths) != 1 or lengths[0] < 0 or not 200 <= status <= 599:
        raise malformed("its header lacks a status or a length")
    return status, lengths[0], kept == ["keep-alive"]


def _connect(endpoint: Endpoint, check: Callable[[], None], deadline: float) -> socket.socket:
    trusted = trusted_users(endpoint.user)
    _check_path(endpoint.path, trusted)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        _dial(connection, endpoint.path, check, deadline)
        _check_peer(connection, endpoint.path, trusted)
    except BaseException:
        connection.close()
        raise
    return connection


def _dial(connection: socket.socket, path: str, check: Callable[[], None], deadline: float) -> None:
    """connect(), again and again while the listener's backlog is full (EAGAIN at once on a Unix socket)."""
    while True:
        check()
        try:
            return connection.connect(path)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise _timed_out() from None
            time.sleep(min(TICK, 0.02))
        except OSError as error:
            raise _unreachable(path, error) from None


def trusted_users(user: str) -> set[int]:
    """User ids a sidecar may have: ours, root's, and that of the setting sidecar_user, if there is such a user."""
    trusted = {os.geteuid(), 0}
    if user.isdecimal():
        return trusted | {int(user)}
    with contextlib.suppress(KeyError):
        trusted.add(pwd.getpwnam(user).pw_uid)
    return trusted


def _check_path(path: str, trusted: set[int]) -> None:
    """Nobody but trusted users may have put the socket there, or be able to put another in its place."""
    folder = Path(path).parent
    try:
        found, holder = os.lstat(path), os.lstat(folder)
    except OSError as error:
        raise _unreachable(path, error) from None
    if stat.S_ISLNK(holder.st_mode) or holder.st_uid not in trusted or holder.st_mode & stat.S_IWOTH:
        raise _distrust(path, f"its folder {folder} is a link, belongs to another user, or others may write to it")
    if not stat.S_ISSOCK(found.st_mode):
        raise _distrust(path, "it is not a socket")
    if found.st_uid not in trusted:
        raise _distrust(path, f"it belongs to user id {found.st_uid}")


def _check_peer(connection: socket.socket, path: str, trusted: set[int]) -> None:
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid not in trusted:
        raise _distrust(path, f"the process behind it runs as user id {uid}")


def _unreachable(path: str, error: OSError) -> Refusal:
    reasons = {
        errno.ENOENT: "there is no such socket",
        errno.ECONNREFUSED: "nobody listens on it",
        errno.EACCES: "the server's operating system user may not open it",
        errno.ENAMETOOLONG: "its path is longer than 107 bytes",
    }
    reason = reasons.get(error.errno or 0, error.strerror or "the connection failed")
    return Refusal(
        "NL001",
        "the nl2sql sidecar can't be reached",
        detail=f'Socket "{path}": {reason}. Questions can\'t be answered until it runs.',
        hint=_START,
    )


def _distrust(path: str, reason: str) -> Refusal:
    return Refusal(
        "NL002",
        "the sidecar's socket is not trusted",
        detail=f'Socket "{path}": {reason}. Nothing was sent to it.',
        hint="Check who owns the socket and its folder; an administrator names the sidecar's user with "
        "nl2sql.set_setting('sidecar_user', …) and its socket with nl2sql.set_setting('socket_path', …).",
    )


def _timed_out() -> Refusal:
    return Refusal(
        "NL003",
        "the sidecar did not answer in time",
        detail="The question has no answer; its work in the engine was called off.",
        hint="Ask again when the engine is less busy, or allow more time: SET nl2sql.timeout = '60s'.",
    )


def _too_large(limit: int) -> Refusal:
    return Refusal(
        "NL006",
        "the sidecar's answer is too large",
        detail=f"It states more than {limit} bytes; it was not read.",
        hint=_BUG,
    )


def malformed(reason: str) -> Refusal:
    return Refusal(
        "NL005",
        "the sidecar's answer can't be understood",
        detail=f"The answer was dropped: {reason}.",
        hint=_BUG,
    )


def _refused(status: int, document: dict[str, Any]) -> Refusal:
    """The sidecar's own error, if it is one; its SQLSTATE must be of our kind."""
    fields = document.get("error")
    names = ("sqlstate", "message", "detail", "hint")
    if not isinstance(fields, dict) or not all(isinstance(fields.get(n), str) and fields[n] for n in names):
        raise malformed(f"status {status} without an error that says why")
    code, message, detail, hint = (fields[n][:2000] for n in names)
    if not re.fullmatch(r"NL[0-9]{3}", code):
        raise malformed("its error code is not one of nl2sql's")
    return Refusal(code, message, detail=detail, hint=hint)
