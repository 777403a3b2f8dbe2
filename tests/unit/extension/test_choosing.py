"""Which proposal is taken, when no more are asked for, and how sure it is."""

from __future__ import annotations

from typing import Any

from nl2sql_pg.attempts import Attempt
from nl2sql_pg.choosing import SURE, choose, is_settled, rivals


def attempt(sql: str | None, logprob: float | None = -0.05, **changes: Any) -> Attempt:
    failed = {"sqlstate": "NL401", "message": "no"}
    made = Attempt(sql or "raw", sql, [], logprob, None if sql else failed, cost=1.0 if sql else None)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def chosen(*attempts: Attempt) -> str | None:
    choice = choose(list(attempts))
    return choice and choice.attempt.sql


def test_what_most_agree_on_wins() -> None:
    assert chosen(attempt("a", -0.01), attempt("b", -0.09), attempt("b", -0.08)) == "b"
    assert chosen(attempt("a", -0.5), attempt("b", -0.1)) == "b"
    assert chosen(attempt("a", None), attempt("b", -5.0)) == "a"


def test_equal_rows_agree_whatever_the_words() -> None:
    same = {"rows": "1234"}
    assert chosen(attempt("a", -0.01, rows="99"), attempt("b", -0.2, **same), attempt("c", -0.1, **same)) == "c"


def test_the_question_told_back_weighs_votes() -> None:
    likely, unlikely = {"retold": -1.0}, {"retold": -2.0}
    assert chosen(attempt("a", **likely), attempt("b", **unlikely), attempt("b", **unlikely)) == "a"
    assert chosen(attempt("a", retold=-1.1), attempt("b", retold=-1.0), attempt("b", retold=-1.0)) == "b"
    assert chosen(attempt("a", **likely), attempt("b"), attempt("b")) == "a", (
        "what was not told back counts as unlikely"
    )


def test_what_leaves_out_or_adds_to_the_question_counts_for_less() -> None:
    assert chosen(attempt("a", -0.01, missed=1), attempt("b", -0.1)) == "b"
    assert chosen(attempt("a", -0.01, unasked=1), attempt("b", -0.1)) == "b"
    assert chosen(attempt("a", -0.01, missed=1), attempt("a", -0.01, missed=1), attempt("b", -0.5)) == "a"
    assert chosen(attempt("a", -0.01, missed=1000), attempt("b", -0.01, missed=999)) == "a", "and no more than so much"


def test_rivals_are_groups_with_most_votes_first() -> None:
    found = rivals([attempt("a", -0.1), attempt("b", -0.3), attempt(None), attempt("b", -0.2, rows=None)])
    assert [[one.logprob for one in group] for group in found] == [[-0.2, -0.3], [-0.1]]


def test_what_failed_or_was_not_planned_has_no_vote() -> None:
    assert chosen(attempt(None), attempt(None), attempt("a")) == "a"
    assert chosen(attempt("a", cost=None), attempt("b", -9.0)) == "b"
    assert chosen(attempt("a", error={"sqlstate": "22012"}), attempt("b", -9.0)) == "b"
    assert chosen(attempt(None)) is None


def test_mended_and_empty_count_for_less() -> None:
    assert chosen(attempt("a", -0.01, repairs=["x is y.x"]), attempt("b", -0.1)) == "b"
    assert chosen(attempt("a", -0.01, rows="1", empty=True), attempt("b", -0.3, rows="2")) == "b"
    assert chosen(attempt("a", -0.01, rows="1", empty=True)) == "a"


def test_one_sure_answer_is_enough() -> None:
    assert is_settled([attempt("a", -0.02)])
    assert not is_settled([attempt("a", -0.9)])
    assert not is_settled([attempt("a", -0.02, repairs=["x is y.x"])])
    assert not is_settled([attempt("a", -0.02, empty=True)])
    assert not is_settled([attempt(None)])


def confidence(*attempts: Attempt) -> float:
    choice = choose(list(attempts))
    assert choice
    return choice.confidence


def test_confidence_follows_what_speaks_for_an_answer() -> None:
    sure, unsure = attempt("a", -0.02, greedy=True), attempt("a", -0.4, greedy=True)
    assert 0 < confidence(unsure) < confidence(sure) < 1
    assert confidence(attempt("a", -0.02, greedy=True, empty=True)) < confidence(sure)
    assert confidence(attempt("a", -0.02, greedy=True, repairs=["x"])) < confidence(sure)
    just_enough, not_quite = (attempt("a", SURE + by, greedy=True) for by in (0.001, -0.001))
    assert confidence(just_enough) - confidence(not_quite) > 0.05, "a lone answer that was not enough is none that was"
    chinese = choose([sure], "多少")
    assert chinese and chinese.confidence < confidence(sure)
    agreed = [unsure, attempt("a"), attempt("a"), attempt("a")]
    alone = [unsure, attempt("b"), attempt("c"), attempt("d")]
    assert confidence(*alone) < confidence(*agreed)
