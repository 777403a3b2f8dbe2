"""Questions whose answers are run: rows, typed rows, cursors, views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.conftest import Connection, Database
from tests.support.sidecar import Sidecar

Answering = Callable[[str], None]


@pytest.fixture
def answering(database: Database, admin: Connection, analyst: Connection) -> Iterator[Answering]:
    """The real service, whose engine proposes what a test says; the analyst's shop has rows."""
    admin.execute("insert into customers values (1, 'Ada', 'London'), (2, 'Bob', 'Paris'), (3, 'Cyd', null)")
    admin.execute("insert into orders values (1, 1, 10.50), (2, 1, 20), (3, 2, 5)")
    service = Sidecar(database.socket.parent, socket_mode="0666")

    def propose(statement: str) -> None:
        service.engine.samples = [Sample(statement, -0.1, 4, "stop")]

    yield propose
    service.stop()


ODD_TYPES = """
    create type mood as enum ('sad', 'glad');
    create type place as (street text, "no. of doors" int);
    create domain cents as int check (value >= 0);
    create domain price as numeric(8,2) not null;
    create table odd (
        id int, amount numeric(10,3), ratio float8, moods mood[], at timestamptz, day date, span interval, bytes bytea,
        where_is place, many int[], within int4range, spans datemultirange, doc jsonb, plain json, fixed char(5),
        bits bit(4), anybits bit varying, cost cents, sale price, flag bool, ip inet,
        words tsvector, big numeric, unique_id uuid);
    insert into odd values (
        1, 1.500, 'NaN', '{sad,glad}', 'infinity', '0044-03-15 BC', '1 mon -2 days', '\\x00ff', row('High "St", 5', 3),
        '[2:3]={7,NULL}', '[1,5)', '{[2020-01-01,2020-02-01)}', '{"a": 1.50}', '{"b" :  2}', 'ab', b'1010', b'11111',
        5, 9.90, true, '10.0.0.1', to_tsvector('english', 'many words'), 'NaN', '00000000-0000-0000-0000-000000000001'),
        (2, null, '-infinity', '{}', null, 'infinity', null, '', null, '{}', 'empty', '{}', null, null, '', null, null,
        null, 1, null, null, null, 1e30, null);
    grant select on odd to analyst;
"""


