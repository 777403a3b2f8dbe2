"""Who may do what with the extension's objects, and that nobody's question carries what he may not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers
from tests.support.asking import Sent, ask
from tests.support.databases import new_database
from tests.support.expected import assert_as_expected
from tests.support.peer import peer
from tools.cluster import Cluster

PRIVILEGES = Path(__file__).resolve().parents[2] / "sql" / "functions" / "990_privileges.sql"
ROLES = ("public", "nl2sql_user", "nl2sql_developer", "nl2sql_auditor", "nl2sql_admin", "nl2sql_sidecar")


@pytest.fixture(scope="module")
def shared(cluster: Cluster, template: str) -> Iterator[Database]:
    with new_database(cluster, template) as found:
        yield found


@pytest.fixture
def dba(shared: Database) -> Iterator[Connection]:
    """A superuser's connection to a database that the tests of this file share; what is done there is undone."""
    with shared.connect() as connection:
        connection.autocommit = False
        yield connection
        connection.rollback()


MATRIX = """
    with role (name, place) as (select * from unnest(%s::text[]) with ordinality),
    grantable as (
        select 'function ' || p.oid::regprocedure as object, r.place, r.name,
            array[case when has_function_privilege(r.name, p.oid, 'execute') then 'execute' end] as rights
        from role as r, pg_proc as p
        where p.pronamespace = 'nl2sql'::regnamespace or p.oid = 'public.nl2sql(text)'::regprocedure
        union all
        select case c.relkind when 'v' then 'view ' else 'table ' end || c.oid::regclass, r.place, r.name,
            array(select right_ from unnest('{select,insert,update,delete,truncate,references,trigger}'::text[])
                as right_ where has_table_privilege(r.name, c.oid, right_))
        from role as r, pg_class as c where c.relnamespace = 'nl2sql'::regnamespace and c.relkind in ('r', 'v')
        union all
        select 'sequence ' || c.oid::regclass, r.place, r.name,
            array(select right_ from unnest(array['usage', 'select', 'update']) as right_
                where has_sequence_privilege(r.name, c.oid, right_))
        from role as r, pg_class as c where c.relnamespace = 'nl2sql'::regnamespace and c.relkind = 'S'
        union all
        select 'schema nl2sql', r.place, r.name,
            array(select right_ from unnest(array['usage', 'create']) as right_
                where has_schema_privilege(r.name, 'nl2sql', right_))
        from role as r
    )
    select object, coalesce(string_agg(name || '=' || array_to_string(rights, ','), ' ' order by place)
        filter (where array_to_string(rights, ',') <> ''), '-')
    from grantable group by object order by object collate "C"
"""


def test_the_matrix_of_roles_and_objects(dba: Connection) -> None:
    rows = dba.execute(MATRIX, (list(ROLES),)).fetchall()
    assert_as_expected("privileges.txt", (f"{name}: {rights}" for name, rights in rows))
    assert [name for name, rights in rows if "public=" in rights] == ["function nl2sql(text)"]


GRANTS = re.search(r"^do \$plpgsql\$.*?^\$plpgsql\$;", PRIVILEGES.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("listed", "error"),
    [
        ("'nl2sql.ask(text, jsonb)', 'nl2sql.ask(text,jsonb)'", psycopg.errors.RaiseException),
        ("'nl2sql.ask(text)'", psycopg.errors.UndefinedFunction),
    ],
    ids=["twice", "unknown"],
)
def test_a_function_is_granted_in_one_place(dba: Connection, listed: str, error: type[psycopg.Error]) -> None:
    assert GRANTS
    statement = GRANTS[0].replace("'nl2sql.ask(text, jsonb)'", listed)
    dba.execute(GRANTS[0].encode())
    with pytest.raises(error, match=r"nl2sql\.ask"):
        dba.execute(statement.encode())


@pytest.mark.parametrize("role", ROLES[1:])
def test_no_role_owns_anything_or_stands_above_another(dba: Connection, role: str) -> None:
    attributes = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin"
    assert dba.execute(f"select {attributes} from pg_roles where rolname = %s", (role,)).fetchone() == (False,) * 6
    owned = "select count(*) from pg_shdepend where refobjid = to_regrole(%s) and deptype = 'o'"
    assert dba.execute(owned, (role,)).fetchone() == (0,)
    memberships = "select count(*) from pg_auth_members where member = to_regrole(%s)"
    assert dba.execute(memberships, (role,)).fetchone() == (0,)


