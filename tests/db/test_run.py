"""nl2sql.check() and nl2sql.run(): given statements, through the real guard, run as the caller and undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.sidecar import Sidecar


@pytest.fixture
def service(database: Database) -> Iterator[Sidecar]:
    """The real service beside the database."""
    running = Sidecar(database.socket.parent, socket_mode="0666")
    yield running
    running.stop()


@pytest.fixture
def caller(service: Sidecar, admin: Connection, analyst: Connection) -> Connection:
    admin.execute("insert into customers values (1, 'Ada', 'London'), (2, 'Bob', 'Paris'), (3, 'Cyd', null)")
    admin.execute("insert into orders values (1, 1, 10.50), (2, 1, 20), (3, 2, 5)")
    return analyst


def run(connection: Connection, sql: str, **options: Any) -> list[Any]:
    return [row[0] for row in connection.execute("select nl2sql.run(%s, %s)", (sql, json.dumps(options)))]


def check(connection: Connection, sql: str) -> dict[str, Any]:
    row = connection.execute("select nl2sql.check(%s)", (sql,)).fetchone()
    assert row
    return dict(row[0])


def test_rows_come_in_their_order(caller: Connection) -> None:
    assert run(caller, "select name, city from customers order by name desc;") == [
        {"name": "Cyd", "city": None},
        {"name": "Bob", "city": "Paris"},
        {"name": "Ada", "city": "London"},
    ]


def test_check_tells_what_would_run(caller: Connection) -> None:
    told = check(caller, "select c.name, sum(amount) from customers c join orders o on o.customer_id = c.id group by 1")
    assert told["verdict"] == "allowed", told
    assert told["tables"] == ["public.customers", "public.orders"]
    assert set(told["columns"]) == {
        "public.customers.id", "public.customers.name", "public.orders.amount", "public.orders.customer_id"
    }  # fmt: skip
    assert told["cost"] > 0 and told["rows"] > 0
    assert told["limits"]["max_rows"] == 10000


REFUSED = {
    "delete from customers": "NL401",
    "select 1; select 2": "NL401",
    "select * from secrets": "NL402",
    "select pg_sleep(1)": "NL403",
    "select set_config('role', 'none', false)": "NL403",
    "select * from customers for update": "NL405",
    "select ctid from customers": "NL405",
    "select nothing from customers": "42703",
    "select from where": "NL404",
    "": "22004",
}


def test_refused(caller: Connection) -> None:
    for sql, rule in REFUSED.items():
        told = check(caller, sql)
        assert (told["verdict"], told["rule"]) == ("refused", rule), told
        assert told["message"] and told["detail"] and told["hint"]
        with pytest.raises(psycopg.Error) as caught:
            run(caller, sql)
        assert caught.value.sqlstate == rule
        assert caught.value.diag.message_detail and caught.value.diag.message_hint


def test_no_superuser(caller: Connection, admin: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="superuser"):
        run(admin, "select 1")
    assert check(admin, "select 1")["rule"] == "42501"
    admin.execute("set role analyst")
    assert run(admin, "select count(*) from orders") == [{"count": 3}]
    with pytest.raises(psycopg.Error):
        run(admin, "select * from secrets")
    admin.execute("reset role")


def test_read_only_and_rolled_back_transactions(caller: Connection) -> None:
    caller.execute("begin read only")
    assert run(caller, "select 1 as one, 2 as one") == [{"one": 1, "one_2": 2}]
    assert check(caller, "select id from orders")["columns"] == ["public.orders.id"]
    caller.execute("rollback")
    assert run(caller, "select 1 as one") == [{"one": 1}]


def test_nothing_keeps_a_transaction_from_being_prepared(caller: Connection, admin: Connection) -> None:
    """Application servers with distributed transactions prepare every transaction, also those that only read."""
    for number, call in enumerate(("nl2sql.check('select id from orders')", "nl2sql.run('select id from orders')")):
        caller.execute(f"begin; select {call}; prepare transaction 'two phases {number}'".encode())
        caller.execute(f"commit prepared 'two phases {number}'".encode())
    assert admin.execute("select count(*) from pg_prepared_xacts").fetchone() == (0,)
