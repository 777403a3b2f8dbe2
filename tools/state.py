"""What a checkout remembers between runs (state.json), and the choice of its port."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.errors import ToolError

# Below the range from which Linux takes ports for outgoing connections (32768 and up), above the well-known ones.
FIRST_PORT, LAST_PORT = 20000, 32767


class State:
    """A small JSON file; what can't be read counts as empty, because all of it can be chosen anew."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        try:
            value = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def update(self, **values: object) -> None:
        """Change some values; readers see the old file or the new one, nothing between."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(self.read() | values, indent=2, sort_keys=True) + "\n")
        fresh.replace(self.path)

    def port(self) -> int | None:
        value = self.read().get("port")
        return value if isinstance(value, int) and FIRST_PORT <= value <= LAST_PORT else None


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As PostgreSQL does: connections that are only closing down don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(seed: str, free: Callable[[int], bool] = is_free) -> int:
    """A free port; checkouts start looking at different places, so that they seldom meet."""
    span = LAST_PORT - FIRST_PORT + 1
    start = int(seed, 16) % span
    for step in range(span):
        port = FIRST_PORT + (start + step) % span
        if free(port):
            return port
    raise ToolError(f"no port between {FIRST_PORT} and {LAST_PORT} is free", hint="stop what occupies them")
