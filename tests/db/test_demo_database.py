"""The demo database on a real server.

`demo_conn` is a superuser's connection to a database in which shop.sql and roles.sql have been run. Every test that
changes anything does so in a transaction that is rolled back.
"""

import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.accuracy.suite import read_suite
from sidecar.periods import read_dated

DEMO = Path(__file__).resolve().parents[2] / "sql" / "demo"
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
BY_ID = pytest.mark.parametrize("question", QUESTIONS, ids=[question["id"] for question in QUESTIONS])
LOAD_DATES = (datetime.date(2024, 2, 29), datetime.date(2026, 1, 1))

Connection = psycopg.Connection[tuple[Any, ...]]
Rows = list[tuple[Any, ...]]


def rows(conn: Connection, sql: str) -> Rows:
    return conn.execute(sql.encode()).fetchall()


def run_file(conn: Connection, name: str) -> None:
    conn.execute((DEMO / name).read_bytes())


def table_names(conn: Connection) -> list[str]:
    found = rows(conn, "SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind = 'r'")
    return sorted(name for (name,) in found)


def fingerprint(conn: Connection) -> dict[str, str]:
    """One hash per table, over all its rows in a fixed order."""
    hashed = "md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\"))"
    return {name: rows(conn, f"SELECT {hashed} FROM shop.{name} AS t")[0][0] for name in table_names(conn)}


@pytest.fixture
def shop(demo_conn: Connection) -> Iterator[Connection]:
    """The demo database with `shop` on the path; what the test does is rolled back."""
    with demo_conn.transaction(force_rollback=True):
        demo_conn.execute("SET LOCAL search_path = shop")
        yield demo_conn


def luhn_sum(number: str) -> int:
    doubled = (int(digit) * (1 + i % 2) for i, digit in enumerate(reversed(number)))
    return sum(d - 9 if d > 9 else d for d in doubled)


# Schema


def test_every_table_has_a_primary_key_and_a_comment(shop: Connection) -> None:
    bare = rows(
        shop,
        """SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind = 'r'
           AND (obj_description(c.oid, 'pg_class') IS NULL
                OR NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p'))""",
    )
    assert bare == []
    assert 11 <= len(table_names(shop)) <= 15


def test_every_foreign_key_is_led_by_an_index(shop: Connection) -> None:
    uncovered = rows(
        shop,
        """SELECT k.conrelid::regclass, k.conname FROM pg_constraint k
           WHERE k.connamespace = 'shop'::regnamespace AND k.contype = 'f'
             AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1])""",
    )
    assert uncovered == []


# Data


def test_there_are_100_000_order_lines(shop: Connection) -> None:
    assert rows(shop, "SELECT count(*), count(DISTINCT order_id) FROM order_items") == [(100_000, 40_000)]


@pytest.mark.parametrize(
    "rule",
    [
        "SELECT 1 FROM orders WHERE status = 'cancelled' AND total_amount <> 0",
        """SELECT 1 FROM orders o JOIN order_items i USING (order_id) WHERE status <> 'cancelled'
           GROUP BY o.order_id, o.total_amount HAVING sum(i.line_total) <> o.total_amount""",
        "SELECT 1 FROM payments JOIN orders USING (order_id) WHERE amount <> total_amount OR payment_date < order_date",
        "SELECT 1 FROM payments JOIN orders USING (order_id) WHERE status IN ('cancelled', 'pending')",
        "SELECT 1 FROM orders JOIN customers USING (customer_id) WHERE order_date < signup_date",
        "SELECT 1 FROM orders o JOIN customers c USING (customer_id) WHERE o.region_id <> c.region_id",
        """SELECT 1 FROM orders o JOIN addresses a ON a.address_id = o.shipping_address_id
           WHERE a.customer_id <> o.customer_id""",
        "SELECT 1 FROM shipments JOIN orders USING (order_id) WHERE shipped_date < order_date",
        "SELECT 1 FROM orders WHERE (channel = 'phone') <> (employee_id IS NOT NULL)",
        "SELECT 1 FROM categories c JOIN products p USING (category_id) WHERE c.parent_category_id IS NULL",
        """SELECT 1 FROM returns JOIN order_items USING (order_item_id) JOIN shipments USING (order_id)
           WHERE return_date < delivered_date OR delivered_date IS NULL OR refund_amount > line_total""",
        "SELECT 1 FROM customers WHERE email !~ '@example[.](com|org|net)$'",
        "SELECT 1 FROM (SELECT full_name FROM customers GROUP BY full_name HAVING count(*) > 1) AS twice",
    ],
)
def test_the_data_agree_with_the_comments(shop: Connection, rule: str) -> None:
    assert rows(shop, rule + " LIMIT 1") == []


def test_card_numbers_pass_the_luhn_check(shop: Connection) -> None:
    cards = [card for (card,) in rows(shop, "SELECT DISTINCT card_number FROM payments WHERE card_number IS NOT NULL")]
    assert len(cards) > 1000
    assert [card for card in cards if not re.fullmatch(r"\d{16}", card) or luhn_sum(card) % 10] == []


def test_distributions_are_uneven(shop: Connection) -> None:
    """A shop where all regions and months are alike gives every wrong query a right answer."""
    regions = rows(shop, "SELECT sum(total_amount) FROM orders GROUP BY region_id ORDER BY 1")
    months = rows(
        shop,
        """SELECT month, avg(orders) FROM (
               SELECT extract(month FROM order_date)::int, date_trunc('month', order_date), count(*)
               FROM orders WHERE order_date < date_trunc('month', current_date) GROUP BY 1, 2
           ) AS m (month, start, orders) GROUP BY month""",
    )
    by_month: dict[int, float] = {month: float(orders) for month, orders in months}
    assert len(regions) == 6 and regions[-1][0] > 3 * regions[0][0]
    assert by_month[12] > 1.4 * by_month[8]


