"""Dates kept as numbers or texts: proposals that take them for dates find the rows that are meant."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sidecar.guard.scope import Scope
from tests.conftest import Connection, Database
from tests.support.asking import ask
from tests.support.mending import mended, rows, scope_of

TICKETS = """
    create table ticket (
        id int primary key, opened_millis bigint, closed_at bigint, due_day int, bill_month int,
        paid_month text, plan_day text);
    comment on column ticket.closed_at is 'when the ticket was closed: Unix time, seconds';
    comment on column ticket.due_day is 'day as yyyymmdd';
    comment on column ticket.bill_month is '账单月份, such as 202602';
    comment on column ticket.paid_month is 'YYYY-MM';
    comment on column ticket.plan_day is 'yyyymmdd';
    insert into ticket
        select n, (extract(epoch from t) * 1000)::bigint, extract(epoch from t)::bigint, to_char(t, 'YYYYMMDD')::int,
            to_char(t, 'YYYYMM')::int, to_char(t, 'YYYY-MM'), to_char(t, 'YYYYMMDD')
        from (values
            (1, timestamptz '2026-01-31 23:59:59.500'), (2, '2026-02-01'), (3, '2026-02-28 23:59:59.999'),
            (4, '2026-03-01'), (5, '2026-03-02 12:00')) as v (n, t);
    grant select on ticket to analyst;
