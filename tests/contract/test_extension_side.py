"""The extension sends every request of the contract over a real socket, and understands the answer."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from nl2sql_pg import entry
from nl2sql_pg.client import Client, Endpoint
from nl2sql_pg.errors import Refusal
from nl2sql_pg.glossing import gloss

from tests.support.contract import exchanges
from tests.support.peer import http, peer, says
from tests.support.plpy import FakePlpy, Plans, Rows, SPIError

PREFERENCES = {
    "scope": "search_path",
    "timeout": "30s",
    "retrieval": "on",
    "values": "on",
    "examples": "on",
    "comment_filters": "on",
    "repair": "on",
    "samples": "auto",
    "trial_run": "off",
    "min_confidence": "0",
}
SETTINGS = {
    "max_timeout": "300s",
    "sidecar_user": str(os.geteuid()),
    "max_response_bytes": "4000000",
    "max_question_chars": "4000",
    "max_tokens": "400",
    "max_tables": "40",
    "prompt_tokens": "3000",
    "repair_rounds": "1",
    "examples_shown": "3",
    "examples_likeness": "60",
    "trial_cost": "1000000",
    "trial_milliseconds": "1000",
    "audit": "off",
}
CALLER = json.dumps({"schemas": ["shop", "public"], "search_path": "shop, public"})
NO_COLUMN = SPIError(
    "42703",
    'column "nickname" does not exist',
    'Perhaps you meant to reference the column "customers.full_name".',
)


@pytest.fixture
def path() -> Iterator[Path]:
    with TemporaryDirectory(prefix="nl2sql-c-") as folder:
        yield Path(folder) / "s.sock"


def session(
    path: Path, body: dict[str, Any] | None = None, plans: dict[str, float | SPIError] | None = None
) -> FakePlpy:
    """A backend whose caller sees the scope of this request body."""
    request = body or {"scope": {"tables": []}, "today": "2026-11-22", "server_version": 150018}
    tables = request["scope"]["tables"]
    facts = {
        "settings": SETTINGS | {"socket_path": str(path)},
        "preferences": PREFERENCES,
        "today": request.get("today"),
        "conforming": True,
        "superuser": False,
        "as_superuser": False,
        "server_version": request["server_version"],
    }
    state = {"relations": 3, "indexed": 3, "embedded": 3, "queued": 0, "newest": None, "embedder": "letters"}
    answers: dict[str, Rows] = {
        "nl2sql._settings()": [{"x": json.dumps(facts)}],
        "nl2sql._readable(": [{"relid": number} for number in range(len(tables))],
        "nl2sql._describe(": [{"x": json.dumps(tables)}],
        "extract(epoch": [{"x": 30.0}],
        "pg_extension": [{"x": "0.1.0"}],
        "nl2sql._index_state()": [state],
        "nl2sql._withheld(": [{"x": False}],
        "nl2sql._example_pending(": [],
        "nl2sql._frequent_values(": [],
        "nl2sql._indexed_values(": [],
        "nl2sql._examples_kind(": [{"x": None}],
        "nl2sql._find_examples(": [],
        "nl2sql._terms_in(": [],
        "nl2sql._seen_values(": [],
        "nl2sql._loose_columns(": [],
        "nl2sql._key_columns(": [],
        "nl2sql._known_joins(": [],
        "nl2sql._key_statistics(": [],
        "nl2sql._index_queue_head()": [{"x": 0}],
        "nl2sql._index_store(": [{"x": 0}],
        "nl2sql._known_refresh(": [{"x": 0}],
        "current_user": [{"x": "analyst"}],  # behind those whose queries have the word, too
    }
    return FakePlpy(answers, plans)


class Script:
    """A peer that plays the sidecar's part, and notes what it was sent."""

    def __init__(self, *names: str) -> None:
        self._pairs = [pair for name in names for pair in exchanges(name)]
        self.sent: list[tuple[str, str, Any]] = []

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        method, target, _ = head.decode().split("\r\n")[0].split(" ")
        self.sent.append((method, target, json.loads(body) if body else None))
        response = self._pairs[len(self.sent) - 1]["response"]
        connection.sendall(http(response["body"], response["status"]))

    def check(self) -> None:
        """Every request is the one of the contract but for its id and the time left."""
        expected = [pair["request"] for pair in self._pairs]
        assert [(method, target) for method, target, _ in self.sent] == [(r["method"], r["path"]) for r in expected]
        for (_, _, sent), wanted in zip(self.sent, expected, strict=True):
            assert bool(sent) == bool(wanted["body"])
            if sent and "request_id" in sent:
                assert 1 <= sent["deadline_ms"] <= wanted["body"]["deadline_ms"]
                assert len(sent["request_id"]) == len(wanted["body"]["request_id"])
                sent |= {name: wanted["body"][name] for name in ("request_id", "deadline_ms")}
            assert sent == wanted["body"]


