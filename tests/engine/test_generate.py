"""What a real vLLM answers through the engine's interface."""

from __future__ import annotations

import asyncio
import stat
import time

import pytest

from sidecar.engine.base import Message
from sidecar.errors import SidecarError
from sidecar.prompt.render import render_retelling
from tests.support.engine import SMALL_MODEL, EngineHost

SCHEMA = "create table customers (customer_id int, name text); create table orders (order_id int, customer_id int);"
ASK = [
    Message("system", f"Write one PostgreSQL SELECT that answers the question, and nothing else. Schema: {SCHEMA}"),
    Message("user", "How many customers are there?"),
]
ESSAY = [Message("user", "Write a very long story about a database. Do not stop.")]


def test_a_prompt_is_answered_with_logprobs(host: EngineHost) -> None:
    answer = host.ask(ASK)
    (sample,) = answer.samples
    assert "select" in sample.text.lower() and "customers" in sample.text
    assert sample.logprob is not None and -1 < sample.logprob <= 0
    assert sample.finish_reason == "stop" and 3 < sample.tokens <= 24
    assert answer.prompt_tokens > 40 and answer.completion_tokens == sample.tokens
    assert answer.model == SMALL_MODEL == host.engine.model_name
    assert answer.engine_ms > 0


def test_greedy_answers_repeat(host: EngineHost) -> None:
    assert host.ask(ASK).samples[0].text == host.ask(ASK).samples[0].text


def test_three_samples_come_in_one_call(host: EngineHost) -> None:
    answer = host.ask(ASK, n=3, temperature=1.5, max_tokens=16)
    assert len(answer.samples) == 3
    assert len({sample.text for sample in answer.samples}) > 1
    assert answer.completion_tokens >= 16


def test_sampling_goes_on_where_prompts_are_computed_in_parts(host: EngineHost) -> None:
    """More tokens at once than one step takes; with a seed the engine would end here."""

    async def crowd() -> list[int]:
        long = [[Message("user", f"{number} " + "a table, " * 300)] for number in range(6)]
        answers = await asyncio.gather(*(host.generate(m, n=4, temperature=0.7, max_tokens=8) for m in long))
        return [len(answer.samples) for answer in answers]

    assert host.call(crowd()) == [4] * 6
    assert host.ask(ASK).samples


def test_a_statement_tells_its_own_question(host: EngineHost) -> None:
    """In both languages; what another statement answers is less likely behind it."""
    statements = ["SELECT COUNT(*) FROM customers", "SELECT name FROM orders ORDER BY price DESC LIMIT 1"]
    prompts = [render_retelling(sql, "qwen") for sql in statements]
    for question in ("How many customers are there?", "有多少位客户？"):
        right, wrong = host.call(host.engine.likelihoods(prompts, question, 60.0))
        assert right is not None and wrong is not None and wrong < right < 0


def test_greedy_with_several_candidates_gives_one(host: EngineHost) -> None:
    assert len(host.ask(ASK, n=4).samples) == 1


def test_a_cut_answer_says_so(host: EngineHost) -> None:
    (sample,) = host.ask(ESSAY, max_tokens=5, stop=[]).samples
    assert sample.finish_reason == "length" and sample.tokens == 5


def test_equal_salts_share_a_prefix_and_others_do_not(host: EngineHost) -> None:
    hits = "vllm:prefix_cache_hits_total"
    host.ask(ASK, cache_salt="aaaa")
    before = host.metric(hits)
    host.ask(ASK, cache_salt="bbbb")
    assert host.metric(hits) == before
    host.ask(ASK, cache_salt="aaaa")
    assert host.metric(hits) > before


def test_cancelling_aborts_in_the_engine(host: EngineHost) -> None:
    async def cancel_midway() -> None:
        tasks = [asyncio.create_task(host.generate(ESSAY, max_tokens=1000, stop=[])) for _ in range(3)]
        await asyncio.sleep(1)
        running = await asyncio.to_thread(host.metric, "vllm:num_requests_running")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert running > 0

    host.call(cancel_midway())
    assert _seconds_until_idle(host) < 5


def test_a_passed_deadline_aborts_in_the_engine(host: EngineHost) -> None:
    with pytest.raises(SidecarError) as caught:
        host.ask(ESSAY, max_tokens=1000, stop=[], deadline=0.7)
    assert caught.value.sqlstate == "NL306"
    assert _seconds_until_idle(host) < 5


def test_a_prompt_beyond_the_context_is_refused(host: EngineHost) -> None:
    with pytest.raises(SidecarError) as caught:
        host.ask([Message("user", "x " * 9000)])
    assert caught.value.sqlstate == "NL309"
    assert "x x" not in caught.value.detail


def test_only_its_user_reaches_the_engines_socket(host: EngineHost) -> None:
    mode = host.settings.engine_socket_path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) & 0o077 == 0


def _seconds_until_idle(host: EngineHost) -> float:
    """The engine's log-free figure of running requests back at zero, the waiting ones too."""
    began = time.monotonic()
    while host.metric("vllm:num_requests_running") + host.metric("vllm:num_requests_waiting") > 0:
        assert time.monotonic() - began < 10
        time.sleep(0.02)
    return time.monotonic() - began
