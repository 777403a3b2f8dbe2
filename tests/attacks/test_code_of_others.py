"""Code of another role's that runs while a statement is only parsed or planned: constants, and functions that fold."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.conftest import Connection, Database
from tests.support.sidecar import Sidecar

# What `mallory` made, and what it does to whoever runs it: it takes the login's role and leaves a file, or a trace.
STAGE = """
create role mallory login;
create schema mallory authorization mallory;
grant usage on schema mallory to public;
set role mallory;
create sequence mallory.ran;
grant all on sequence mallory.ran to public;
create function mallory.evil(text) returns boolean language sql as 'select true';
create domain mallory.dom as text check (mallory.evil(value));
create domain mallory.plain as int check (value between 1 and 9);
create type mallory.comp as (a mallory.dom);
create table mallory.t2 (id int, c mallory.comp, d mallory.dom[]);
create table mallory.t3 (id int, p mallory.plain);
create view mallory.suggested as select id, '(x)'::mallory.comp as c from mallory.t2;
create function mallory.dirty() returns int language plpgsql volatile as
    'begin perform mallory.evil(null); return 1; end';
create function mallory.imm(int) returns int language plpgsql immutable as 'begin return mallory.dirty(); end';
create table mallory.t (id int);
create view mallory.folded as select id from mallory.t where id = mallory.imm(1);
grant select on all tables in schema mallory to public;
create or replace function mallory.evil(text) returns boolean language plpgsql as $f$
begin
    begin
        perform set_config('role', 'none', false);
    exception when others then null;
    end;
    begin
        execute 'copy (select 1) to program ''cat >> {mark}''';
    exception when others then null;
    end;
    begin
        perform nextval('mallory.ran');
    exception when others then null;
    end;
    return true;
end $f$;
reset role;
"""
LITERALS = [
    "select '(x)'::mallory.comp as c from mallory.t2",
    "select id from mallory.t2 where d = '{x}'",
    "select coalesce(c, '(x)') as c from mallory.t2",
    "select array_append(d, 'x') as d from mallory.t2",
    """select '(x)'::U&"\\006dallory".comp as c from customers""",
]


@pytest.fixture
def service(database: Database) -> Iterator[Sidecar]:
    running = Sidecar(database.socket.parent, socket_mode="0666")
    yield running
    running.stop()


@pytest.fixture
def mark(database: Database, admin: Connection, analyst: Connection, service: Sidecar) -> Iterator[str]:
    """Set the stage; the file that only a superuser's hand could have left."""
    path = Path(tempfile.gettempdir()) / f"nl2sql-mark-{uuid.uuid4().hex}"
    admin.execute(STAGE.replace("{mark}", str(path)).encode())
    yield str(path)
    path.unlink(missing_ok=True)
    admin.execute("reset role; drop owned by mallory cascade; drop role mallory")


def untouched(admin: Connection, mark: str) -> bool:
    admin.execute("reset role")
    left = admin.execute("select (pg_stat_file(%s, true)).size is not null", (mark,)).fetchone()
    return left == (False,) and admin.execute("select is_called from mallory.ran").fetchone() == (False,)


def tried(connection: Connection, query: str, *values: Any) -> str | None:
    """Its SQLSTATE, None where it has a result."""
    try:
        connection.execute(query.encode(), values)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def verdict(connection: Connection, sql: str) -> tuple[str, str | None]:
    row = connection.execute("select nl2sql.check(%s)", (sql,)).fetchone()
    assert row
    return row[0]["verdict"], row[0]["rule"]


@pytest.mark.parametrize("sql", LITERALS)
def test_no_constant_runs_code(admin: Connection, analyst: Connection, mark: str, sql: str) -> None:
    calls = ("add_example('q', %s)", "add_case('s', 'q', %s)", "feedback(null, true, question => 'q', sql => %s)")
    for role in ("analyst", "postgres"):
        admin.execute(f"set role {role}".encode())
        assert verdict(admin, sql)[0] == "refused"
        for call in calls:
            assert tried(admin, f"select nl2sql.{call}", sql) is not None, (role, call)
        admin.execute("reset role")
        assert untouched(admin, mark), role


def test_the_service_taken_over(admin: Connection, service: Sidecar, mark: str) -> None:
    """What a model proposes, too."""
    service.engine.samples = [Sample(LITERALS[0], -0.1, 9, "stop")]
    admin.execute("set search_path = public, mallory")
    for role in ("analyst", "postgres"):
        admin.execute(f"set role {role}".encode())
        assert tried(admin, "select nl2sql.ask('which c are in t2')") is not None
        admin.execute(f"set role {role}".encode())
        assert "NL403" in str(admin.execute("select t from nl2sql.trace('which c are in t2') as t").fetchall())
        assert untouched(admin, mark), role


def test_suggestions_are_not_run(admin: Connection, database: Database, mark: str) -> None:
    admin.execute("set search_path = public, mallory")
    rows = admin.execute("select sql from nl2sql.suggest_examples()").fetchall()
    assert not any("comp" in sql for (sql,) in rows)
    assert untouched(admin, mark)


def test_plain_domains_of_others_are_no_harm(analyst: Connection, mark: str) -> None:
    assert verdict(analyst, "select id from mallory.t3 where p = 3") == ("allowed", None)


@pytest.mark.parametrize("call", ["ask", "trace"])
def test_a_superusers_question_plans_nothing_of_others(
    admin: Connection, service: Sidecar, mark: str, call: str
) -> None:
    service.engine.samples = [Sample("select id from mallory.folded", -0.1, 9, "stop")]
    admin.execute("set search_path = public, mallory")
    for settings in ("set role analyst", "reset role"):
        admin.execute(settings.encode())
        assert admin.execute(f"select nl2sql.{call}('which id are folded')".encode()).fetchone()
        assert untouched(admin, mark), settings


def test_checking_writes_nothing(analyst: Connection, admin: Connection, mark: str) -> None:
    """Planning runs what folds, as whoever asks, but nothing of it stays."""
    assert verdict(analyst, "select id from mallory.folded")[0] in ("allowed", "refused")
    assert untouched(admin, mark)


def test_no_superuser_evaluates(admin: Connection, service: Sidecar, mark: str) -> None:
    caller = json.dumps({"schemas": ["public"]})
    row = admin.execute(
        "select nl2sql._judge_case(%s, %s, %s)", ("select id from customers",) * 2 + (caller,)
    ).fetchone()
    assert row and row[0]["error"]["sqlstate"] == "42501"
    assert row[0]["error"]["detail"] and row[0]["error"]["hint"]


def test_an_answer_to_be_judged_passes_the_guard(admin: Connection, analyst: Connection, mark: str) -> None:
    caller = json.dumps({"schemas": ["public"]})
    for answer in ("select nextval('mallory.ran') from customers", LITERALS[0], "select pg_sleep(1) from customers"):
        row = analyst.execute(
            "select nl2sql._judge_case(%s, %s, %s)", ("select id from customers", answer, caller)
        ).fetchone()
        assert row and row[0]["ok"]["verdict"] == "invalid" and row[0]["ok"]["error"].startswith("NL4"), row
    assert untouched(admin, mark)
