"""Vectors of texts from the sidecar, checked before anybody computes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.client import finite, malformed
from nl2sql_pg.context import Context

TEXTS = 128  # texts embedded in one request
MAX_DIMENSION = 16_000  # of pgvector's type


@dataclass(frozen=True)
class Embedded:
    """One vector a text, all of one length, and the name of the model that made them."""

    embedder: str
    vectors: list[list[float]]


def embed(context: Context, texts: Sequence[str]) -> Embedded:
    """Vectors of up to TEXTS texts; raises NL310 where the sidecar has no embedding model, NL005 for nonsense."""
    answer = context.client.post("/v1/embed", {"texts": list(texts)}, context.deadline)
    vectors, name = answer.get("embeddings"), answer.get("embedder")
    if not isinstance(name, str) or not name or not isinstance(vectors, list) or len(vectors) != len(texts):
        raise malformed("it lacks the embeddings asked for")
    if not all(_is_vector(vector) for vector in vectors) or len(set(map(len, vectors))) > 1:
        raise malformed("its embeddings are not lists of numbers of one length")
    return Embedded(name, vectors)


def _is_vector(value: Any) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_DIMENSION:
        return False
    try:
        return bool([finite(number) for number in value])
    except ValueError:
        return False
