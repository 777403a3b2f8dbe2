"""The client of an OpenAI-compatible server, against a server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine.base import Generation, Message, Sample, Sampling
from sidecar.engine.openai import ChatClient, Endpoint, ExternalEngine
from sidecar.errors import SidecarError
from sidecar.prompt.extract import before_sql
from sidecar.settings import Settings
from tests.support.scripted_server import Answer, Scripted, close_midway, reply, scripted_server

GOOD = {
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"content": "SELECT 1"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"logprob": -0.5}, {"logprob": -1.5}]},
        }
    ],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2},
}
TOO_LONG = {"error": {"message": "This model's maximum context length is 8192 tokens, but you asked for 9000."}}
DEAD = {"error": {"message": "EngineCore encountered an issue. See stack trace (above) for the root cause."}}


def client_of(socket: Path, max_waiting: int = 8) -> ChatClient:
    return ChatClient(Endpoint("http://engine/v1", socket=socket), model="m", max_waiting=max_waiting)


async def ask(client: ChatClient, **wishes: Any) -> Generation:
    usual: dict[str, Any] = {"n": 1, "max_tokens": 9, "temperature": 0.0, "stop": ()}
    return await client.generate(
        [Message("user", "hi")], Sampling(**(usual | {"deadline": 5, "cache_salt": None} | wishes))
    )


def run_with(
    folder: Path, work: Callable[[ChatClient, Scripted], Awaitable[Any]], *answers: Answer | None, **settings: int
) -> Any:
    async def main() -> Any:
        async with scripted_server(folder, *answers) as server:
            client = client_of(server.socket, **settings)
            try:
                return await work(client, server)
            finally:
                await client.close()

    return asyncio.run(main())


def test_an_answer_is_read_with_the_mean_logprob(tmp_path: Path) -> None:
    answer = run_with(tmp_path, lambda client, _: ask(client), reply(200, GOOD))
    assert (answer.prompt_tokens, answer.completion_tokens, answer.model) == (7, 2, "m")
    (sample,) = answer.samples
    assert sample.text == "SELECT 1" and sample.tokens == 2 and sample.finish_reason == "stop"
    assert math.isclose(sample.logprob, -1.0)


def test_the_logprob_of_a_part_is_that_of_its_tokens() -> None:
    sample = Sample("-- ok\nSELECT 1", -1.0, 4, "stop", (("--", -3.0), (" ok\n", -2.0), ("SELECT", -0.5), (" 1", -0.1)))
    assert sample.logprob_from(0) == -1.4
    assert sample.logprob_from(before_sql(sample.text)) == -0.3
    assert Sample("SELECT 1", -1.0, 2, "stop").logprob_from(6) == -1.0, (
        "an engine that does not say what its tokens are"
    )


def test_samples_come_in_order_and_without_logprobs(tmp_path: Path) -> None:
    choices = [{"index": index, "message": {"content": str(index)}, "finish_reason": "length"} for index in (2, 0, 1)]
    answer = run_with(tmp_path, lambda client, _: ask(client, n=3, temperature=0.8), reply(200, {"choices": choices}))
    assert [sample.text for sample in answer.samples] == ["0", "1", "2"]
    assert {sample.logprob for sample in answer.samples} == {None}
    assert {sample.finish_reason for sample in answer.samples} == {"length"}


def test_the_request_carries_what_was_asked_and_no_more(tmp_path: Path) -> None:
    async def work(client: ChatClient, server: Scripted) -> list[tuple[str, Any]]:
        await ask(client, n=4)
        await ask(client, n=4, temperature=0.7, stop=[";"], cache_salt="ab")
        return server.requests

    (path, greedy), (_, sampled) = run_with(tmp_path, work, reply(200, GOOD))
    assert path == "/v1/chat/completions"
    assert greedy["n"] == 1 and greedy["logprobs"] is True and greedy["stream"] is False
    assert not {"stop", "cache_salt"} & set(greedy)
    assert (sampled["n"], sampled["stop"], sampled["cache_salt"]) == (4, [";"], "ab")


def echoed(offsets: list[int], logprobs: list[float | None]) -> Answer:
    return reply(200, {"choices": [{"logprobs": {"text_offset": offsets, "token_logprobs": logprobs}}]})


def told(client: ChatClient, _: Scripted) -> Awaitable[list[float | None]]:
    return client.likelihoods(["tell: "], "how many", 5.0)


@pytest.mark.parametrize(
    ("answer", "likelihood"),
    [
        (echoed([0, 4, 6, 9, 14], [None, -9.0, -1.0, -2.0, -7.0]), -1.5),  # neither the prompt nor what comes after
        (echoed([0, 4], [None, -9.0]), None),
        (reply(200, {"choices": [{"logprobs": None}]}), None),
        (reply(200, {"choices": [{"text": "no logprobs"}]}), None),
        (reply(400, {"error": {"message": "echo is not supported"}}), None),
        (reply(404, "no such path"), None),
    ],
)
def test_how_likely_a_text_is(tmp_path: Path, answer: Answer, likelihood: float | None) -> None:
    assert run_with(tmp_path, told, answer) == [likelihood]


def test_a_text_is_told_alone(tmp_path: Path) -> None:
    """No two requests share what is cached of them."""

    async def work(client: ChatClient, server: Scripted) -> list[tuple[str, Any]]:
        await client.likelihoods(["a: ", "b: "], "x", 5.0)
        return server.requests

    requests = run_with(tmp_path, work, echoed([3], [-1.0]))
    assert {path for path, _ in requests} == {"/v1/completions"}
    assert sorted(body["prompt"] for _, body in requests) == ["a: x", "b: x"]
    assert len({body["cache_salt"] for _, body in requests}) == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [(reply(500, DEAD), "NL302"), (reply(503, "full"), "NL307"), (reply(200, {"choices": []}), "NL305")],
)
def test_likelihoods_that_fail(tmp_path: Path, answer: Answer, code: str) -> None:
    with pytest.raises(SidecarError) as caught:
        run_with(tmp_path, told, answer)
    assert caught.value.sqlstate == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(400, TOO_LONG), "NL309"),
        (reply(400, {"error": {"message": "temperature must be non-negative"}}), "NL305"),
        (reply(404, {"object": "error", "message": "no such model"}), "NL305"),
        (reply(500, "Internal Server Error"), "NL305"),
        (reply(500, DEAD), "NL302"),
        (reply(503, {"error": {"message": "queue is full"}}), "NL307"),
        (reply(429, {"error": {"message": "slow down"}}), "NL307"),
        (reply(200, "this is not JSON"), "NL305"),
        (reply(200, {"choices": []}), "NL305"),
        (reply(200, {"choices": [{"index": 0}]}), "NL305"),
        (reply(200, {"no": "choices"}), "NL305"),
        (reply(200, [1, 2]), "NL305"),
        (close_midway, "NL302"),
    ],
)
def test_a_bad_answer_becomes_the_code_that_fits(tmp_path: Path, answer: Answer, code: str) -> None:
    with pytest.raises(SidecarError) as caught:
        run_with(tmp_path, lambda client, _: ask(client), answer)
    assert caught.value.sqlstate == code
    assert all(caught.value.fields().values())


def test_the_engines_own_words_are_kept_but_bounded(tmp_path: Path) -> None:
    answer = reply(400, {"error": {"message": "bad\n" + "x" * 5000}})
    with pytest.raises(SidecarError) as caught:
        run_with(tmp_path, lambda client, _: ask(client), answer)
    assert "bad x" in caught.value.detail and len(caught.value.detail) < 400


def test_nobody_listening_is_a_lost_engine(tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        asyncio.run(ask(client_of(tmp_path / "nobody.sock")))
    assert caught.value.sqlstate == "NL302"


def test_the_deadline_ends_the_request_and_the_connection(tmp_path: Path) -> None:
    async def work(client: ChatClient, server: Scripted) -> str:
        with pytest.raises(SidecarError) as caught:
            await ask(client, deadline=0.2)
        await asyncio.wait_for(server.hung_up.wait(), 1)
        assert client.in_flight == 0
        return caught.value.sqlstate

    assert run_with(tmp_path, work, None) == "NL306"


def test_cancelling_closes_the_connection(tmp_path: Path) -> None:
    async def work(client: ChatClient, server: Scripted) -> None:
        task = asyncio.create_task(ask(client))
        while not server.requests:
            await asyncio.sleep(0.01)
        assert client.in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.hung_up.wait(), 1)
        assert client.in_flight == 0

    run_with(tmp_path, work, None)


def test_one_request_too_many_is_refused_without_asking(tmp_path: Path) -> None:
    async def work(client: ChatClient, server: Scripted) -> None:
        tasks = [asyncio.create_task(ask(client)) for _ in range(2)]
        while len(server.requests) < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(SidecarError) as caught:
            await ask(client)
        assert caught.value.sqlstate == "NL307" and len(server.requests) == 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_with(tmp_path, work, None, max_waiting=2)


def test_health_and_token_counts_are_read_beside_v1(tmp_path: Path) -> None:
    metrics = 'vllm:prompt_tokens_total{engine="0"} 40.0\nvllm:generation_tokens_total{engine="0"} 2.0\nother 9\n'

    async def work(client: ChatClient, server: Scripted) -> None:
        assert await client.healthy(1)
        assert await client.tokens_done(1) == 42
        assert not await client.healthy(1)
        assert [path for path, _ in server.requests] == ["/health", "/metrics", "/health"]

    run_with(tmp_path, work, reply(200, ""), reply(200, metrics), reply(503, ""))


def test_an_external_server_is_asked_for_its_model_and_its_trouble_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with scripted_server(tmp_path, reply(200, {"data": [{"id": "first"}]}), reply(200, GOOD)) as server:
            engine = ExternalEngine(Settings(engine_url="http://localhost:9/v1"))
            with pytest.raises(SidecarError) as caught:
                await ask(engine)  # type: ignore[arg-type]
            assert caught.value.sqlstate == "NL302"
            assert engine.state().state == "external" and engine.state().action
            engine._client = client_of(server.socket)
            engine._client.model = ""
            await ask(engine)  # type: ignore[arg-type]
            assert engine.model_name == "first" and server.requests[-1][1]["model"] == "first"
            assert engine.state().action == ""
            await engine.stop()

    asyncio.run(main())
