"""A masked column, asked about by a reader, answered by the real model: nothing on the way has a clear value."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Connection
from tests.e2e.conftest import Product
from tests.support.auditing import eventually

QUESTION = "List the email of all customers"
READER = "mask_reader"


@pytest.fixture
def admin(product: Product) -> Iterator[Connection]:
    """The superuser's connection; `mask_reader` reads customers, whose e-mail addresses and names are masked."""
    with product.connect("postgres") as connection:
        connection.execute(f"create role {READER} login in role nl2sql_user; grant usage on schema shop to {READER}")
        connection.execute(f"grant select on shop.customers, shop.orders to {READER}")
        connection.execute(f"alter role {READER} in database live set search_path = shop, public")
        for column, masking in (("email", "email"), ("full_name", "name")):
            connection.execute("select nl2sql.mask('shop.customers', %s, %s)", (column, masking))
        connection.execute(f"select nl2sql.use_masked('{READER}'), nl2sql.refresh_index()")
        yield connection
        connection.execute("select nl2sql.unmask('shop.customers', 'email')")
        connection.execute("select nl2sql.unmask('shop.customers', 'full_name'); drop schema shop_masked")
        connection.execute(f"drop owned by {READER}; drop role {READER}")


def recorded(admin: Connection) -> str:
    return str(admin.execute("select record from nl2sql._audit where role = %s", (READER,)).fetchall())


def said(connection: Connection, statement: str, *values: object) -> str:
    """All that comes back, errors included."""
    try:
        return str(connection.execute(statement.encode(), values).fetchall())
    except psycopg.Error as error:
        diagnosis = error.diag
        return f"{error} {diagnosis.message_detail} {diagnosis.message_hint} {diagnosis.context}"


def test_no_clear_value_on_the_way(product: Product, admin: Connection) -> None:
    clear = admin.execute("select email from shop.customers union select full_name from shop.customers").fetchall()
    with product.connect(READER) as reader:
        traced = str(reader.execute("select t::text from nl2sql.trace(%s) as t", (QUESTION,)).fetchall())
        answer = reader.execute("select jsonb_agg(q) from nl2sql.query(%s) as q", (QUESTION,)).fetchone()
        failed = said(reader, "select nl2sql.run('select cast(email as int) from customers')")
        refused = said(reader, "select nl2sql.run('select email from shop.customers')")
    assert answer
    shown = json.dumps(answer[0])
    assert "****@" in shown and len(answer[0]) == admin.execute("select count(*) from shop.customers").fetchone()[0]  # type: ignore[index]
    assert QUESTION in traced and "shop_masked.customers" in traced, "the prompt is part of it"
    assert "****@" in failed and "invalid input syntax" in failed
    assert "email" not in refused or "NL4" in refused or "permission" in refused
    eventually(lambda: "query" in recorded(admin) and recorded(admin).count("outcome") >= 4)
    everything = " ".join((traced, shown, failed, refused, recorded(admin)))
    assert [value for (value,) in clear if str(value) in everything] == []
