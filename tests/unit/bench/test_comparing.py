"""The comparing rule: what counts as the same answer."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from bench.accuracy.comparing import Span, mappings, normal, normal_rows, same_answer

TRUE, FALSE = True, False
DAY = datetime.date(2026, 5, 4)
NOON = datetime.datetime(2026, 5, 4, 12, 30)


def same(gold: list[Any], found: list[Any], ties: list[Span] | None = None, lenient: bool = False) -> bool:
    """Rows as tuples; the widths are those of the first rows."""
    widths = (len(gold[0]) if gold else 1, len(found[0]) if found else 1)
    return same_answer(normal_rows(gold), normal_rows(found), widths, ties, lenient)


EQUAL = [
    (3, 3),
    (3, Decimal("3.00")),
    (3, 3.0),
    (0.1 + 0.2, 0.3),
    (100_000.0, 100_000.5),
    (Decimal("1e40"), 1e40),
    ("abc", "abc  "),
    (None, None),
    (float("nan"), Decimal("NaN")),
    (float("inf"), Decimal("Infinity")),
    (datetime.datetime(2026, 5, 4), DAY),
    (DAY, "2026-05-04"),
    (NOON, NOON.replace(tzinfo=datetime.UTC)),
    (datetime.timedelta(hours=1), 3600),
    (b"\x01", "01"),
    ([1, 2], [1.0, Decimal(2)]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
]
DIFFERENT = [
    (3, 4),
    (3, "3"),
    (1, TRUE),
    (FALSE, None),
    (100_000.0, 100_002.0),
    ("abc", "Abc"),
    ("abc", " abc"),
    ("", None),
    (NOON, DAY),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_values(left: Any, right: Any) -> None:
    assert same([(left,)], [(right,)])
    assert same([(right,)], [(left,)])


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_values(left: Any, right: Any) -> None:
    assert not same([(left,)], [(right,)])
    assert not same([(right,)], [(left,)])


def test_rows_are_a_bag() -> None:
    assert same([(1,), (2,), (2,)], [(2,), (1,), (2,)])
    assert not same([(1,), (2,), (2,)], [(1,), (1,), (2,)])
    assert not same([(1,)], [(1,), (1,)])


def test_near_numbers_meet_in_a_bag() -> None:
    assert same([(1 / 3, "a"), (2 / 3, "b")], [(0.6666667, "b"), (0.3333333, "a")])


def test_order_counts_between_ties_only() -> None:
    gold = [("x", 3), ("y", 3), ("z", 1)]
    ties = [(0, 2), (2, 3)]
    assert same(gold, [("y", 3), ("x", 3), ("z", 1)], ties)
    assert not same(gold, [("z", 1), ("x", 3), ("y", 3)], ties)
    assert not same(gold, [("y", 3), ("x", 3), ("z", 1)], [(0, 1), (1, 2), (2, 3)])


def test_columns_in_any_order() -> None:
    assert same([(1, "a"), (2, "b")], [("a", 1), ("b", 2)])
    assert not same([(1, "a"), (2, "b")], [("a", 2), ("b", 1)])


def test_columns_with_equal_values_are_told_apart_by_their_rows() -> None:
    gold = [(1, 2, "p"), (2, 1, "q")]
    assert same(gold, [("p", 2, 1), ("q", 1, 2)])
    assert not same(gold, [("p", 1, 1), ("q", 2, 2)])


def test_the_number_of_columns_counts() -> None:
    assert not same([(1,)], [(1, 1)])
    assert not same([(1, 2)], [(1,)])
    assert same([(1,)], [(7, 1)], lenient=True)
    assert not same([(1, 2)], [(1,)], lenient=True)
    assert not same([(1,)], [(7, 8)], lenient=True)


def test_no_rows() -> None:
    assert same([], [])
    assert not same([], [(1,)])
    assert not same_answer([], [], (1, 2), None, lenient=False)
    assert same_answer([], [], (1, 2), None, lenient=True)


def test_many_equal_columns_end_in_time() -> None:
    rows = normal_rows([(1,) * 12] * 3)
    assert sum(1 for _ in mappings(rows, rows)) == 2000


def test_a_type_without_a_rule_is_its_text() -> None:
    assert normal(complex(1, 2)) == "(1+2j)"
