"""The embedders' ways to fail, and /embeddings of a server; the local model's vectors are checked in tests/engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from sidecar.engine.bert import BATCH_TOKENS, _batches, _erf
from sidecar.engine.embedder import LocalEmbedder, UrlEmbedder
from sidecar.engine.openai import ChatClient, Endpoint
from sidecar.errors import SidecarError
from sidecar.settings import Settings
from tests.support.scripted_server import Answer, reply, scripted_server


def test_a_missing_model_is_said_so(tmp_path: Path) -> None:
    embedder = LocalEmbedder("small", lambda: tmp_path / "nothing")
    with pytest.raises(SidecarError) as caught:
        asyncio.run(embedder.embed(["a"]))
    assert caught.value.sqlstate == "NL310" and all(caught.value.fields().values())


def test_a_broken_model_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 4')
    with pytest.raises(SidecarError) as caught:
        asyncio.run(LocalEmbedder("small", lambda: tmp_path).embed(["a"]))
    assert caught.value.sqlstate == "NL310"


def embed_by_url(folder: Path, answer: Answer, texts: list[str]) -> list[list[float]]:
    async def main() -> list[list[float]]:
        async with scripted_server(folder, answer) as server:
            embedder = UrlEmbedder(Settings(engine_url="http://engine/v1", embedder="url:vectors"))
            assert embedder.name == "vectors"
            embedder._client = ChatClient(Endpoint("http://e/v1", socket=server.socket), model="vectors", max_waiting=1)
            vectors = await embedder.embed(texts)
            assert server.requests == [("/v1/embeddings", {"model": "vectors", "input": texts})]
            return vectors

    return asyncio.run(main())


def test_a_servers_vectors_come_in_order_and_of_unit_length(tmp_path: Path) -> None:
    rows = {"data": [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]}
    assert embed_by_url(tmp_path, reply(200, rows), ["a", "b"]) == [[0.6, 0.8], [0.0, 1.0]]


@pytest.mark.parametrize(
    "answer",
    [
        reply(404, {"error": {"message": "no such model"}}),
        reply(200, {"data": []}),
        reply(200, {"data": [{"index": 0, "embedding": []}]}),
        reply(200, {"data": [{"index": 0}]}),
        reply(200, "nonsense"),
    ],
)
def test_a_servers_trouble_is_the_embedders(tmp_path: Path, answer: Answer) -> None:
    with pytest.raises(SidecarError) as caught:
        embed_by_url(tmp_path, answer, ["a"])
    assert caught.value.sqlstate == "NL310"


def test_a_servers_model_without_a_server_is_refused() -> None:
    with pytest.raises(SidecarError) as caught:
        UrlEmbedder(Settings(embedder="url:vectors"))
    assert caught.value.sqlstate == "NL310"


def test_batches_hold_every_text_once_and_are_bounded() -> None:
    lengths = [int(value) for value in np.random.default_rng(2).integers(1, 257, 300)]
    batches = _batches(lengths)
    assert sorted(index for batch in batches for index in batch) == list(range(300))
    assert all(len(batch) * max(lengths[index] for index in batch) <= BATCH_TOKENS for batch in batches)


def test_the_error_function_is_exact_to_float32() -> None:
    points = np.array([-3, -1, -0.5, 0, 1e-4, 0.3, 1, 2.5], dtype=np.float32)
    exact = [-0.9999779, -0.8427008, -0.5204999, 0.0, 0.00011283792, 0.3286268, 0.8427008, 0.999593]
    assert np.abs(_erf(points) - np.array(exact)).max() < 3e-7
