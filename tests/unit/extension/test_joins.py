"""Undeclared keys from names, uniqueness and statistics: what is found, what is not, and how sure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
from nl2sql_pg.joins import Join, KeyColumn, Known, Place, Statistics, infer
from nl2sql_pg.key_names import is_short_for, words

Shape = dict[str, str]


def columns(shape: Shape, kind: str = "N") -> list[KeyColumn]:
    """Tables and their columns; `*` behind a name: the primary key or a part of it."""
    made = []
    for relation, (table, names) in enumerate(shape.items(), 1):
        size = names.count("*")
        for number, name in enumerate(names.split(), 1):
            key = size if name.endswith("*") else 0
            made.append(KeyColumn(relation, "s", table, number, name.rstrip("*"), kind, key))
    return made


def found(
    given: list[KeyColumn], statistics: Mapping[Place, Statistics] | None = None, known: tuple[Known, ...] = ()
) -> dict[str, float]:
    """Joins as text with their scores."""
    names = {column.place: f"{column.table}.{column.name}" for column in given}

    def text(join: Join) -> str:
        ends = ((join.relation, join.columns), (join.target, join.references))
        return " -> ".join("+".join(names[relation, number] for number in numbers) for relation, numbers in ends)

    return {text(join): join.score for join in infer(given, known, lambda _: statistics or {})}


NAMES = [
    ("orders", "id* customer_id", "customers", "id*", "customer_id", "id"),
    ("orders", "id* customer_id", "customers", "customer_id*", "customer_id", "customer_id"),
    ("Orders", "Id* CustomerId", "Customer", "Id*", "CustomerId", "Id"),
    ("orders", "id* customerid", "customers", "id*", "customerid", "id"),
    ("orders", "id* customer", "customers", "id*", "customer", "id"),
    ("orders", "id* customer", "customers", "code*", "customer", "code"),
    ("fact_sales", "id* customer_key", "dim_customer", "key*", "customer_key", "key"),
    ("orders", "id* cust_id", "customers", "customer_id*", "cust_id", "customer_id"),
    ("matches", "id* home_team_id", "teams", "team_id*", "home_team_id", "team_id"),
    ("matches", "id* team_id_2", "teams", "team_id*", "team_id_2", "team_id"),
    ("invoices", "id* category_id", "categories", "id*", "category_id", "id"),
    ("lines", "id* purchase_id", "purchases", "id*", "purchase_id", "id"),
    ("读者", "id* 图书_id", "图书", "id*", "图书_id", "id"),
]


@pytest.mark.parametrize(("table", "own", "other", "key", "column", "reference"), NAMES)
def test_names(table: str, own: str, other: str, key: str, column: str, reference: str) -> None:
    (join,) = found(columns({table: own, other: key}))
    assert join == f"{table}.{column} -> {other}.{reference}"


NOTHING = [
    {"orders": "id* amount", "customers": "id* amount"},
    {"orders": "id* name", "customers": "id* name"},
    {"orders": "id* number_of_customers", "customers": "id*"},
    {"orders": "id* city_id", "customers": "id* city_id"},
]


@pytest.mark.parametrize("shape", NOTHING, ids=range(len(NOTHING)))
def test_names_that_mean_nothing(shape: Shape) -> None:
    assert not {join: score for join, score in found(columns(shape)).items() if score >= 0.6}


def test_a_table_can_refer_to_itself() -> None:
    assert list(found(columns({"parts": "part_id* parent_part_id"}))) == ["parts.parent_part_id -> parts.part_id"]


def test_kinds_and_schemas_must_agree() -> None:
    orders, customer, key = columns({"orders": "id* customer_id", "customers": "id*"})
    assert found([orders, customer, key])
    assert not found([orders, replace(customer, kind="S"), key])
    assert not found([orders, replace(customer, schema="other"), replace(orders, schema="other"), key])


ORDERS = columns({"orders": "id* customer_id", "customers": "id*"})
SOURCE, TARGET = (1, 2), (2, 1)


def numbers(low: int, high: int, rows: float, distinct: float = -1.0) -> Statistics:
    """A column with these values, of which ANALYZE kept at most a hundred."""
    step = max(1, (high - low) // 100)
    return Statistics(distinct, rows, tuple(str(n) for n in range(low, high, step)))


VALUES = {
    "inside": (numbers(100, 900, 5000, 800.0), numbers(0, 1000, 1000), 0.9, 1.0),
    "all_known": (numbers(0, 50, 5000, 50.0), numbers(0, 60, 60), 0.95, 1.0),
    "beyond": (numbers(5000, 9000, 5000, 4000.0), numbers(0, 9000, 9000), 0.9, 1.0),
    "elsewhere": (numbers(5000, 9000, 5000, 800.0), numbers(0, 1000, 1000), 0.0, 0.3),
    "none_of_a_few": (numbers(100, 150, 5000, 50.0), numbers(0, 60, 60), 0.0, 0.3),
    "more_values_than_keys": (numbers(0, 1000, 5000), numbers(0, 1000, 1000), 0.3, 0.5),
}


@pytest.mark.parametrize(("source", "target", "least", "most"), VALUES.values(), ids=VALUES)
def test_values(source: Statistics, target: Statistics, least: float, most: float) -> None:
    scores = found(ORDERS, {SOURCE: source, TARGET: target})
    assert least <= scores.get("orders.customer_id -> customers.id", 0.0) <= most


def test_uniqueness_without_a_declared_key() -> None:
    loose = [replace(column, key_size=0) for column in ORDERS]
    join = "orders.customer_id -> customers.id"
    unique, repeated = Statistics(-1, 500, ()), Statistics(80, 500, ())
    assert found(loose, {TARGET: unique})[join] > found(loose)[join] > 0
    assert join not in found(loose, {TARGET: repeated})
    indexed = [replace(column, unique=column.place == TARGET) for column in loose]
    assert found(indexed)[join] > found(loose, {TARGET: unique})[join]


def test_what_is_known_is_not_guessed() -> None:
    ends = (1, (2,), 2, (1,))
    assert not found(ORDERS, known=(Known(*ends, "declared"),))
    assert not found(ORDERS, known=(Known(*ends, "denied"),))
    assert not found(ORDERS, known=(Known(2, (1,), 1, (2,), "denied"),))
    assert not found(ORDERS, known=(Known(1, (1,), 2, (1,), "declared"),))


WHOLE_KEY = {"takes": "student course term", "sections": "course* term* room"}


def test_a_key_of_several_columns() -> None:
    assert list(found(columns(WHOLE_KEY))) == ["takes.course+takes.term -> sections.course+sections.term"]
    # each column has its own table to refer to
    twins = columns({"a": "x_id* y_id*", "b": "x_id* y_id*", "x": "id*", "y": "id*"})
    assert all("+" not in join for join in found(twins))
    assert not found([column for column in columns(WHOLE_KEY) if (column.table, column.name) != ("sections", "term")])


def test_thousands_of_tables_take_no_quadratic_time() -> None:
    shape = {f"thing{n}": f"id* thing{n - 1}_id name place_id amount" for n in range(1, 3001)} | {"places": "id*"}
    given = columns(shape)
    started = time.process_time()
    joins = infer(given, (), lambda _: {})
    assert len(joins) == 2999 + 3000
    assert time.process_time() - started < 5


def test_words() -> None:
    assert words("OrderItems2") == words("order_item_2") == ("order", "item", "2")
    assert words("HTTPStatus") == ("http", "status")
    assert words("courses") == words("course")
    assert words("campuses") == words("campus")
    assert words("__") == ("__",)
    assert words("订单") == ("订单",)


def test_abbreviations() -> None:
    assert is_short_for("cust", "customer")
    assert is_short_for("dept", "department")
    assert not is_short_for("id", "identity")
    assert not is_short_for("port", "department")
    assert not is_short_for("customer", "customer")
