"""Where files lie that outlive a process and are not of one checkout."""

from __future__ import annotations

import os
from pathlib import Path


def default_state() -> Path:
    """What must outlive a restart of the machine: systemd's state folder, or the user's."""
    if value := os.environ.get("STATE_DIRECTORY"):
        return Path(value.split(":")[0])
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "nl2sql"


def default_cache() -> Path:
    """The user's cache folder of models and downloads, shared by all checkouts."""
    for name in ("NL2SQL_CACHE_DIR", "NL2SQL_CACHE"):
        if value := os.environ.get(name):
            return Path(value).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "nl2sql"
