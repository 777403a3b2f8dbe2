"""A file server on the loopback interface that can misbehave, and small real GGUF files."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sidecar.models.tiny_gguf import write_tiny_gguf


@dataclass
class FileServer:
    """What to serve and how. Each entry of `cuts` ends one answer after so many bytes of body."""

    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)  # served instead of the file, one for each request
    has_ranges: bool = True
    ranges: list[str | None] = field(default_factory=list)  # what the clients asked for
    url: str = ""


@pytest.fixture
def server() -> Iterator[FileServer]:
    state = FileServer()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def _handler(state: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.ranges.append(asked)
            if state.statuses:
                self.send_error(state.statuses.pop(0))
            elif self.path not in state.files:
                self.send_error(404)
            else:
                self._send(state.bodies.pop(0) if state.bodies else state.files[self.path], asked)

        def _send(self, body: bytes, asked: str | None) -> None:
            match = re.fullmatch(r"bytes=(\d+)-", asked or "") if state.has_ranges else None
            start = int(match[1]) if match else 0
            if match and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if match else 200)
            if match:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = state.cuts.pop(0) if state.cuts else None
            self.wfile.write(body[start:][:cut])
            if cut is not None:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def tiny_gguf(tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "tiny.gguf")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("NL2SQL_CACHE", str(folder))
    monkeypatch.delenv("NL2SQL_CACHE_DIR", raising=False)
    monkeypatch.delenv("NL2SQL_MODEL_MIRROR", raising=False)
    return folder
