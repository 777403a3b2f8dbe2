"""When two results are the same."""

from __future__ import annotations

import json

import pytest
from nl2sql_pg.judging import digest, has_content, values


def rows(*records: dict[str, object]) -> list[str]:
    return [json.dumps(record) for record in records]


def digested(lines: list[str]) -> str:
    return digest([values(line) for line in lines])


def content(line: str) -> bool:
    return has_content(values(line))


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
    assert digested(one) == digested(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_values_do(one: list[str], other: list[str]) -> None:
    assert digested(one) != digested(other)


def test_content() -> None:
    assert not any(map(content, rows({"a": None}, {"a": 0})))
    assert all(map(content, rows({"a": None, "b": 1}, {"a": ""})))
