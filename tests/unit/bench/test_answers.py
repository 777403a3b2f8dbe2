"""Stored answers: a run that was stopped goes on, older code's answers can be put aside."""

from __future__ import annotations

from pathlib import Path

from bench.accuracy.asking import Answer, Answers
from bench.accuracy.suite import Question


def question(number: int) -> Question:
    return Question(f"q{number}", "shop", "how many", "select 1", False, ("shop",))


def test_what_is_stored_is_not_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "answers" / "plain.jsonl"
    Answers(path).add(Answer("q1", 12.5, said={"sql": "select 1", "confidence": 0.5}, code="c"))
    again = Answers(path)
    assert [q.id for q in again.missing([question(1), question(2)])] == ["q2"]
    assert again.by_id["q1"].sql == "select 1"
    assert again.by_id["q1"].confidence == 0.5


def test_a_torn_line_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    stored = Answers(path)
    stored.add(Answer("q1", 1, code="c"))
    stored.add(Answer("q2", 1, code="c"))
    path.write_text(path.read_text()[:-20])
    again = Answers(path)
    assert list(again.by_id) == ["q1"]
    again.add(Answer("q2", 2, code="c"))
    assert [answer.milliseconds for answer in Answers(path).by_id.values()] == [1, 2]


def test_older_answers_are_put_aside_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    stored = Answers(path)
    stored.add(Answer("q1", 1, code="old", settings="s"))
    stored.add(Answer("q2", 1, code="new", settings="other"))
    stored.add(Answer("q3", 1, code="new", settings="s"))
    assert stored.drop_older("new", "s") == 2
    assert list(Answers(path).by_id) == ["q3"]
    assert len(list(tmp_path.glob("plain.*.old"))) == 1
    assert stored.drop_older("new", "s") == 0


def test_trouble_on_the_way_is_no_answer() -> None:
    states = {"NL001": True, "NL302": True, "08006": True, "57P01": True, "NL406": False, "57014": False, "": False}
    assert {state: Answer("q", 1, error={"sqlstate": state}).passing for state in states} == states
