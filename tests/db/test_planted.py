"""What another role plants where the caller's names are looked up: it does not run, or not with more than it should."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.conftest import Connection, Database
from tests.support.sidecar import Sidecar

Answering = Callable[[str], None]

# The sequence tells whether his code ran, also where what it did was undone.
PLANTER = """
    insert into customers values (1, 'Ada', 'London');
    insert into orders values (1, 1, 10.50);
    create role planter login;
    create schema planter authorization planter;
    create schema reports;
    grant usage on schema planter to analyst;
    grant usage, create on schema reports to analyst;
    set role planter;
    create sequence planter.ran;
    grant all on sequence planter.ran to public;
"""


@pytest.fixture
def answering(database: Database, admin: Connection, analyst: Connection) -> Iterator[Answering]:
    """The real service, whose engine proposes what a test says; the planter's schema is last on the path."""
    admin.execute(PLANTER.encode() + b"reset role")
    analyst.execute("set search_path = public, planter")
    service = Sidecar(database.socket.parent, socket_mode="0666")

    def propose(statement: str) -> None:
        service.engine.samples = [Sample(statement, -0.1, 4, "stop")]

    yield propose
    service.stop()
    admin.execute(
        "reset role; drop extension if exists citext cascade; drop owned by planter cascade; drop role planter"
    )


def plant(admin: Connection, code: str) -> None:
    admin.execute(f"set role planter; {code}; reset role".encode())


def times_run(admin: Connection) -> int:
    row = admin.execute("select case when is_called then last_value else 0 end from planter.ran").fetchone()
    assert row
    return int(row[0])


def rule(connection: Connection, sql: str) -> Any:
    """What check() has against it; None if nothing."""
    row = connection.execute("select nl2sql.check(%s)", (sql,)).fetchone()
    assert row
    return row[0]["rule"]


def test_a_view_is_made_by_our_own_names(answering: Answering, admin: Connection, analyst: Connection) -> None:
    plant(
        admin,
        """
        create function planter.unnest(text[]) returns setof text language sql
            return (select 'evil' || nextval('planter.ran'));
        create function planter.format(text, text, text, text, text) returns text language sql
            return (select 'evil' || nextval('planter.ran'))
        """,
    )
    answering("SELECT name, city FROM customers")
    analyst.execute("select nl2sql.save_view('reports.v', 'names')")
    assert analyst.execute("select name, city from reports.v").fetchall() == [("Ada", "London")]
    assert times_run(admin) == 0


def test_columns_are_told_by_our_own_names(answering: Answering, admin: Connection, analyst: Connection) -> None:
    plant(
        admin,
        """
        create function planter.same(oid, regclass) returns boolean language sql
            return (select nextval('planter.ran') > 0);
        create operator planter.= (leftarg = oid, rightarg = regclass, function = planter.same)
        """,
    )
    rule(analyst, "select name from customers")
    assert times_run(admin) == 0


def test_a_view_is_made_without_a_way_back(answering: Answering, admin: Connection) -> None:
    """A literal's type runs when the view's text is analysed; in a superuser's session it would become him for good."""
    plant(
        admin,
        """
        create function planter.evil(text) returns boolean language plpgsql as
            $f$ begin perform set_config('role', 'none', false); return true;
                exception when others then return true; end $f$;
        create domain planter.dom as text check (planter.evil(value));
        create type planter.comp as (a planter.dom);
        create table planter.t (c planter.comp);
        grant select on planter.t to analyst
        """,
    )
    answering("SELECT '(x)'::planter.comp AS c FROM planter.t")
    admin.execute("set role analyst; set search_path = public, planter")
    try:
        with contextlib.suppress(psycopg.Error):
            admin.execute("select nl2sql.save_view('reports.v', 'it')")
        assert admin.execute("select current_user").fetchone() == ("analyst",)
    finally:
        admin.execute("reset role; reset search_path")


