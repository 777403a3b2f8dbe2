"""What a running statement may cost, take and leave behind; and what another role's objects may do in it: nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.db.test_run import check, run
from tests.support.aftermath import forget_peak, peak_kilobytes
from tests.support.sidecar import Sidecar

SLOW = "with recursive endless (n) as (select 1 union all select n + 1 from endless) select count(*) from endless"


@pytest.fixture
def caller(database: Database, admin: Connection, analyst: Connection) -> Iterator[Connection]:
    admin.execute("insert into customers select n, 'name ' || n from generate_series(1, 500) as n")
    admin.execute("analyze customers")
    service = Sidecar(database.socket.parent, socket_mode="0666")
    yield analyst
    service.stop()
    for role in ("team", "crew"):
        admin.execute(f"drop role if exists {role}".encode())


def in_force(connection: Connection, name: str) -> object:
    return check(connection, "select 1")["limits"][name]


def refused(connection: Connection, sql: str, **options: object) -> psycopg.errors.Diagnostic:
    with pytest.raises(psycopg.Error) as caught:
        run(connection, sql, **options)
    diagnostic = caught.value.diag
    assert diagnostic.message_primary and diagnostic.message_detail and diagnostic.message_hint
    return diagnostic


def warnings(connection: Connection) -> list[str]:
    heard: list[str] = []
    connection.add_notice_handler(lambda notice: heard.append(f"{notice.severity} {notice.message_primary}"))
    return heard


def test_whose_limits_hold(caller: Connection, admin: Connection) -> None:
    admin.execute("create role team; create role crew; grant team, crew to analyst")
    default = in_force(caller, "max_cost")
    admin.execute("select nl2sql.set_limit('team', max_cost => 500, max_rows => 9)")
    admin.execute("select nl2sql.set_limit('crew', max_cost => 700)")
    assert (in_force(caller, "max_cost"), in_force(caller, "max_rows")) == (500, 9), "the strictest of roles held"
    admin.execute("select nl2sql.set_limit('analyst', max_cost => 900)")
    assert (in_force(caller, "max_cost"), in_force(caller, "max_rows")) == (900, 9), "a role's own stands before"
    admin.execute("alter role analyst noinherit; select nl2sql.drop_limit('analyst')")
    admin.execute("grant nl2sql_user to team")
    caller.execute("set role team")
    assert in_force(caller, "max_cost") == 500, "of the role that is current"
    admin.execute("select nl2sql.set_limit('analyst', max_cost => 300)")
    assert in_force(caller, "max_cost") == 300, "the login's own caps every role it takes on"
    caller.execute("reset role")
    admin.execute("alter role analyst inherit")
    assert admin.execute("select role, max_cost from nl2sql.limits order by 1").fetchall() == [
        ("analyst", 300), ("crew", 700), ("team", 500)
    ]  # fmt: skip
    for role in ("analyst", "team", "crew"):
        assert admin.execute("select nl2sql.drop_limit(%s)", (role,)).fetchone() == (True,)
    assert in_force(caller, "max_cost") == default


def test_bad_limits(caller: Connection, admin: Connection) -> None:
    for arguments in ("null, 5", "'analyst'", "'analyst', max_rows => 0"):
        with pytest.raises(psycopg.Error) as caught:
            admin.execute(f"select nl2sql.set_limit({arguments})".encode())
        assert caught.value.sqlstate in ("42704", "22023") and caught.value.diag.message_hint
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        caller.execute("select nl2sql.set_limit('analyst', 5)")


def test_too_costly(caller: Connection, admin: Connection) -> None:
    admin.execute("select nl2sql.set_setting('max_cost', '100')")
    told = refused(caller, "select count(*) from customers as a, customers as b")
    assert told.sqlstate == "NL411" and "customers (500 rows)" in str(told.message_hint)
    assert check(caller, "select count(*) from customers as a, customers as b")["rule"] == "NL411"
    admin.execute("select nl2sql.set_setting('max_cost', null)")
    admin.execute("select nl2sql.set_setting('max_plan_rows', '1000')")
    told = refused(caller, "select count(*) from customers as a, customers as b")
    assert told.sqlstate == "NL411" and "250000 rows" in str(told.message_primary)


def test_an_error_names_no_table_behind_a_view(caller: Connection, admin: Connection) -> None:
    admin.execute("create view public.word_view as select word from secrets; grant select on word_view to analyst")
    admin.execute("insert into secrets select n, 'w' from generate_series(1, 5000) as n; analyze secrets")
    admin.execute("select nl2sql.set_setting('max_cost', '1')")
    told = refused(caller, "select count(*) from word_view")
    assert (
        told.sqlstate == "NL411" and "secrets" not in f"{told.message_primary}{told.message_hint}{told.message_detail}"
    )


def test_cut_results_are_told(caller: Connection, admin: Connection) -> None:
    heard = warnings(caller)
    assert len(run(caller, "select id from customers", max_rows=7)) == 7
    assert "cut after 7 rows" in heard.pop()
    assert len(run(caller, "select id from customers order by id", max_rows=500)) == 500 and not heard
    admin.execute("select nl2sql.set_setting('max_bytes', '1000')")
    assert 50 < len(run(caller, "select id from customers")) < 200
    assert "max_bytes" in heard.pop()
    admin.execute("select nl2sql.set_setting('max_bytes', null)")
    admin.execute("select nl2sql.set_setting('max_cell_chars', '10')")
    assert run(caller, "select repeat('x', 100) as x, 1 as n") == [{"x": "x" * 10, "n": 1}]
    assert "after 10 characters" in heard.pop()
    told = refused(caller, "select array(select repeat('x', 1000) from generate_series(1, 300)) as x")
    assert told.sqlstate == "54000" and not heard


def test_time_runs_out(caller: Connection) -> None:
    began = time.monotonic()
    told = refused(caller, SLOW, max_seconds=1)
    assert told.sqlstate == "54000" and "1 s" in str(told.message_primary)
    assert 1 <= time.monotonic() - began < 3


DEAF = """
    create function public.deaf(n int) returns int language plpgsql stable as $$
    begin
        loop
            begin
                perform pg_sleep(10);
            exception when query_canceled then null;
            end;
        end loop;
    end $$;
    create view public.deaf_view as select public.deaf(id) as n from customers;
    grant select on public.deaf_view to analyst;
    create function public.impatient() returns void language plpython3u as $$
