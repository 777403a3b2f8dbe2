"""The long-lived parts of one sidecar process, and their states."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidecar.engine.base import Embedder, Engine, EngineState
from sidecar.indexer.worker import IndexWorker
from sidecar.settings import Settings

USABLE = ("ready", "external")


@dataclass
class Services:
    """What the routers work with; made by `sidecar.__main__`, or by a test."""

    settings: Settings
    engine: Engine
    embedder: Embedder
    prompt_family: str
    workers: list[IndexWorker] = field(default_factory=list)

    async def start(self) -> None:
        await self.engine.start()
        for worker in self.workers:
            worker.start()

    async def stop(self) -> None:
        for worker in self.workers:
            await worker.stop()
        await self.engine.stop()

    @property
    def ready(self) -> bool:
        return self.engine.state().state in USABLE

    def states(self) -> dict[str, EngineState]:
        """State by component, as `/ready` tells it."""
        engine = self.engine.state()
        return {
            "engine": engine,
            "model": self._model_state(engine),
            "embedder": self.embedder.state(),
            **{f"indexer {worker.name}": worker.state() for worker in self.workers},
        }

    def _model_state(self, engine: EngineState) -> EngineState:
        """The engine knows of its model; this is the part of its state that is about the files."""
        if engine.state == "missing model":
            return engine
        return EngineState("ready" if engine.state in USABLE else engine.state, self.engine.model_name, "see engine")
