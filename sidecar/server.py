"""The Unix socket and who may use it: checked folder, own mode, peer credentials of every connection."""

from __future__ import annotations

import asyncio
import grp
import json
import logging
import os
import pwd
import signal
import socket
import stat
import struct
from pathlib import Path
from types import FrameType
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from sidecar.errors import SidecarError
from sidecar.settings import Settings
from sidecar.version import PROTOCOL

log = logging.getLogger("sidecar")
MAX_PATH = 107
MAX_HEADER = 16_384


def allowed_uids(users: list[str]) -> frozenset[int]:
    """Ids of the users that may connect: those named that exist, root, and our own."""
    uids = {0, os.geteuid()}
    for user in users:
        try:
            uids.add(int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid)
        except KeyError:
            log.warning("allowed_users names %s, which is no user of this system", user)
    return frozenset(uids)


def peer_uid(connection: socket.socket) -> int:
    """User id of the process at the other end (SO_PEERCRED)."""
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)


def open_socket(settings: Settings) -> socket.socket:
    """A listening socket at settings.socket; raises NL002 where others could tamper with it."""
    path = settings.socket
    _check_folder(path)
    group = _group_id(settings)
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody may connect before mode and group are set
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(int(settings.socket_mode, 8))
    listener.listen(settings.max_connections)
    return listener


def _check_folder(path: Path) -> None:
    folder = path.parent
    if len(os.fsencode(path)) > MAX_PATH:
        raise _unfit(path, f"its path is longer than {MAX_PATH} bytes")
    try:
        found = folder.lstat()
    except OSError as error:
        raise _unfit(path, f"its folder can't be read ({error.strerror})") from None
    if not stat.S_ISDIR(found.st_mode):
        raise _unfit(path, "its folder is a link or no folder")
    if found.st_mode & stat.S_IWOTH or found.st_uid not in (0, os.geteuid()):
        raise _unfit(path, "its folder belongs to another user, or others may write to it")


def _group_id(settings: Settings) -> int | None:
    try:
        return grp.getgrnam(settings.socket_group).gr_gid if settings.socket_group else None
    except KeyError:
        raise SidecarError(
            "NL002",
            f"can't serve on {settings.socket}: there is no group {settings.socket_group}",
            detail="The sidecar did not start.",
            hint="Make that group, or correct the setting socket_group.",
        ) from None


def _remove_stale(path: Path) -> None:
    """Remove a socket of ours that nobody listens on; refuse anything else that stands there."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise _unfit(path, "something else than a socket of ours stands there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise _unfit(path, "another sidecar listens on it")


def _unfit(path: Path, reason: str) -> SidecarError:
    return SidecarError(
        "NL002",
        f"can't serve on {path}: {reason}",
        detail="The sidecar did not start.",
        hint="Make the folder with mode 0750 for the sidecar's user (systemd: RuntimeDirectory=nl2sql).",
    )


def peer_checked(allowed: frozenset[int], most: int, patience: float) -> type[H11Protocol]:
    """uvicorn's protocol, dropping connections of other users, and those above `most`, before it reads a byte; and
    those whose request has no whole head after so many seconds."""

    class PeerChecked(H11Protocol):
        _dropped = False
        _patience: asyncio.TimerHandle | None = None  # runs while the head of a request is awaited

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            uid = peer_uid(transport.get_extra_info("socket"))
            if uid in allowed and len(self.connections) < most:
                super().connection_made(transport)
                self._be_patient()
                return
            log.warning("connection of user id %s refused", uid)
            self._dropped = True
            transport.write(_answer(_STRANGER if uid not in allowed else _CROWDED))
            transport.close()

        def data_received(self, data: bytes) -> None:
            if not self._dropped:
                super().data_received(data)
                self._be_patient()

        def _be_patient(self) -> None:
            """A head that is sent in part, or never, does not hold its connection: uvicorn has no limit for it."""
            if self.conn.their_state is not h11.IDLE:
                self._stop_patience()
            elif self._patience is None:
                self._patience = self.loop.call_later(patience, self.transport.close)

        def _stop_patience(self) -> None:
            if self._patience:
                self._patience.cancel()
                self._patience = None

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_patience()
            if not self._dropped:
                super().connection_lost(exc)

        def eof_received(self) -> None:
            if not self._dropped:
                super().eof_received()

    return PeerChecked


_STRANGER = SidecarError(
    "NL009",
    "this operating system user may not use the sidecar",
    detail="The request was not read.",
    hint="Add the user to the sidecar's setting allowed_users.",
)
_CROWDED = SidecarError(
    "NL307",
    "the sidecar has too many connections",
    detail="The request was not read.",
    hint="Ask again in a moment, or raise the sidecar's setting max_connections.",
)


def _answer(error: SidecarError) -> bytes:
    """A whole HTTP response, for a connection that no application sees."""
    body = json.dumps({"protocol": PROTOCOL, "error": error.fields()}).encode()
    head = f"HTTP/1.1 {error.status} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


class _Server(uvicorn.Server):
    """uvicorn, saying when it serves, and leaving serve() in order at SIGTERM: the socket goes, the exit code is 0."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # as uvicorn's own, which would raise the signal again once all is done, and so end the process within run()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("serving", extra={"fields": {"socket": str(sockets[0].getsockname()) if sockets else ""}})


def server_for(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """uvicorn as this service needs it; it is run on the socket of open_socket()."""
    options: dict[str, Any] = {
        "http": peer_checked(allowed_uids(settings.allowed_users), settings.max_connections, settings.read_timeout),
        "ws": "none",
        # not uvloop: it can't give a subprocess its own umask, and what it saves is nothing beside the engine's time
        "loop": "asyncio",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        # said aloud, since the extension keeps a connection on which it was said, and no other
        "headers": [("Connection", "keep-alive")],
        "proxy_headers": False,
        "h11_max_incomplete_event_size": MAX_HEADER,
        "backlog": settings.max_connections,
        "timeout_graceful_shutdown": int(settings.drain_timeout) or None,
    }
    return _Server(uvicorn.Config(app, **options))


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; running requests get settings.drain_timeout to finish."""
    listener = open_socket(settings)
    try:
        server_for(app, settings).run(sockets=[listener])
    finally:
        settings.socket.unlink(missing_ok=True)
