"""The guard lets ordinary analytics through, refuses every class of attack, and what it writes checks to itself."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.guard.check import MAX_BYTES, check
from sidecar.guard.scope import Column, Scope, Table
from tests.support.attacks import expand
from tests.support.shop import shop_scope, statements

HERE = Path(__file__).parent
LEGITIMATE = statements(HERE / "legitimate.txt")
HOSTILE = [tuple(expand(line).split(" ", 1)) for line in statements(HERE / "hostile.txt")]


def refusal(sql: str) -> SidecarError:
    with pytest.raises(SidecarError) as caught:
        check(sql, shop_scope())
    return caught.value


@pytest.mark.parametrize("sql", LEGITIMATE)
def test_legitimate(sql: str) -> None:
    checked = check(sql, shop_scope())
    assert checked.sql
    assert check(checked.sql, shop_scope()) == checked


@pytest.mark.parametrize(("code", "sql"), HOSTILE)
def test_hostile(code: str, sql: str) -> None:
    error = refusal(sql)
    assert error.sqlstate == code
    assert error.message
    assert not error.message.endswith(".")
    assert error.detail.endswith(".")
    assert error.hint.endswith(".")


def test_the_lists_are_long() -> None:
    assert len(LEGITIMATE) >= 60
    assert len(HOSTILE) >= 120
    assert {code for code, _ in HOSTILE} == {"NL401", "NL402", "NL403", "NL404", "NL405"}


WRITTEN = {
    "select 1 -- comment\n": "SELECT 1",
    "select 1; -- comment": "SELECT 1",
    "select /* a /* nested */ comment */ 1;": "SELECT 1",
    "/*+ SeqScan(orders) */ select 1": "SELECT 1",
    "select 'a'\n'b'": "SELECT 'ab'",
    "select $x$it's$x$": "SELECT 'it''s'",
    "table regions": "SELECT * FROM regions",
    "select * from ORDERS": "SELECT * FROM orders",
    'select n."Id" from "Order Notes" n': 'SELECT n."Id" FROM "Order Notes" n',
    ";;select 1;;": "SELECT 1",
    "select interval '1 day 03:45', interval '3 days ago'": "SELECT '1 day 03:45'::interval, '3 days ago'::interval",
    "select * from orders o join regions r using (region_id) as j": (
        "SELECT * FROM orders o JOIN regions r USING (region_id) AS j"
    ),
    "select |/ 25.0, log10(100.0), date_part('dow', now())": "SELECT |/ 25.0, log10(100.0), date_part('dow', now())",
    "select 'a\\b'": "SELECT E'a\\\\b'",
}


@pytest.mark.parametrize(("sql", "written"), WRITTEN.items())
def test_written_again(sql: str, written: str) -> None:
    """What PostgreSQL gets has no comment and one spelling, and means the same."""
    assert check(sql, shop_scope()).sql == written


TABLES = {
    "select 1": (),
    "select * from orders o join shop.customers c using (customer_id)": ("shop.customers", "shop.orders"),
    "select * from hr.orders, orders": ("hr.orders", "shop.orders"),
    "with orders as (select * from orders) select * from orders": ("shop.orders",),
    "with orders as (select 1) select * from orders": (),
    "with recursive orders as (select 1 union select * from orders) select * from orders": (),
    "with a as (select 1) select * from (with b as (select * from a) select * from b) x": (),
    'select * from "Order Notes" limit 1': ("public.Order Notes",),
    "with a as (select 1) select * from orders where exists (with orders as (select 1) select * from orders)": (
        "shop.orders",
    ),
    "with recursive a as (select * from b), b as (select * from regions) select * from a": ("shop.regions",),
}


@pytest.mark.parametrize(("sql", "tables"), TABLES.items())
def test_tables_read(sql: str, tables: tuple[str, ...]) -> None:
    assert check(sql, shop_scope()).tables == tables


def test_name_without_schema_is_the_first_of_the_path() -> None:
    table = Table("b", "t", "table", (Column("id", "integer"),))
    assert check("select * from t", Scope(("a", "b"), (table,))).tables == ("b.t",)
    with pytest.raises(SidecarError, match="outside the scope"):
        check("select * from t", Scope(("a",), (table,)))


def test_two_tables_that_differ_in_case_are_not_guessed() -> None:
    tables = tuple(Table("s", name, "table", (Column("id", "integer"),)) for name in ("Sales", "SALES"))
    with pytest.raises(SidecarError, match="outside the scope"):
        check("select * from sales", Scope(("s",), tables))


def test_column_named_like_a_system_column() -> None:
    view = Table("s", "v", "view", (Column("xmin", "numeric"),))
    assert check("select xmin from v", Scope(("s",), (view,))).tables == ("s.v",)


def test_unknown_table_names_near_ones() -> None:
    error = refusal("select * from custmers")
    assert error.sqlstate == "NL402"
    assert "customers" in error.detail


@pytest.mark.parametrize("name", ['"no such table"', 'shop."a.b c"', "secrets"])
def test_a_name_is_told_as_it_is_written(name: str) -> None:
    assert f"relation {name} is outside" in refusal(f"select * from {name}").message


def test_refusals_quote_little_of_the_statement() -> None:
    assert len(refusal(f"select * from {'x' * 5000}").message) < 250
    assert len(refusal(f"select {'x' * 5000}(1)").message) < 250
    assert len(refusal(f"select '{'x' * 5000}' ) from").message) < 350


@pytest.mark.parametrize(
    "sql",
    ["select 'a\x00b'", "select 1\x00; drop table orders", "\x00", "select '\ud800'", "select 1" + " " * MAX_BYTES],
)
def test_text_that_is_none(sql: str) -> None:
    assert refusal(sql).sqlstate == "NL404"


def test_bytes_count_not_characters() -> None:
    assert check(f"select '{'王' * 10_000}'", shop_scope()).sql
    assert refusal(f"select '{'王' * 11_000}'").sqlstate == "NL404"


# What is slow or deep to parse, walk or render. Each is as large as the byte cap lets it be, or near.
MONSTERS = {
    "parentheses": "select " + "(" * 5000 + "1" + ")" * 5000,
    "opened": "(" * 30_000,
    "in_list": "select 1 where 1 in (" + ",".join(map(str, range(200_000))) + ")",
    "short_in_list": "select 1 where 1 in (" + ",".join("1" * 16_000) + ")",
    "additions": "select 1" + "+1" * 16_000,
    "conjunctions": "select 1 where true" + " and true" * 3000,
    "negations": "select " + "not " * 8000 + "true",
    "signs": "select " + "- " * 16_000 + "1",
    "casts": "select 1" + "::int" * 6000,
    "cases": "select " + "case when true then " * 1300 + "1" + " end" * 1300,
    "subscripts": "select a" + "[1]" * 10_000 + " from orders",
    "types": "select " + "date(" * 26 + "'2020-01-01'" + ")" * 26,
    "many_types": "select " + "int4(" * 5000 + "1" + ")" * 5000,
    "blanks": "select" + " " * 31_000 + "1",
    "excepts": "select 0" + " except select 1" * 250,
    "arrays": "select " + "array[" * 4500 + "1" + "]" * 4500,
    "dots": "select a" + ".a" * 16_000 + " from orders",
    "calls": "select " + "lower(" * 4500 + "'x'" + ")" * 4500,
    "containments": "select tags" + " @> tags" * 4000 + ' from "Order Notes"',
    "matches": "select 'a'" + " ~ 'a'" * 5000,
    "collations": "select 'a'" + " collate x" * 3200,
    "paths": "select '{}'" + "::jsonb->'a'" * 2600,
    "unions": "select 1" + " union select 1" * 2100,
    "joins": "select * from orders" + " join orders using (a)" * 1400,
    "subqueries": "select * from " + "(select * from " * 1500 + "orders" + ") x" * 1500,
    "ctes": "with " + ",".join(f"a{i} as (select * from a{i - 1})" for i in range(1, 800)) + " select 1",
    "comments": "select 1 " + "/*" * 16_000,
    "few_comments": "select 1 " + "/*" * 100,
    "operator": "select 1 " + "+-" * 15_000 + "1",
    "operators": "select 1 " + ("+" * 299 + " ") * 100 + "1",
    "quotes": "select " + "'" * 32_000,
}


@pytest.mark.parametrize("sql", MONSTERS.values(), ids=MONSTERS)
def test_monster_ends_soon(sql: str) -> None:
    """An answer or NL402 to NL405 in a moment, in a thread as in the service; never a crash."""
    outcome: list[object] = []

    def work() -> None:
        try:
            outcome.append(check(sql, shop_scope()))
        except SidecarError as error:
            outcome.append(error.sqlstate)

    started = time.monotonic()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert time.monotonic() - started < 2
    assert outcome
    assert not isinstance(outcome[0], str) or outcome[0] in ("NL402", "NL404", "NL405")


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("not ", ""), ("~ ", ""), ("abs(", ")"), ("date(", ")"), ("(select ", ")"), ("array[", "]"), ("1+(", ")")],
)
def test_two_thousand_deep(opening: str, closing: str) -> None:
    assert refusal("select " + opening * 2000 + "1" + closing * 2000).sqlstate == "NL404"


def test_as_deep_as_people_write() -> None:
    check("select " + " || ',' || ".join(["full_name"] * 50) + " from customers", shop_scope())
    check(" union all ".join(["select order_id from orders"] * 150), shop_scope())
    check("select " + "coalesce(" * 60 + "1" + ", 0)" * 60, shop_scope())


def test_ordinary_statement_is_fast() -> None:
    sql = LEGITIMATE[2]
    check(sql, shop_scope())
    started = time.process_time()
    for _ in range(50):
        check(sql, shop_scope())
    assert (time.process_time() - started) / 50 < 0.05
