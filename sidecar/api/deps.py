"""What the routers share: the services of this process, and a way to stop working for a client that left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from sidecar.services import Services

T = TypeVar("T")


class ClientGone(Exception):
    """The client closed its connection before the answer; nobody is left to tell."""


def get_services(request: Request) -> Services:
    """The services of this process."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


async def _get_services(request: Request) -> Services:
    return get_services(request)  # a plain function would be called in a thread


ServicesDep = Annotated[Services, Depends(_get_services)]


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled as soon as the client disconnects: its generation ends with it."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        for pending in (task, gone):
            pending.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    # the body has been read, so the next message can only be the disconnect
    while (await request.receive())["type"] != "http.disconnect":
        pass
