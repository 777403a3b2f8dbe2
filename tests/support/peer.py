"""A peer on a real Unix socket that says whatever a test makes it say: the sidecar as it should never be."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Behaviour = Callable[[socket.socket, bytes], None]


def read_request(connection: socket.socket) -> bytes:
    """One whole HTTP request with a Content-Length.

    :raises ConnectionAbortedError: the client went away before its end.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += _received(connection)
    return head + b"\r\n\r\n" + body


def _received(connection: socket.socket) -> bytes:
    chunk = connection.recv(65_536)
    if not chunk:
        raise ConnectionAbortedError
    return chunk


def http(body: bytes | dict[str, Any], status: int = 200, length: int | None = None) -> bytes:
    """An HTTP response; a dict goes as JSON."""
    payload = json.dumps(body).encode() if isinstance(body, dict) else body
    size = len(payload) if length is None else length
    return f"HTTP/1.1 {status} X\r\nContent-Length: {size}\r\n\r\n".encode() + payload


def says(answer: bytes) -> Behaviour:
    """Answer every request with these bytes."""
    return lambda connection, request: connection.sendall(answer)


class Peer:
    """Listens on `path`; every connection runs `behaviour` in a thread of its own, then is closed."""

    def __init__(self, path: Path, behaviour: Behaviour) -> None:
        self.requests: list[bytes] = []
        self.closed_by_client = threading.Event()
        self.connections = 0
        self._behaviour = behaviour
        self._listener = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(64)
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            request = read_request(connection)
            self.requests.append(request)
            self._behaviour(connection, request)

    def wait_for_close(self, connection: socket.socket, request: bytes) -> None:
        """A behaviour: say nothing, and note when the client goes away."""
        with contextlib.suppress(OSError):
            while connection.recv(65_536):
                pass
        self.closed_by_client.set()

    def break_off(self) -> None:
        """Close everything at once, as a killed process would."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextlib.contextmanager
def peer(path: Path, behaviour: Behaviour) -> Iterator[Peer]:
    """A Peer for the length of a test."""
    listening = Peer(path, behaviour)
    try:
        yield listening
    finally:
        listening.close()


@contextlib.contextmanager
def silent_peer(path: Path) -> Iterator[Peer]:
    """A Peer that takes the request and never answers."""
    holder: list[Peer] = []
    with peer(path, lambda connection, request: holder[0].wait_for_close(connection, request)) as listening:
        holder.append(listening)
        yield listening


def answer_to(request: bytes, *statements: str, logprob: float = -0.1) -> bytes:
    """A well-formed answer to /v1/generate with these statements as candidates, equally likely."""
    body = json.loads(request.partition(b"\r\n\r\n")[2])
    return http(
        {
            "protocol": 1,
            "request_id": body["request_id"],
            "model": "scripted",
            "candidates": [
                {"raw": sql, "sql": sql, "tables": [], "logprob": logprob, "tokens": 9, "error": None, "repairs": []}
                for sql in statements
            ],
            "prompt": None,
            "usage": {"prompt_tokens": 1, "completion_tokens": 1},
            "timings_ms": {"prompt": 0.1, "engine": 1.0, "guard": 0.1},
            "warnings": [],
        }
    )
