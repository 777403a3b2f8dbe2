"""The client of an OpenAI-compatible server, over a Unix socket or a URL: the border where HTTP ends."""

from __future__ import annotations

import asyncio
import json
import math
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sidecar.engine import faults
from sidecar.engine.base import EngineState, Generation, Message, Sample, Sampling
from sidecar.errors import SidecarError
from sidecar.settings import Settings

# Below the 5 s after which uvicorn closes an idle connection: a request never meets a closing one.
KEEPALIVE = 3.0
CONTEXT_WORDS = ("maximum context length", "context_length_exceeded", "max_model_len", "context window", "context size")
DEATH_WORDS = ("EngineCore encountered an issue", "EngineDeadError", "EngineCore died")
TOKENS_DONE = re.compile(r"^vllm:(?:prompt|generation)_tokens_total\{[^}]*\} (\S+)$", re.MULTILINE)
CONNECT_TIMEOUT = 5.0
UNKNOWN_WISH = (400, 404, 405, 422, 501)  # a server that can't say how likely a given text is


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens: `url` ends in /v1; with `socket` its host part only fills the Host header."""

    url: str
    socket: Path | None = None
    api_key: str | None = None

    def open(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE)
        transport = httpx.AsyncHTTPTransport(uds=str(self.socket) if self.socket else None, limits=limits)
        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
        # trust_env off: a proxy of the environment must never see a question.
        return httpx.AsyncClient(
            base_url=self.url.rstrip("/") + "/", transport=transport, headers=headers, timeout=timeout, trust_env=False
        )


class ChatClient:
    """Requests to one server, with a cap on how many are in flight."""

    def __init__(
        self, endpoint: Endpoint, *, model: str, max_waiting: int, on_lost: Callable[[], SidecarError] = faults.lost
    ) -> None:
        self.model = model
        self.in_flight = 0
        self._max_waiting = max_waiting
        self._on_lost = on_lost
        self._http = endpoint.open()

    async def close(self) -> None:
        await self._http.aclose()

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        """One /chat/completions call; see Engine.generate."""
        body = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            # Greedy samples would all be the same, and vLLM refuses to make more than one.
            "n": sampling.n if sampling.temperature > 0 else 1,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "logprobs": True,
            "stream": False,
        }
        wishes = {"stop": list(sampling.stop), "cache_salt": sampling.cache_salt}
        body |= {name: value for name, value in wishes.items() if value not in (None, [])}
        started = time.perf_counter()
        with self._place():
            response = await self._post("chat/completions", body, sampling.deadline)
        return _generation(response, (time.perf_counter() - started) * 1000, self.model)

    async def likelihoods(self, prompts: Sequence[str], text: str, deadline: float) -> list[float | None]:
        """See Engine.likelihoods: a /completions call each, at once."""
        return await asyncio.gather(*(self._likelihood(prompt, text, deadline) for prompt in prompts))

    async def _likelihood(self, prompt: str, text: str, deadline: float) -> float | None:
        body = {
            "model": self.model,
            "prompt": prompt + text,
            "echo": True,
            "logprobs": 0,
            "max_tokens": 1,  # some servers refuse 0
            "temperature": 0,
            "cache_salt": secrets.token_hex(16),  # what the prompt holds is one caller's
        }
        with self._place():
            response = await self._send("POST", "completions", body, deadline)
        if response.status_code in UNKNOWN_WISH:
            return None
        _check_status(response, self._on_lost)
        with _reading(response) as answer:
            return _mean_behind(answer["choices"][0].get("logprobs") or {}, len(prompt), len(prompt) + len(text))

    async def embed(self, texts: Sequence[str], deadline: float) -> list[list[float]]:
        """One /embeddings call."""
        response = await self._post("embeddings", {"model": self.model, "input": list(texts)}, deadline)
        with _reading(response) as body:
            rows = sorted(body["data"], key=lambda row: int(row["index"]))
            return [[float(value) for value in row["embedding"]] for row in rows]

    async def models(self, deadline: float) -> list[str]:
        """Names of the models that the server offers."""
        response = await self._send("GET", "models", None, deadline)
        with _reading(response) as body:
            return [str(row["id"]) for row in body["data"]]

    async def healthy(self, timeout: float) -> bool:
        """Whether vLLM's /health says 200 within `timeout` seconds; any trouble is a no."""
        try:
            return (await self._send("GET", "../health", None, timeout)).status_code == 200
        except SidecarError:
            return False

    async def tokens_done(self, timeout: float) -> float | None:
        """vLLM's count of tokens read and written so far; None where it can't be had."""
        try:
            response = await self._send("GET", "../metrics", None, timeout)
        except SidecarError:
            return None
        counts = TOKENS_DONE.findall(response.text)
        return sum(map(float, counts)) if counts else None

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place among the requests in flight."""
        if self.in_flight >= self._max_waiting:
            raise faults.overloaded(f"{self.in_flight} requests are in flight, which is the limit.")
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    async def _post(self, path: str, body: dict[str, Any], deadline: float) -> httpx.Response:
        response = await self._send("POST", path, body, deadline)
        _check_status(response, self._on_lost)
        return response

    async def _send(self, method: str, path: str, body: dict[str, Any] | None, deadline: float) -> httpx.Response:
        """The border: nothing but SidecarError and cancellation leaves it. Leaving early closes the connection."""
        try:
            async with asyncio.timeout(deadline):
                return await self._http.request(method, path, json=body)
        except faults.FOREIGN_TYPES as error:
            raise faults.translate(error, on_lost=self._on_lost, deadline=deadline) from error


class ExternalEngine:
    """Any OpenAI-compatible server by URL (settings.engine_url): used, not owned."""

    def __init__(self, settings: Settings) -> None:
        assert settings.engine_url is not None
        self._url = settings.engine_url
        self._settings = settings
        self._client = ChatClient(
            Endpoint(self._url, api_key=settings.engine_api_key),
            model="" if settings.model == "auto" else settings.model,
            max_waiting=settings.engine_max_waiting,
            on_lost=lambda: faults.unreachable(self._url),
        )
        self._trouble: SidecarError | None = None

    @property
    def model_name(self) -> str:
        return self._client.model or "auto"

    async def start(self) -> None:
        """Nothing to start; the server is first asked when the first question comes."""

    async def stop(self) -> None:
        await self._client.close()

    def state(self) -> EngineState:
        if self._trouble is None:
            return EngineState("external", self._url, "")
        return EngineState("external", f"{self._trouble.message}: {self._trouble.detail}", self._trouble.hint)

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        try:
            await self._choose_model(sampling.deadline)
            generation = await self._client.generate(messages, sampling)
        except SidecarError as error:
            self._trouble = error if error.sqlstate == "NL302" else None
            raise
        self._trouble = None
        return generation

    async def likelihoods(self, prompts: Sequence[str], text: str, deadline: float) -> list[float | None]:
        await self._choose_model(deadline)
        return await self._client.likelihoods(prompts, text, deadline)

    async def _choose_model(self, deadline: float) -> None:
        """With `auto`, the first model that the server offers."""
        if not self._client.model:
            offered = await self._client.models(deadline)
            if not offered:
                raise faults.malformed(f"{self._url} offers no model")
            self._client.model = offered[0]


def _check_status(response: httpx.Response, on_lost: Callable[[], SidecarError]) -> None:
    if response.status_code != 200:
        raise _refusal(response.status_code, _engine_message(response), on_lost)


def _refusal(status: int, message: str, on_lost: Callable[[], SidecarError]) -> SidecarError:
    """The error for an HTTP status other than 200."""
    if status < 500 and any(words in message for words in CONTEXT_WORDS):
        return faults.prompt_too_long(message)
    if any(words in message for words in DEATH_WORDS):
        return on_lost()
    if status in (429, 503):
        return faults.overloaded(f"HTTP {status}: {faults.shorten(message)}")
    return faults.failed(status, message)


def _engine_message(response: httpx.Response) -> str:
    """The engine's own words, wherever its kind of server puts them."""
    try:
        body = response.json()
    except ValueError:
        return response.text
    inner = body.get("error", body) if isinstance(body, dict) else body
    return str(inner.get("message", inner) if isinstance(inner, dict) else inner)


