"""The second line alone: a sidecar that has been taken over lets every statement pass; the runner still holds it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.db.test_run import check, run
from tests.support.peer import http, peer
from tests.support.unguarded import expose_runner


@pytest.fixture
def runner(admin: Connection, analyst: Connection) -> Any:
    """Give a statement to the runner as the analyst, whatever it is; its SQLSTATE, or its rows."""
    admin.execute("insert into customers values (1, 'Ada', 'London')")
    expose_runner(admin, "public", seconds=3)

    def attempt(sql: str, connection: Connection = analyst) -> Any:
        row = connection.execute("select unguarded.run(%s)", (sql,)).fetchone()
        assert row
        return row[0].get("error") or row[0]["rows"]

    return attempt


@pytest.fixture
def passing(database: Database, admin: Connection, analyst: Connection) -> Any:
    """Run a statement as the analyst, whatever it is; its SQLSTATE, or its rows."""
    admin.execute("insert into customers values (1, 'Ada', 'London')")
    admin.execute("select nl2sql.set_setting('max_seconds', '3')")

    def attempt(sql: str, connection: Connection = analyst, how: str = "run") -> Any:
        passed = http({"protocol": 1, "sql": sql, "tables": [], "error": None})
        with peer(database.socket, lambda c, r: c.sendall(passed)):
            try:
                return run(connection, "select 1") if how == "run" else check(connection, "select 1")
            except psycopg.Error as error:
                return error.sqlstate

    return attempt


def started(admin: Connection) -> object:
    return admin.execute("select pg_postmaster_start_time()").fetchone()


NOTHING_IS_LEFT = {
    "select set_config('search_path', 'x', false)": "show search_path",
    "select set_config('role', 'none', false)": "select current_user, session_user",
    "select set_config('statement_timeout', '1', false)": "show statement_timeout",
    "select set_config('work_mem', '64GB', false)": "show work_mem",
    "select set_config('transaction_read_only', 'off', false)": "show transaction_read_only",
    "select pg_advisory_lock(4711)": "select count(*) from pg_locks where locktype = 'advisory'",
    "select pg_advisory_lock(-4711)": "select count(*) from pg_locks where locktype = 'advisory'",
    "select pg_advisory_lock_shared(-1, 2)": "select count(*) from pg_locks where locktype = 'advisory'",
    "select pg_try_advisory_lock(1, -2)": "select count(*) from pg_locks where locktype = 'advisory'",
    "select pg_try_advisory_lock_shared(5)": "select count(*) from pg_locks where locktype = 'advisory'",
    "select lo_create(4711)": "select count(*) from pg_largeobject_metadata",
    "select pg_notify('c', 'x')": "select count(*) from pg_listening_channels()",
    "select setseed(0.5)": "select 1",
}


def test_nothing_is_left(runner: Any, analyst: Connection) -> None:
    analyst.execute("select pg_advisory_lock(1)")
    for sql, trace in NOTHING_IS_LEFT.items():
        before = analyst.execute(trace.encode()).fetchall()
        runner(sql)
        assert analyst.execute(trace.encode()).fetchall() == before, sql


def test_own_session_locks_stay(runner: Any, analyst: Connection) -> None:
    analyst.execute("select pg_advisory_lock(4711), pg_advisory_lock(-1, 7)")
    runner("select pg_advisory_lock(4712)")
    locks = "select objid::bigint, objsubid from pg_locks where locktype = 'advisory' order by 1"
    assert analyst.execute(locks).fetchall() == [(7, 2), (4711, 1)]


def test_the_role_is_not_left(runner: Any, admin: Connection) -> None:
    """From a superuser's session after SET ROLE: the way back is shut while the statement runs."""
    admin.execute("insert into secrets values (1, 'hidden'); set role analyst")
    stolen = "select set_config('role', 'none', true), query_to_xml('select * from secrets', true, false, '')::text"
    assert runner(stolen, admin) == "42501"
    assert runner("select set_config('session_authorization', 'postgres', true)", admin) == "42501"
    assert admin.execute("select current_user").fetchone() == ("analyst",)
    admin.execute("reset role")


