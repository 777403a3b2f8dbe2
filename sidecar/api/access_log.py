"""One log line a request: what, how long, how it ended; no question text unless the settings ask for it."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("sidecar.access")


class AccessLog:
    """ASGI middleware; handlers add fields to `request.state.log`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        fields: dict[str, Any] = {}
        scope.setdefault("state", {})["log"] = fields
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields["status"] = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            fields["ms"] = round((time.perf_counter() - started) * 1000, 1)
            quiet = scope["method"] == "GET" or scope["path"] == "/v1/audit"
            level = logging.DEBUG if quiet else logging.INFO
            log.log(level, "%s %s", scope["method"], scope["path"], extra={"fields": fields})
