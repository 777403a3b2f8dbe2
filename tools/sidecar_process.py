"""The demo's sidecar as a process in the background: start, wait until it is ready, stop."""

from __future__ import annotations

import grp
import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.account import Account
from tools.cluster import remove, tail
from tools.errors import ToolError
from tools.places import own_folder
from tools.processes import end, recall, remember
from tools.unix_http import get_json

HOPELESS = {"dead", "missing model"}
DRAIN_SECONDS = 40.0


@dataclass(frozen=True)
class Component:
    """One line of /ready."""

    name: str
    state: str
    detail: str
    action: str

    def __str__(self) -> str:
        return f"{self.name}: {self.state}" + (f" ({self.detail})" if self.detail else "")


class SidecarProcess:
    """The sidecar of one checkout; its state lies in `root`, the checkout's .nl2sql or a folder of its own."""

    def __init__(self, root: Path, run: Path, account: Account, checkout: Path | None = None) -> None:
        self.root = root.resolve()
        self.checkout = (checkout or self.root.parent).resolve()
        self.folder = run / "sidecar"
        self.account = account
        self.socket = self.folder / "sidecar.sock"
        self.log = self.root / "log" / "sidecar.log"
        self.pid_file = self.root / "sidecar.pid"

    def environment(self, databases: list[str], model: str) -> dict[str, str]:
        """The caller's environment, with what the demo needs; other settings may come from .nl2sql/sidecar.toml."""
        ours = {
            "NL2SQL_CONFIG": str(self.root / "sidecar.toml"),
            "NL2SQL_SOCKET": str(self.socket),
            "NL2SQL_SOCKET_MODE": "0660",
            "NL2SQL_SOCKET_GROUP": grp.getgrgid(self.account.gid).gr_name,
            "NL2SQL_ALLOWED_USERS": json.dumps([self.account.name]),
            "NL2SQL_DATABASES": json.dumps(databases),
            "NL2SQL_MODEL": model,
            "NL2SQL_STATE_DIR": str(self.root / "state"),
            "NL2SQL_ENGINE_LOG": str(self.root / "log" / "engine.log"),
        }
        return os.environ | ours

    def running(self) -> bool:
        return recall(self.pid_file) is not None

    def start(self, databases: list[str], model: str) -> None:
        """Start it unless it runs, in a session of its own, so that it outlives the terminal."""
        if self.running():
            return
        own_folder(self.folder, 0o750, os.geteuid(), self.account.gid)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [(self.checkout / ".nl2sql" / "venv").resolve() / "bin" / "python", "-m", "sidecar"],
                cwd=self.checkout,
                env=self.environment(databases, model),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        remember(self.pid_file, process.pid)

    def components(self) -> tuple[bool, list[Component]]:
        """What /ready says now; raises OSError or HTTPException while nobody answers."""
        body = get_json(self.socket, "/ready", timeout=5)
        return body["ready"], [component(entry) for entry in body["components"]]

    def wait_ready(self, patience: float = 900) -> None:
        """Wait until questions can be answered, saying what it waits for when that changes, and every ten seconds."""
        began = time.monotonic()
        said, said_at = "", began
        while True:
            ready, components = self._look()
            waiting = "; ".join(str(entry) for entry in components if entry.state != "ready") or "starting"
            if ready:
                print(f"  sidecar: ready after {time.monotonic() - began:.0f} s", flush=True)
                return
            self._refuse_hopeless(components)
            now = time.monotonic()
            if now - began > patience:
                raise ToolError(f"the sidecar was not ready within {patience:.0f} s ({waiting})", hint=self._logs())
            # The seconds that the sidecar counts are no news.
            gist = re.sub(r"\d+ s\b", "", waiting)
            if gist != said or now - said_at >= 10:
                print(f"  {now - began:.0f} s: {waiting}", flush=True)
                said, said_at = gist, now
            time.sleep(0.3)

    def stop(self) -> None:
        """Let running requests end, then the process and its engine."""
        process = recall(self.pid_file)
        if process is not None and not end(process, DRAIN_SECONDS):
            print("the sidecar did not end in time and was killed")
        self.pid_file.unlink(missing_ok=True)

    def destroy(self) -> None:
        self.stop()
        remove(self.folder)

    def _look(self) -> tuple[bool, list[Component]]:
        if not self.running():
            raise ToolError(f"the sidecar ended:\n{tail(self.log)}", hint=self._logs())
        try:
            return self.components()
        except (OSError, http.client.HTTPException):
            return False, []

    def _refuse_hopeless(self, components: list[Component]) -> None:
        for entry in components:
            if entry.state in HOPELESS:
                raise ToolError(str(entry), hint=f"{entry.action}; {self._logs()}".removeprefix("; "))

    def _logs(self) -> str:
        return f"see {self.log} and {self.log.with_name('engine.log')}"


def component(entry: Mapping[str, str | None]) -> Component:
    return Component(*(str(entry.get(key) or "") for key in ("component", "state", "detail", "action")))
