"""What counts as a question, and which options a caller may give."""

from __future__ import annotations

from typing import Any

import pytest
from nl2sql_pg.errors import Refusal
from nl2sql_pg.question import Options, clean_question, read_options


def code(question: str | None, longest: int = 100) -> str:
    with pytest.raises(Refusal) as caught:
        clean_question(question, longest)
    assert caught.value.detail.endswith(".")
    assert caught.value.hint.endswith(".")
    return caught.value.sqlstate


@pytest.mark.parametrize(
    ("question", "sqlstate"),
    [
        (None, "NL101"),
        ("", "NL102"),
        (" \t\r\n\u3000\u00a0", "NL102"),
        ("\u200b\u202e\ufeff", "NL102"),
        ("x" * 101, "NL103"),
        ("a\x00b", "NL104"),
        ("a\x1bb", "NL104"),
        ("a\x85b", "NL104"),
        ("a\x7fb", "NL104"),
    ],
)
def test_no_question(question: str | None, sqlstate: str) -> None:
    assert code(question) == sqlstate


@pytest.mark.parametrize(
    ("question", "cleaned"),
    [
        ("how many", "how many"),
        ("  how\n many\t? ", "how many ?"),
        ("有多少订单？", "有多少订单？"),
        ("كم عدد الطلبات؟", "كم عدد الطلبات؟"),
        ("🎉 a\u202eb", "🎉 ab"),
        ("x" * 100, "x" * 100),
        ("it's 100 %; drop table x --", "it's 100 %; drop table x --"),
    ],
)
def test_question(question: str, cleaned: str) -> None:
    assert clean_question(question, 100) == cleaned


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (None, Options()),
        ({}, Options()),
        ({"candidates": 16, "max_tokens": 16}, Options(candidates=16, max_tokens=16)),
        ({"candidates": None}, Options()),
        ({"scope": "database", "timeout": "5s"}, Options(scope="database", timeout="5s")),
    ],
)
def test_options(given: Any, options: Options) -> None:
    assert read_options(given) == options


@pytest.mark.parametrize(
    "given",
    [
        [],
        "x",
        1,
        {"candidate": 1},
        {"candidates": 0},
        {"candidates": 17},
        {"candidates": 1.0},
        {"candidates": True},
        {"candidates": "1"},
        {"max_tokens": 15},
        {"max_tokens": 4097},
        {"scope": "all"},
        {"scope": ["database"]},
        {"timeout": 5},
    ],
)
def test_no_options(given: Any) -> None:
    with pytest.raises(Refusal) as caught:
        read_options(given)
    assert caught.value.sqlstate == "NL105"
