"""Planning, repair, and what is kept of each try; on a session that answers by script, over a real socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from nl2sql_pg import entry

from tests.contract.test_extension_side import CALLER, session
from tests.support.answering_peer import request_path
from tests.support.contract import exchanges
from tests.support.peer import answer_to, http, peer, says
from tests.support.plpy import FakePlpy, Plans, SPIError

BODY = exchanges("generate_ok")[0]["request"]["body"]


@pytest.fixture
def path() -> Iterator[Path]:
    with TemporaryDirectory(prefix="nl2sql-p-") as folder:
        yield Path(folder) / "s.sock"


def ask(
    path: Path, plans: dict[str, float | SPIError], *statements: str, **changes: Any
) -> tuple[dict[str, Any], list[Any]]:
    plpy = session(path, BODY, plans)
    for part, rows in changes.items():
        plpy.answers[part] = rows
    with peer(path, lambda c, r: c.sendall(answer_to(r, *statements))) as listening:
        reply = json.loads(entry.ask(plpy, "how many", '{"candidates": 1}', CALLER))
    return reply, [json.loads(request.partition(b"\r\n\r\n")[2]) for request in listening.requests]


def test_next_candidate_where_the_planner_refuses(path: Path) -> None:
    plans: Plans = {"select a": SPIError("42703", "no a"), "select b": 2.0}
    reply, sent = ask(path, plans, "select a", "select b")
    assert reply["ok"]["sql"] == "select b"
    assert len(sent) == 1


def test_one_round_of_repair(path: Path) -> None:
    plans: dict[str, float | SPIError] = {"select a": SPIError("42P01", "no a" + "x" * 50_000, "look")}
    reply, sent = ask(path, plans, "select a")
    assert reply["error"]["sqlstate"] == "NL406"
    assert "42P01" in reply["error"]["detail"]
    assert [request["repair"] is None for request in sent] == [True, False]
    assert sent[1]["repair"]["sql"] == "select a"
    assert sent[1]["repair"]["hint"] == "look"
    assert len(sent[1]["repair"]["message"]) <= 4000  # what the protocol takes


@pytest.mark.parametrize(
    ("rounds", "answer", "wanted"),
    [
        (["a"], "select a", [1]),  # sure at once
        (["?a", "aaaa"], "select a", [1, 4]),
        (["?a", "bbbb"], "select b", [1, 4]),
        (["?a", "bbcd", "bbce"], "select b", [1, 4, 4]),  # divided until the end
        (["?a", "abcd", "bbbb"], "select b", [1, 4, 4]),
        (["?x", "xxxx", "aaaa"], "select a", [1, 4, 4]),  # none usable: a round of repair instead of more
    ],
)
def test_more_proposals_until_they_agree(path: Path, rounds: list[str], answer: str, wanted: list[int]) -> None:
    """A letter is a statement, in a round that the engine is not sure of where it begins with a question mark."""
    plans: Plans = {f"select {letter}": 1.0 for letter in "abcde"}
    plans["select x"] = SPIError("42703", "no x")
    left = iter(rounds)

    def reply_to(connection: socket.socket, request: bytes) -> None:
        letters = next(left)
        statements = [f"select {letter}" for letter in letters.lstrip("?")]
        connection.sendall(answer_to(request, *statements, logprob=-0.01 if letters == "a" else -0.3))

    with peer(path, reply_to) as listening:
        reply = json.loads(entry.ask(session(path, BODY, plans), "how many", None, CALLER))
    sent = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in listening.requests]
    assert reply["ok"]["sql"] == answer
    assert [request["candidates"] for request in sent] == wanted
    assert [request["repair"] is not None for request in sent] == [False, False, "x" in rounds[-2:][0]][: len(sent)]


@pytest.mark.parametrize(
    ("allowed", "length", "longest"), [(400, 200, 200), (400, 30, 96), (400, 900, 400), (50, 30, 50)]
)
def test_a_sample_may_not_go_on_much_longer_than_the_first(path: Path, allowed: int, length: int, longest: int) -> None:
    first = "select ".ljust(length, "a")
    options = json.dumps({"max_tokens": allowed})
    with peer(path, lambda c, r: c.sendall(answer_to(r, first, logprob=-0.3))) as listening:
        json.loads(entry.ask(session(path, BODY, {first: 1.0}), "how many", options, CALLER))
    sent = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in listening.requests]
    assert [request["max_tokens"] for request in sent] == [allowed, longest]


def test_proposals_so_far_stand_where_more_fail(path: Path) -> None:
    def reply_to(connection: socket.socket, request: bytes) -> None:
        first = json.loads(request.partition(b"\r\n\r\n")[2])["candidates"] == 1
        connection.sendall(answer_to(request, "select a", logprob=-0.3) if first else http({"nonsense": 1}))

    with peer(path, reply_to):
        reply = json.loads(entry.ask(session(path, BODY, {"select a": 1.0}), "how many", None, CALLER))
    assert reply["ok"]["sql"] == "select a"
    assert reply["ok"]["warnings"][0].endswith("the proposals so far stand alone")


def divided(path: Path, told: bytes, question: str = "有多少") -> dict[str, Any]:
    """The answer where two of four samples agree, and the sidecar's on what the statements say."""

    def reply_to(connection: socket.socket, request: bytes) -> None:
        replies = {"/v1/retell": told, "/v1/gloss": http({"protocol": 1, "words": []})}
        reply = replies.get(request_path(request))
        connection.sendall(reply or answer_to(request, "select a", "select b", "select b", "select c"))

    plans: Plans = {f"select {letter}": 1.0 for letter in "abc"}
    with peer(path, reply_to):
        found: dict[str, Any] = json.loads(entry.ask(session(path, BODY, plans), question, '{"candidates": 4}', CALLER))
    return found


