"""The sidecar of this checkout as a process of its own, without an engine: guard and journal need none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

START = 60.0  # seconds until it must serve
STOP = 60.0


class Service:
    """Everything it keeps lies in `folder`; it delivers audit records to `databases` (connection strings)."""

    def __init__(self, folder: Path, databases: Sequence[str] = ()) -> None:
        self.socket = folder / "sidecar.sock"
        self._log = folder / "sidecar.log"
        told = {"SOCKET": self.socket, "SOCKET_MODE": "0666", "STATE_DIR": folder / "state"}
        told |= {"CACHE_DIR": folder / "cache", "EMBEDDER": folder / "none", "LOG_LEVEL": "warning"}
        told |= {"ENGINE_URL": "http://127.0.0.1:9/v1", "PROMPT_FAMILY": "qwen"}
        environment = {f"NL2SQL_{name}": str(value) for name, value in told.items()}
        self._environment = os.environ | environment | {"NL2SQL_DATABASES": json.dumps(list(databases))}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process; it does not serve yet."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "sidecar"], env=self._environment, stderr=log)
        return self

    def wait(self) -> None:
        """Return once it answers."""
        limit = time.monotonic() + START
        with self.client() as http:
            while time.monotonic() < limit:
                try:
                    http.get("/health")
                    return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise SystemExit(f"the sidecar did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://sidecar", timeout=10)

    def kill(self) -> None:
        """SIGKILL, as the kernel's when memory runs out."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(STOP)

    def __enter__(self) -> Self:
        self.start().wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
