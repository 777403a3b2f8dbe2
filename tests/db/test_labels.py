"""What names the rows of a table: inferred, said by the DBA, shown to who may read it, kept through DDL and a dump."""

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

SCHEMA = """
    create schema firm;
    create domain firm.line as varchar(80);
    create type firm.grade as enum ('low', 'high');
    create table firm.staff (staff_id int primary key, full_name text not null, email text unique,
        manager_id int references firm.staff);
    create table firm.member (no int primary key, given_name text, family_name text, title text);
    create table firm."Client List" ("Id" uuid primary key, "displayName" firm.line, "group" text);
    create table firm.shpt (shpt_id int primary key, shpt_no varchar(12) not null unique, orig text);
    create table firm.st_cd (cd char(2) primary key, txt varchar(40));
    create table firm.level (level_id int primary key, level_name firm.grade);
    create table firm.kind (kind_id int primary key, kind_name text check (kind_name in ('a', 'b')));
    create table firm.delivery (delivery_id int primary key, supplier_id int, supplier_name text, placed date);
    create table firm.part_supplier (part_id int, supplier_id int, remark text, primary key (part_id, supplier_id));
    create table firm.country (code char(2) primary key, name text);
    create table firm.t002 (f01 text primary key, f02 text, f03 text);
    comment on table firm.t002 is '工厂 (plants)';
    comment on column firm.t002.f02 is '工厂名称 (plant name)';
    comment on column firm.t002.f03 is 'name of the responsible engineer';
    create table firm.部门 (部门编号 int primary key, 部门名称 text, 简称 text);
    create view firm.chief as select staff_id, full_name from firm.staff where manager_id is null;
"""
LABELS = 'select relation::text, label::text[], source from nl2sql.labels order by relation::text collate "C"'
INFERRED = {
    'firm."Client List"': ["displayName"],
    "firm.chief": ["full_name"],
    "firm.country": ["name"],
    "firm.member": ["given_name", "family_name"],
    "firm.shpt": ["shpt_no"],
    "firm.st_cd": ["txt"],
    "firm.staff": ["full_name"],
    "firm.t002": ["f02"],
    'firm."部门"': ["部门名称"],
}


@pytest.fixture(scope="module")
def made(cluster: Cluster, template: str) -> Iterator[Connection]:
    with new_database(cluster, template) as found, found.connect() as connection:
        connection.execute("drop role if exists firm_reader, firm_boss")
        connection.execute(SCHEMA)
        connection.execute("create role firm_reader in role nl2sql_user; create role firm_boss in role nl2sql_admin")
        connection.execute("grant usage on schema firm to firm_reader")
        connection.execute("grant select on all tables in schema firm to firm_reader")
        yield connection
        connection.execute("reset role; drop owned by firm_reader; drop role firm_reader, firm_boss")


@pytest.fixture
def firm(made: Connection) -> Iterator[Connection]:
    """The firm; what a test does to it is undone."""
    with made.transaction(force_rollback=True):
        yield made


def labels(connection: Connection) -> dict[str, tuple[list[str], str]]:
    return {relation: (label, source) for relation, label, source in connection.execute(LABELS.encode()).fetchall()}


def test_inferred(firm: Connection) -> None:
    wanted = {relation: (label, "inferred") for relation, label in INFERRED.items()}
    assert labels(firm) == wanted
    firm.execute("set local role firm_reader")
    assert labels(firm) == wanted


def test_a_name_of_what_it_refers_to_is_none(firm: Connection) -> None:
    firm.execute("create table firm.city (city_id int primary key, city_name text references firm.st_cd, area text)")
    assert "firm.city" not in labels(firm)


def test_said_and_forgotten(firm: Connection) -> None:
    firm.execute("set local role firm_boss")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), firm.transaction():
        firm.execute("insert into nl2sql.label_rule (relation, columns, numbers) values (1, '{}', '{}')")
    # an administrator needs no right on the table
    firm.execute("select nl2sql.set_label('firm.staff', '{email}'), nl2sql.set_label('firm.shpt', '{}')")
    assert labels(firm) == {}
    firm.execute("reset role")
    found = labels(firm)
    assert (found["firm.staff"], found["firm.shpt"]) == ((["email"], "declared"), ([], "declared"))
    firm.execute("set local role firm_boss")
    forget = "select nl2sql.drop_label('staff', '{firm}')"
    assert [firm.execute(forget.encode()).fetchone() for _ in range(2)] == [(True,), (False,)]
    firm.execute("reset role")
    assert labels(firm)["firm.staff"] == (["full_name"], "inferred")


REFUSED = {
    "no such table": ("select nl2sql.set_label('firm.nothing', '{x}')", "42P01"),
    "drop of none": ("select nl2sql.drop_label('firm.nothing')", "42P01"),
    "no such column": ("select nl2sql.set_label('firm.staff', '{nothing,full_name}')", "22023"),
    "a system column": ("select nl2sql.set_label('firm.staff', '{ctid}')", "22023"),
    "twice": ("select nl2sql.set_label('firm.staff', '{full_name,full_name}')", "22023"),
    "null": ("select nl2sql.set_label('firm.staff', array[null])", "22023"),
    "no columns": ("select nl2sql.set_label('firm.staff', null)", "22023"),
    "no table": ("select nl2sql.set_label(null, '{full_name}')", "22023"),
    "too many": ("select nl2sql.set_label('firm.staff', string_to_array('a b c d e f g h i', ' '))", "22023"),
}