NO_CRASH = [
    "select repeat('[', 5000000)::jsonb",
    "select length(string_agg(repeat('x', 999), '') over ()), repeat('[', 99999)::jsonb from generate_series(1, 99999)",
    "select repeat('x', 900000000)",
    "select array_fill(1, array[100000000])",
    "select string_agg(repeat('x', 1000000), '') from generate_series(1, 2000)",
    "select format('%1000000000s', 'x')",
    "select repeat('x', 250000) from generate_series(1, 1000)",
    "select length(string_agg(repeat('x', 1000), '') over ()) as n, repeat('y', 60000) from generate_series(1, 340000)",
]


def test_no_crash(runner: Any, admin: Connection, analyst: Connection) -> None:
    before = started(admin)
    for sql in NO_CRASH:
        outcome = runner(sql)
        assert outcome in ("53200", "54000", "54001") or isinstance(outcome, list), (sql, outcome)
        assert analyst.execute("select pg_backend_pid()").fetchone() == (analyst.info.backend_pid,)
    assert started(admin) == before


def test_nothing_runs_where_a_limit_can_not_be_set(passing: Any, admin: Connection) -> None:
    assert passing("select 1 as one") == [{"one": 1}]
    admin.execute("revoke execute on function nl2sql._limit_temporary_files() from nl2sql_user")
    assert passing("select 1 as one") == "NL412"


FORBIDDEN = [
    "select pg_terminate_backend(pid) from pg_stat_activity",
    "select pg_terminate_backend(1)",
    "select count(*) from customers where pg_cancel_backend(id) is null",
    "select id from customers order by pg_advisory_lock(id)::text",
    "select lag(lo_create(5)) over () from customers",
    "select sum(pg_advisory_lock_shared(id)::text::int) from customers",
    "select set_config('evil.mark', 'x', false)",
    "select current_setting('data_directory')",
    "select query_to_xml('select 1', true, false, '')",
    "select to_regclass('secrets')",
    "select 'secrets'::regclass::text || version()",
    "select has_table_privilege('secrets', 'select')",
    "select ts_stat('select 1')",
    "select array_fill(1, array[9])",
    "select xmlelement(name a)",
    "select '<a/>'::text::xml",
    "select * from xmltable('/a' passing null columns b int)",
    "select nl2sql._settings()",
    "select relname from pg_class",
    "select table_name from information_schema.tables",
    "select secret_sum(1)",
    "select 1 @@@ 2",
    "select row(1, 2) < row(1, pg_backend_pid())",
]
HARMLESS = [
    "select random() < 2, gen_random_uuid() is null, clock_timestamp() > now() as x",
    "select pg_typeof(1)::text, pg_size_pretty(10::bigint), pg_column_size(1)",
    "select count(*), max(upper(name)), min(id) from customers where id in (1, 2) or name like 'A%' group by ()",
    "select row(1, 'a') < row(2, 'b') as a, array[1] && array[2] as b, 1 = any (array[1]) as c",
    "select id, sum(id) over (order by id), lag(id) over (order by name) from customers",
    "select name from harmless",
]


def test_functions_of_which_the_sidecar_knows_nothing(passing: Any, admin: Connection) -> None:
    """Let through by a sidecar that was taken over: the backend goes by what the server has parsed."""
    admin.execute("create role crew; grant create on schema public to crew; grant usage on schema public to crew")
    admin.execute("set role crew")
    admin.execute("create function public.secret_sum(int) returns int immutable language sql as 'select 1'")
    admin.execute("create function public.both(int, int) returns int volatile language sql as 'select 1'")
    admin.execute("create operator public.@@@ (leftarg = int, rightarg = int, function = public.both)")
    admin.execute("reset role; create view harmless as select name, pg_backend_pid() from customers")
    admin.execute("grant select on harmless to analyst")
    for sql in FORBIDDEN:
        assert passing(sql) in ("NL402", "NL403", "NL405"), sql
        assert passing(sql, how="check")["rule"] in ("NL402", "NL403", "NL405"), sql
    for sql in HARMLESS:
        assert isinstance(passing(sql), list), (sql, passing(sql))
        assert passing(sql, how="check")["verdict"] == "allowed", sql
    admin.execute("drop owned by crew cascade; drop role crew")


def test_one_select_only(passing: Any) -> None:
    assert passing("select 1 as one; select 2") == "42601"
    assert passing("delete from customers") == "42601"
    assert passing("select 1) as a; drop table customers; select * from (select 1") == "42601"
