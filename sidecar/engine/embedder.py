"""Embedders: a small model in this process, or an OpenAI-compatible server's /embeddings."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.engine.base import EngineState
from sidecar.engine.openai import ChatClient, Endpoint
from sidecar.errors import SidecarError
from sidecar.settings import Settings

if TYPE_CHECKING:
    from sidecar.engine.bert import BertEncoder

# Texts that are embedded in one go: a question waits for one such piece of an index refresh, not for all of it.
PIECE = 16
URL_DEADLINE = 30.0


class LocalEmbedder:
    """A sentence embedding model from a folder, in one worker thread, loaded when first needed."""

    def __init__(self, name: str, locate: Callable[[], Path]) -> None:
        self.name = name
        self._locate = locate
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._encoder: BertEncoder | None = None

    def state(self) -> EngineState:
        try:
            folder = self._locate()
        except SidecarError as error:
            return EngineState("missing model", f"{error.message}. {error.detail}", error.hint)
        return EngineState("ready", str(folder), "none")

    async def embed(self, texts: list[str]) -> list[list[float]]:
        """Unit vectors, in the order of the texts; NL310 if the model is missing or broken."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors: list[list[float]] = [[]] * len(texts)
        loop = asyncio.get_running_loop()
        for start in range(0, len(order), PIECE):
            piece = order[start : start + PIECE]
            found = await loop.run_in_executor(self._worker, self._encode, [texts[index] for index in piece])
            for index, vector in zip(piece, found, strict=True):
                vectors[index] = vector
        return vectors

    async def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _encode(self, texts: list[str]) -> list[list[float]]:
        result: list[list[float]] = self._load().encode(texts).tolist()
        return result

    def _load(self) -> BertEncoder:
        if self._encoder is None:
            # One thread: the engine's threads are bound to the same cores, and a second one gains 3 ms a question.
            for name, value in (("OPENBLAS_NUM_THREADS", "1"), ("TOKENIZERS_PARALLELISM", "false")):
                os.environ.setdefault(name, value)
            from sidecar.engine.bert import BertEncoder

            try:
                self._encoder = BertEncoder(self._locate())
            except SidecarError as error:
                raise unavailable(f"{error.message}: {error.detail}", error.hint) from error
            except Exception as error:  # the tokenizers library raises bare Exception
                raise unavailable(f"{self.name}: {type(error).__name__}: {error}") from error
        return self._encoder


class UrlEmbedder:
    """The model after `url:` in settings.embedder, at engine_url."""

    def __init__(self, settings: Settings) -> None:
        if settings.engine_url is None:
            raise unavailable("embedder names a server's model, but engine_url is empty.", "Set engine_url.")
        self.name = settings.embedder.removeprefix("url:")
        self._client = ChatClient(
            Endpoint(settings.engine_url, api_key=settings.engine_api_key),
            model=self.name,
            max_waiting=settings.engine_max_waiting,
        )

    def state(self) -> EngineState:
        return EngineState("external", self.name, "none")

    async def embed(self, texts: list[str]) -> list[list[float]]:
        try:
            vectors = await self._client.embed(texts, URL_DEADLINE)
        except SidecarError as error:
            raise unavailable(f"{error.message}: {error.detail}", error.hint) from error
        if len(vectors) != len(texts) or not all(vectors):
            raise unavailable(f"The server gave {len(vectors)} embeddings for {len(texts)} texts.")
        return [_unit(vector) for vector in vectors]

    async def close(self) -> None:
        await self._client.close()


def unavailable(detail: str, hint: str = "") -> SidecarError:
    return SidecarError(
        "NL310",
        "the embedding model can't be used",
        detail=detail,
        hint=hint or "Fetch it with `nl2sql-model pull all-minilm-l6-v2`, or correct the setting embedder.",
    )


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(math.fsum(value * value for value in vector))
    return [value / length for value in vector] if length else vector
