"""When two results count as the same rows."""

from __future__ import annotations

import pytest

from tools.rows import Row, same_rows

SAME: list[tuple[list[Row], list[Row], bool]] = [
    ([], [], True),
    ([["a"], ["b"]], [["b"], ["a"]], False),
    ([["a", "1"]], [["1", "a"]], True),
    ([["3.00"]], [["3"]], True),
    ([["0.33333333333333333333"]], [["0.3333333333333333"]], True),
    ([["0.000"]], [["0"]], True),
    ([["1E+3"]], [["1000"]], True),
    ([[None]], [[None]], True),
]
DIFFERENT: list[tuple[list[Row], list[Row], bool]] = [
    ([["a"], ["b"]], [["b"], ["a"]], True),
    ([["a"]], [["a"], ["a"]], False),
    ([["a"], ["a"], ["b"]], [["a"], ["b"], ["b"]], False),
    ([["a", "b"]], [["a"]], False),
    ([[None]], [[""]], False),
    ([["3.01"]], [["3"]], False),
    ([["1", "2"], ["2", "1"]], [["1", "2"], ["1", "2"]], False),
    ([["NaN"]], [["nan "]], False),
]


@pytest.mark.parametrize(("found", "expected", "ordered"), SAME)
def test_same(found: list[Row], expected: list[Row], ordered: bool) -> None:
    assert same_rows(found, expected, ordered=ordered)


@pytest.mark.parametrize(("found", "expected", "ordered"), DIFFERENT)
def test_different(found: list[Row], expected: list[Row], ordered: bool) -> None:
    assert not same_rows(found, expected, ordered=ordered)
