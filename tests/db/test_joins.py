"""Keys that nobody declared: found, shown to those who may read both ends, added and denied by the DBA, dumped."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.asking import ask
from tests.support.databases import new_database
from tools.cluster import Cluster

# A shop without any declared key.
SHOP = """
    create schema store;
    create table store.clients (id int primary key, name text);
    create table store.products (product_id int primary key, label text);
    create table store.purchases (id int primary key, client_id int, bought date);
    create table store.purchase_items (purchase_id int, product_id int, amount int);
    create table store.agents (agent_id int, client_id int);
    insert into store.clients select n, 'client ' || n from generate_series(1, 300) as n;
    insert into store.products select n, 'product ' || n from generate_series(1, 40) as n;
    insert into store.purchases select n, 1 + n % 300, '2026-01-01' from generate_series(1, 900) as n;
    insert into store.purchase_items select n, 1 + n % 40, 1 from generate_series(1, 900) as n;
    insert into store.agents select n, 1000 + n from generate_series(1, 200) as n;
    analyze;
"""
FOUND = """
    select from_table::text, from_columns[1]::text, to_table::text, to_columns[1]::text, origin
    from nl2sql.joins where score >= 0.6 or origin <> 'inferred' order by 1, 2"""
INFERRED = [
    ("store.purchase_items", "product_id", "store.products", "product_id", "inferred"),
    ("store.purchase_items", "purchase_id", "store.purchases", "id", "inferred"),
    ("store.purchases", "client_id", "store.clients", "id", "inferred"),
]


def grant(connection: Connection) -> None:
    connection.execute("drop role if exists store_reader, store_boss")
    connection.execute("create role store_reader in role nl2sql_user; create role store_boss in role nl2sql_admin")
    connection.execute("grant usage on schema store to store_reader")
    connection.execute("grant select on all tables in schema store to store_reader")


@pytest.fixture(scope="module")
def made(cluster: Cluster, template: str) -> Iterator[Connection]:
    with new_database(cluster, template) as found, found.connect() as connection:
        connection.execute(SHOP)
        grant(connection)
        yield connection
        connection.execute("reset role; drop owned by store_reader; drop role store_reader, store_boss")


@pytest.fixture
def store(made: Connection) -> Iterator[Connection]:
    """The store; what a test does to it is undone."""
    with made.transaction(force_rollback=True):
        yield made


def found(connection: Connection) -> list[Any]:
    return connection.execute(FOUND).fetchall()


def test_keys_are_inferred(store: Connection) -> None:
    """agents.client_id has values that no client has."""
    assert found(store) == INFERRED
    store.execute("set local role store_reader")
    assert found(store) == INFERRED


def test_a_declared_key_stands_alone(store: Connection) -> None:
    store.execute("alter table store.purchases add foreign key (client_id) references store.clients")
    assert (*INFERRED[2][:4], "declared") in found(store)
    assert len(found(store)) == 3


def test_without_primary_keys(store: Connection) -> None:
    """Statistics know which column has no value twice."""
    for table in ("clients", "products", "purchases"):
        store.execute(f"alter table store.{table} drop constraint {table}_pkey".encode())
    assert found(store) == INFERRED


def test_types_must_be_comparable(store: Connection) -> None:
    store.execute("alter table store.purchases alter column client_id type text")
    assert INFERRED[2] not in found(store)


REVOKED = "revoke select on store.{0} from store_reader; grant select ({1}) on store.{0} to store_reader"
HIDDEN = {
    "table": "revoke select on store.clients from store_reader",
    "schema": "revoke usage on schema store from store_reader",
    "own_column": REVOKED.format("purchases", "id"),
    "other_column": REVOKED.format("clients", "name"),
}


@pytest.mark.parametrize("revoking", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("rule", ["", "true", "false"])
def test_who_may_not_read_a_column_learns_of_no_join(store: Connection, revoking: str, rule: str) -> None:
    """Neither of one that is inferred, nor of a rule about it."""
    if rule:
        store.execute(
            f"select nl2sql.define_join('store.purchases', '{{client_id}}', 'store.clients', '{{id}}', {rule})"
        )
    store.execute(revoking.encode())
    store.execute("set local role store_reader")
    assert not [row for row in found(store) if "client" in str(row)]
    assert store.execute("select count(*) from nl2sql.join_rule").fetchone() == (0,)


def test_statistics_under_row_security_are_not_used(store: Connection) -> None:
    """Names and keys remain; the values that would speak against the agents' join are nobody's to see."""
    store.execute("alter table store.agents enable row level security; set local role store_reader")
    assert len(found(store)) == 4


def define(connection: Connection, *arguments: Any) -> None:
    connection.execute(f"select nl2sql.define_join({', '.join(['%s'] * len(arguments))})".encode(), arguments)


RULE = ("store.agents", ["agent_id"], "store.clients", ["id"])


def test_added_denied_and_forgotten(store: Connection) -> None:
    store.execute("set local role store_boss")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), store.transaction():
        store.execute("insert into nl2sql.join_rule select * from nl2sql.join_rule")
    store.execute("reset role")
    define(store, *RULE)
    added = ("store.agents", "agent_id", "store.clients", "id", "defined")
    assert [row for row in found(store) if row[0] == "store.agents"] == [added]
    define(store, "store.purchases", ["client_id"], "store.clients", ["id"], False)
    assert (*INFERRED[2][:4], "denied") in found(store)
    assert INFERRED[2] not in found(store)
    # the other way round it is the same join
    define(store, "store.clients", ["id"], "store.purchases", ["client_id"], None)
    define(store, *RULE, None)
    assert found(store) == INFERRED


REFUSED = [
    ("store.agents", ["agent_id"], "store.clients", ["id", "name"]),
    ("store.agents", [], "store.clients", []),
    ("store.agents", ["agent_id"], "store.clients", ["nothing"]),
    ("store.agents", ["agent_id"], "store.clients", ["name"]),
    ("store.agents", [None], "store.clients", ["id"]),
    (None, ["agent_id"], "store.clients", ["id"]),
]


@pytest.mark.parametrize("arguments", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_join(store: Connection, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused, store.transaction():
        define(store, *arguments)
    assert refused.value.diag.message_detail == "Nothing was changed."
    assert refused.value.diag.message_hint


def test_only_an_administrator_defines(store: Connection) -> None:
    store.execute("set local role store_reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), store.transaction():
        define(store, *RULE)


def test_a_rule_follows_renames(store: Connection) -> None:
    define(store, *RULE)
    store.execute("alter table store.agents rename to helpers")
    store.execute("alter table store.helpers rename column agent_id to helper_id")
    assert ("store.helpers", "helper_id", "store.clients", "id", "defined") in found(store)
    assert store.execute("select from_columns from nl2sql.join_rule").fetchone() == (["helper_id"],)
    store.execute("alter table store.helpers drop column helper_id")
    assert "store.helpers" not in str(found(store))
    store.execute("drop table store.clients")
    define(store, "store.purchases", ["id"], "store.products", ["product_id"])
    assert store.execute("select count(*) from nl2sql.join_rule").fetchone() == (1,)


def test_dump_and_restore(database: Database, admin: Connection, tmp_path: Path) -> None:
    """Numbers of columns and OIDs change; the rule means the same. One whose column is gone stays behind."""
    admin.execute(
        "create table waste (id int); create table a (gone int, a_id int); create table b (gone int, b_id int)"
    )
    define(admin, "a", ["a_id"], "b", ["b_id"])
    define(admin, "a", ["gone"], "b", ["gone"])
    admin.execute("alter table a drop column gone; alter table b rename column b_id to number; drop table waste")
    dump = tmp_path / "dump.sql"
    bin_ = database.cluster.bin
    subprocess.run([bin_ / "pg_dump", "--dbname", database.dsn(), "--file", dump], check=True)
    with new_database(database.cluster) as target:
        command = [bin_ / "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", target.dsn()]
        subprocess.run([*command, "--file", dump], check=True, stdout=subprocess.DEVNULL)
        with target.connect() as restored:
            assert found(restored) == [("a", "a_id", "b", "number", "defined")]
            assert restored.execute("select from_numbers, to_numbers from nl2sql.join_rule").fetchall() == [([1], [2])]


def test_a_question_carries_them(database: Database, admin: Connection, analyst: Connection) -> None:
    """Inferred with their score, defined like declared ones."""
    admin.execute("create table visits (visit_no int primary key, customer_id int, seen int)")
    admin.execute("grant select on visits to analyst")
    tables = ask(database, analyst).tables
    (key,) = tables["visits"]["foreign_keys"]
    assert key["score"] < 1
    del key["score"]
    assert key == {"columns": ["customer_id"], "schema": "public", "table": "customers", "references": ["id"]}
    (declared,) = tables["orders"]["foreign_keys"]
    assert declared.get("score", 1) == 1
    define(admin, "visits", ["seen"], "orders", ["id"])
    define(admin, "visits", ["customer_id"], "customers", ["id"], False)
    (defined,) = ask(database, analyst).tables["visits"]["foreign_keys"]
    assert (defined["columns"], defined["table"], defined["score"]) == (["seen"], "orders", 1)