def lines(connection: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return connection.execute(query, values).fetchall()


def test_query(answering: Answering, analyst: Connection) -> None:
    answering("SELECT name, id AS name FROM customers ORDER BY id")
    found = lines(analyst, "select nl2sql.query('names of customers')")
    assert [row[0] for row in found] == [
        {"name": "Ada", "name_2": 1}, {"name": "Bob", "name_2": 2}, {"name": "Cyd", "name_2": 3}
    ]  # fmt: skip
    assert len(lines(analyst, "select nl2sql.query('names of customers', '{\"max_rows\": 2}')")) == 2


def test_query_as(answering: Answering, analyst: Connection) -> None:
    answering("SELECT customer_id, SUM(amount) AS total FROM orders GROUP BY 1 ORDER BY 1")
    typed = "select * from nl2sql.query_as('totals') as t(who int, total numeric)"
    assert lines(analyst, typed) == [(1, Decimal("30.50")), (2, Decimal("5"))]
    with pytest.raises(psycopg.errors.DatatypeMismatch) as caught:
        lines(analyst, "select * from nl2sql.query_as('totals') as t(who text, total numeric)")
    assert caught.value.diag.message_hint == "Write ... AS t(customer_id integer, total numeric)."
    with pytest.raises(psycopg.errors.DatatypeMismatch):
        lines(analyst, "select * from nl2sql.query_as('totals') as t(who int)")


def test_open_gives_every_type_as_it_is(answering: Answering, admin: Connection, analyst: Connection) -> None:
    admin.execute(ODD_TYPES.encode())
    answering("SELECT * FROM odd ORDER BY id")
    analyst.execute("begin read only")
    analyst.execute("select nl2sql.open('all that is odd', 'c')")
    got = described(analyst, "fetch all from c")
    analyst.execute("commit")
    assert len(got) == 3
    assert got == described(analyst, "select * from odd order by id")


def described(connection: Connection, query: str) -> list[Any]:
    """Columns with their types, and rows, as they travel."""
    found = connection.execute(query.encode())
    result = found.pgresult
    assert result and found.description
    columns = range(result.nfields)
    kinds = [(result.fname(c), result.ftype(c), result.fmod(c)) for c in columns]
    return [kinds, *([result.get_value(row, c) for c in columns] for row in range(result.ntuples))]


def test_open_is_refused_where_a_type_can_not_be_passed_on(answering: Answering, analyst: Connection) -> None:
    answering("SELECT ROW(id, name) AS pair FROM customers")
    with pytest.raises(psycopg.Error) as caught:
        analyst.execute("select nl2sql.open('pairs')")
    assert caught.value.sqlstate == "NL413" and "pair" in str(caught.value)
    assert caught.value.diag.message_hint


def test_save_view(answering: Answering, admin: Connection, analyst: Connection) -> None:
    answering("SELECT city, COUNT(*) AS n, COUNT(*) AS n FROM customers GROUP BY city ORDER BY city")
    ask = "select nl2sql.save_view(%s, 'it''s customers by city?')"
    for name, sqlstate in (("by_city", "42501"), ("nowhere.v", "3F000"), ("a.b.c", "22023"), ("nl2sql.v", "3F000")):
        with pytest.raises(psycopg.Error) as caught:
            analyst.execute(ask, (name,))
        assert caught.value.sqlstate == sqlstate and caught.value.diag.message_hint
    admin.execute("create schema reports; grant usage, create on schema reports to analyst")
    assert "count(*)" in lines(analyst, ask, 'reports."By City"')[0][0]
    assert lines(analyst, 'select city, n, n_2 from reports."By City"') == [
        ("London", 1, 1),
        ("Paris", 1, 1),
        (None, 1, 1),
    ]
    made = lines(
        admin,
        "select relowner::regrole::text, reloptions, obj_description(oid) from pg_class where relname = 'By City'",
    )
    assert made == [("analyst", ["security_invoker=true", "security_barrier=true"], "nl2sql: it's customers by city?")]
    with pytest.raises(psycopg.Error) as caught:
        analyst.execute(ask, ('reports."By City"',))
    assert caught.value.sqlstate == "42P07"
    analyst.execute("begin read only")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        analyst.execute(ask, ("reports.other",))
    analyst.execute("rollback")


def test_a_view_shows_each_reader_what_he_may_read(
    answering: Answering, admin: Connection, analyst: Connection
) -> None:
    admin.execute("create schema reports; grant usage, create on schema reports to analyst")
    answering("SELECT name FROM customers")
    analyst.execute("select nl2sql.save_view('reports.names', 'names')")
    admin.execute("create role stranger login; grant usage on schema reports to stranger")
    try:
        analyst.execute("grant select on reports.names to stranger")
        admin.execute("set role stranger")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("select * from reports.names")
    finally:
        admin.execute("reset role; drop owned by stranger; drop role stranger")


# Whatever a type runs when a text is read as it, outside the runner.
PLANTED_TYPES = """
    create schema planter authorization planter;
    grant usage on schema planter to analyst;
    set role planter;
    create table planter.seen (who text);
    grant insert on planter.seen to public;
    create function planter.evil(value text) returns boolean language plpgsql as
        $f$ begin insert into planter.seen values (current_user); return true;
            exception when others then return true; end $f$;
    create domain planter.dom as text check (planter.evil(value));
    create domain planter.doms as planter.dom[];
    create type planter.comp as (a planter.dom);
    create type planter.mood as enum ('sad');
    create function planter.to_mood(value text) returns planter.mood language plpgsql as
        $f$ begin perform planter.evil(value); return 'sad'; end $f$;
    create cast (text as planter.mood) with function planter.to_mood;
    create type planter.texts as range (subtype = text);
    create table planter.t as select
        'x'::planter.dom as plain, '{x}'::planter.dom[] as many, '{x}'::planter.doms as inner_many,
        row('x')::planter.comp as pair, array[row('x')::planter.comp] as pairs, 'sad'::planter.mood as mood,
        '[a,b)'::planter.texts as span, '{[a,b)}'::planter.texts_multirange as spans;
    create table planter.v as select mood, span, spans from planter.t;
    grant select on planter.t, planter.v to analyst;
    reset role;
    create type holding as (a planter.comp[]);
    create type having_domain as (a dom_of_a_superuser);
    create table planter.u as select
        row(array[row('x')::planter.comp])::holding as held, row('x')::having_domain as kept, t as whole from planter.t;
    grant select on planter.u to analyst;
    create table own as select 'x'::dom_of_a_superuser as kept;
    grant select on own to analyst;
"""


def test_no_planted_type_runs_when_rows_are_typed(answering: Answering, admin: Connection, analyst: Connection) -> None:
    admin.execute("create role planter login; create domain dom_of_a_superuser as text check (value <> '')")
    try:
        admin.execute(PLANTED_TYPES.encode())
        admin.execute("truncate planter.seen")
        analyst.execute("set search_path = public, planter")
        # where a constraint runs the planter's function, the statement is refused before it is typed
        columns = [("t", c, "NL406") for c in ("many", "inner_many", "pair", "pairs")]
        columns += [("u", c, "NL406") for c in ("held", "kept", "whole")]
        columns += [("v", c, "NL413") for c in ("mood", "span", "spans")]
        for table, column, refused in columns:
            answering(f"SELECT {column} FROM planter.{table}")
            for call in ("select nl2sql.open('it', 'c')", f"select * from nl2sql.query_as('{column}') as t(c text)"):
                analyst.execute("begin")
                with pytest.raises(psycopg.Error) as caught:
                    analyst.execute(call.encode())
                analyst.execute("rollback")
                assert caught.value.sqlstate == refused, (column, caught.value)
                assert caught.value.diag.message_detail and caught.value.diag.message_hint
        answering("SELECT kept FROM own")  # a domain by itself is passed on as what it is made of
        assert lines(analyst, "select * from nl2sql.query_as('it') as t(c text)") == [("x",)]
        assert lines(admin, "select * from planter.seen") == []
    finally:
        admin.execute("drop owned by planter cascade; drop role planter")
