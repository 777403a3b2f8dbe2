"""A row a component: what state it is in and what to do about it."""

from __future__ import annotations

import time
from typing import Any

from nl2sql_pg import PROTOCOL, __version__
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal
from nl2sql_pg.selftest import try_out

PATIENCE = 3.0  # seconds; a status that hangs is no status

_INSTALLED = "select extversion from pg_extension where extname = 'nl2sql'"
_CHECKED = "select current_setting('client_connection_check_interval')"
_INDEX = "select relations, indexed, embedded, queued, newest, embedder from nl2sql._index_state()"

Row = dict[str, str]


def components(context: Context) -> list[Row]:
    """Every component's row; never raises for a component that is down."""
    sidecar = _sidecar(context)
    return [
        _extension(context),
        _server(context),
        *sidecar,
        _index(context),
        _self_test(context, sidecar[0]["state"] == "ready"),
    ]


def _row(component: str, state: str, detail: str, action: str = "none") -> Row:
    return {"component": component, "state": state, "detail": detail, "action": action}


def _extension(context: Context) -> Row:
    installed = context.db.value(_INSTALLED)
    detail = f"version {installed}, protocol {PROTOCOL}"
    if installed == __version__:
        return _row("extension", "ready", detail)
    return _row("extension", "outdated", f"{detail}, Python package {__version__}", "ALTER EXTENSION nl2sql UPDATE;")


def _server(context: Context) -> Row:
    """What it does with statements whose clients are gone; those that wait for an answer end anyway."""
    every = context.db.value(_CHECKED)
    if every != "0":
        return _row("server", "ready", f"looks every {every} whether clients of running statements are still there")
    return _row(
        "server",
        "ready",
        "statements go on when their clients are gone, up to max_seconds",
        "ALTER SYSTEM SET client_connection_check_interval = '2s'; SELECT pg_reload_conf();",
    )


def _sidecar(context: Context) -> list[Row]:
    """The sidecar's row and those it gives of its own parts."""
    deadline = min(context.deadline, time.monotonic() + PATIENCE)
    try:
        version = context.client.get("/version", deadline)
        ready = context.client.get("/ready", deadline)
        parts = [_part(part) for part in ready["components"]]
    except Refusal as refusal:
        parts = [
            _row(name, "unknown", "the sidecar can't be asked", "see sidecar")
            for name in ("engine", "model", "embedder")
        ]
        return [
            _row("sidecar", "unreachable", f"{refusal.sqlstate}: {refusal.message}. {refusal.detail}", refusal.hint),
            *parts,
        ]
    except (KeyError, TypeError):
        return [
            _row("sidecar", "malformed", "its answer is not a state", "Update the sidecar to the extension's version.")
        ]
    detail = f"version {version.get('version')} on {context.settings['socket_path']}"
    return [_row("sidecar", "ready", detail), *parts]


def _part(part: dict[str, Any]) -> Row:
    return _row(*(str(part[name]) for name in ("component", "state", "detail", "action")))


def _index(context: Context) -> Row:
    state = context.db.rows(_INDEX)[0]
    detail = (
        f"{state['indexed']} of {state['relations']} relations indexed, {state['embedded']} with embeddings, "
        f"{state['queued']} changed since"
    )
    if state["indexed"] == 0 and state["relations"] > 0:
        return _row(
            "index", "empty", detail, "Let the sidecar keep it (databases setting), or SELECT nl2sql.refresh_index();"
        )
    if state["queued"] or state["indexed"] < state["relations"]:
        return _row("index", "behind", detail, "none if the sidecar keeps it; else SELECT nl2sql.refresh_index();")
    return _row("index", "fresh", detail)


def _self_test(context: Context, sidecar: bool) -> Row:
    if not sidecar:
        return _row("self-test", "not tried", "nothing can be asked or run without the sidecar", "see sidecar")
    tried = try_out(context)
    return _row("self-test", tried.state, tried.detail, tried.action)
