"""What the guard renders means to PostgreSQL what the statement meant: same rows, same texts."""

from __future__ import annotations

import itertools
from pathlib import Path

import psycopg

from sidecar.errors import SidecarError
from sidecar.guard.check import check
from tests.conftest import Connection
from tests.support.shop import shop_scope, statements

ROOT = Path(__file__).parents[2]
LEGITIMATE = ROOT / "tests" / "unit" / "sidecar" / "guard" / "legitimate.txt"
# Rows that need not be the same twice.
MOVING = ("random()", "tablesample", "now()")


def rows(connection: Connection, sql: str) -> list[str]:
    return sorted(map(repr, connection.execute(f"select t::text from ({sql}) as t".encode()).fetchall()))


def test_same_rows(odd_shop: Connection) -> None:
    for sql in statements(LEGITIMATE):
        normal = check(sql, shop_scope()).sql
        limited = [f"select * from ({text}) as limited limit 2000" for text in (sql, normal)]
        before, after = (rows(odd_shop, text) for text in limited)
        if not any(word in sql for word in MOVING):
            # numbers may get another type of the same value
            assert [row.replace(".0", "") for row in after] == [row.replace(".0", "") for row in before], sql


def value(connection: Connection, sql: str) -> str:
    try:
        return repr(connection.execute(sql.encode()).fetchall())
    except (psycopg.errors.SyntaxError, psycopg.errors.NonstandardUseOfEscapeCharacter) as error:
        return type(error).__name__


def test_same_literals(admin: Connection) -> None:
    """Short texts of quotes, backslashes and what could end a literal: PostgreSQL reads both forms alike."""
    compared = 0
    for opening, closing in (("'", "'"), ("E'", "'"), ("$$", "$$"), ("U&'", "'")):
        for inside in itertools.product(("\\", "'", "''", "a", "\\n", "$", ";--"), repeat=4):
            sql = f"select {opening}{''.join(inside)}{closing} as x"
            try:
                normal = check(sql, shop_scope()).sql
            except SidecarError:
                continue
            before, after = value(admin, sql), value(admin, normal)
            # where PostgreSQL would not take the statement, its normal form is one literal or not taken either
            assert after == before or (before == "SyntaxError" and after.startswith("[(")), sql
            compared += 1
    assert compared > 3000
