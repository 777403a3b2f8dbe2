"""What /ready says of each state, and what the log says of a request."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from sidecar import logs
from sidecar.engine.base import EngineState, StateName
from sidecar.errors import SidecarError
from tests.support.contract import exchanges
from tests.support.sidecar import Sidecar, sidecar, wait_until

QUESTION = "how much does Alice Miller earn"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the service's own formatter writes."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logs.JsonLines())
    logger = logging.getLogger("sidecar")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield text
    logger.removeHandler(handler)
    logger.setLevel(before)


def lines(log: io.StringIO, message: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in found if line["message"] == message]


def ask(service: Sidecar) -> None:
    body = exchanges("generate_ok")[0]["request"]["body"] | {"question": QUESTION}
    service.http.post("/v1/generate", json=body)


def test_log_has_no_question(log: io.StringIO) -> None:
    with sidecar() as service:
        ask(service)
        service.engine.error = SidecarError("NL301", "the engine is loading", detail="Soon.", hint="Wait.")
        ask(service)
    assert QUESTION not in log.getvalue()
    assert "revenue" not in log.getvalue()
    first, second = lines(log, "POST /v1/generate")
    assert first["status"] == 200
    assert first["request_id"] == exchanges("generate_ok")[0]["request"]["body"]["request_id"]
    assert first["ms"] >= 0
    assert (second["status"], second["sqlstate"]) == (503, "NL301")


def test_log_has_the_question_where_the_settings_say_so(log: io.StringIO) -> None:
    with sidecar(log_questions=True) as service:
        ask(service)
    assert lines(log, "POST /v1/generate")[0]["question"] == QUESTION


def test_log_line_is_one_json_object() -> None:
    record = logging.LogRecord("a", logging.WARNING, "f", 1, "two\nlines %s", ("中",), None)
    record.fields = {"n": 1}
    line = logs.JsonLines().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["message"], found["n"]) == ("warning", "two\nlines 中", 1)


@pytest.mark.parametrize(
    ("state", "ready"),
    [
        ("starting", False),
        ("loading", False),
        ("ready", True),
        ("restarting", False),
        ("dead", False),
        ("missing model", False),
        ("external", True),
    ],
)
def test_ready(state: StateName, ready: bool) -> None:
    with sidecar() as service:
        service.engine.shown = EngineState(state, "why", "what to do")
        answer = service.http.get("/ready")
        assert answer.status_code == (200 if ready else 503)
        assert answer.json()["ready"] is ready
        engine = next(c for c in answer.json()["components"] if c["component"] == "engine")
        assert engine == {"component": "engine", "state": state, "detail": "why", "action": "what to do"}
        assert service.http.get("/health").status_code == 200


def embedder_state(service: Sidecar) -> dict[str, str]:
    found: list[dict[str, str]] = service.http.get("/ready").json()["components"]
    return next(c for c in found if c["component"] == "embedder")


def test_embedder_that_fails_is_shown_and_tried_again() -> None:
    """Without it questions are still answered, by words alone."""
    with sidecar() as service:
        wait_until(lambda: embedder_state(service)["state"] == "ready")
        assert embedder_state(service)["detail"] == "letters, dimension 26"
    with sidecar(broken_embedder=SidecarError("NL310", "no model", detail="It is gone.", hint="Pull it.")) as service:
        wait_until(lambda: embedder_state(service)["state"] == "dead")
        assert embedder_state(service)["detail"] == "no model: It is gone."
        assert embedder_state(service)["action"] == "Pull it."
        assert service.http.get("/ready").status_code == 200
        service.embedder.error = None
        wait_until(lambda: embedder_state(service)["state"] == "ready")
