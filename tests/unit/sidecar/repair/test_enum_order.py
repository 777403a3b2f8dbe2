"""Grades of an enum type beside the question that speaks of them."""

from __future__ import annotations

import pytest

from sidecar.guard.scope import Column, Scope, Table
from sidecar.repair.repair import Repaired, repair

RISING = ("trivial", "Minor", "MAJOR", "very_high")
FALLING = ("critical", "high", "low")
COLUMNS = (Column("id", "integer"), Column("grade", "s.grade", values=RISING), Column("prio", "prio", values=FALLING))
LISTED = Column("state", "text", values=("low", "high"))
SCOPE = Scope(("s",), (Table("s", "bug", "table", (*COLUMNS, LISTED)),))


def where(condition: str, question: str) -> str:
    start = "SELECT id FROM bug WHERE "
    return repair(start + condition, SCOPE, (), question).sql.removeprefix(start)


@pytest.mark.parametrize(
    ("question", "condition", "expected"),
    [
        ("bugs of at least minor grade", "grade = 'Minor'", "grade >= 'Minor'"),
        ("bugs that are major or worse", "grade IN ('MAJOR', 'very_high')", "grade >= 'MAJOR'"),
        ("bugs of a grade of at most Minor", "grade = 'minor'", "grade <= 'Minor'"),
        ("bugs above minor", "grade = 'Minor'", "grade > 'Minor'"),
        ("bugs below very high", "grade = 'very_high'", "grade < 'very_high'"),
        ("grade 至少MAJOR的缺陷", "grade = 'MAJOR'", "grade >= 'MAJOR'"),
        ("minor以上的缺陷", "grade::text > 'Minor'", "grade >= 'Minor'"),
        ("bugs of at least high priority", "prio = 'high'", "prio <= 'high'"),
        ("bugs of priority high or lower", "prio >= 'low'", "prio >= 'low'"),
        ("bugs of minor grade", "grade = 'Minor'", "grade = 'Minor'"),
        ("at least high states", "state = 'high'", "state = 'high'"),
        ("at least 3 minor bugs", "grade = 'Minor'", "grade = 'Minor'"),
    ],
)
def test_compared_by_the_order_of_the_type(question: str, condition: str, expected: str) -> None:
    assert where(condition, question) == expected
    assert where(expected, question) == expected


@pytest.mark.parametrize(
    ("question", "given", "expected"),
    [
        ("bugs by grade, most severe first", "ORDER BY COUNT(*) DESC", "ORDER BY grade DESC"),
        ("bugs by grade, most severe first", "", "ORDER BY grade DESC"),
        ("bugs by grade, least severe first", "", "ORDER BY grade"),
        ("各等级的缺陷数，最严重的在前", "ORDER BY grade", "ORDER BY grade DESC"),
    ],
)
def test_most_severe_first(question: str, given: str, expected: str) -> None:
    start = "SELECT grade, COUNT(*) FROM bug GROUP BY grade"
    assert repair(f"{start} {given}".strip(), SCOPE, (), question).sql == f"{start} {expected}"
    done = f"{start} {expected}"
    assert repair(done, SCOPE, (), question) == Repaired(done)


def test_falling_types_are_turned() -> None:
    sql = "SELECT prio, COUNT(*) FROM bug GROUP BY 1 ORDER BY 2 DESC"
    assert repair(sql, SCOPE, (), "bugs by priority, most urgent first").sql.endswith("ORDER BY prio")
