"""The long-lived parts of one sidecar process, and their states."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from sidecar.engine.base import Embedder, Engine, EngineState
from sidecar.errors import SidecarError
from sidecar.glossary import dictionary
from sidecar.indexer.worker import IndexWorker
from sidecar.journal.journal import Journal
from sidecar.rewriting import Rewriter
from sidecar.settings import Settings
from sidecar.watchdog import Watchdog

USABLE = ("ready", "external")


@dataclass
class Services:
    """What the routers work with; made by `sidecar.__main__`, or by a test."""

    settings: Settings
    engine: Engine
    embedder: Embedder
    prompt_family: str
    journal: Journal
    workers: list[IndexWorker] = field(default_factory=list)
    rewriter: Rewriter = field(default_factory=Rewriter)
    watchdog: Watchdog = field(default_factory=Watchdog)
    _embedder_state: EngineState = field(default=EngineState("starting", "not loaded yet", "none"), init=False)
    _warming: asyncio.Task[None] | None = field(default=None, init=False)
    _preparing: asyncio.Future[Any] | None = field(default=None, init=False)

    async def start(self) -> None:
        self.watchdog.start()
        await self.journal.start()
        await self.engine.start()
        self._warm_embedder()
        # the first question does not wait
        self._preparing = asyncio.gather(asyncio.to_thread(dictionary.load), self.rewriter.start())
        for worker in self.workers:
            worker.start()

    async def stop(self) -> None:
        for beginning in (self._warming, self._preparing):
            if beginning:
                beginning.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await beginning
        for worker in self.workers:
            await worker.stop()
        await self.journal.stop()
        await self.engine.stop()
        await self.rewriter.stop()
        await self.embedder.close()
        self.watchdog.stop()

    @property
    def ready(self) -> bool:
        return self.engine.state().state in USABLE

    def states(self) -> dict[str, EngineState]:
        """State by component, as `/ready` tells it."""
        engine = self.engine.state()
        if self._embedder_state.state in ("dead", "missing model"):
            self._warm_embedder()  # somebody looks: perhaps the cause is gone
        return {
            "engine": engine,
            "model": EngineState(engine.state, self.engine.model_name, engine.action),
            "embedder": self._embedder_state,
            **{f"indexer {w.name}": w.state() for w in self.workers},
            **self.journal.states(),
        }

    def _warm_embedder(self) -> None:
        """Load the embedding model in the background: the first question does not wait, and its state is known."""
        if self._warming is None or self._warming.done():
            self._warming = asyncio.create_task(self._try_embedder())

    async def _try_embedder(self) -> None:
        try:
            vectors = await self.embedder.embed(["ready"])
            detail = f"{self.embedder.name}, dimension {len(vectors[0])}"
            self._embedder_state = EngineState("ready", detail, "none")
        except SidecarError as error:
            shown = self.embedder.state()
            failed = EngineState("dead", f"{error.message}: {error.detail}", error.hint)
            self._embedder_state = failed if shown.state in USABLE else shown
