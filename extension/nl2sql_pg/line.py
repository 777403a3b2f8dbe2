"""One connection to the sidecar, kept for a moment: a statement has three requests, and the next one often follows.

Whose it is does not change with the role of the session: the sidecar knows a connection by the server's own user.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Hashable
from dataclasses import dataclass

IDLE = 2.0  # seconds; the sidecar ends a connection that was idle for five, and that must not meet a request


@dataclass(frozen=True)
class _Kept:
    endpoint: Hashable
    connection: socket.socket
    until: float


_kept: list[_Kept] = []


def keep(endpoint: Hashable, connection: socket.socket) -> None:
    """Put a connection on which nothing is outstanding away for the next request."""
    _drop()
    _kept.append(_Kept(endpoint, connection, time.monotonic() + IDLE))


def take(endpoint: Hashable) -> socket.socket | None:
    """The connection kept for this endpoint, if the sidecar has neither ended it nor said a word."""
    if not _kept:
        return None
    if _kept[0].endpoint == endpoint and time.monotonic() < _kept[0].until and _silent(_kept[0].connection):
        return _kept.pop().connection
    _drop()
    return None


def _silent(connection: socket.socket) -> bool:
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    return not poller.poll(0)


def _drop() -> None:
    while _kept:
        _kept.pop().connection.close()
