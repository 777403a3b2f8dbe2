"""What a statement has of its question."""

from __future__ import annotations

import pytest

from sidecar.glossary.words import gloss
from sidecar.guard.scope import Column, Scope, Table
from sidecar.linking import Linker


def table(name: str, *columns: str, comment: str | None = None) -> Table:
    return Table("shop", name, "table", tuple(Column(column, "text") for column in columns), comment)


SHOP = Scope(
    ("shop",),
    (
        table("customers", "customer_id", "full_name", "birthDate"),
        table("orders", "order_id", "customer_id", "total", "ordered_on"),
        table("regions", "region_id", "region_name"),
        table("kna1", "land", comment="suppliers (供应商)"),
    ),
)
CHINESE = Scope(("shop",), (table("客户", "姓名", "城市"), table("订单", "金额")))
JOINED = "SELECT {} FROM customers JOIN orders ON orders.customer_id = customers.customer_id"


def linked(question: str, sql: str, scope: Scope = SHOP) -> tuple[int, int]:
    found = Linker(question, gloss(question), scope).link(sql)
    assert found is not None
    return found.missed, found.unasked


IN_SHOP = [
    ("how many customers are there?", "SELECT count(*) FROM customers", 0, 0),
    ("how many customers are there?", "SELECT count(*) FROM orders", 1, 1),
    ("how many customers are there?", JOINED.format("count(*)"), 0, 1),
    ("the birth date of each customer", "SELECT full_name FROM customers", 2, 0),
    ("the birth date of each customer", 'SELECT "birthDate" FROM customers', 0, 0),
    ("orders of each region", "SELECT count(*) FROM orders", 1, 0),
    ("customers in the North region", "SELECT 1 FROM customers WHERE full_name = 'North Region'", 0, 0),
    ("who ordered for 300 in total?", JOINED.format("full_name"), 1, 2),
    ("all regions", "SELECT * FROM regions", 0, 0),
    ("region ids", "SELECT * FROM regions", 0, 0),
    ("region names", "WITH r AS (SELECT region_name FROM regions) SELECT * FROM r", 0, 0),
    ("what do suppliers sell", "SELECT land FROM kna1", 0, 0),
    ("", "SELECT 1 FROM orders", 0, 1),
    ("the of in 3 x", "SELECT 1 FROM orders", 0, 1),
    ("每个客户有多少订单？", "SELECT count(*) FROM orders", 1, 0),
    ("有多少客户？", JOINED.format("count(*)"), 0, 1),
    ("供应商有多少？", "SELECT count(*) FROM kna1", 0, 0),
]
IN_CHINESE = [
    ("每个客户的姓名", "SELECT 姓名 FROM 客户", 0, 0),
    ("每个客户的城市", "SELECT 姓名 FROM 客户", 1, 0),
    ("订单的总金额", "SELECT sum(金额) FROM 订单, 客户", 0, 1),
]


@pytest.mark.parametrize(
    ("scope", "question", "sql", "missed", "unasked"),
    [*((SHOP, *case) for case in IN_SHOP), *((CHINESE, *case) for case in IN_CHINESE)],
)
def test_what_a_statement_leaves_out_and_adds(scope: Scope, question: str, sql: str, missed: int, unasked: int) -> None:
    assert linked(question, sql, scope) == (missed, unasked)


@pytest.mark.parametrize("sql", ["", "SELECT (", "no SQL"])
def test_what_can_not_be_read_has_no_links(sql: str) -> None:
    assert Linker("customers", [], SHOP).link(sql) is None


def test_a_table_of_another_schema_is_none_of_the_scope() -> None:
    assert linked("customers", "SELECT 1 FROM elsewhere.orders") == (1, 0)


UNREAD = [
    ("how many customers are there?", "SELECT count(*) FROM customers", 0.0),
    ("profitable customers", "SELECT full_name FROM customers", 0.5),
    ("customers in Bonn", "SELECT full_name FROM customers WHERE full_name = 'Bonn'", 0.0),
    ("客户和利润", "SELECT 姓名 FROM 客户", 0.5),
]


@pytest.mark.parametrize(("question", "sql", "unread"), UNREAD)
def test_words_that_stand_for_nothing_it_reads(question: str, sql: str, unread: float) -> None:
    found = Linker(question, gloss(question), CHINESE if "客户" in sql else SHOP).link(sql)
    assert found and found.unread == unread


def test_a_comment_says_what_a_coded_column_is() -> None:
    coded = Table(
        "p", "t1", "table", (Column("f1", "int", comment="total weight"), Column("f2", "bool", comment="released"))
    )
    question = "What is the total weight of what was released?"
    linker = Linker(question, gloss(question), Scope(("p",), (coded,)))
    left_out, read = linker.link("SELECT sum(f1) FROM t1"), linker.link("SELECT sum(f1) FROM t1 WHERE f2")
    assert left_out and read and (left_out.missed, read.missed) == (1, 0)