@pytest.mark.parametrize(("call", "sqlstate"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_label(firm: Connection, call: str, sqlstate: str) -> None:
    with pytest.raises(psycopg.Error) as refused, firm.transaction():
        firm.execute(call.encode())
    assert refused.value.sqlstate == sqlstate
    assert refused.value.diag.message_detail and refused.value.diag.message_hint


def test_only_an_administrator_says_so(firm: Connection) -> None:
    firm.execute("set local role firm_reader")
    for call in ("set_label('firm.staff', '{email}')", "drop_label('firm.staff')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), firm.transaction():
            firm.execute(f"select nl2sql.{call}".encode())


HIDDEN = {
    "table": "revoke select on firm.staff from firm_reader",
    "schema": "revoke usage on schema firm from firm_reader",
    "column": "revoke select on firm.staff from firm_reader;"
    "grant select (staff_id, email) on firm.staff to firm_reader",
}


@pytest.mark.parametrize("revoking", HIDDEN.values(), ids=HIDDEN)
def test_who_may_not_read_a_column_learns_of_no_label(firm: Connection, revoking: str) -> None:
    firm.execute("select nl2sql.set_label('firm.staff', '{full_name}')")
    firm.execute(revoking.encode())
    firm.execute("set local role firm_reader")
    assert "full_name" not in labels(firm).get("firm.staff", ([], ""))[0]
    assert firm.execute("select count(*) from nl2sql.label_rule").fetchone() == (0,)


def test_a_label_follows_renames_and_goes_with_its_column(firm: Connection) -> None:
    firm.execute("select nl2sql.set_label('firm.member', '{title,given_name}')")
    firm.execute("alter table firm.member rename to person; alter table firm.person rename column title to nick")
    assert labels(firm)["firm.person"] == (["nick", "given_name"], "declared")
    assert firm.execute("select columns from nl2sql.label_rule").fetchone() == (["nick", "given_name"],)
    firm.execute("alter table firm.person drop column nick")
    # half of it names nothing that was meant
    assert labels(firm)["firm.person"] == (["given_name", "family_name"], "inferred")
    firm.execute("drop table firm.person; select nl2sql.set_label('firm.shpt', '{orig}')")
    assert firm.execute("select count(*) from nl2sql.label_rule").fetchone() == (1,)


def test_what_is_masked_names_nobody(firm: Connection) -> None:
    firm.execute("select nl2sql.mask('firm.staff', 'full_name', 'name')")
    firm.execute("set local role firm_reader")
    # e-mail is left, which no two rows share
    assert labels(firm).get("firm_masked.staff") in (None, (["email"], "inferred"))
    firm.execute("reset role; select nl2sql.set_label('firm.staff', '{full_name}'); set local role firm_reader")
    assert labels(firm)["firm_masked.staff"] == ([], "declared")
    firm.execute("reset role; select nl2sql.set_label('firm.staff', '{email}'); set local role firm_reader")
    assert labels(firm)["firm_masked.staff"] == (["email"], "declared")


def test_a_question_carries_it(database: Database, admin: Connection, analyst: Connection) -> None:
    tables = ask(database, analyst).tables
    assert tables["customers"]["label"] == ["name"]
    assert "label" not in tables["orders"]
    admin.execute("select nl2sql.set_label('customers', '{}')")
    assert "label" not in ask(database, analyst).tables["customers"]


def test_it_is_on_record(database: Database, admin: Connection) -> None:
    admin.execute("create table note (id int, body text)")
    admin.execute("select nl2sql.set_label('note', '{body}'), nl2sql.drop_label('note')")
    noted = "select record ->> 'action' from nl2sql._audit_outbox order by noted_at"
    assert [action for (action,) in admin.execute(noted.encode())][-2:] == ["set_label", "drop_label"]


def test_dump_and_restore(database: Database, admin: Connection, tmp_path: Path) -> None:
    """Numbers of columns and OIDs change; the label means the same. One whose column is gone stays behind."""
    admin.execute("create table waste (id int); create table a (gone int, one text, two text); create table b (x text)")
    admin.execute("create table c (y text)")
    admin.execute(
        "select nl2sql.set_label('a', '{two,one}'), nl2sql.set_label('b', '{x}'), nl2sql.set_label('c', '{}')"
    )
    admin.execute("alter table a drop column gone; alter table b drop column x; alter table a rename column one to uno")
    admin.execute("drop table waste")
    dump = tmp_path / "dump.sql"
    bin_ = database.cluster.bin
    subprocess.run([bin_ / "pg_dump", "--dbname", database.dsn(), "--file", dump], check=True)
    with new_database(database.cluster) as target:
        command = [bin_ / "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", target.dsn()]
        subprocess.run([*command, "--file", dump], check=True, stdout=subprocess.DEVNULL)
        with target.connect() as restored:
            found: dict[str, Any] = labels(restored)
            assert (found["a"], found["c"]) == ((["two", "uno"], "declared"), ([], "declared"))
            rules = "select relation::text, numbers from nl2sql.label_rule order by 1"
            assert restored.execute(rules.encode()).fetchall() == [("a", [2, 1]), ("c", [])]
