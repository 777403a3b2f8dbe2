"""The owner of an engine: which state follows which event. The engine is a stand-in; tests/engine has a real one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sidecar.engine.base import Message, Sampling
from sidecar.engine.command import LocalModel
from sidecar.engine.nanny import group_members
from sidecar.engine.vllm import Timing, VllmEngine
from sidecar.errors import SidecarError
from sidecar.settings import Settings
from tests.support.standin_engine import write_standin
from tests.support.tiny_model import make_tiny_model

QUICK = Timing(
    model_poll=0.05,
    ready_poll=0.02,
    health_interval=0.15,
    health_misses=2,
    stall=0.8,
    stable=60,
    first_backoff=0.05,
    longest_backoff=0.1,
    canary=2,
)


def live(folder: Path, plan: str, work: Callable[[VllmEngine], Awaitable[None]], **settings: int) -> None:
    """Start an engine whose lives go by `plan`, do the work, stop it, and see that nothing is left."""

    async def main() -> None:
        configured = Settings(
            socket=folder / "s.sock",
            cache_dir=folder / "cache",
            engine_python=write_standin(folder, plan),
            engine_start_timeout=settings.get("engine_start_timeout", 20),
            engine_max_restarts=settings.get("engine_max_restarts", 2),
            drain_timeout=1,
        )
        model = folder / "tiny"
        engine = VllmEngine(configured, lambda: LocalModel("tiny", model), QUICK)
        await engine.start()
        groups = []
        try:
            await work(engine)
        finally:
            groups += [engine.pid] if engine.pid else []
            await engine.stop()
        assert [group_members(group) for group in groups] == [[] for _ in groups]
        assert not configured.engine_socket_path.exists()

    asyncio.run(main())


async def until_told(engine: VllmEngine, reason: str) -> None:
    """Wait for the watcher's reason: that a connection broke is known a moment before."""
    async with asyncio.timeout(5):
        while reason not in engine.state().detail:
            await asyncio.sleep(0.02)


async def until(engine: VllmEngine, state: str, limit: float = 15) -> None:
    async with asyncio.timeout(limit):
        while engine.state().state != state:
            await asyncio.sleep(0.01)


async def ask(engine: VllmEngine, deadline: float = 5) -> str:
    """The code of the error, or the text of the answer."""
    try:
        one = Sampling(n=1, max_tokens=1, temperature=0, stop=(), deadline=deadline, cache_salt=None)
        answer = await engine.generate([Message("user", "hi")], one)
    except SidecarError as error:
        assert all(error.fields().values()), error.fields()
        return error.sqlstate
    return answer.samples[0].text


@pytest.fixture(autouse=True)
def tiny_model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "tiny")


def test_start_returns_at_once_and_the_engine_becomes_ready(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        assert engine.state().state == "starting" and await ask(engine) == "NL301"
        await until(engine, "ready")
        assert await ask(engine) == "SELECT" and engine.model_name == "tiny"

    live(tmp_path, "good", work)


def test_a_crash_is_followed_by_another_try(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "restarting")
        assert "RuntimeError: it broke" in engine.state().detail
        assert await ask(engine) == "NL302"
        await until(engine, "ready")

    live(tmp_path, "crash good", work)


def test_too_many_failures_in_a_row_end_in_dead(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "dead")
        state = engine.state()
        assert "3 times" in state.detail and "it broke" in state.detail and state.action
        assert await ask(engine) == "NL302" and engine.pid is None

    live(tmp_path, "crash", work)


def test_a_short_life_counts_as_a_failure(tmp_path: Path) -> None:
    live(tmp_path, "dying", lambda engine: until(engine, "dead"))


def test_broken_weights_are_not_tried_again(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "dead")
        assert await ask(engine) == "NL304"
        assert (tmp_path / "plan").read_text() == "good", "only the first word of the plan was used"

    live(tmp_path, "corrupt good", work)


def test_a_start_that_takes_too_long_fails(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "restarting")
        assert "not ready in time" in engine.state().detail
        await until(engine, "ready")

    live(tmp_path, "never good", work, engine_start_timeout=1)


def test_a_hang_is_noticed_and_its_requests_fail(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "ready")
        asked = asyncio.create_task(ask(engine))
        await until(engine, "restarting")
        await until_told(engine, "health checks")
        assert await asyncio.wait_for(asked, 1) == "NL302"
        await until(engine, "ready")

    live(tmp_path, "frozen good", work)


def test_an_engine_that_makes_no_tokens_is_replaced(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "ready")
        asked = asyncio.create_task(ask(engine))
        await until(engine, "restarting")
        await until_told(engine, "no token")
        assert await asyncio.wait_for(asked, 1) == "NL302"

    live(tmp_path, "stuck good", work)


def test_an_idle_engine_is_left_alone(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "ready")
        first = engine.pid
        await asyncio.sleep(QUICK.stall + 0.5)
        assert engine.state().state == "ready" and engine.pid == first

    live(tmp_path, "good", work)


def test_a_killed_nanny_takes_its_engine_along(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "ready")
        group = engine.pid
        assert group is not None and len(group_members(group)) == 2
        os.kill(group, signal.SIGKILL)
        await until(engine, "restarting", 2)
        began = time.monotonic()
        while group_members(group):
            assert time.monotonic() - began < 2
            await asyncio.sleep(0.01)
        await until(engine, "ready")

    live(tmp_path, "good", work)


def test_a_missing_model_is_waited_for(tmp_path: Path, tiny_model: Path) -> None:
    away = tiny_model.rename(tmp_path / "away")

    async def work(engine: VllmEngine) -> None:
        await until(engine, "missing model")
        assert await ask(engine) == "NL303" and "config.json" in engine.state().detail and engine.state().action
        await asyncio.to_thread(away.rename, tiny_model)
        await until(engine, "ready")

    live(tmp_path, "good", work)


def test_two_owners_of_one_socket_do_not_disturb_each_other(tmp_path: Path) -> None:
    async def work(first: VllmEngine) -> None:
        await until(first, "ready")
        second = VllmEngine(first._settings, first._locate, QUICK)
        await second.start()
        await until(second, "dead")
        assert "Another sidecar" in second.state().detail
        await second.stop()
        assert await ask(first) == "SELECT"

    live(tmp_path, "good", work)


def bare_python(folder: Path) -> Path:
    """This interpreter without its site-packages: one that has no vLLM."""
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    return script


@pytest.mark.parametrize(("broken", "advice"), [(False, "pip install"), (True, "Correct engine_python")])
def test_an_engine_that_can_not_start_is_dead_and_says_what_to_do(tmp_path: Path, broken: bool, advice: str) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "dead")
        assert advice in engine.state().action and await ask(engine) == "NL302"

    async def main() -> None:
        python = Path("/bin/false") if broken else bare_python(tmp_path)
        settings = Settings(socket=tmp_path / "s.sock", engine_python=python, cache_dir=tmp_path)
        engine = VllmEngine(settings, lambda: LocalModel("tiny", tmp_path / "tiny"), QUICK)
        await engine.start()
        await work(engine)
        await engine.stop()

    asyncio.run(main())


def test_stop_lets_a_running_request_finish_no_longer_than_agreed(tmp_path: Path) -> None:
    async def work(engine: VllmEngine) -> None:
        await until(engine, "ready")
        began = time.monotonic()
        await engine.stop()
        assert time.monotonic() - began < 8

    live(tmp_path, "good", work)
