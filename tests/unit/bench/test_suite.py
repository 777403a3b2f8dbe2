"""A folder's questions, the slice that is asked, and the arms that are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.accuracy.arms import ARMS, own_arm, read_arms
from bench.accuracy.command import read_arguments
from bench.accuracy.suite import OrderKeys, choose, read_suite
from tools.errors import ToolError

FULL = {
    "id": "a1", "db": "shop", "question": "how many", "question_zh": "多少", "gold_pg": "select 1", "ordered": True,
    "search_path": "shop, extra", "order_keys": {"sql": "select 1, 2", "n": 1}, "weak": False, "limit_tie": None,
}  # fmt: skip


def folder(tmp_path: Path, *entries: dict[str, Any], name: str = "questions.jsonl") -> Path:
    made = tmp_path / "suites" / "dev"
    (made / "dumps").mkdir(parents=True)
    (made / name).write_text("\n".join(map(json.dumps, entries)) + "\n\n")
    return made


def test_a_whole_question(tmp_path: Path) -> None:
    suite = read_suite(folder(tmp_path, FULL), "zh")
    question = suite.questions[0]
    assert suite.name == "suites-dev"
    assert (question.text, question.search_path) == ("多少", ("shop", "extra"))
    assert question.order_keys == OrderKeys("select 1, 2", 1)
    assert question.limit_tie and not question.strict


def test_training_questions_without_a_gold_are_left_out(tmp_path: Path) -> None:
    without = {**FULL, "id": "a2", "gold_pg": None, "limit_tie": False}
    suite = read_suite(folder(tmp_path, without, {**FULL, "limit_tie": False}, name="train.jsonl"), "en")
    assert [question.id for question in suite.questions] == ["a1"]
    assert suite.questions[0].strict


def test_what_can_not_be_asked_or_judged(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no question_syn"):
        read_suite(folder(tmp_path / "1", FULL), "syn")
    with pytest.raises(ToolError, match="rule"):
        read_suite(folder(tmp_path / "2", {**FULL, "rule": "defog"}), "en")
    with pytest.raises(ToolError, match=r"questions\.jsonl or train\.jsonl"):
        read_suite(tmp_path, "en")


def test_slices(tmp_path: Path) -> None:
    entries = [{**FULL, "id": f"a{i}", "db": "even" if i % 2 == 0 else "odd"} for i in range(9)]
    questions = read_suite(folder(tmp_path, *entries), "en").questions
    assert [q.id for q in choose(questions, every=3)] == ["a0", "a3", "a6"]
    assert [q.id for q in choose(questions, ["odd"], limit=2)] == ["a1", "a3"]
    with pytest.raises(ToolError, match="none"):
        choose(questions, ["none"])


def test_the_plain_arm_is_always_there() -> None:
    assert [arm.name for arm in read_arms("all, +repair,all")] == ["plain", "all", "+repair"]
    with pytest.raises(ToolError, match="no arm nonsense"):
        read_arms("nonsense")


def test_arms_differ_from_plain_by_what_they_are_named_for() -> None:
    plain = ARMS["plain"]
    for name, arm in ARMS.items():
        if name.startswith("+") and name != "+rounds":
            changed = {key for key in plain.preferences if arm.preferences[key] != plain.preferences[key]}
            assert changed == {name[1:]}
            assert arm.protected == plain.protected
    assert ARMS["+rounds"].preferences == plain.preferences and not ARMS["+rounds"].protected


def test_an_own_arm() -> None:
    arm = own_arm("few:samples=4;repair_rounds=2")
    assert arm.preferences == {**ARMS["all"].preferences, "samples": "4"}
    assert arm.protected == {"repair_rounds": "2"}
    for text in ("all:samples=4", "few", "few:samples="):
        with pytest.raises(ToolError):
            own_arm(text)


@pytest.mark.parametrize("given", [[], ["x", "--dsn", "dbname=x"], ["x", "--every", "0"], ["x", "--limit", "0"]])
def test_arguments_that_make_no_sense(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments("", given)
    assert "error:" in capsys.readouterr().err
