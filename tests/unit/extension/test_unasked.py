"""What is no question for data is told before any model is asked; questions that look like it are none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nl2sql_pg.errors import Refusal
from nl2sql_pg.unasked import no_question, read

from tests.support.shop import shop_body, statements

MESSAGES = Path(__file__).with_name("messages")
TOLD = {"tables": shop_body()["tables"]}


def refusal(message: str, told: dict[str, Any], meanings: list[str] | None = None) -> Refusal | None:
    return no_question(read(message, told, meanings or []), told.get("tables", []))


def code(message: str, told: dict[str, Any] | None = None, meanings: list[str] | None = None) -> str | None:
    refused = refusal(message, TOLD if told is None else told, meanings)
    return refused and refused.sqlstate


def wrong(name: str, *wanted: str | None) -> list[tuple[str | None, str]]:
    found = [(code(message), message) for message in statements(MESSAGES / f"{name}.txt")]
    assert len(found) >= 20
    return [pair for pair in found if pair[0] not in wanted]


def test_small_talk() -> None:
    assert wrong("talk", "NL109", "NL409", "NL112") == []


def test_requests_to_write() -> None:
    assert wrong("writes", "NL110") == []


def test_pasted_statements() -> None:
    assert wrong("statements", "NL111") == []


def test_follow_ups() -> None:
    # "are you sure?" is also small talk
    assert wrong("follow_ups", "NL112", "NL109") == []


def test_questions_pass() -> None:
    assert wrong("questions", None) == []


@pytest.mark.parametrize("name", ["talk", "writes", "statements", "follow_ups"])
def test_each_refusal_helps(name: str) -> None:
    for message in statements(MESSAGES / f"{name}.txt"):
        refused = refusal(message, TOLD)
        assert refused
        assert "not asked" in refused.detail
        assert "nl2sql.run" in refused.hint or "addresses" in refused.hint, "names a table of the caller"


def test_examples_are_in_the_language_asked_in() -> None:
    refused = refusal("你好", TOLD)
    assert refused
    assert "addresses 有多少条？" in refused.hint
    assert refusal("hello", {}) is not None, "without a table there is still a refusal"


def table(name: str, *columns: str) -> dict[str, Any]:
    described = [{"name": column, "type": "text", "comment": None, "values": [], "samples": []} for column in columns]
    return {"name": name, "comment": None, "primary_key": [], "foreign_keys": [], "columns": described}


@pytest.mark.parametrize(
    ("message", "tables"),
    [
        ("delete flag per customer", [table("customer", "delete_flag")]),
        ("delete requests by day", [table("delete_requests", "day")]),
        ("set names by year", [table("set", "name", "year")]),
        ("will it rain tomorrow?", [table("forecast", "day", "rain_mm")]),
        ("tests", [table("tests", "result")]),
        ("How many friends do you have?", [table("friend", "name")]),
        ("Which poem is the longest?", [table("poem", "title", "length")]),
        ("那些没有订单的客户是谁？", [table("客户", "姓名")]),
    ],
)
def test_what_the_tables_have_is_asked_about(message: str, tables: list[dict[str, Any]]) -> None:
    assert code(message, {"tables": tables}) is None


def test_chinese_words_count_by_what_they_mean() -> None:
    joke = "给我讲个笑话"
    assert code(joke) == "NL109"
    assert code(joke, {"tables": [table("jokes", "text")]}, ["joke"]) is None


def test_no_message_takes_long() -> None:
    """Patterns that look back and forth over a long text would show here."""
    for piece in ("select a, ", "grant a, ", "<a", "ignore ", "in ", "'", "那", "copy (", "drop table ", "a, "):
        code(piece * (4000 // len(piece)))