"""
FEBRUARY = [(2,), (3,)]


@pytest.fixture
def tickets(database: Database, admin: Connection, analyst: Connection) -> Scope:
    for connection in (admin, analyst):
        connection.execute("set timezone = 'Asia/Shanghai'")
    admin.execute(TICKETS)
    return scope_of(database, analyst)


@pytest.mark.parametrize(
    "condition",
    [
        "opened_millis BETWEEN '2026-02-01' AND '2026-02-28'",
        "opened_millis >= '2026-02-01' AND opened_millis <= '2026-02-28'",
        "to_timestamp(opened_millis) >= '2026-02-01' AND to_timestamp(opened_millis) < '2026-03-01'",
        "to_timestamp(opened_millis / 1000) BETWEEN '2026-02-01' AND '2026-02-28 23:59:59'",
        "EXTRACT(MONTH FROM opened_millis) = 2 AND EXTRACT(YEAR FROM opened_millis) = 2026",
        "date_trunc('month', opened_millis) = '2026-02-01'",
        "opened_millis::date BETWEEN '2026-02-01' AND '2026-02-28'",
        "DATE(opened_millis) >= '2026-02-01' AND DATE(opened_millis) < '2026-03-01'",
        "to_char(opened_millis, 'YYYY-MM') = '2026-02'",
        "opened_millis LIKE '2026-02%'",
        "opened_millis >= 20260201 AND opened_millis <= 20260228",
        "opened_millis >= extract(epoch from date '2026-2-1') AND opened_millis < extract(epoch from date '2026-3-1')",
        "opened_millis >= UNIX_TIMESTAMP('2026-02-01') * 1000 AND opened_millis < UNIX_TIMESTAMP('2026-03-01') * 1000",
        "FROM_UNIXTIME(opened_millis / 1000) >= '2026-02-01' AND FROM_UNIXTIME(opened_millis / 1000) < '2026-03-01'",
        "due_day BETWEEN '2026-02-01' AND '2026-02-28'",
        "due_day = 202602",
        "EXTRACT(YEAR FROM due_day) = 2026 AND EXTRACT(MONTH FROM due_day) = 2",
        "to_date(due_day::text, 'YYYYMMDD') >= '2026-02-01' AND due_day::date < '2026-03-01'",
        "bill_month = '2026-02'",
        "bill_month BETWEEN '2026-02-01' AND '2026-02-28'",
        "paid_month = '2026-02-01'",
        "paid_month BETWEEN '2026-02-01' AND '2026-02-28'",
        "EXTRACT(MONTH FROM paid_month) = 2",
        "plan_day BETWEEN '2026-02-01' AND '2026-02-28'",
        "plan_day LIKE '2026-02%'",
    ],
)
def test_a_month(tickets: Scope, analyst: Connection, condition: str) -> None:
    assert rows(analyst, mended(tickets, f"SELECT id FROM ticket WHERE {condition}")) == FEBRUARY


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("closed_at = '2026-03-02'", [(5,)]),
        ("to_timestamp(closed_at / 1000)::date = '2026-03-02'", [(5,)]),
        ("opened_millis > '2026-02-28'", [(4,), (5,)]),
        ("closed_at > '2026-03-01 10:00:00'", [(5,)]),
        ("NOT opened_millis BETWEEN '2026-02-01' AND '2026-02-28'", [(1,), (4,), (5,)]),
        ("opened_millis IN ('2026-02-01', '2026-03-01')", [(2,), (4,)]),
        ("closed_at <> '2026-03-02' AND id > 3", [(4,)]),
        ("due_day > '2026-02-28'", [(4,), (5,)]),
    ],
)
def test_days(tickets: Scope, analyst: Connection, condition: str, expected: list[tuple[int]]) -> None:
    assert rows(analyst, mended(tickets, f"SELECT id FROM ticket WHERE {condition}")) == expected


def test_the_index_serves(tickets: Scope, admin: Connection) -> None:
    admin.execute("create index on ticket (opened_millis)")
    admin.execute("set enable_seqscan = off")
    statement = mended(tickets, "SELECT id FROM ticket WHERE opened_millis BETWEEN '2026-02-01' AND '2026-02-28'")
    plan = "\n".join(line for (line,) in admin.execute(f"explain {statement}".encode()))
    assert "Index Cond" in plan


def test_when(tickets: Scope, analyst: Connection) -> None:
    march = datetime(2026, 2, 28, 16, tzinfo=UTC)
    for shown in ("opened_millis", "closed_at", "max(closed_at)", "to_timestamp(opened_millis)"):
        statement = mended(tickets, f"SELECT {shown} FROM ticket WHERE id = 4", "When was ticket 4 opened?")
        assert rows(analyst, statement) == [(march,)]
    due = mended(tickets, "SELECT due_day FROM ticket WHERE id = 4", "when is ticket 4 due")
    assert rows(analyst, due) == [(date(2026, 3, 1),)]
    raw = mended(tickets, "SELECT opened_millis FROM ticket WHERE id = 4", "opened in milliseconds of ticket 4")
    assert rows(analyst, raw) == [(int(march.timestamp()) * 1000,)]


@pytest.mark.parametrize(
    ("column", "kind", "comment", "written"),
    [
        ("created_ms", "bigint", None, "(extract(epoch from {}) * 1000)::bigint"),
        ("create_time", "numeric(20)", "时间戳（秒）", "extract(epoch from {})::bigint"),
        ("create_date", "int", "YYYYMMDD", "to_char({}, 'YYYYMMDD')::int"),
        ("month", "int", "yyyymm", "to_char({}, 'YYYYMM')::int"),
        ("month", "text", "YYYY-MM", "to_char({}, 'YYYY-MM')"),
        ("created", "varchar(8)", "yyyymmdd", "to_char({}, 'YYYYMMDD')"),
    ],
)
def test_a_period_counted_from_today(
    database: Database, admin: Connection, analyst: Connection, column: str, kind: str, comment: str, written: str
) -> None:
    admin.execute(f"create table job (id int primary key, {column} {kind})".encode())
    admin.execute(f"comment on column job.{column} is '{comment or ''}'".encode())
    admin.execute("grant select on job to analyst")
    first = "(date_trunc('month', current_date) - interval '1 month')"
    for n, moment in enumerate((first, f"{first} + interval '26 days'", f"{first} - interval '1 day'", "current_date")):
        admin.execute(f"insert into job values ({n}, {written.format(moment)})".encode())
    scope, question = scope_of(database, analyst), "how many jobs last month"
    for where in ("", f" WHERE {column} >= CURRENT_DATE", f" WHERE {column} > NOW() - INTERVAL '1 month'"):
        statement = mended(scope, f"SELECT COUNT(*) FROM job{where}", question)
        assert rows(analyst, statement) == [(2,)], statement


def test_forms_come_from_statistics(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute(TICKETS)
    admin.execute("""
        comment on column ticket.due_day is null; comment on column ticket.closed_at is null;
        comment on column ticket.paid_month is null; comment on column ticket.bill_month is null;
        alter table ticket rename opened_millis to opened_at;
        create table guarded as select * from ticket;
        alter table guarded enable row level security;
        grant select on guarded to analyst;
        create table hidden as select * from ticket;
        grant select (id) on hidden to analyst;
        create materialized view seen as select id, opened_at from ticket;
        grant select on seen to analyst;
    """)
    assert "form" not in columns(database, analyst, "ticket")["opened_at"], "never analyzed"
    admin.execute("analyze")
    found = {name: column.get("form") for name, column in columns(database, analyst, "ticket").items()}
    assert found == {
        "id": None,
        "opened_at": "epoch_ms",
        "closed_at": "epoch_s",
        "due_day": "YYYYMMDD",
        "bill_month": "YYYYMM",
        "paid_month": "YYYY-MM",
        "plan_day": "YYYYMMDD",
    }
    assert columns(database, analyst, "seen")["opened_at"]["form"] == "epoch_ms"
    assert set(columns(database, analyst, "hidden")) == {"id"}
    assert not any("form" in column for column in columns(database, analyst, "guarded").values())


def test_masked_columns_tell_nothing(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("create table visit (id int primary key, seen_at bigint, left_at bigint)")
    admin.execute("insert into visit select n, 1772323200 + n, 1772323300 + n from generate_series(1, 9) as n")
    admin.execute("analyze visit")
    admin.execute("grant select on visit to analyst")
    assert {name for name, c in columns(database, analyst, "visit").items() if "form" in c} == {"seen_at", "left_at"}
    admin.execute("select nl2sql.mask('visit', 'seen_at', 'null')")
    assert {name for name, c in columns(database, analyst, "visit").items() if "form" in c} == {"left_at"}


def columns(database: Database, connection: Connection, table: str) -> dict[str, dict[str, object]]:
    return {column["name"]: column for column in ask(database, connection).tables[table]["columns"]}