@contextmanager
def _reading(response: httpx.Response) -> Iterator[Any]:
    """The body as JSON; whatever is not as the protocol says becomes NL305."""
    try:
        yield json.loads(response.content)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise faults.malformed(f"{type(error).__name__}: {error}") from error


def _mean_behind(logprobs: dict[str, Any], start: int, end: int) -> float | None:
    """The mean log-probability of the tokens that begin in this part of an echoed text."""
    tokens = zip(logprobs.get("text_offset") or (), logprobs.get("token_logprobs") or (), strict=False)
    values = [float(logprob) for offset, logprob in tokens if logprob is not None and start <= offset < end]
    mean = math.fsum(values) / len(values) if values else None
    return mean if mean is not None and math.isfinite(mean) else None


def _generation(response: httpx.Response, engine_ms: float, asked_model: str) -> Generation:
    with _reading(response) as body:
        usage = body.get("usage") or {}
        samples = [_sample(choice) for choice in sorted(body["choices"], key=lambda choice: int(choice["index"]))]
        if not samples:
            raise ValueError("no choices")
        return Generation(
            samples=samples,
            prompt_tokens=int(usage.get("prompt_tokens", 0)),
            completion_tokens=int(usage.get("completion_tokens", sum(sample.tokens for sample in samples))),
            engine_ms=engine_ms,
            model=str(body.get("model") or asked_model),
        )


def _sample(choice: dict[str, Any]) -> Sample:
    tokens = (choice.get("logprobs") or {}).get("content") or []
    pieces = tuple((str(token.get("token", "")), float(token["logprob"])) for token in tokens)
    mean = math.fsum(logprob for _, logprob in pieces) / len(pieces) if pieces else None
    known = mean is not None and math.isfinite(mean)
    return Sample(
        text=choice["message"]["content"] or "",
        logprob=mean if known else None,
        tokens=len(pieces),
        finish_reason=str(choice.get("finish_reason") or "stop"),
        pieces=pieces if known else (),
    )
