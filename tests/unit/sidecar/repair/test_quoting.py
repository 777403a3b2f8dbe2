"""Names get the quotes that they need; key words and what binds stay as they are."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import pytest

from sidecar.guard.grammar import same
from sidecar.guard.scope import Column, Scope, Table
from sidecar.repair.quoting import MAX_LENGTH, Quoted, quoted
from tests.support.odd_names import tables
from tests.support.shop import shop_scope, statements

HERE = Path(__file__).parent
SHOP = [
    line.rsplit(";", 1)[-1]
    for path in (*sorted(HERE.glob("*.txt")), HERE.parent / "guard" / "legitimate.txt")
    if path.stem not in ("left_alone", "dating")
    for line in statements(path)
]


def table(schema: str, name: str, *columns: str) -> Table:
    return Table(schema, name, "table", tuple(Column(column, "text") for column in columns))


@cache
def odd() -> Scope:
    """The tables of tests/db/test_odd_names.py, and some elsewhere."""
    own = [table("odd", name, "id", *(column for column, _ in columns)) for name, columns in tables()]
    return Scope(("odd",), (*own, table("other", "user", "x"), table("other", "Only Here", "check")))


PAIRS = dict(line.split(";") for line in statements(HERE / "quoting" / "pairs.txt"))
RIGHT = [
    "SELECT 'SELECT user, ''order'' FROM group' FROM \"user\" -- FROM order",
    'SELECT "from" FROM "order" /* ORDER BY limit /* user */ */ ORDER BY "limit" DESC NULLS LAST LIMIT ALL OFFSET 2',
    "SELECT $a$ FROM user $a$, e'\\' FROM user', count(*) AS n FROM \"user\"",
    'SELECT u."group", count(*) FROM "user" u GROUP BY 1 HAVING count(*) > 1 ORDER BY 2 DESC FETCH FIRST 3 ROWS ONLY',
    'SELECT count, max, sum FROM count WHERE count(*) OVER () > 1',
    "SELECT date, year, time, timestamp FROM time WHERE date > DATE '2026-01-01' AND time < 'x'",
    'SELECT values, interval, row FROM values WHERE interval > 3',
    'SELECT CASE WHEN "case" > \'a\' THEN 1 ELSE NULL END FROM "end"',
    'SELECT "net-amount" - unit_price FROM "2024_sales"',
    "SELECT x FROM (VALUES (1), (2)) AS v (x) UNION ALL SELECT 3 EXCEPT SELECT 4 INTERSECT SELECT 5",
    'SELECT * FROM "left" LEFT OUTER JOIN "all" ON TRUE CROSS JOIN "user" NATURAL FULL JOIN "order"',
    "SELECT t[1], (ARRAY[[1, 2], [3, 4]])[1][2] FROM (SELECT ARRAY[1, 2] AS t) AS s",
    'WITH RECURSIVE r AS NOT MATERIALIZED (SELECT 1 AS n UNION SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r',
    'SELECT "order"."order" FROM "OrderItem" AS "order"',
    'SELECT price$, cost$usd FROM price$',
    'SELECT trim(BOTH FROM "displayName"), "displayName" COLLATE "C" FROM "user" WHERE "group" SIMILAR TO \'a%\'',
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), PAIRS.items())
def test_names_are_quoted(given: str, expected: str) -> None:
    found = quoted(given, odd())
    assert same(found.sql, expected), found.sql
    assert len(found.notes) == 1
    assert quoted(expected, odd()) == Quoted(expected)


@pytest.mark.parametrize("sql", RIGHT)
def test_what_is_right_stays(sql: str) -> None:
    assert quoted(sql, odd()) == Quoted(sql)


@pytest.mark.parametrize("sql", SHOP)
def test_the_shop_needs_no_quotes(sql: str) -> None:
    assert quoted(sql, shop_scope()) == Quoted(sql)


def test_a_function_stays_where_no_table_has_its_name() -> None:
    scope = Scope(("public",), (table("public", "users", "id", "current_user"),))
    for sql in ("SELECT count(*) FROM user", "SELECT user, current_date FROM users"):
        assert quoted(sql, scope) == Quoted(sql)


def test_the_very_letters_tell_two_names_apart() -> None:
    """What PostgreSQL folds to one of them is spelt as the other."""
    scope = Scope(("public",), (table("public", "Order", "ID", "id"), table("public", "order", "id")))
    assert quoted("SELECT ID FROM Order", scope).sql == 'SELECT "ID" FROM "Order"'
    assert quoted("SELECT id FROM order", scope).sql == 'SELECT id FROM "order"'


def test_what_cannot_be_told_is_left() -> None:
    scope = Scope(("public",), (table("public", "t", "Name", "NAME"),))
    assert quoted("SELECT name FROM t", scope) == Quoted("SELECT name FROM t")


@pytest.mark.parametrize("given", PAIRS)
def test_never_raises(given: str) -> None:
    """Whatever is cut off a text, and however it goes on."""
    for end in range(len(given)):
        for text in (given[:end], given[end:], given[:end] + "([`\"'$a$" + given[end:]):
            assert isinstance(quoted(text, odd()), Quoted)


def test_long_and_odd_texts_take_no_time() -> None:
    texts = ["(" * 4000, "$a" * 4000, "/*" * 4000, "'" * 7999, "[a" * 4000, "user," * 1600, "SELECT " + "a.b-" * 1999]
    texts += ["SELECT " + "end, " * 1500 + "1 FROM group", "SELECT user FROM user " * 300]
    for text in texts:
        started = time.process_time()
        quoted(text[:MAX_LENGTH], odd())
        assert time.process_time() - started < 1, text[:20]
    assert quoted("SELECT user" + " " * MAX_LENGTH, odd()).notes == ()


def test_it_is_quick() -> None:
    texts = [*PAIRS, *RIGHT]
    started = time.process_time()
    for text in texts:
        quoted(text, odd())
    assert (time.process_time() - started) / len(texts) < 0.02
