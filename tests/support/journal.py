"""A scripted sidecar that keeps audit records: it answers as answering_peer does, and notes what it is sent."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.answering_peer import answers, request_body, request_path
from tests.support.peer import Behaviour, http, peer


@dataclass
class Journal:
    """What arrived, in order; while `broken`, records are refused as by a sidecar whose disk is full."""

    behaviour: Behaviour = field(default_factory=answers)
    records: list[dict[str, Any]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    broken: bool = False

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        path = request_path(request)
        self.order.append(path)
        if path == "/v1/audit":
            connection.sendall(self._store(request_body(request)["records"]))
        else:
            self.behaviour(connection, request)

    def _store(self, records: list[dict[str, Any]]) -> bytes:
        if self.broken:
            error = {"sqlstate": "NL601", "message": "the disk is full", "detail": "No answer.", "hint": "Make room."}
            return http({"error": error}, 503)
        self.records += records
        return http({"protocol": 1, "accepted": len(records)})

    def pair(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The intent and the outcome of the last action."""
        intent, outcome = self.records[-2:]
        assert (intent["event"], outcome["event"]) == ("intent", "outcome") and intent["id"] == outcome["id"]
        return intent, outcome


@contextlib.contextmanager
def journal(path: Path, behaviour: Behaviour | None = None) -> Iterator[Journal]:
    """A sidecar at `path` that keeps records for the length of a test."""
    kept = Journal(behaviour or answers())
    with peer(path, kept):
        yield kept