REGIONS_FILTER = {
    "relation": 1,
    "condition": "NOT is_closed",
    "note": None,
    "columns": ["is_closed"],
    "problem": None,
}


def ask(
    path: Path,
    name: str,
    plans: dict[str, float | SPIError] | None = None,
    candidates: int = 1,
    defined: Rows | None = None,
) -> tuple[dict[str, Any], Script]:
    script = Script(name)
    asked = next(pair["request"] for pair in exchanges(name) if pair["request"]["path"] != "/v1/gloss")
    body = asked["body"]
    plpy = session(path, {"today": "2026-11-22"} | body, plans)
    for table in body["scope"]["tables"]:
        table.pop("filters", None)  # what the extension adds to what the catalogs say
    plpy.answers["nl2sql._describe("] = [{"x": json.dumps(body["scope"]["tables"])}]
    plpy.answers["nl2sql._filters_of("] = defined or []
    with peer(path, script):
        options = json.dumps({"candidates": candidates})
        return json.loads(entry.ask(plpy, body["question"], options, CALLER)), script


def sql_of(name: str, exchange: int = 0, candidate: int = 0) -> str:
    return str(exchanges(name)[exchange]["response"]["body"]["candidates"][candidate]["sql"])


def test_generate_ok(path: Path) -> None:
    sql = sql_of("generate_ok")
    reply, script = ask(path, "generate_ok", {sql: 12.5})
    script.check()
    answer = reply["ok"]
    assert answer["sql"] == sql
    assert answer["tables"] == ["shop.orders", "shop.regions"]
    assert answer["model"] == "scripted"
    assert 0 < answer["confidence"] < 1
    assert answer["candidates"] == [
        {
            "sql": sql,
            "logprob": -0.031,
            "cost": 12.5,
            "error": None,
            "repairs": [],
            "refined": [],
            "period": None,
            "doubts": [],
        }
    ]
    assert {"retrieval", "generate", "judge", "total", "prompt", "engine", "guard"} == set(answer["timings"])


def test_generate_mended(path: Path) -> None:
    """What the sidecar put right in a candidate is there for the caller to read."""
    sql = sql_of("generate_mended")
    reply, script = ask(path, "generate_mended", {sql: 2.0})
    script.check()
    assert reply["ok"]["sql"] == sql
    notes = exchanges("generate_mended")[0]["response"]["body"]["candidates"][0]["repairs"]
    assert notes
    assert reply["ok"]["candidates"][0]["repairs"] == notes


def test_generate_filters(path: Path) -> None:
    """What became of the standing conditions is told in words."""
    sql = sql_of("generate_filters")
    reply, script = ask(path, "generate_filters", {sql: 2.0}, defined=[REGIONS_FILTER])
    script.check()
    told = {each["table"]: each for each in reply["ok"]["filters"]}
    assert told["shop.orders"]["applied"] and told["shop.orders"]["origin"] == "comment"
    assert told["shop.regions"]["why"] == "the question speaks of the other rows: closed"
    assert reply["ok"]["warnings"] == []


@pytest.mark.parametrize("exchange", [0, 1])
def test_condition(path: Path, exchange: int) -> None:
    pair = exchanges("condition")[exchange]
    body, answer = pair["request"]["body"], pair["response"]["body"]
    plpy = session(path, {"scope": {"tables": [body["table"]]}, "server_version": body["server_version"]})
    plpy.answers |= {"as path": [{"path": ""}], "with read (relation": []}
    with peer(path, says(http(answer))) as listening:
        reply = json.loads(entry.check_filter(plpy, 7, body["condition"]))
    assert json.loads(listening.requests[0].partition(b"\r\n\r\n")[2]) == body
    if answer["error"]:
        assert reply["error"]["sqlstate"] == answer["error"]["sqlstate"]
    else:
        assert reply["ok"] == {"parts": answer["parts"], "columns": answer["columns"]}


