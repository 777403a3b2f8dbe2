"""The service on a real Unix socket, with an engine and an embedder that follow a test's script."""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from sidecar.app import create_app
from sidecar.engine.base import EngineState, Generation, Message, Sample, Sampling
from sidecar.errors import SidecarError
from sidecar.journal.journal import journal_of
from sidecar.server import open_socket, server_for
from sidecar.services import Services
from sidecar.settings import Settings


class ScriptedEngine:
    """Says what it is told to, and notes what it was asked."""

    model_name = "scripted"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.samples: list[Sample] = [Sample("SELECT 1", -0.1, 4, "stop")]
        self.error: SidecarError | Exception | None = None
        self.likely: list[float | None] = []
        self.seconds = 0.0
        self.shown = EngineState("ready", "scripted", "none")
        self.requests: list[tuple[list[Message], dict[str, Any]]] = []
        self.asked = threading.Event()
        self.cancelled = threading.Event()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def state(self) -> EngineState:
        return self.shown

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        self.requests.append((list(messages), asdict(sampling)))
        self.asked.set()
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.error:
            raise self.error
        return Generation(list(self.samples), 100, sum(s.tokens for s in self.samples), 12.34, self.model_name)

    async def likelihoods(self, prompts: Sequence[str], text: str, deadline: float) -> list[float | None]:
        if self.error:
            raise self.error
        return self.likely[: len(prompts)]


class LetterEmbedder:
    """Counts letters: small, deterministic, and near texts have near vectors."""

    def __init__(self) -> None:
        self.name = "letters"
        self.error: SidecarError | None = None
        self.texts: list[str] = []

    def state(self) -> EngineState:
        return EngineState("ready", self.name, "none")

    async def close(self) -> None:
        pass

    async def embed(self, texts: list[str]) -> list[list[float]]:
        if self.error:
            raise self.error
        self.texts += texts
        return [_unit([float(text.lower().count(chr(97 + i))) + 0.01 for i in range(26)]) for text in texts]


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector]


class Sidecar:
    """A running service; tests talk to `http` and write the script of `engine` and `embedder`."""

    def __init__(self, folder: Path, broken_embedder: SidecarError | None = None, **settings: Any) -> None:
        self.engine, self.embedder = ScriptedEngine(), LetterEmbedder()
        self.embedder.error = broken_embedder
        self.settings = Settings(**{"socket": folder / "sidecar.sock", "state_dir": folder / "state"} | settings)
        self.app = create_app(Services(self.settings, self.engine, self.embedder, "qwen", journal_of(self.settings)))
        self.server = server_for(self.app, self.settings)
        self._listener = open_socket(self.settings)
        self._thread = threading.Thread(target=self.server.run, args=([self._listener],), daemon=True)
        self._thread.start()
        wait_until(lambda: self.server.started)
        self.http = self.client()

    def client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=str(self.settings.socket))
        return httpx.Client(transport=transport, base_url="http://sidecar", timeout=20, trust_env=False)

    def begin_stop(self) -> None:
        """What SIGTERM does."""
        self.server.should_exit = True

    def stop(self) -> None:
        self.http.close()
        self.begin_stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.01)


@contextlib.contextmanager
def sidecar(**settings: Any) -> Iterator[Sidecar]:
    """A service in a folder of its own, for the length of a test."""
    with tempfile.TemporaryDirectory(prefix="nl2sql-s-") as folder:
        running = Sidecar(Path(folder), **settings)
        try:
            yield running
        finally:
            running.stop()