def test_what_tells_the_question_back_wins(path: Path) -> None:
    told = http({"protocol": 1, "likelihoods": [-3.0, -1.0, -2.9]})  # of b, a, c
    assert divided(path, told)["ok"]["sql"] == "select a"
    told = http({"protocol": 1, "likelihoods": [-1.1, -1.0, None]})
    assert divided(path, told)["ok"]["sql"] == "select b"


def test_an_english_question_is_not_told_back(path: Path) -> None:
    told = http({"protocol": 1, "likelihoods": [-3.0, -1.0, -2.9]})
    assert divided(path, told, "how many")["ok"]["sql"] == "select b"


@pytest.mark.parametrize("likelihoods", [None, [], [-1.0, -1.0], [-1.0, "high", -1.0], [-1.0, 1e300, -1.0], "abc"])
def test_votes_decide_where_nothing_can_be_told_back(path: Path, likelihoods: Any) -> None:
    reply = divided(path, http({"protocol": 1, "likelihoods": likelihoods}))
    assert reply["ok"]["sql"] == "select b"
    assert reply["ok"]["warnings"][0].endswith("compared by their votes alone")


def test_words_that_may_quote_data_stay_here(path: Path) -> None:
    """The planner runs functions: its words are for the caller. What is forbidden is named to nobody."""
    planning = SPIError("22P02", 'invalid input syntax: "4111 1111"', "look", planning=True)
    reply, sent = ask(path, {"select a": planning}, "select a")
    assert "4111" in reply["error"]["detail"]
    assert sent[1]["repair"] | {"sql": ""} == {
        "sql": "",
        "sqlstate": "22P02",
        "message": "the server could not plan it",
        "hint": "",
    }
    forbidden: Plans = {"select a": SPIError("42501", "permission denied for table b", planning=True)}
    reply, sent = ask(path, forbidden, "select a")
    assert sent[1]["repair"]["message"] == "the server could not plan it"
    assert "table b" not in json.dumps(reply)


def test_hint_names_no_column_that_is_hidden(path: Path) -> None:
    column = BODY["scope"]["tables"][0]["columns"][0]["name"]
    for named, kept in ((column, True), ("salary_secret", False)):
        hint = f'Perhaps you meant to reference the column "o.{named}".'
        _, sent = ask(path, {"select a": SPIError("42703", "no a", hint)}, "select a")
        assert sent[1]["repair"]["hint"] == (hint if kept else "")


@pytest.mark.parametrize("sqlstate", ["57014", "57P01", "40001", "25P03"])
def test_cancel_while_planning_ends_the_question(path: Path, sqlstate: str) -> None:
    """It is no error of the candidate: nothing is repaired, and the code is the server's own."""
    reply, sent = ask(path, {"select a": SPIError(sqlstate, "canceling statement")}, "select a")
    assert {**reply["error"], "sqlstate": sqlstate, "message": "canceling statement"} == reply["error"]
    assert ("Ask again" in reply["error"].get("hint", "")) == (sqlstate == "40001")
    assert len(sent) == 1


def test_cancel_while_waiting(path: Path) -> None:
    plpy = session(path, BODY)
    plpy.answers["select 1"] = SPIError("57014", "canceling statement due to user request")  # type: ignore[assignment]
    with peer(path, lambda c, r: None):
        assert json.loads(entry.ask(plpy, "how many", None, CALLER))["error"]["sqlstate"] == "57014"


def test_answer_without_a_candidate(path: Path) -> None:
    reply, _ = ask(path, {})
    assert reply["error"]["sqlstate"] == "NL005"


