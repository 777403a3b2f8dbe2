"""What each role of nl2sql can do, and what none can: by trying it, beside the frozen matrix of privileges.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers
from tests.support.peer import peer

ROLES = ("nl2sql_user", "nl2sql_developer", "nl2sql_auditor", "nl2sql_admin", "nl2sql_sidecar")
USER, DEVELOPER, AUDITOR, ADMIN, SIDECAR = ROLES

ASK = "select nl2sql('how many orders are there')"
# Each action, and the roles that may; what it does is not the point here, and much of it ends in another error.
ACTIONS = {
    ASK: {USER, DEVELOPER},
    "select nl2sql.ask('how many orders are there')": {USER, DEVELOPER},
    "select * from nl2sql.trace('how many orders are there')": {USER, DEVELOPER},
    "select nl2sql.check('select 1')": {USER, DEVELOPER},
    "select * from nl2sql.run('select 1')": {USER, DEVELOPER},
    "select nl2sql.evaluate('none')": {USER, DEVELOPER},
    "select * from nl2sql.status()": {USER, DEVELOPER, ADMIN},
    "select * from nl2sql.settings": {USER, DEVELOPER, ADMIN},
    "select * from nl2sql.list_examples()": {USER, DEVELOPER, ADMIN},
    "select * from nl2sql.suggest_examples()": {DEVELOPER, ADMIN},
    "select nl2sql.propose_example('a', 'select 1')": {DEVELOPER, ADMIN},
    "select nl2sql.add_example('a', 'select 1')": {ADMIN},
    "select nl2sql.drop_example(1)": {ADMIN},
    "select nl2sql.set_setting('max_tables', '9')": {ADMIN},
    "select nl2sql.refresh_index()": {ADMIN},
    "select nl2sql.define_term('a', 'b', null)": {ADMIN},
    "select * from nl2sql.review_queue": {ADMIN},
    "select * from nl2sql._index_pending(1)": {ADMIN, SIDECAR},
    "select * from nl2sql.audit_log": {AUDITOR},
    "select * from nl2sql.alert": {AUDITOR},
    "select nl2sql.audit_heads()": {AUDITOR},
    "select nl2sql._audit_append('[]')": {SIDECAR},
}
# Nobody may, whatever his role.
NEVER = [
    "select * from secrets",
    "select word from public.secrets",
    "select * from nl2sql.setting",
    "update nl2sql.setting set value = 'x'",
    "insert into nl2sql._index_queue (relid) values (1)",
    "create table nl2sql.mine (id int)",
    "create function nl2sql.mine() returns int language sql as 'select 1'",
    "drop function nl2sql.ask(text, jsonb)",
    "alter function nl2sql.ask(text, jsonb) security definer",
    "grant nl2sql_admin to nl2sql_user",
    "alter role nl2sql_user superuser",
    "set role postgres",
    "set session authorization postgres",
    "alter extension nl2sql update",
    "copy orders to program 'id'",
]


@pytest.fixture
def logins(database: Database, admin: Connection, analyst: Connection) -> Iterator[dict[str, Connection]]:
    """A login for each role, with no right but those of the role and, but for the sidecar's, on one table."""
    open_ones = {}
    for role in ROLES:
        admin.execute(f"create role some_{role} login in role {role}")
        open_ones[role] = database.connect(f"some_{role}")
    admin.execute(f"grant select on orders to {', '.join(f'some_{role}' for role in ROLES[:-1])}")
    yield open_ones
    for role, connection in open_ones.items():
        connection.close()
        admin.execute(f"drop owned by some_{role}; drop role some_{role}")


def is_denied(connection: Connection, statement: str) -> bool:
    """Whether the role may not; another error is one from behind the door. Nothing stays."""
    with undone(connection):
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return True
        except psycopg.Error:
            return False
    return False


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")


def test_each_role_can_do_its_own_and_nothing_else(database: Database, logins: dict[str, Connection]) -> None:
    with peer(database.socket, answers("select count(*) from orders")):
        found = {
            action: {role for role, connection in logins.items() if not is_denied(connection, action)}
            for action in ACTIONS
        }
    assert found == ACTIONS


def test_what_no_role_can(logins: dict[str, Connection]) -> None:
    open_doors = [
        (role, statement)
        for statement in NEVER
        for role, connection in logins.items()
        if not is_denied(connection, statement)
    ]
    assert open_doors == []


def test_a_user_gets_an_answer(database: Database, logins: dict[str, Connection]) -> None:
    with peer(database.socket, answers("select count(*) from orders")):
        for role in (USER, DEVELOPER):
            assert logins[role].execute(ASK).fetchone() == ("select count(*) from orders",)


def test_an_admin_reads_no_table_by_that(logins: dict[str, Connection], admin: Connection) -> None:
    readable = """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm')
            and exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e') is not true
            and has_table_privilege(%s, c.oid, 'select')"""
    for role in ROLES:
        assert admin.execute(readable.encode(), (role,)).fetchall() == []


def test_only_the_auditor_sees_the_record_and_none_changes_it(logins: dict[str, Connection], admin: Connection) -> None:
    query = """
        select oid::regclass::text from pg_class
        where relnamespace = 'nl2sql'::regnamespace and relkind in ('r', 'p') and relname ~ '^_?audit'"""
    tables = [name for (name,) in admin.execute(query).fetchall()]
    assert tables
    writes = ("delete from {}", "truncate {}", "drop table {}", "alter table {} disable trigger all")
    for role, connection in logins.items():
        reads = () if role == AUDITOR else ("select * from {}", "select * from nl2sql.audit_log")
        for statement in (words.format(table) for table in tables for words in (*writes, *reads)):
            assert is_denied(connection, statement), f"{role}: {statement}"
        assert is_denied(connection, "drop view nl2sql.audit_log")


def test_nobody_holds_two(admin: Connection) -> None:
    for one, other in permutations(ROLES, 2):
        assert admin.execute("select pg_has_role(%s, %s, 'member')", (one, other)).fetchone() == (False,)


def test_the_documented_matrix_names_every_role() -> None:
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    header = re.search(r"^\| object \|(.*)\|$", text, re.MULTILINE)
    assert header
    assert re.findall(r"`(\w+)`", header[1]) == list(ROLES)


def test_nobody_may_create_in_our_schema(admin: Connection) -> None:
    query = "select rolname from pg_roles where not rolsuper and has_schema_privilege(oid, 'nl2sql', 'create')"
    assert admin.execute(query).fetchall() == []
    assert admin.execute("select has_schema_privilege('public', 'nl2sql', 'usage')").fetchone() == (False,)