def test_generate_candidates(path: Path) -> None:
    """What two of four samples agree on wins over the likelier single one."""
    plans: Plans = {f"SELECT count({what}) FROM orders": 3.0 for what in ("*", "order_id", "1")}
    reply, script = ask(path, "generate_candidates", plans, candidates=4)
    script.check()
    assert reply["ok"]["sql"] == "SELECT count(*) FROM orders"
    assert len(reply["ok"]["candidates"]) == 4


def test_generate_repair(path: Path) -> None:
    plans: Plans = {sql_of("generate_repair", 0): NO_COLUMN, sql_of("generate_repair", 1): 1.0}
    reply, script = ask(path, "generate_repair", plans)
    script.check()
    assert reply["ok"]["sql"] == sql_of("generate_repair", 1)
    errors = [candidate["error"] for candidate in reply["ok"]["candidates"]]
    assert errors[0] == {"sqlstate": "42703", "message": 'column "nickname" does not exist'}
    assert errors[1:] == [None] * 4, "a repair asks for several candidates at once"


def test_generate_refusals(path: Path) -> None:
    reply, script = ask(path, "generate_refusals", candidates=6)
    script.check()
    assert reply["error"]["sqlstate"] == "NL409", "no table has a word of the question"


@pytest.mark.parametrize("name", ["error_NL301", "error_NL106", "error_NL007"])
def test_error(path: Path, name: str) -> None:
    """The sidecar's four fields reach the user as they are."""
    reply, script = ask(path, name)
    assert len(script.sent) == 1
    assert reply["error"] == exchanges(name)[0]["response"]["body"]["error"]


def asking(path: Path) -> Any:
    """What `gloss` needs of the context of a question."""
    client = Client(Endpoint(str(path), str(os.geteuid()), 100_000), lambda: None)
    return SimpleNamespace(client=client, deadline=time.monotonic() + 5)


@pytest.mark.parametrize("exchange", [0, 1])
def test_gloss(path: Path, exchange: int) -> None:
    """Where the question's words stand, and what they mean."""
    pair = exchanges("gloss")[exchange]
    with peer(path, says(http(pair["response"]["body"]))):
        question = pair["request"]["body"]["question"]
        found = gloss(asking(path), question)
    assert [{"start": w.start, "end": w.end, "meanings": list(w.meanings)} for w in found] == pair["response"]["body"][
        "words"
    ]
    assert [question[word.start : word.end] for word in found] == [["法国", "歌手"], []][exchange]


@pytest.mark.parametrize(
    "words",
    [None, "法国", [1], [{}], [{"start": 0, "end": 99, "meanings": []}], [{"start": 0, "end": 1, "meanings": [1]}]],
)
def test_gloss_nonsense(path: Path, words: Any) -> None:
    with peer(path, says(http({"protocol": 1, "words": words}))), pytest.raises(Refusal) as caught:
        gloss(asking(path), "法国")
    assert caught.value.sqlstate == "NL005"


def test_embed(path: Path) -> None:
    script = Script("embed")
    texts = exchanges("embed")[0]["request"]["body"]["texts"]
    entries = [{"relid": 7, "attnum": n, "document": text} for n, text in enumerate(texts)]
    plpy = session(path)
    pending = iter([entries, []])
    plpy.answers["nl2sql._index_pending("] = entries
    execute = plpy.execute

    def first_all_then_none(query: str, values: list[Any]) -> Rows:
        return next(pending) if "_index_pending(" in query else execute(query, values)

    plpy.execute = first_all_then_none  # type: ignore[method-assign]
    with peer(path, script):
        assert json.loads(entry.refresh_index(plpy)) == {"ok": 1}
    script.check()
    stored = [values for query, values in plpy.executed if "_index_store(" in query]
    embeddings = [row["embedding"] for row in json.loads(stored[0][0])]
    assert embeddings == exchanges("embed")[0]["response"]["body"]["embeddings"]
    assert stored[0][1] == "letters"


@pytest.mark.parametrize("name", ["ready", "ready_loading", "ready_dead"])
def test_status(path: Path, name: str) -> None:
    script = Script("version", name)
    with peer(path, script):
        rows = json.loads(entry.status(session(path), CALLER))["ok"]
    script.check()
    found = {row["component"]: row for row in rows}
    assert list(found) == ["extension", "server", "sidecar", "engine", "model", "embedder", "index", "self-test"]
    for part in exchanges(name)[0]["response"]["body"]["components"]:
        assert found[part["component"]] == part
    assert found["index"]["state"] == "fresh"
