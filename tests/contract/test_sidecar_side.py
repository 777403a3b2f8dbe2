"""The sidecar takes every request of the contract, on a real socket, and gives the answer that stands there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sidecar.engine.base import EngineState, Sample
from sidecar.errors import SidecarError
from tests.support.contract import FOLDER, NAMES, exchanges
from tests.support.sidecar import ScriptedEngine, Sidecar, sidecar, wait_until


@pytest.fixture(scope="module")
def service() -> Iterator[Sidecar]:
    with sidecar() as running:
        wait_until(lambda: bool(running.embedder.texts))
        yield running


def follow(engine: ScriptedEngine, script: dict[str, Any]) -> None:
    engine.reset()
    engine.samples = [Sample(**sample) for sample in script.get("samples", [])]
    engine.likely = script.get("likely", [])
    if "state" in script:
        engine.shown = EngineState(*script["state"])
    if fields := dict(script.get("error", {})):
        engine.error = SidecarError(fields.pop("sqlstate"), fields.pop("message"), **fields)


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run, or from one release of a library to the next."""
    body = json.loads(json.dumps(body))
    if "timings_ms" in body:
        assert all(type(value) is float and value >= 0 for value in body["timings_ms"].values())
        body["timings_ms"] = sorted(body["timings_ms"])
    if body.get("error") and body["error"]["sqlstate"] == "NL106":
        body["error"]["message"] = body["error"]["message"].rpartition(":")[0]
    if "components" in body:  # other exchanges leave audit records behind
        body["components"] = [c for c in body["components"] if not c["component"].startswith("audit journal")]
    if "embeddings" in body:
        body["embeddings"] = [[round(x, 5) for x in vector] for vector in body["embeddings"]]
    return body


@pytest.mark.parametrize("name", NAMES)
def test_answer(service: Sidecar, name: str) -> None:
    for exchange in exchanges(name):
        follow(service.engine, exchange["engine"])
        request, response = exchange["request"], exchange["response"]
        answer = service.http.request(request["method"], request["path"], json=request["body"])
        assert answer.status_code == response["status"]
        assert comparable(answer.json()) == comparable(response["body"])


def test_openapi(service: Sidecar) -> None:
    """The machine-readable description of the service changes on purpose only. To take a change over, write
    own_part(app.openapi()) to tests/contract/openapi.json."""
    kept = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
    assert own_part(service.app.openapi()) == kept


def own_part(document: dict[str, Any]) -> dict[str, Any]:
    """Without the framework's own error bodies, which are never sent, and the version."""
    document = json.loads(json.dumps(document))
    document.pop("openapi")
    document["info"].pop("version")
    for endpoint in document["paths"].values():
        for method in endpoint.values():
            method["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document