GOOD: dict[str, Any] = {
    "raw": "x",
    "sql": "x",
    "tables": [],
    "logprob": -0.1,
    "tokens": 1,
    "error": None,
    "repairs": [],
}


@pytest.mark.parametrize(
    "change",
    [
        {"sql": None},
        {"error": {"sqlstate": "NL401", "message": "m", "detail": "d", "hint": "h"}},
        {"sql": 7},
        {"raw": None},
        {"tables": None},
        {"logprob": "high"},
        {"logprob": "nan"},
        {"logprob": 10**400},
        {"logprob": 1e300},
        {"logprob": True},
        {"sql": None, "error": {"sqlstate": "NL401"}},
        {"sql": None, "error": "no"},
    ],
)
def test_candidate_that_is_none(path: Path, change: dict[str, Any]) -> None:
    reply = {"protocol": 1, "model": "m", "timings_ms": {}, "warnings": [], "candidates": [GOOD | change]}
    with peer(path, says(http(reply))):
        found = json.loads(entry.ask(session(path, BODY), "how many", None, CALLER))
    assert found["error"]["sqlstate"] == "NL005"


def test_bug_is_told_without_a_trace(path: Path) -> None:
    plpy = session(path, BODY)
    plpy.answers["nl2sql._describe("] = [{"x": "not json"}]
    error = json.loads(entry.ask(plpy, "how many", None, CALLER))["error"]
    assert error["sqlstate"] == "NL501"
    assert "Traceback" not in json.dumps(error)
    assert "Traceback" in plpy.logged[0]


@pytest.mark.parametrize(
    ("options", "sqlstate"), [('{"scope": "x"}', "NL105"), ("[]", "NL105"), ('{"timeout": "0"}', "NL105")]
)
def test_options(path: Path, options: str, sqlstate: str) -> None:
    assert json.loads(entry.ask(session(path, BODY), "how many", options, CALLER))["error"]["sqlstate"] == sqlstate


@pytest.mark.parametrize("question", [None, "", "a\x00"])
def test_bad_question_reaches_nobody(path: Path, question: str | None) -> None:
    with peer(path, says(b"")) as listening:
        reply = json.loads(entry.ask(session(path, BODY), question, None, CALLER))
    assert reply["error"]["sqlstate"].startswith("NL10")
    assert not listening.requests


def test_preferences(path: Path) -> None:
    """What a user SET and what protects: the smaller timeout counts, a wrong scope is said."""
    plpy = session(path, BODY)
    facts = json.loads(plpy.answers["nl2sql._settings()"][0]["x"])
    mine = facts["preferences"] | {"timeout": "5000"}
    plpy.answers["nl2sql._settings()"] = [{"x": json.dumps(facts | {"preferences": mine})}]
    with peer(path, lambda c, r: c.sendall(answer_to(r, "select 1 from t"))) as listening:
        entry.ask(plpy, "how many", None, CALLER)
    body = json.loads(listening.requests[0].partition(b"\r\n\r\n")[2])
    assert 4000 < body["deadline_ms"] <= 5000
    mine = facts["preferences"] | {"scope": "universe"}
    plpy.answers["nl2sql._settings()"] = [{"x": json.dumps(facts | {"preferences": mine})}]
    error = json.loads(entry.ask(plpy, "how many", None, CALLER))["error"]
    assert error["sqlstate"] == "NL105"
    assert "universe" in error["message"]


def test_status_of_what_is_down(path: Path) -> None:
    rows = {row["component"]: row for row in json.loads(entry.status(session(path), CALLER))["ok"]}
    assert rows["sidecar"]["state"] == "unreachable"
    assert "NL001" in rows["sidecar"]["detail"]
    assert rows["engine"]["state"] == rows["model"]["state"] == rows["embedder"]["state"] == "unknown"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "fresh"),
        ({"indexed": 0, "embedded": 0}, "empty"),
        ({"queued": 2}, "behind"),
        ({"indexed": 2}, "behind"),
        ({"relations": 0, "indexed": 0}, "fresh"),
    ],
)
def test_status_of_the_index(path: Path, change: dict[str, int], state: str) -> None:
    plpy: FakePlpy = session(path)
    plpy.answers["nl2sql._index_state()"][0] |= change
    rows = {row["component"]: row for row in json.loads(entry.status(plpy, CALLER))["ok"]}
    assert rows["index"]["state"] == state


def test_status_of_another_version(path: Path) -> None:
    plpy = session(path)
    plpy.answers["pg_extension"] = [{"x": "0.0.9"}]
    rows = {row["component"]: row for row in json.loads(entry.status(plpy, CALLER))["ok"]}
    assert (rows["extension"]["state"], rows["extension"]["action"]) == ("outdated", "ALTER EXTENSION nl2sql UPDATE;")
