"""Our own vLLM: started, watched, restarted, drained. Requests go through engine/openai.py.

One background task lives through this loop:

  look for the model -> start -> loading -> ready -> (it ends or hangs) -> wait 1, 2, 4 … s -> start …
        |                  |                                                 |
  missing model / dead   dead: hopeless                          dead: too many failures in a row
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sidecar.engine import faults, log
from sidecar.engine.base import EngineState, Generation, Message, Sampling, StateName
from sidecar.engine.checks import check_folder
from sidecar.engine.command import Build, LocalModel, build_command, build_environment, engine_python, installed_build
from sidecar.engine.openai import ChatClient, Endpoint
from sidecar.engine.process import EngineClaim, EngineProcess
from sidecar.errors import SidecarError
from sidecar.settings import Settings

logger = logging.getLogger("nl2sql.engine")

INSTALL = "Install the engine with `pip install .[cpu]` or `.[gpu]`, or set engine_python or engine_url."
EXIT_WAIT = 5.0
RESTART = "Correct the reason and restart the sidecar."


@dataclass(frozen=True)
class Timing:
    """Seconds between looks, and how long trouble may last."""

    model_poll: float = 2.0
    ready_poll: float = 0.25
    health_interval: float = 5.0
    health_misses: int = 3
    # Tokens must flow while requests run; a prefill of 2048 tokens by a large model on a CPU is the longest gap.
    stall: float = 120.0
    stable: float = 60.0
    first_backoff: float = 1.0
    longest_backoff: float = 30.0
    canary: float = 120.0


@dataclass(frozen=True)
class End:
    """How one life of the engine went."""

    why: str
    action: str
    ready_for: float = 0.0
    error: SidecarError | None = None


class VllmEngine:
    """An Engine that owns its vLLM. `locate` finds the model, or raises NL303 as long as there is none."""

    def __init__(self, settings: Settings, locate: Callable[[], LocalModel], timing: Timing | None = None) -> None:
        self._settings = settings
        self._locate = locate
        self._timing = timing or Timing()
        self._log = settings.engine_log_path
        self._claim = EngineClaim(settings.engine_socket_path)
        self._client = ChatClient(
            Endpoint("http://engine/v1", socket=settings.engine_socket_path),
            model=settings.model,
            max_waiting=settings.engine_max_waiting,
        )
        self._process: EngineProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._log_start = 0
        self._lost = False
        self._began = time.monotonic()
        self._set("starting", "looking for the model")

    @property
    def model_name(self) -> str:
        return self._client.model

    @property
    def pid(self) -> int | None:
        """The process group of the running engine."""
        return self._process.group if self._process and not self._process.ended else None

    async def start(self) -> None:
        if self._task is None:
            self._began = time.monotonic()
            self._task = asyncio.create_task(self._supervise(), name="engine")

    async def stop(self) -> None:
        """Drain: vLLM takes no new requests and finishes those that run."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        # An engine that is not ready has nothing to finish, but is let go in order.
        await self._end_process(EXIT_WAIT + (self._settings.drain_timeout if self._name == "ready" else 0))
        self._claim.release()
        await self._client.close()
        self._set("dead", "stopped", RESTART, faults.dead("It was stopped.", RESTART))

    def state(self) -> EngineState:
        if self._name == "ready" and self._lost:
            return EngineState("restarting", "a connection broke; looking whether it still lives", "")
        detail = self._detail
        if self._name in ("starting", "loading", "restarting") and self.pid is not None:
            detail = self._progress()
        return EngineState(self._name, detail, self._action)

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        with self._watched():
            return await self._client.generate(messages, sampling)

    async def likelihoods(self, prompts: Sequence[str], text: str, deadline: float) -> list[float | None]:
        with self._watched():
            return await self._client.likelihoods(prompts, text, deadline)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Work for the engine while it is ready."""
        if self._name != "ready":
            raise self._not_ready()
        try:
            yield
        except SidecarError as error:
            # The watcher hears of an end a moment after the callers do; until then nobody is told "ready".
            self._lost = self._lost or error.sqlstate == "NL302"
            raise

    def _not_ready(self) -> SidecarError:
        if self._error is not None:
            return self._error
        detail = self.state().detail
        return faults.restarting(detail) if self._name == "restarting" else faults.loading(detail)

    def _progress(self) -> str:
        return f"{log.step(log.tail(self._log, self._log_start))} ({time.monotonic() - self._began:.0f} s)"

    def _set(self, name: StateName, detail: str, action: str = "", error: SidecarError | None = None) -> None:
        self._name: StateName = name
        self._detail = detail
        self._action = action
        self._error = error
        self._lost = False
        logger.info("engine is %s", name, extra={"engine_state": name, "detail": detail})

    # The loop.

    async def _supervise(self) -> None:
        """Run lives until one can't be followed by another."""
        try:
            await self._live()
        except SidecarError as error:
            self._set("dead", f"{error.message}: {error.detail}", error.hint, error)
        except Exception as error:
            logger.exception("the engine's supervisor failed")
            fault = faults.dead(f"The supervisor failed: {error}", "Restart the sidecar, and please report this.")
            self._set("dead", fault.detail, fault.hint, fault)
        finally:
            if self._name == "dead":
                await self._end_process(0)

    async def _live(self) -> None:
        build = await asyncio.to_thread(installed_build, engine_python(self._settings))
        if build == "none":
            raise faults.dead(f"{engine_python(self._settings)} has no vLLM.", INSTALL)
        failures = 0
        while True:
            model = await self._wait_for_model()
            end = await self._one_life(model, build)
            failures = 1 if end.ready_for >= self._timing.stable else failures + 1
            logger.warning("the engine ended", extra={"reason": end.why, "failures": failures})
            if end.error is not None:
                raise end.error
            if failures > self._settings.engine_max_restarts:
                raise faults.dead(f"It failed {failures} times in a row; last: {end.why}", f"{end.action} {RESTART}")
            await self._back_off(end, failures)

    async def _back_off(self, end: End, failures: int) -> None:
        pause = min(self._timing.first_backoff * 2 ** (failures - 1), self._timing.longest_backoff)
        of = self._settings.engine_max_restarts
        self._set("restarting", f"attempt {failures} of {of} in {pause:.0f} s; it ended: {end.why}", end.action)
        await asyncio.sleep(pause)

    async def _wait_for_model(self) -> LocalModel:
        """The model, as soon as its files are there and whole; the state says what is wrong until then."""
        while True:
            try:
                model = await asyncio.to_thread(self._locate)
                await asyncio.to_thread(check_folder, model.folder)
            except (SidecarError, OSError) as error:
                self._no_model(error if isinstance(error, SidecarError) else faults.model_unreadable(error))
                await asyncio.sleep(self._timing.model_poll)
                continue
            self._client.model = model.id
            return model

    def _no_model(self, error: SidecarError) -> None:
        name: StateName = "missing model" if error.sqlstate == "NL303" else "dead"
        if (self._name, self._detail) != (name, f"{error.message}: {error.detail}"):
            self._set(name, f"{error.message}: {error.detail}", error.hint, error)

    async def _one_life(self, model: LocalModel, build: Build) -> End:
        """From the start of a process to its end."""
        self._began = time.monotonic()
        await asyncio.to_thread(self._claim.take)
        self._set("restarting" if self._name == "restarting" else "starting", "starting a process")
        self._log_start = log.rotate(self._log)
        self._settings.cache_dir.mkdir(parents=True, exist_ok=True)
        command = build_command(self._settings, model, build)
        self._process = await EngineProcess.start(command, build_environment(self._settings, build), self._log)
        self._claim.note(self._process.group, self._process.scratch)
        try:
            end = await self._follow(self._process, model)
        except SidecarError as error:
            await self._process.ends_within(self._timing.health_interval)
            end = self._why_it_ended(f"{error.message}: {error.detail}")
        # Not in a `finally`: when stop() cancels this task, it drains the process itself.
        await self._end_process(0)
        return end

    async def _follow(self, process: EngineProcess, model: LocalModel) -> End:
        """Wait until it is ready, then until it has to be followed by another."""
        if not await self._until_ready(process):
            return self._why_it_ended("It was not ready in time.")
        ready_at = time.monotonic()
        self._set("ready", f"{model.id}, ready after {ready_at - self._began:.0f} s")
        why = await self._watch(process)
        return self._why_it_ended(why, time.monotonic() - ready_at)

    async def _until_ready(self, process: EngineProcess) -> bool:
        """Wait for /health and a first token; False if the process ended or takes too long."""
        while time.monotonic() - self._began < self._settings.engine_start_timeout:
            if process.ended:
                return False
            if self._name == "starting" and "non-default args" in log.tail(self._log, self._log_start):
                self._set("loading", "loading the model")
            if await self._client.healthy(self._timing.health_interval):
                await self._canary()
                return True
            await asyncio.sleep(self._timing.ready_poll)
        return False

    async def _canary(self) -> None:
        """One token: /health alone does not say that the engine computes."""
        one = Sampling(n=1, max_tokens=1, temperature=0, stop=(), deadline=self._timing.canary, cache_salt=None)
        await self._client.generate([Message("user", "SELECT")], one)

    async def _watch(self, process: EngineProcess) -> str:
        """Return why the engine must be followed by another: it ended, is silent, or makes no tokens."""
        misses, tokens, moved_at = 0, None, time.monotonic()
        while True:
            if await process.ends_within(self._timing.health_interval):
                return ""
            healthy = await self._client.healthy(self._timing.health_interval)
            misses, self._lost = (0, False) if healthy else (misses + 1, self._lost)
            if misses >= self._timing.health_misses:
                return f"It did not answer {misses} health checks in a row."
            done = await self._client.tokens_done(self._timing.health_interval)
            if self._client.in_flight == 0 or done != tokens:
                tokens, moved_at = done, time.monotonic()
            if time.monotonic() - moved_at > self._timing.stall:
                return f"It made no token for {self._timing.stall:.0f} s while requests were waiting."

    def _why_it_ended(self, why: str, ready_for: float = 0.0) -> End:
        """The watcher's reason, or else the log's."""
        ended = self._process is not None and self._process.ended
        diagnosis = log.diagnose(log.tail(self._log, self._log_start))
        reason = diagnosis.gist if ended or not why else why
        error = None
        if ended and diagnosis.hopeless and ready_for == 0:
            corrupt = diagnosis.code == "NL304"
            error = faults.model_corrupt(reason) if corrupt else faults.dead(reason, diagnosis.action)
        return End(reason, diagnosis.action, ready_for, error)

    async def _end_process(self, grace: float) -> None:
        if self._process is not None:
            await self._process.end(grace)
            self._process = None
