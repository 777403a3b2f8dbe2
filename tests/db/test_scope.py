"""Which relations a question is asked of: read from the request that leaves the backend."""

from __future__ import annotations

import pytest

from tests.conftest import Connection, Database
from tests.support.asking import ask


def test_kinds_of_relations(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("""
        create table plain (id int);
        create table parted (id int) partition by range (id);
        create table parted_1 partition of parted for values from (0) to (10);
        create table parted_2 partition of parted for values from (10) to (20) partition by list (id);
        create table parted_2_a partition of parted_2 for values in (11);
        create view seen as select id from plain;
        create materialized view stored as select id from plain;
        create foreign data wrapper nowhere;
        create server far foreign data wrapper nowhere;
        create foreign table foreign_one (id int) server far;
        create sequence counter;
        create type pair as (a int, b int);
        create index plain_id on plain (id);
        grant select on all tables in schema public to analyst;
        grant select on sequence counter to analyst;
    """)
    analyst.execute("create temp table passing (id int)")
    kinds = {name: table["kind"] for name, table in ask(database, analyst).tables.items()}
    assert kinds == {
        "customers": "table",
        "orders": "table",
        "secrets": "table",
        "plain": "table",
        "parted": "partitioned table",
        "seen": "view",
        "stored": "materialized view",
        "foreign_one": "foreign table",
    }


NAMES = [
    "Mixed Case",
    "select",
    'we"ird',
    "it's",
    "Städte",
    "订单",
    "emoji 🎉",
    "with\ttab",
    "x" * 63,
    "a.b",
    "%s {} $1",
]


def test_names_arrive_as_they_are(database: Database, admin: Connection, analyst: Connection) -> None:
    for name in NAMES:
        quoted = '"' + name.replace('"', '""') + '"'
        admin.execute(f"create table {quoted} ({quoted} int primary key, other int references {quoted})".encode())
        admin.execute(f"grant select on {quoted} to analyst".encode())
    tables = ask(database, analyst).tables
    for name in NAMES:
        table = tables[name]
        assert [column["name"] for column in table["columns"]] == [name, "other"]
        assert table["primary_key"] == [name]
        key = {"columns": ["other"], "schema": "public", "table": name, "references": [name]}
        assert table["foreign_keys"] == [key]


def test_a_described_table(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("""
        create type mood as enum ('sad', 'it''s ok', 'happy');
        create table described (
            id bigint generated always as identity primary key,
            feeling mood not null,
            state varchar(10) check (state in ('open', 'it''s shut')),
            amount numeric(10, 2) default 0 check (amount > 0),
            tags text[]
        );
        comment on table described is E'line one\\n  line\\u202e two\\t';
        comment on column described.amount is 'in euro';
        alter table described drop column tags;
        grant select on described to analyst;
    """)
    table = ask(database, analyst).tables["described"]
    assert table["comment"] == "line one line two"
    columns = {column.pop("name"): column for column in table["columns"]}
    assert [column.pop("samples") for column in columns.values()] == [[]] * 4, "never analyzed"
    assert columns == {
        "id": {"type": "bigint", "not_null": True, "comment": None, "values": []},
        "feeling": {"type": "public.mood", "not_null": True, "comment": None, "values": ["sad", "it's ok", "happy"]},
        "state": {"type": "character varying(10)", "not_null": False, "comment": None, "values": ["open", "it's shut"]},
        "amount": {"type": "numeric(10,2)", "not_null": False, "comment": "in euro", "values": []},
    }


def test_members_of_extensions_are_absent(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("create table of_an_extension (id int)")
    admin.execute("grant select on of_an_extension to analyst")
    assert "of_an_extension" in ask(database, analyst).tables
    admin.execute("alter extension pg_trgm add table of_an_extension")
    assert "of_an_extension" not in ask(database, analyst).text
    assert "pg_class" not in ask(database, analyst, scope="database").tables


def make_schemas(admin: Connection) -> None:
    admin.execute("""
        create schema one; create schema two; create schema closed;
        create table one.shared (a int); create table two.shared (b int);
        create table one.single (a int); create table closed.hidden_away (c int);
        grant usage on schema one, two to analyst;
        grant select on all tables in schema one, two, closed to analyst;
    """)


def test_the_search_path_decides(database: Database, admin: Connection, analyst: Connection) -> None:
    make_schemas(admin)
    assert set(ask(database, analyst).tables) == {"customers", "orders"}
    analyst.execute("set search_path = two, one, closed, missing")
    scope = ask(database, analyst).scope
    assert scope["search_path"] == ["two", "one"]
    assert [(t["schema"], t["name"]) for t in scope["tables"]] == [
        ("two", "shared"),
        ("one", "shared"),
        ("one", "single"),
    ]


def test_a_shadowed_table_keeps_its_schema(database: Database, admin: Connection, analyst: Connection) -> None:
    make_schemas(admin)
    for first, second in (("one", "two"), ("two", "one")):
        analyst.execute(f"set search_path = {first}, {second}")
        sent = ask(database, analyst)
        assert sent.scope["search_path"] == [first, second]
        assert [c["name"] for c in sent.tables["one.shared"]["columns"]] == ["a"]
        assert [c["name"] for c in sent.tables["two.shared"]["columns"]] == ["b"]


@pytest.mark.parametrize("way", ["preference", "option"])
def test_scope_of_the_whole_database(database: Database, admin: Connection, analyst: Connection, way: str) -> None:
    make_schemas(admin)
    if way == "preference":
        analyst.execute("set nl2sql.scope = 'database'")
    options = {"scope": "database"} if way == "option" else {}
    found = {(t["schema"], t["name"]) for t in ask(database, analyst, **options).scope["tables"]}
    assert found == {
        ("public", "customers"),
        ("public", "orders"),
        ("one", "shared"),
        ("two", "shared"),
        ("one", "single"),
    }


def test_a_table_made_in_the_same_transaction(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("grant create on schema public to analyst")
    with analyst.transaction(force_rollback=True):
        analyst.execute("create table a_second_ago (id int, colour text)")
        analyst.execute("comment on column a_second_ago.colour is 'of the paint'")
        table = ask(database, analyst).tables["a_second_ago"]
        assert table["columns"][1]["comment"] == "of the paint"
        analyst.execute("alter table a_second_ago rename colour to hue")
        assert ask(database, analyst).tables["a_second_ago"]["columns"][1]["name"] == "hue"
    assert "a_second_ago" not in ask(database, analyst).text


def test_neighbours_are_those_the_caller_may_read_by_keys_it_may_read(admin: Connection, analyst: Connection) -> None:
    admin.execute("create table lines (order_id int references orders, product text)")
    found = (
        "select n.relid::regclass::text from nl2sql._neighbours(array['orders'::regclass::oid], 'database', '{}') as n"
    )
    assert analyst.execute(found).fetchall() == [("customers",)]
    admin.execute("grant select (product) on lines to analyst")
    assert analyst.execute(found).fetchall() == [("customers",)], "the key's column is closed"
    admin.execute("grant select on lines to analyst")
    assert sorted(analyst.execute(found).fetchall()) == [("customers",), ("lines",)]
