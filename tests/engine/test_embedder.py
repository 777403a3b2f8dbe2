"""The local embedding model: the same vectors as transformers computes, and vectors that mean something."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import numpy as np
import pytest

from sidecar.engine.embedder import PIECE, LocalEmbedder
from sidecar.models.resolve import resolve

NAME = "all-minilm-l6-v2"
TEXTS = [
    "top 5 customers by orders",
    "",
    "上个月每个地区的总收入",
    "emoji 👩🏽‍💻 and\ttabs",
    "long " * 400,
    "Total revenue, by region.",
]


@pytest.fixture(scope="module")
def folder() -> Path:
    return resolve(NAME).path


def embed(folder: Path, texts: list[str]) -> np.ndarray:
    async def main() -> list[list[float]]:
        embedder = LocalEmbedder(NAME, lambda: folder)
        vectors = await embedder.embed(texts)
        assert {len(vector) for vector in vectors} == {384}
        await embedder.close()
        return vectors

    return np.array(asyncio.run(main()))


def test_the_vectors_are_those_of_transformers(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from transformers import AutoModel, AutoTokenizer

        model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].float()
        expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()
    assert np.abs(embed(folder, TEXTS) - expected).max() < 1e-5


def test_many_texts_come_back_in_their_order(folder: Path) -> None:
    texts = [f"column {'x' * (index % 7)} number {index}" for index in range(3 * PIECE + 1)]
    together = embed(folder, texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for index in (0, PIECE, 3 * PIECE):
        assert np.allclose(together[index], embed(folder, [texts[index]])[0], atol=1e-5)


def test_near_meanings_are_near(folder: Path) -> None:
    income, revenue, cats = embed(folder, ["income per area", "revenue by region", "pictures of cats"])
    assert income @ revenue > income @ cats + 0.2