CAPTURES = {
    "select o.noted from orders as o": "planter.noted(o public.orders, y int default 1)",
    "select o.plain from orders as o": "planter.plain(public.orders)",
    "select o.named from orders as o": "planter.named(planter.line)",
    "select o.listed from orders as o": "planter.listed(variadic public.orders[])",
    "select upper(o.amount) from orders as o": "planter.upper(numeric)",
}


def test_no_call_is_taken_over(answering: Answering, admin: Connection, analyst: Connection) -> None:
    """By attribute notation in all its ways, or by what an extension's owner has added to it."""
    plant(admin, "create domain planter.line as public.orders")
    admin.execute("create extension citext")
    admin.execute("update pg_extension set extowner = 'planter'::regrole where extname = 'citext'")
    for made in CAPTURES.values():
        body = "returns text language sql return (select 'evil' || nextval('planter.ran'))"
        plant(admin, f"create function {made} {body}")
    plant(admin, "alter extension citext add function planter.upper(numeric)")
    for sql in CAPTURES:
        assert rule(analyst, sql) == "NL403", sql
    assert rule(analyst, "select o.amount from orders as o") is None
    assert times_run(admin) == 0


def test_operators_of_an_extension_count_by_their_owner(
    answering: Answering, admin: Connection, analyst: Connection
) -> None:
    admin.execute("create extension citext")
    admin.execute("update pg_extension set extowner = 'planter'::regrole where extname = 'citext'")
    assert rule(analyst, "select amount = '1' from orders") is None  # its own are a superuser's
    plant(
        admin,
        """
        create function planter.same(numeric, int) returns boolean language sql
            return (select nextval('planter.ran') > 0);
        create operator planter.= (leftarg = numeric, rightarg = int, function = planter.same);
        alter extension citext add operator planter.= (numeric, int)
        """,
    )
    assert rule(analyst, "select amount = 1 from orders") == "NL403"
    assert times_run(admin) == 0


def prepared(connection: Connection) -> list[Any]:
    return connection.execute("select name, statement from pg_prepared_statements order by 1").fetchall()


def locks(connection: Connection) -> list[Any]:
    return connection.execute("select objid::bigint from pg_locks where locktype = 'advisory' order by 1").fetchall()


def view_that_runs(admin: Connection, code: str) -> None:
    plant(
        admin,
        f"""
        create or replace function planter.evil(int) returns int language plpgsql as
            $f$ begin {code}; return 1; end $f$;
        create or replace view planter.v as select planter.evil(1) as n;
        grant select on planter.v to analyst
        """,
    )


RUN = "select nl2sql.run('select n from planter.v')"


def test_nothing_stays_in_the_session(answering: Answering, admin: Connection, analyst: Connection) -> None:
    analyst.prepare_threshold = None
    analyst.execute("prepare mine as select 1; select pg_advisory_lock(1)")
    before = (prepared(analyst), locks(analyst))
    view_that_runs(
        admin,
        """
        execute 'prepare daily as select 2';
        execute 'prepare "odd "" name" as select 3';
        for n in 1 .. 5 loop perform pg_advisory_lock(2), pg_advisory_lock_shared(3), pg_advisory_lock(-1, 4); end loop
        """,
    )
    assert analyst.execute(RUN).fetchall() == [({"n": 1},)]
    assert (prepared(analyst), locks(analyst)) == before


GONE = [
    "execute 'deallocate mine'",
    "execute 'deallocate mine'; execute 'prepare mine as select 2'",
    "perform pg_advisory_unlock(1)",
]


@pytest.mark.parametrize("code", GONE)
def test_what_the_session_loses_is_told(
    answering: Answering, admin: Connection, analyst: Connection, code: str
) -> None:
    analyst.prepare_threshold = None
    analyst.execute("prepare mine as select 1; select pg_advisory_lock(1)")
    view_that_runs(admin, code)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="prepared statements or advisory") as caught:
        analyst.execute(RUN)
    assert caught.value.diag.message_detail and caught.value.diag.message_hint
    assert ("mine", "prepare mine as select 2") not in prepared(analyst)
