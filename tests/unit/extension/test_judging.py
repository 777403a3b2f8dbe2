"""When two results are the same."""

from __future__ import annotations

import json

import pytest
from nl2sql_pg.judging import _has_content, digest


def rows(*values: dict[str, object]) -> list[str]:
    return [json.dumps(value) for value in values]


SAME = [
    (rows({"a": 1}, {"a": 2}), rows({"b": 2}, {"b": 1})),
    (rows({"a": 1, "b": "x"}), rows({"y": "x", "z": 1})),
    (rows({"a": 0.1 + 0.2}), rows({"a": 0.3})),
    ([], []),
    (['{"a":1,"a":1}'], ['{"x":1,"y":1}']),
]
DIFFERENT = [
    (rows({"a": 1}), rows({"a": 1}, {"a": 1})),
    (rows({"a": 1}), rows({"a": "1"})),
    (rows({"a": 1}), rows({"a": 1, "b": 1})),
    (rows({"a": None}), rows({"a": 0})),
    (['{"a":"cut off'], ['{"a":"cut of']),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_and_order_make_no_difference(one: list[str], other: list[str]) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_values_do(one: list[str], other: list[str]) -> None:
    assert digest(one) != digest(other)


def test_content() -> None:
    assert not any(map(_has_content, rows({"a": None}, {"a": 0})))
    assert all(map(_has_content, rows({"a": None, "b": 1}, {"a": ""})))