from nl2sql_pg import confinement
confinement.PATIENCE = 1
    $$"""


def test_who_catches_every_cancel_loses_the_session(caller: Connection, admin: Connection) -> None:
    """Five seconds in the product; one here."""
    admin.execute(DEAF)
    run(caller, "select 1")  # loads the package
    caller.execute("select public.impatient()")
    rescue = threading.Timer(60, admin.execute, ["select pg_terminate_backend(%s)", (caller.info.backend_pid,)])
    rescue.start()
    began = time.monotonic()
    with pytest.raises(psycopg.errors.AdminShutdown):
        run(caller, "select n from deaf_view", max_seconds=1)
    rescue.cancel()
    assert 2 <= time.monotonic() - began < 30
    assert caller.closed


PLANNED = """
    create function public.planned(statement text) returns text language plpython3u as $$
from nl2sql_pg.bridge import Database
from nl2sql_pg.errors import ServerError
from nl2sql_pg.planning import explain
try:
    explain(Database(plpy), statement, "pg_catalog")
except ServerError as error:
    return error.sqlstate
    $$"""


def test_planning_takes_no_more_memory_than_running(caller: Connection, admin: Connection) -> None:
    admin.execute(PLANNED)
    planned = "select public.planned(%s)"
    run(caller, "select 1")  # loads the package
    assert caller.execute(planned, ("select length(repeat('x', 1000))",)).fetchone() == (None,)
    assert caller.execute(planned, ("select length(repeat('x', 900000000))",)).fetchone() == ("53200",)
    assert caller.execute("select length(repeat('x', 900000000))").fetchone() == (900000000,)


def test_views_that_double_are_bounded(caller: Connection, admin: Connection) -> None:
    """Each joins the one below with itself: the server expands them while it parses, before it plans."""
    admin.execute("create view public.v0 as select id as n from customers")
    for level in range(1, 18):
        below = f"public.v{level - 1}"
        admin.execute(
            f"create view public.v{level} as select a.n from {below} as a join {below} as b using (n)".encode()
        )
    admin.execute("grant select on all tables in schema public to analyst")
    run(caller, "select 1")
    forget_peak(caller.info.backend_pid)
    told = check(caller, "select count(*) from v17")
    assert told["verdict"] == "refused" and told["rule"] in ("53200", "54000")
    assert refused(caller, "select count(*) from v17").sqlstate in ("53200", "54000")
    with pytest.raises(psycopg.Error):
        caller.execute("select nl2sql.add_case('s', 'how many', 'select count(*) from v17')")
    assert peak_kilobytes(caller.info.backend_pid) < 600_000
    assert check(caller, "select count(*) from v2")["verdict"] == "allowed"


def test_deep_plans(caller: Connection) -> None:
    terms = " ".join(f"except select {n}" for n in range(1, 251))
    assert check(caller, f"select 0 as n {terms}")["verdict"] == "allowed"
    assert run(caller, f"select 0 as n {terms}") == [{"n": 0}]


def test_statement_timeout_and_cancel_keep_their_words(caller: Connection) -> None:
    caller.execute("set statement_timeout = '300ms'")
    with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        run(caller, SLOW)
    caller.execute("set statement_timeout = 0")
    delays = []
    for _ in range(5):
        sent: list[float] = []
        timer = threading.Timer(0.2, lambda sent=sent: (sent.append(time.monotonic()), caller.cancel_safe()))  # type: ignore[misc]
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            run(caller, SLOW)
        delays.append(time.monotonic() - sent[0])
        timer.join()
    assert max(delays) < 0.2, delays


def test_a_lock_is_waited_for_a_second(caller: Connection, admin: Connection) -> None:
    admin.execute("begin; lock table customers in access exclusive mode")
    told = refused(caller, "select 1 from customers")
    admin.execute("rollback")
    assert told.sqlstate == "55P03"


def test_an_overload_of_another_role_is_not_called(caller: Connection, admin: Connection) -> None:
    admin.execute("create role crew; grant create, usage on schema public to crew; set role crew")
    admin.execute(
        "create function public.same(varchar, text) returns bool language sql as 'select true'; "
        "create function public.upper(varchar) returns text language plpgsql as "
        "$$ begin perform pg_advisory_lock(4711); return 'captured'; end $$"
    )
    admin.execute("create function public.bonus(customers) returns int language sql as 'select 1'")
    admin.execute("create operator public.= (function = public.same, leftarg = varchar, rightarg = text)")
    admin.execute("reset role")
    sql = "select upper(name::varchar) as u from customers limit 1"
    assert check(caller, sql)["rule"] == "NL403" and refused(caller, sql).sqlstate == "NL403"
    assert refused(caller, "select c.bonus from customers as c").sqlstate == "NL403"
    assert refused(caller, "select 1 from customers where name::varchar in ('x')").sqlstate == "NL403"
    caller.execute("set search_path = ''")
    assert run(caller, "select upper(name) as u from public.customers where id = 1") == [{"u": "NAME 1"}]
    admin.execute("drop owned by crew")


def test_no_temporary_table_stands_before_a_real_one(caller: Connection) -> None:
    caller.execute("create temp table customers (id int)")
    assert run(caller, "select count(*) from customers") == [{"count": 500}]
