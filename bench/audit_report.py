"""What a report over the last hour of a large audit log takes: python -m bench.audit_report [--rows 10000000] [--runs 20]

Makes a private cluster, fills the log with rows of a year (made in SQL: they carry no valid signatures, which a report does
not look at), and runs reports as an auditor, through nl2sql.audit_log. Each report is timed with its own audit record
switched off and, where the sidecar's service is at hand, on: it runs in this process, with its journal on a disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.overhead import percentile
from tools.cluster import Cluster

Connection = psycopg.Connection[tuple[Any, ...]]

HOUR = "at > now() - interval '1 hour'"
REPORTS = {
    "by role and outcome": f"""
        select role, verdict, sqlstate, count(*), max(milliseconds) from nl2sql.audit_log
        where {HOUR} and event = 'outcome' group by 1, 2, 3 order by 4 desc""",
    "refused": f"""
        select at, role, action, sqlstate, message, question from nl2sql.audit_log
        where {HOUR} and sqlstate is not null order by at desc limit 100""",
    "of one role": f"""
        select at, action, question, sql, verdict from nl2sql.audit_log
        where {HOUR} and role = 'analyst_7' order by at desc""",
    "administrators": f"select at, role, action, details from nl2sql.audit_log where {HOUR} and event = 'event'",
}

# Intent and outcome of a question every few seconds for a year; every fiftieth refused, every thousandth an event.
FILL = """
    insert into nl2sql._audit (chain, seq, at, id, event, action, role, session_role, sqlstate, prev, hash, record)
    select '00000000-0000-4000-8000-00000000000a', r.n, r.at, r.id, r.event, r.action, r.role, r.role, r.sqlstate, r.hash, r.hash,
        jsonb_strip_nulls(jsonb_build_object('id', r.id, 'event', r.event, 'action', r.action,
            'at', nl2sql._audit_microseconds(r.at), 'session_user', r.role, 'role', r.role,
            'member_of', '["nl2sql_user"]'::jsonb, 'client_addr', '10.1.2.3', 'application_name', 'psql', 'pid', 4711,
            'question', 'total revenue by region and month in the last quarter', 'sqlstate', r.sqlstate,
            'verdict', r.verdict, 'milliseconds', r.n % 3000,
            'sql', 'SELECT r.region_name, sum(o.total_amount) FROM orders AS o JOIN regions AS r USING (region_id) GROUP BY 1'))
    from (
        select g.n, now() - (({rows} - g.n) * interval '1 year' / {rows}) as at, gen_random_uuid() as id,
            case when g.n % 1000 = 0 then 'event' when g.n % 2 = 0 then 'intent' else 'outcome' end as event,
            case when g.n % 1000 = 0 then 'set_setting' else 'ask' end as action, 'analyst_' || g.n / 2 % 200 as role,
            case when g.n % 2 = 1 and g.n / 2 % 50 = 0 then 'NL406' end as sqlstate,
            case when g.n % 2 = 1 then 'answered' end as verdict, decode(repeat('ab', 32), 'hex') as hash
        from generate_series({first}, {last}) as g (n)) as r"""


def fill(admin: Connection, rows: int) -> None:
    """Month by month in time, so that the table is as it would have grown."""
    admin.execute("set synchronous_commit = off")
    months = "select nl2sql._audit_partition(now() - n * interval '1 month') from generate_series(0, 13) as n"
    admin.execute(months.encode())
    step = 500_000
    for first in range(1, rows + 1, step):
        text = FILL.format(rows=rows, first=first, last=min(rows, first + step - 1))
        admin.execute(text.encode())
    admin.execute("vacuum analyze nl2sql._audit")


def timed(connection: Connection, query: str, runs: int) -> tuple[float, float, int]:
    """Median and slowest in milliseconds, and the rows of the result; the first run of each is not counted."""
    times, rows = [], 0
    for _ in range(runs + 1):
        started = time.perf_counter()
        rows = len(connection.execute(query.encode()).fetchall())
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[1:]), percentile(times[1:], 0.95), rows


def report(connection: Connection, runs: int, how: str) -> None:
    for name, query in REPORTS.items():
        median, slow, rows = timed(connection, query, runs)
        print(f"{name:22} {how:16} median {median:7.1f} ms   95 % {slow:7.1f} ms   {rows} rows", flush=True)


def prepare(admin: Connection) -> None:
    admin.execute("create extension nl2sql cascade")
    admin.execute("create role auditor login in role nl2sql_auditor")
    admin.execute("select nl2sql.set_setting('audit', 'off')")


def measure(cluster: Cluster, rows: int, runs: int) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        prepare(admin)
        started = time.monotonic()
        fill(admin, rows)
        size = admin.execute(
            "select pg_size_pretty(sum(pg_total_relation_size(relid))) from pg_partition_tree('nl2sql._audit')"
        ).fetchone()
        print(f"{rows} rows, {size and size[0]}, filled in {time.monotonic() - started:.0f} s", flush=True)
        with psycopg.connect(cluster.dsn("postgres", "auditor"), autocommit=True) as auditor:
            report(auditor, runs, "not on record")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=None, help="where to put the cluster; else a temporary folder")
    arguments = parser.parse_args()
    settings = {"fsync": "off", "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "8GB"}
    with tempfile.TemporaryDirectory(prefix="nl2sql-report-", dir=arguments.folder) as made:
        os.chmod(made, 0o755)
        with Cluster(Path(made), settings=settings) as cluster:
            measure(cluster, arguments.rows, arguments.runs)


if __name__ == "__main__":
    main()