WRITES = [
    "insert into nl2sql.setting (name, value) values ('sidecar_user', 'me')",
    "update nl2sql.setting set value = 'me'",
    "delete from nl2sql.setting",
    "truncate nl2sql.setting",
    "alter table nl2sql.setting add column x int",
    "create table nl2sql.mine (id int)",
    "insert into nl2sql._index_queue (relid) values (1)",
    "delete from nl2sql._index",
    "create or replace function nl2sql._caller() returns jsonb language sql as 'select null::jsonb'",
]


@pytest.mark.parametrize("role", ROLES[1:])
@pytest.mark.parametrize("statement", WRITES)
def test_only_a_superuser_writes(dba: Connection, role: str, statement: str) -> None:
    dba.execute(f"set role {role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dba.execute(statement.encode())


@pytest.mark.parametrize("role", ["nl2sql_user", "nl2sql_developer", "nl2sql_auditor", "nl2sql_sidecar"])
def test_only_an_admin_sets(dba: Connection, role: str) -> None:
    dba.execute(f"set role {role}")
    for call in ("set_setting('sidecar_user', 'me')", "refresh_index()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), dba.transaction():
            dba.execute(f"select nl2sql.{call}".encode())


# Two roles in one session.


@pytest.fixture
def pool(database: Database, admin: Connection) -> Iterator[Connection]:
    """A connection as a pooler has it: a login role that is none of its users, and may become each of them."""
    admin.execute("""
        create role red in role nl2sql_user; create role blue in role nl2sql_user;
        create role pool login noinherit in role red, blue;
        create table red_things (id int primary key, crimson text);
        create table blue_things (id int primary key, azure text, other_id int references red_things);
        comment on table red_things is 'scarlet'; comment on table blue_things is 'navy';
        create table both_things (id int, crimson_part text, azure_part text);
        grant select on red_things to red; grant select on blue_things to blue;
        grant select (id, crimson_part) on both_things to red; grant select (id, azure_part) on both_things to blue;
    """)
    with database.connect("pool") as connection:
        yield connection
    admin.execute("drop owned by red, blue, pool; drop role pool, red, blue")


FOREIGN = {"red": ("blue", "azure", "navy"), "blue": ("red_", "red thing", "crimson", "scarlet")}


def ask_as(database: Database, connection: Connection, role: str) -> Sent:
    connection.execute(f"set role {role}")
    try:
        return ask(database, connection, "how many things are there")
    finally:
        connection.execute("reset role")


def assert_apart(database: Database, pool: Connection) -> None:
    """Both take turns, so that whatever a session keeps of one would show in the other's request."""
    for role in ("red", "blue", "red", "blue"):
        sent = ask_as(database, pool, role)
        assert f"{role}_things" in sent.text
        assert not [word for word in FOREIGN[role] if word in sent.text]


def test_two_roles_see_their_own(database: Database, pool: Connection) -> None:
    assert_apart(database, pool)


def test_two_roles_ranked_without_an_index(database: Database, admin: Connection, pool: Connection) -> None:
    """A scope beyond max_tables: texts of unknown tables go to the embedder."""
    admin.execute("select nl2sql.set_setting('max_tables', '1')")
    for role in ("red", "blue", "red"):
        sent = ask_as(database, pool, role)
        assert [b"/v1/embed" in request for request in sent.requests] == [True, True, False]
        assert not [word for word in FOREIGN[role] if word in sent.text]


def test_two_roles_ranked_by_a_full_index(database: Database, admin: Connection, pool: Connection) -> None:
    admin.execute("select nl2sql.set_setting('max_tables', '1')")
    with peer(database.socket, answers()):
        admin.execute("select nl2sql.refresh_index()")
    for role in ("red", "blue", "red"):
        sent = ask_as(database, pool, role)
        assert not [word for word in FOREIGN[role] if word in sent.text]


def test_the_index_shows_each_role_its_own_rows(database: Database, admin: Connection, pool: Connection) -> None:
    with peer(database.socket, answers()):
        admin.execute("select nl2sql.refresh_index()")
    query = """
        select c.relname || coalesce('.' || a.attname, '') from nl2sql._index as i
            join pg_class as c on c.oid = i.relid
            left join pg_attribute as a on a.attrelid = i.relid and a.attnum = i.attnum
                and i.attnum > 0
        order by 1"""
    seen = {}
    for role in ("red", "blue"):
        pool.execute(f"set role {role}")
        seen[role] = [name for (name,) in pool.execute(query.encode()).fetchall()]
    shared = ["both_things", "both_things.id"]
    assert seen["red"] == [
        *shared[:1],
        "both_things.crimson_part",
        shared[1],
        "red_things",
        "red_things.crimson",
        "red_things.id",
    ]
    assert seen["blue"] == [
        "blue_things", "blue_things.azure", "blue_things.id", "blue_things.other_id",
        "both_things", "both_things.azure_part", "both_things.id",
    ]  # fmt: skip


def test_the_pooled_role_itself_may_not_ask(pool: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        pool.execute("select nl2sql('how many things')")


# What a role may not read.

STAFF = """
    create type grade as enum ('junior', 'overpaid');
    create table payroll (id int primary key, account text);
    create table staff (
        id int, name text, salary int, level grade, payroll_id int references payroll,
        kind text check (kind in ('plain', 'undercover')),
        primary key (id, salary)
    );
    create table rota (id int, staff_id int, staff_salary int, foreign key (staff_id, staff_salary) references staff);
    comment on column staff.salary is 'gross remuneration';
    comment on table payroll is 'bank connections';
    grant select (id, name, payroll_id) on staff to analyst;
    grant select on rota to analyst;
"""
HIDDEN = ('"salary"', "remuneration", "overpaid", "undercover", 'payroll"', "bank connections", "account")


@pytest.mark.parametrize("ranked", [False, True])
def test_hidden_columns_stay_hidden(database: Database, admin: Connection, analyst: Connection, ranked: bool) -> None:
    admin.execute(STAFF)
    if ranked:
        admin.execute("select nl2sql.set_setting('max_tables', '3')")
    sent = ask(database, analyst, "how many staff on the rota")
    assert [c["name"] for c in sent.tables["staff"]["columns"]] == ["id", "name", "payroll_id"]
    assert sent.tables["staff"]["primary_key"] == []
    assert sent.tables["staff"]["foreign_keys"] == []
    assert sent.tables["rota"]["foreign_keys"] == []
    assert not [word for word in HIDDEN if word in sent.text]
    assert ranked == any(b"/v1/embed" in request for request in sent.requests)


def test_ranked_texts_leave_out_hidden_columns(database: Database, admin: Connection, analyst: Connection) -> None:
    """Texts for the embedder have words, not quoted names."""
    admin.execute(
        "create table staff (id int, name text, gross_salary int); grant select (id, name) on staff to analyst"
    )
    admin.execute("select nl2sql.set_setting('max_tables', '1')")
    assert "salary" not in ask(database, analyst, "names of staff").text


def test_a_key_into_a_closed_schema(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("""
        create schema closed; create table closed.target (id int primary key);
        create table pointing (id int, target_id int references closed.target);
        grant select on closed.target, pointing to analyst;
    """)
    sent = ask(database, analyst, scope="database")
    assert set(sent.tables) == {"customers", "orders", "pointing"}
    assert "closed" not in sent.text
    admin.execute("grant usage on schema closed to analyst")
    sent = ask(database, analyst, scope="database")
    assert sent.tables["pointing"]["foreign_keys"][0]["schema"] == "closed"


def test_a_right_taken_away_counts_at_once(database: Database, admin: Connection, analyst: Connection) -> None:
    assert "orders" in ask(database, analyst).tables
    admin.execute("revoke select on orders from analyst; grant select (id) on orders to analyst")
    assert [c["name"] for c in ask(database, analyst).tables["orders"]["columns"]] == ["id"]
    admin.execute("revoke select (id) on orders from analyst")
    assert set(ask(database, analyst).tables) == {"customers"}
