"""What a session remembers of its answers: the last ones, each for the role that asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nl2sql_pg import memory
from nl2sql_pg.memory import KEPT, Answer


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    memory._answers.clear()
    yield
    memory._answers.clear()


def test_kept_for_the_role_that_asked() -> None:
    memory.keep("red", "1", Answer("q", "select 1"))
    assert memory.recall("red", "1") == Answer("q", "select 1")
    assert memory.recall("blue", "1") is None
    assert memory.recall("red", "2") is None


def test_the_oldest_goes() -> None:
    for number in range(KEPT + 1):
        memory.keep("red", str(number), Answer(f"q{number}", "select 1"))
    assert memory.recall("red", "0") is None
    assert memory.recall("red", "1") == Answer("q1", "select 1")
    assert len(memory._answers) == KEPT
