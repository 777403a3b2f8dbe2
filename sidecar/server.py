"""The Unix socket and who may use it: checked folder, own mode, peer credentials of every connection."""

from __future__ import annotations

import asyncio
import grp
import logging
import os
import pwd
import socket
import stat
import struct
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from sidecar.errors import SidecarError
from sidecar.settings import Settings

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
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody may connect before mode and group are set
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    if settings.socket_group:
        os.chown(path, -1, grp.getgrnam(settings.socket_group).gr_gid)
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


def peer_checked(allowed: frozenset[int]) -> type[H11Protocol]:
    """uvicorn's protocol, dropping connections of other users before it reads a byte of them."""

    class PeerChecked(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            uid = peer_uid(transport.get_extra_info("socket"))
            if uid in allowed:
                super().connection_made(transport)
                return
            log.warning("connection of user id %s refused", uid)
            self._refused = True
            transport.write(_REFUSAL)
            transport.close()

        def data_received(self, data: bytes) -> None:
            if not getattr(self, "_refused", False):
                super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            if not getattr(self, "_refused", False):
                super().connection_lost(exc)

        def eof_received(self) -> None:
            if not getattr(self, "_refused", False):
                super().eof_received()

    return PeerChecked


_BODY = (
    b'{"protocol": 1, "error": {"sqlstate": "NL009", "message": "this operating system user may not use the sidecar", '
    b'"detail": "The request was not read.", "hint": "Add the user to the sidecar\'s setting allowed_users."}}'
)
_REFUSAL = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
    % (
        len(_BODY),
        _BODY,
    )
)


class _Server(uvicorn.Server):
    """uvicorn, saying when it serves."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("serving", extra={"fields": {"socket": str(sockets[0].getsockname()) if sockets else ""}})


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; running requests get settings.drain_timeout to finish."""
    listener = open_socket(settings)
    options: dict[str, Any] = {
        "http": peer_checked(allowed_uids(settings.allowed_users)),
        "ws": "none",
        # not uvloop: it knows less of subprocesses than asyncio, and the time goes to the engine anyway
        "loop": "asyncio",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "h11_max_incomplete_event_size": MAX_HEADER,
        "backlog": settings.max_connections,
        "limit_concurrency": settings.max_connections,
        "timeout_graceful_shutdown": int(settings.drain_timeout) or None,
    }
    try:
        _Server(uvicorn.Config(app, **options)).run(sockets=[listener])
    finally:
        settings.socket.unlink(missing_ok=True)
