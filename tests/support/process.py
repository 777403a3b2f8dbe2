"""The real sidecar as a process of its own, with a real vLLM behind it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

SMALL_MODEL = "qwen2.5-coder-0.5b-instruct"


def get_over(socket: Path, path: str) -> httpx.Response:
    """One GET over a Unix socket."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://socket") as client:
        return client.get(path, timeout=5)


class SidecarProcess:
    """`nl2sql-sidecar` on a socket in `folder`; settings as keyword arguments, e.g. model="…"."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.socket = folder / "sidecar.sock"
        self.log = folder / "sidecar.log"
        values = {"socket": self.socket, "socket_mode": "0666", "model": SMALL_MODEL} | settings
        values = {"state_dir": folder / "state"} | values
        self.environment = os.environ | {
            f"NL2SQL_{name.upper()}": json.dumps(value) if isinstance(value, list) else str(value)
            for name, value in values.items()
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> SidecarProcess:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "sidecar"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait_for(lambda: self.get("/health")["status"] == "ok", 60)
        return self

    def wait_until_ready(self, seconds: float = 300) -> SidecarProcess:
        self.wait_for(self._is_ready, seconds)
        return self

    def _is_ready(self) -> bool:
        ready = self.get("/ready")
        states = [component["state"] for component in ready["components"] if component["component"] == "engine"]
        assert states[0] not in ("dead", "missing model"), ready["components"]
        return bool(ready["ready"])

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> None:
        """Poll until the condition holds; a connection that fails counts as not yet."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, f"the sidecar ended:\n{self.tail()}"
            try:
                if condition():
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s:\n{self.tail()}")

    def get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = get_over(self.socket, path).json()
        return answer

    def engine_state(self) -> str:
        return next(str(c["state"]) for c in self.get("/ready")["components"] if c["component"] == "engine")

    def engine_running(self) -> float:
        """How many requests vLLM itself says it is working on."""
        text = get_over(self.folder / "engine.sock", "/metrics").text
        lines = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def engine_pid(self) -> int:
        """The process that serves the engine's socket: the one whose arguments after `python -m vllm…` name it."""
        wanted = str(self.folder / "engine.sock").encode()
        for folder in Path("/proc").iterdir():
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdecimal() else []
            except OSError:
                continue  # it ended meanwhile
            if wanted in arguments and arguments[1] == b"-m":
                return int(folder.name)
        raise AssertionError("no engine process found")

    def kill(self) -> None:
        """kill -9, as the kernel's OOM killer would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=60)

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
