"""A real engine for tests: vLLM with a small model, in an event loop of its own thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from sidecar.engine.base import Generation, Message, Sampling
from sidecar.engine.command import LocalModel
from sidecar.engine.vllm import Timing, VllmEngine
from sidecar.models.resolve import resolve
from sidecar.settings import Settings

Result = TypeVar("Result")

SMALL_MODEL = "qwen2.5-coder-0.5b-instruct"
START_LIMIT = 240.0


def small_model() -> LocalModel:
    """The 0.5B from the user's cache; `nl2sql-model pull` fetches it."""
    found = resolve(SMALL_MODEL)
    return LocalModel(found.id, found.path, found.engine_args)


def folder_model(folder: Path) -> LocalModel:
    return LocalModel(folder.name, folder)


class EngineHost:
    """Owns an engine and the loop it lives in; tests call it from their own thread."""

    def __init__(
        self, folder: Path, locate: Callable[[], LocalModel], timing: Timing | None = None, **settings: Any
    ) -> None:
        self.settings = Settings(socket=folder / "sidecar.sock", engine_cpu_kv_gib=1, drain_timeout=5, **settings)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="engine host", daemon=True)
        self._thread.start()
        self.engine = VllmEngine(self.settings, locate, timing)

    def start(self) -> None:
        self.call(self.engine.start())

    def stop(self) -> None:
        self.call(self.engine.stop(), 60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def call(self, work: Coroutine[Any, Any, Result], timeout: float = 120) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def wait_for(self, *states: str, timeout: float = START_LIMIT) -> float:
        """Wait until the engine is in one of these states; give the seconds it took."""
        began = time.monotonic()
        while self.engine.state().state not in states:
            if time.monotonic() - began > timeout:
                log = self.settings.engine_log_path.read_text(errors="replace")[-3000:]
                raise TimeoutError(f"{self.engine.state()}\n{log}")
            time.sleep(0.05)
        return time.monotonic() - began

    def ask(self, messages: Sequence[Message], **wishes: Any) -> Generation:
        return self.call(self.generate(messages, **wishes))

    def generate(self, messages: Sequence[Message], **wishes: Any) -> Coroutine[Any, Any, Generation]:
        usual: dict[str, Any] = {"n": 1, "max_tokens": 24, "temperature": 0.0, "stop": [";"]}
        return self.engine.generate(messages, Sampling(**(usual | {"deadline": 60.0, "cache_salt": None} | wishes)))

    def metric(self, name: str) -> float:
        """One of vLLM's own figures, straight from its socket."""
        transport = httpx.HTTPTransport(uds=str(self.settings.engine_socket_path))
        with httpx.Client(transport=transport, base_url="http://engine", trust_env=False) as client:
            lines = client.get("/metrics", timeout=10).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + "{"))