def test_some_things_are_missing(shop: Connection) -> None:
    """Customers without orders, parcels under way, phones and reasons not given."""
    silent = "SELECT count(*) FROM customers c LEFT JOIN orders o USING (customer_id) WHERE o.order_id IS NULL"
    assert rows(shop, silent)[0][0] > 100
    for column in ("customers.phone", "shipments.delivered_date", "returns.reason", "reviews.review_text"):
        table = column.split(".")[0]
        missing, there = rows(shop, f"SELECT count(*) - count({column}), count({column}) FROM {table}")[0]
        assert missing > 0 and there > missing / 2, column


def test_two_loads_for_one_date_are_equal_whatever_the_plan(shop: Connection) -> None:
    shop.execute("SET LOCAL shop.end_date = '2026-06-30'")
    run_file(shop, "shop.sql")
    first = fingerprint(shop)
    shop.execute("SET LOCAL shop.end_date = '2026-06-30'")
    shop.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_hashagg = off")
    run_file(shop, "shop.sql")
    assert fingerprint(shop) == first


@pytest.mark.parametrize("end_date", LOAD_DATES)
def test_another_end_date_moves_the_orders(shop: Connection, end_date: datetime.date) -> None:
    shop.execute(f"SET LOCAL shop.end_date = '{end_date}'".encode())
    run_file(shop, "shop.sql")
    first = end_date - datetime.timedelta(days=912)
    assert rows(shop, "SELECT min(order_date), max(order_date), count(*) FROM orders") == [(first, end_date, 40_000)]
    for question in QUESTIONS:
        if question["ordered"]:
            assert_no_tie(shop, question["sql"])


# Roles


def test_the_roles_can_be_made_again(shop: Connection) -> None:
    privileges = (
        "SELECT grantee, table_name, column_name FROM information_schema.column_privileges WHERE grantee ~ '^demo_'"
    )
    before = rows(shop, privileges)
    run_file(shop, "roles.sql")
    assert before and sorted(rows(shop, privileges)) == sorted(before)


def test_the_analyst_reads_all_but_birth_dates_and_card_numbers(shop: Connection) -> None:
    hidden = rows(
        shop,
        """SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
           WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
             AND NOT has_column_privilege('demo_analyst', c.oid, a.attnum, 'SELECT') ORDER BY 1""",
    )
    assert hidden == [("customers.birth_date",), ("payments.card_number",)]


def test_the_clerk_reads_products_categories_and_inventory(shop: Connection) -> None:
    readable = [
        name
        for name in table_names(shop)
        if rows(shop, f"SELECT has_any_column_privilege('demo_clerk', 'shop.{name}', 'SELECT')") == [(True,)]
    ]
    assert readable == ["categories", "inventory", "products"]


@pytest.mark.parametrize("role", ["demo_analyst", "demo_clerk"])
def test_a_demo_role_can_log_in_write_nothing_and_finds_shop_on_its_path(shop: Connection, role: str) -> None:
    writing = "INSERT, UPDATE, DELETE, TRUNCATE"
    writable = [
        name
        for name in table_names(shop)
        if rows(shop, f"SELECT has_table_privilege('{role}', 'shop.{name}', '{writing}')") == [(True,)]
    ]
    path = rows(
        shop,
        f"""SELECT setconfig FROM pg_db_role_setting WHERE setrole = '{role}'::regrole
            AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())""",
    )
    assert writable == []
    assert path == [(["search_path=shop, public"],)]
    assert rows(shop, f"SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = '{role}'") == [(True, False)]


# Questions


def assert_no_tie(conn: Connection, sql: str) -> None:
    """In a top-n query no two rows in or just below the list may have the same figure."""
    longer = rows(conn, re.sub(r"LIMIT (\d+)$", lambda limit: f"LIMIT {int(limit[1]) + 1}", sql))
    figures = [row[-1] for row in longer]
    assert figures == sorted(set(figures), reverse=True)


def test_there_are_five_english_and_three_chinese_questions() -> None:
    assert [question["lang"] for question in QUESTIONS] == ["en"] * 5 + ["zh"] * 3
    assert len({question["id"] for question in QUESTIONS}) == 8


@BY_ID
def test_the_analyst_gets_rows_from_the_expected_query(shop: Connection, question: dict[str, Any]) -> None:
    shop.execute("SET LOCAL ROLE demo_analyst")
    shop.execute("SET TRANSACTION READ ONLY")
    answer = rows(shop, question["sql"])
    assert answer and all(value is not None for row in answer for value in row)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q["ordered"]], ids=lambda question: question["id"])
def test_an_ordered_answer_has_no_tie(shop: Connection, question: dict[str, Any]) -> None:
    assert_no_tie(shop, question["sql"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_questions_about_periods(demo_conn: Connection, language: str) -> None:
    """bench/periods: each names one period, and its statement runs."""
    suite = read_suite(Path("bench/periods"), language)
    assert [dump.name for dump in suite.dumps] == ["shop.sql"]
    assert len(suite.questions) == 24
    assert [question.text for question in suite.questions if read_dated(question.text) is None] == []
    demo_conn.execute("SET search_path = shop, public")
    assert sum(bool(rows(demo_conn, question.gold)) for question in suite.questions) >= 12
    demo_conn.execute("RESET search_path")
