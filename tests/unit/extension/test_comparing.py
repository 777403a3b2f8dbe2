"""The comparing rule of nl2sql.evaluate(), on rows as the server writes them."""

from __future__ import annotations

import json

import pytest
from nl2sql_pg.comparing import asks_for_order, read_rows, same_answer


def same(gold: list[list[object]], found: list[list[object]], *, ordered: bool = False, lenient: bool = False) -> bool:
    """Rows as lists of values; the columns get names, as the server's have them."""

    def lines(rows: list[list[object]]) -> list[str]:
        return ["{" + ",".join(f'"c":{json.dumps(value)}' for value in row) + "}" for row in rows]

    return same_answer(read_rows(lines(gold)), read_rows(lines(found)), ordered=ordered, lenient=lenient)


EQUAL = [
    (3, 3.0), (100_000.0, 100_000.5), ("a", "a "), (None, None), ("2026-05-04", "2026-05-04T00:00:00"),
    ("2026-05-04T00:00:00+00:00", "2026-05-04"), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), (True, True),
]  # fmt: skip
DIFFERENT = [(3, 4), (3, "3"), (1, True), (None, ""), (None, 0), ("a", "A"), ("2026-05-04T01:00:00", "2026-05-04")]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal(left: object, right: object) -> None:
    assert same([[left]], [[right]]) and same([[right]], [[left]])


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different(left: object, right: object) -> None:
    assert not same([[left]], [[right]]) and not same([[right]], [[left]])


def test_rows() -> None:
    assert same([[1], [2]], [[2], [1]])
    assert not same([[1], [2]], [[2], [1]], ordered=True)
    assert same([[1], [2]], [[1], [2]], ordered=True)
    assert not same([[1], [1], [2]], [[1], [2], [2]])
    assert not same([[1]], [])
    assert same([], [])


def test_columns() -> None:
    assert same([[1, "a"], [2, "b"]], [["a", 1], ["b", 2]])
    assert not same([[1, "a"], [2, "b"]], [["a", 2], ["b", 1]])
    assert same([[1, 2, "p"], [2, 1, "q"]], [["p", 2, 1], ["q", 1, 2]])
    assert not same([[1]], [[1, 7]])
    assert same([[1]], [[7, 1]], lenient=True)
    assert not same([[1, 7]], [[1]], lenient=True)
    assert same([[5] * 10] * 2, [[5] * 10] * 2)
    assert not same([[1, 1]], [[1, 2]])


def test_a_line_that_was_cut() -> None:
    with pytest.raises(ValueError):
        read_rows(['{"c":"aaa'])


ORDERS = {
    "SELECT a FROM t ORDER BY a LIMIT 1": True,
    "SELECT a FROM t UNION SELECT b FROM u ORDER  BY 1": True,
    "SELECT a FROM (SELECT a FROM t ORDER BY a) AS x": False,
    "SELECT RANK() OVER (ORDER BY a) FROM t": False,
    "SELECT 'x) ORDER BY y' FROM t": False,
    'SELECT "a ORDER BY b" FROM t': False,
    "SELECT '(' FROM t ORDER BY '''('": True,
}


@pytest.mark.parametrize("statement", ORDERS)
def test_an_order_of_the_whole(statement: str) -> None:
    assert asks_for_order(statement) == ORDERS[statement]
