"""Limits on what a client may send: the size of a body, and the time it takes to arrive."""

from __future__ import annotations

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidecar.api.errors import respond
from sidecar.errors import SidecarError

# NUL as JSON writes it: an odd number of backslashes before u0000. PostgreSQL's text has none, and cuts there.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class BodyLimits:
    """ASGI middleware that reads the body before anything else sees the request."""

    def __init__(self, app: ASGIApp, max_bytes: int, read_timeout: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._read_timeout = read_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            async with asyncio.timeout(self._read_timeout):
                body = await self._read(receive)
        except TimeoutError:
            return await respond(_too_slow(self._read_timeout), scope, receive, send)
        except SidecarError as error:
            return await respond(error, scope, receive, send)
        if body is None:
            return None
        return await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None if the client left meanwhile."""
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._max_bytes:
                raise _too_large(self._max_bytes)
            more = message.get("more_body", False)
        body = b"".join(parts)
        if _NUL.search(body):
            raise _nul()
        return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once and then whatever comes after it: the disconnect."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _too_large(limit: int) -> SidecarError:
    return SidecarError(
        "NL107",
        f"the request is larger than {limit} bytes",
        detail="It was not read.",
        hint="Narrow the search path, or raise the sidecar's setting max_body_bytes.",
    )


def _nul() -> SidecarError:
    return SidecarError(
        "NL106",
        "the request has a NUL character",
        detail="Nothing was done.",
        hint="If nl2sql's own extension sent it, this is a bug: please report it.",
    )


def _too_slow(seconds: float) -> SidecarError:
    return SidecarError(
        "NL106",
        f"the request did not arrive within {seconds:g} seconds",
        detail="It was dropped.",
        hint="Send the request in one go.",
    )
