"""A peer that speaks the whole protocol: it writes the SQL a test wants, and embeds text by its words."""

from __future__ import annotations

import hashlib
import json
import math
import re
import socket
from collections.abc import Sequence
from typing import Any

from sidecar.api.schemas import ConditionRequest
from sidecar.api.serving import read_condition
from sidecar.glossary.words import gloss
from tests.support.peer import Behaviour, answer_to, http

EMBEDDER = "words-384"
DIMENSION = 384


def request_path(request: bytes) -> str:
    return request.split(b" ", 2)[1].decode()


def request_body(request: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return body


def bodies(requests: Sequence[bytes], path: str = "/v1/generate") -> list[dict[str, Any]]:
    """The bodies that arrived for one endpoint."""
    return [request_body(request) for request in requests if request_path(request) == path]


def embed(text: str, dimension: int = DIMENSION) -> list[float]:
    """Texts that share words lie close together; the same text gives the same vector everywhere."""
    vector = [0.0] * dimension
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.sha256(word.rstrip("s").encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % dimension] += 1.0
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [round(x / length, 6) for x in vector]


def answers(statement: str = "select 1") -> Behaviour:
    """Proposes `statement` for every question, embeds whatever it is given, and says that all is well."""

    def behave(connection: socket.socket, request: bytes) -> None:
        connection.sendall(_answer(request, statement))

    return behave


def _answer(request: bytes, statement: str) -> bytes:
    path = request_path(request)
    if path == "/v1/generate":
        return answer_to(request, statement)
    if path == "/v1/retell":
        return http({"protocol": 1, "likelihoods": [-1.0] * len(request_body(request)["statements"])})
    if path == "/v1/gloss":
        words = gloss(request_body(request)["question"])
        return http(
            {"protocol": 1, "words": [{"start": w.start, "end": w.end, "meanings": list(w.meanings)} for w in words]}
        )
    if path == "/v1/condition":
        asked = ConditionRequest.model_validate(request_body(request))
        return http(read_condition(asked).model_dump())
    if path == "/v1/embed":
        vectors = [embed(text) for text in request_body(request)["texts"]]
        return http({"protocol": 1, "embedder": EMBEDDER, "dimension": DIMENSION, "embeddings": vectors})
    if path == "/version":
        return http({"protocol": 1, "version": "0", "model": "scripted", "embedder": EMBEDDER})
    states = [
        {"component": name, "state": "ready", "detail": "scripted", "action": "none"} for name in ("engine", "model")
    ]
    return http({"protocol": 1, "ready": True, "components": states})
