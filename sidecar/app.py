"""The application: routers, error shapes, limits, and the life of the services behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from sidecar.api import audit, check, condition, embed, errors, generate, gloss, health, retell
from sidecar.api.access_log import AccessLog
from sidecar.api.limits import BodyLimits
from sidecar.services import Services
from sidecar.version import __version__


def create_app(services: Services) -> FastAPI:
    """An app over the given services; they start and stop with it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await services.start()
        try:
            yield
        finally:
            await services.stop()

    # no docs pages: they would load scripts from elsewhere; no redirects: the extension does not follow them
    app = FastAPI(
        title="nl2sql sidecar",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    for module in (generate, retell, gloss, embed, check, condition, audit, health):
        app.include_router(module.router)
    errors.install(app)
    settings = services.settings
    app.add_middleware(BodyLimits, max_bytes=settings.max_body_bytes, read_timeout=settings.read_timeout)
    app.add_middleware(AccessLog)
    return app
