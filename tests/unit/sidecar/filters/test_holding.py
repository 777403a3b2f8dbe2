"""Statements held to standing conditions: wherever the table is read, once, and nothing else is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.filters.holding import hold
from sidecar.guard.check import check
from sidecar.guard.grammar import written
from sidecar.guard.scope import Column, Filter, Scope, Table
from tests.support.shop import shop_scope, statements

PAIRS = [line.split(";") for line in statements(Path(__file__).parent / "holding.txt")]


def filtered() -> Scope:
    """The shop, with a column and a condition more in two of its tables."""
    more = {
        "shop.orders": (Column("closed_on", "date"), Filter("closed_on IS NULL")),
        "shop.customers": (Column("is_test", "boolean"), Filter("NOT is_test")),
    }

    def with_filter(table: Table) -> Table:
        if table.full_name not in more:
            return table
        column, condition = more[table.full_name]
        return replace(table, columns=(*table.columns, column), filters=(condition,))

    return replace(shop_scope(), tables=tuple(map(with_filter, shop_scope().tables)))


@pytest.mark.parametrize(("given", "expected"), PAIRS)
def test_held(given: str, expected: str) -> None:
    scope = filtered()
    checked = check(given, scope)
    held = hold(checked.sql, scope, checked.tables)
    assert check(held.sql, scope).sql == (checked.sql if expected == "=" else written(expected))
    # of a CTE with the table's name nothing is read
    assert {found.state for found in held.found} <= {"present" if expected == "=" else "added", "present"}
    again = hold(check(held.sql, scope).sql, scope, checked.tables)
    assert check(again.sql, scope).sql == check(held.sql, scope).sql, "and stays so"


def test_there_are_many_pairs() -> None:
    assert len(PAIRS) > 25


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT count(*) FROM orders WHERE total_amount > {'abs(' * 14}1{')' * 14}",
        f"SELECT count(*) FROM orders WHERE total_amount IN ({', '.join(map(str, range(2000)))})",
    ],
)
def test_what_is_too_intricate_is_said(sql: str) -> None:
    scope = filtered()
    held = hold(sql, scope, ["shop.orders"])
    assert held.sql == sql
    assert [found.state for found in held.found] == ["unread"]


ITEMS = "SELECT count(*) FROM order_items AS i"


def test_parts_count_with_what_they_are_parts_of() -> None:
    """Where the question names it; items are parts of an order, an order is no part of a customer."""
    scope = filtered()
    items = next(table for table in scope.tables if table.name == "order_items")
    keys = tuple(key for key in items.foreign_keys if key.table == "orders")
    parts = replace(items, primary_key=("order_id", "line_no"), foreign_keys=keys)
    scope = replace(scope, tables=tuple(parts if table is items else table for table in scope.tables))
    held = hold(ITEMS, scope, ["shop.order_items"], "items of how many orders")
    assert written(held.sql) == written(
        f"{ITEMS} WHERE EXISTS (SELECT 1 FROM orders WHERE orders.order_id = i.order_id AND orders.closed_on IS NULL)"
    )
    assert [(found.table, found.state) for found in held.found] == [("shop.orders", "added")]
    assert hold(ITEMS, scope, ["shop.order_items"], "how many items").sql == ITEMS
    held = hold(f"{ITEMS} LEFT JOIN orders AS o ON o.order_id = i.order_id", scope, ["shop.orders", "shop.order_items"])
    assert written(held.sql) == written(
        f"{ITEMS} LEFT JOIN orders AS o ON o.order_id = i.order_id WHERE o.closed_on IS NULL"
    )


def test_several_conditions_of_one_table() -> None:
    scope = filtered()
    two = (
        Filter("closed_on IS NULL AND total_amount > 0"),
        Filter("status <> 'cancelled' OR order_date > current_date"),
    )
    tables = tuple(replace(t, filters=two) if t.name == "orders" else t for t in scope.tables)
    held = hold(
        "SELECT count(*) FROM orders FULL JOIN regions USING (region_id)",
        replace(scope, tables=tables),
        ["shop.orders"],
    )
    assert written(held.sql) == written(
        "SELECT count(*) FROM (SELECT * FROM orders WHERE closed_on IS NULL AND total_amount > 0"
        " AND (status <> 'cancelled' OR order_date > current_date)) orders FULL JOIN regions USING (region_id)"
    )
    held = hold("SELECT count(*) FROM orders o WHERE total_amount > 0", replace(scope, tables=tables), ["shop.orders"])
    assert written(held.sql) == written(
        "SELECT count(*) FROM orders o WHERE total_amount > 0 AND o.closed_on IS NULL"
        " AND (o.status <> 'cancelled' OR o.order_date > current_date)"
    )
