"""GET /health, /ready, /version: alive is not ready, and loading is not dead."""

from __future__ import annotations

from fastapi import APIRouter, Response

from sidecar.api.deps import ServicesDep
from sidecar.api.schemas import Component, HealthAnswer, ReadyAnswer, VersionAnswer
from sidecar.version import __version__

router = APIRouter()


@router.get("/health")
async def health() -> HealthAnswer:
    """200 while the process lives."""
    return HealthAnswer()


@router.get("/ready", responses={503: {"model": ReadyAnswer}})
async def ready(services: ServicesDep, response: Response) -> ReadyAnswer:
    """200 when questions can be answered, 503 else; a row a component in both cases."""
    if not services.ready:
        response.status_code = 503
    components = [
        Component(component=name, state=s.state, detail=s.detail, action=s.action)
        for name, s in services.states().items()
    ]
    return ReadyAnswer(ready=services.ready, components=components)


@router.get("/version")
async def version(services: ServicesDep) -> VersionAnswer:
    """What runs here."""
    return VersionAnswer(version=__version__, model=services.engine.model_name, embedder=services.embedder.name)
