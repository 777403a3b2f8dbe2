"""Every error leaves as one shape: {"error": {sqlstate, message, detail, hint}}. No trace, no echo of the input."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from sidecar.api.deps import ClientGone
from sidecar.errors import SidecarError
from sidecar.version import PROTOCOL

log = logging.getLogger("sidecar")


def as_response(error: SidecarError) -> JSONResponse:
    return JSONResponse({"protocol": PROTOCOL, "error": error.fields()}, status_code=error.status)


async def respond(error: SidecarError, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an error from ASGI middleware."""
    await as_response(error)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Let every failure of the app end in that shape."""

    @app.exception_handler(SidecarError)
    async def known(request: Request, error: SidecarError) -> Response:
        request.state.log["sqlstate"] = error.sqlstate
        return as_response(error)

    @app.exception_handler(ClientGone)
    async def gone(request: Request, error: ClientGone) -> Response:
        request.state.log["client_gone"] = True
        return Response(status_code=499)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return as_response(_unreadable(error))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        response = as_response(
            SidecarError(
                "NL106",
                f"no such endpoint: {request.method} (status {error.status_code})",
                detail="Nothing was done.",
                hint="docs/protocol.md lists the endpoints.",
            )
        )
        response.status_code = error.status_code
        return response

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        log.exception("internal error", exc_info=error)
        return as_response(
            SidecarError(
                "NL501",
                f"the sidecar failed internally: {type(error).__name__}",
                detail="The question has no answer. The sidecar's log has the particulars.",
                hint="This is probably a bug in nl2sql, please report it with the log's entry.",
            )
        )


def _unreadable(error: RequestValidationError) -> SidecarError:
    """Where the request is wrong, never what stands there: it may be the user's data."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])[:200]
    if place == "body.protocol":
        return SidecarError(
            "NL007",
            f"the extension does not speak protocol {PROTOCOL}, which this sidecar speaks",
            detail="The request was not read further.",
            hint="Install the same version of both: ALTER EXTENSION nl2sql UPDATE, or update the sidecar.",
        )
    return SidecarError(
        "NL106",
        f"the request can't be read at {place}: {str(first['msg'])[:200]}",
        detail="Nothing was done.",
        hint="If nl2sql's own extension sent it, this is a bug: please report it.",
    )
