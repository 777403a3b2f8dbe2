"""What of a request reaches which room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sidecar.api.schemas import ScopeBody
from sidecar.api.serving import check_statement
from sidecar.engine.base import Sample
from sidecar.guard.grammar import written
from tests.support.contract import exchanges
from tests.support.shop import shop_body
from tests.support.sidecar import sidecar

SCOPE_WITHOUT_DATES = {
    "search_path": ["shop"],
    "tables": [table for table in shop_body()["tables"] if table["name"] == "regions"],
}
USERS = {
    **{"schema": "app", "name": "user", "kind": "table", "comment": None, "primary_key": [], "foreign_keys": []},
    "columns": [{"name": "userId", "type": "integer", "not_null": True, "comment": None, "values": []}],
}
COUNTED = "SELECT region_name, count(*) FROM regions GROUP BY region_name"


@pytest.mark.parametrize(
    ("question", "joined"),
    [("how many orders has each region?", "orders"), ("每个地区有多少客户？", "customers"), ("每个地区有多少？", "")],
)
def test_repair_knows_what_the_question_names_in_both_languages(question: str, joined: str) -> None:
    body = exchanges("generate_mended")[0]["request"]["body"] | {"question": question, "values": []}
    with sidecar() as service:
        service.engine.samples = [Sample(COUNTED, logprob=-0.1, tokens=9, finish_reason="stop")]
        (candidate,) = service.http.post("/v1/generate", json=body).json()["candidates"]
    assert candidate["sql"].startswith("SELECT region_name, count(*) FROM regions")
    assert (f"JOIN {joined} " in candidate["sql"]) if joined else candidate["repairs"] == []


def test_a_candidate_comes_with_what_it_has_of_the_question() -> None:
    body = exchanges("generate_mended")[0]["request"]["body"] | {"question": "how many customers?", "candidates": 3}
    with sidecar() as service:
        service.engine.samples = [
            Sample(sql, logprob=-0.1, tokens=9, finish_reason="stop")
            for sql in ("SELECT count(*) FROM customers", "SELECT count(*) FROM orders", "no statement")
        ]
        found = service.http.post("/v1/generate", json=body).json()["candidates"]
    assert [one["linking"] for one in found] == [
        {"missed": 0, "unasked": 0, "unread": 0.0},
        {"missed": 1, "unasked": 1, "unread": 1.0},
        None,
    ]


def test_names_of_a_proposal_get_their_quotes_and_those_of_a_user_do_not() -> None:
    scope = {"search_path": ["app"], "tables": [USERS]}
    answer, _ = ask("SELECT COUNT(*) FROM user", "SELECT 1 AS one", question="how many users are there", scope=scope)
    counted, other = answer["candidates"]
    assert counted["raw"] == "SELECT COUNT(*) FROM user"
    assert counted["sql"] == 'SELECT count(*) FROM "user"' and counted["tables"] == ["app.user"]
    assert counted["refined"] == ['written as the schema has it: "user"'] and other["refined"] == []
    assert counted["repairs"] == other["repairs"] == []
    checked = asyncio.run(check_statement("SELECT COUNT(*) FROM user", ScopeBody.model_validate(scope).typed()))
    assert checked.error and checked.error.sqlstate == "NL405"


BOUNDS = (
    "order_date >= DATE_TRUNC('quarter', CURRENT_DATE) - INTERVAL '3 MONTHS' "
    "AND order_date < DATE_TRUNC('quarter', CURRENT_DATE)"
)


def ask(*statements: str, **changes: object) -> tuple[dict[str, Any], list[str]]:
    """The answer where the engine says these statements, and the questions as it was asked them."""
    body = exchanges("generate_mended")[0]["request"]["body"] | {"values": [], "candidates": len(statements)}
    with sidecar() as service:
        service.engine.samples = [Sample(sql, logprob=-0.1, tokens=9, finish_reason="stop") for sql in statements]
        answer = service.http.post("/v1/generate", json=body | {"question": "how many orders last quarter"} | changes)
        asked = [messages[1].content.rpartition("Question: ")[2] for messages, _ in service.engine.requests]
    return answer.json(), asked


def test_the_model_is_not_told_of_a_period_which_its_statement_gets() -> None:
    answer, asked = ask("SELECT count(*) FROM orders")
    (candidate,) = answer["candidates"]
    assert asked == ["how many orders"]
    assert candidate["raw"] == "SELECT count(*) FROM orders"
    assert candidate["sql"] == written(f"SELECT COUNT(*) FROM orders WHERE {BOUNDS}")
    assert candidate["period"] == BOUNDS and candidate["repairs"] == []
    assert answer["usage"]["prompt_tokens"] == 100


def test_it_is_told_where_no_statement_says_which_date_is_meant() -> None:
    answer, asked = ask("SELECT count(*) FROM regions")
    (candidate,) = answer["candidates"]
    assert asked == ["how many orders", "how many orders last quarter"]
    assert candidate["sql"] == "SELECT count(*) FROM regions" and candidate["period"] is None
    assert answer["usage"]["prompt_tokens"] == 200


def test_of_several_those_without_the_period_are_dropped() -> None:
    answer, asked = ask("SELECT count(*) FROM regions", "SELECT count(*) FROM orders")
    without, with_period = answer["candidates"]
    assert asked == ["how many orders"]
    assert without["sql"] is None and without["error"]["sqlstate"] == "NL410"
    assert with_period["error"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"mend": False},
        {"repair": {"sql": "SELECT x", "sqlstate": "42703", "message": "no x", "hint": ""}},
        {"question": "how many regions last quarter", "scope": SCOPE_WITHOUT_DATES},
    ],
)
def test_it_is_told_where_nothing_would_put_it_in(changes: dict[str, Any]) -> None:
    _, asked = ask("SELECT count(*) FROM regions", **changes)
    assert asked == [changes.get("question", "how many orders last quarter")]
