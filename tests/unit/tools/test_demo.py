"""The demo's questions and the way it shows rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tools.demo import MOST_ROWS_SHOWN, read_questions, shorten

QUESTIONS = Path(__file__).resolve().parents[3] / "sql" / "demo" / "questions.jsonl"


def test_five_english_and_three_chinese_questions() -> None:
    questions = read_questions(QUESTIONS)
    assert Counter(question.lang for question in questions) == {"en": 5, "zh": 3}
    assert len({question.id for question in questions}) == 8


def test_short_tables_are_shown_whole() -> None:
    table = "\n".join([" a ", "---", *[" 1"] * MOST_ROWS_SHOWN, f"({MOST_ROWS_SHOWN} rows)"])
    assert shorten(table + "\n\n") == table


def test_long_tables_keep_their_head_and_their_count() -> None:
    lines = shorten("\n".join([" a ", "---", *[" 1"] * 500, "(500 rows)"])).split("\n")
    assert len(lines) == MOST_ROWS_SHOWN + 4
    assert lines[0] == " a "
    assert lines[-2:] == [" …", "(500 rows)"]
