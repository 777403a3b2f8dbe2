"""Periods counted from today, beside the question that names them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
import sqlglot

from sidecar.guard.check import check
from sidecar.guard.grammar import written
from sidecar.guard.scope import Column, Scope, Table
from sidecar.periods import named_period
from sidecar.repair.dating import Placed
from sidecar.repair.days import Unknown, hold
from sidecar.repair.repair import Repaired, repair
from tests.support.shop import shop_scope, statements


def dated(sql: str, question: str, scope: Scope | None = None) -> Repaired:
    return repair(sql, scope or shop_scope(), (), question, named_period(question))


PAIRS = [line.split(";") for line in statements(Path(__file__).with_name("dating.txt"))]


@pytest.mark.parametrize(("question", "given", "expected"), PAIRS)
def test_rule(question: str, given: str, expected: str) -> None:
    repaired = dated(given, question)
    assert written(repaired.sql) == written(expected)
    assert repaired.period and repaired.period.changed and not repaired.notes
    assert check(expected, shop_scope()).sql == written(expected)
    again = dated(expected, question)
    assert replace(again, doubts=()) == Repaired(expected, period=Placed(repaired.period.condition, changed=False))


@pytest.mark.parametrize(("_question", "given", "expected"), PAIRS)
def test_only_for_a_question_that_names_one(_question: str, given: str, expected: str) -> None:
    assert replace(dated(given, "how many orders are there"), doubts=()) == Repaired(given)


@pytest.mark.parametrize(
    ("question", "given"),
    [
        # the same days in other words
        ("orders last year", "EXTRACT(YEAR FROM order_date) = EXTRACT(YEAR FROM CURRENT_DATE) - 1"),
        (
            "orders last month",
            "DATE_TRUNC('month', order_date) = DATE_TRUNC('month', CURRENT_DATE - INTERVAL '1 MONTH')",
        ),
        ("今天的订单", "order_date = CURRENT_DATE"),
        ("上周的订单", "DATE_TRUNC('week', order_date) = DATE_TRUNC('week', CURRENT_DATE) - INTERVAL '7 DAYS'"),
        ("orders of the last 30 days", "order_date >= CURRENT_DATE - 30"),
        ("最近三个月的订单", "order_date BETWEEN CURRENT_DATE - INTERVAL '3 MONTHS' AND CURRENT_DATE"),
        # it can be counted in more than one way
        ("orders of the last 7 days", "order_date > CURRENT_DATE - 7 AND order_date <= CURRENT_DATE"),
        ("orders of the last 3 months", "order_date >= DATE_TRUNC('month', CURRENT_DATE) - INTERVAL '3 MONTHS'"),
        # a part of it
        ("orders of last week", "order_date = DATE_TRUNC('week', CURRENT_DATE) - INTERVAL '7 DAYS'"),
        (
            "orders of last month",
            "order_date < CURRENT_DATE - INTERVAL '1 MONTH' AND TO_CHAR(order_date, 'FMDay') = 'Monday'",
        ),
        ("orders last year", "EXTRACT(MONTH FROM order_date) = 12"),
        ("去年的订单", "EXTRACT(QUARTER FROM order_date) = 2 AND EXTRACT(YEAR FROM order_date) = 2024"),
        # more than the period is asked for
        ("orders since last year", "order_date >= DATE_TRUNC('year', CURRENT_DATE) - INTERVAL '1 YEAR'"),
        ("orders before this year", "order_date < DATE_TRUNC('year', CURRENT_DATE)"),
        ("this year compared with last year", "order_date >= DATE_TRUNC('year', CURRENT_DATE) - INTERVAL '1 YEAR'"),
        ("orders of May this year", "EXTRACT(MONTH FROM order_date) = 5"),
        ("去年上半年的订单", "EXTRACT(MONTH FROM order_date) <= 6"),
        ("今年与去年同期的订单", "order_date >= CURRENT_DATE - INTERVAL '1 YEAR'"),
        # what is not read here
        ("orders last week", "AGE(order_date) < INTERVAL '7 DAYS'"),
        ("orders last week", "NOT order_date >= CURRENT_DATE"),
    ],
)
def test_left_alone(question: str, given: str) -> None:
    sql = f"SELECT COUNT(*) FROM orders WHERE {given}"
    left = dated(sql, question)
    assert left.sql == sql and not left.notes
    assert left.period is None or not left.period.changed


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM shipments",  # two dates: shipped and delivered
        "SELECT COUNT(*) FROM customers WHERE birth_date <= CURRENT_DATE - INTERVAL '30 YEARS'",
        "SELECT full_name FROM customers LEFT JOIN orders ON orders.customer_id = customers.customer_id",
        "SELECT COUNT(*) FROM orders UNION ALL SELECT COUNT(*) FROM returns",
        "SELECT (SELECT COUNT(*) FROM orders), (SELECT COUNT(*) FROM returns)",
        "SELECT customer_id FROM orders GROUP BY customer_id HAVING MIN(order_date) IS NOT NULL",
        "SELECT customer_id, ROW_NUMBER() OVER (ORDER BY order_date) FROM orders",
        "WITH o AS (SELECT order_id FROM orders) SELECT COUNT(*) FROM o",
        "SELECT 1 FROM payments, orders, reviews",
        "SELECT SUM(quantity) FROM order_items",  # none
        "SELECT COUNT(*) FILTER (WHERE order_date >= DATE_TRUNC('quarter', CURRENT_DATE)) FROM orders",
        "SELECT MAX(CURRENT_DATE - order_date) FROM orders",
        "SELECT channel FROM orders GROUP BY channel HAVING MAX(order_date) < '2024-01-01'",
        "SELECT 1 FROM orders WHERE order_date < CURRENT_DATE UNION SELECT 2 FROM orders WHERE order_date > NOW()",
        "SELECT COUNT(*) FROM customers WHERE signup_date < CURRENT_DATE AND birth_date < CURRENT_DATE",
    ],
)
def test_nothing_says_where_it_belongs(sql: str) -> None:
    assert dated(sql, "what of last quarter") == Repaired(sql)


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("customers older than 30 last week", "SELECT COUNT(*) FROM customers WHERE birth_date < '1995-01-01'"),
        ("orders on first days this year", "SELECT COUNT(*) FROM orders WHERE EXTRACT(DAY FROM order_date) = 1"),
        ("orders this year", "SELECT COUNT(*) FROM orders WHERE order_date >= DATE_TRUNC('year', CURRENT_DATE)"),
    ],
)
def test_what_a_model_asks_of_dates_that_was_not_told(question: str, sql: str) -> None:
    """It is for something else: nothing is put in its place, nor beside it."""
    assert repair(sql, shop_scope(), (), question, named_period(question), told=False) == Repaired(sql)


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("orders of customers who signed up last year", ""),
        ("signup date and revenue by customer last year", ""),
        ("revenue by customer last year", "orders.order_date"),
        ("customers who ordered last year", "orders.order_date"),
        ("revenue of customers who signed up last year", "customers.signup_date"),
    ],
)
def test_whose_date_is_meant(question: str, where: str) -> None:
    sql = "SELECT COUNT(*) FROM customers JOIN orders ON orders.customer_id = customers.customer_id"
    placed = dated(sql, question).period
    assert (placed.condition.split(" ")[0] if placed else "") == where


@pytest.mark.parametrize("column", ["year", "fiscal_year", "month"])
def test_a_table_that_counts_its_periods_itself(column: str) -> None:
    columns = (Column(column, "integer"), Column("amount", "numeric"), Column("loaded_at", "date"))
    scope = Scope(("s",), (Table("s", "budget", "table", columns),))
    sql = "SELECT SUM(amount) FROM budget"
    assert dated(sql, "budget of last month", scope) == Repaired(sql)


def test_evenings_of_a_timestamp() -> None:
    scope = Scope(("s",), (Table("s", "events", "table", (Column("event_time", "timestamp with time zone"),)),))
    short = "SELECT COUNT(*) FROM events WHERE event_time > CURRENT_DATE - 2 AND event_time <= CURRENT_DATE - 1"
    placed = dated(short, "events yesterday", scope).period
    assert placed and placed.changed


def test_a_period_that_the_schema_has_itself() -> None:
    columns = (Column("sales_last_year", "numeric"), Column("opened", "date"))
    scope = Scope(("s",), (Table("s", "store", "table", columns),))
    sql = "SELECT SUM(sales_last_year) FROM store"
    assert dated(sql, "sales of last year", scope) == Repaired(sql)


@pytest.mark.parametrize("interval", ["'1 quarter'", "'1 month 2 days'", "'soon'"])
def test_an_interval_that_is_not_read(interval: str) -> None:
    condition = sqlglot.parse_one(f"d > CURRENT_DATE - INTERVAL {interval}", read="postgres")
    with pytest.raises(Unknown):
        hold([condition], date(2024, 1, 1), datetime(2024, 1, 1))
