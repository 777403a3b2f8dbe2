"""What guard, runner and audit add to a statement: python -m bench.running [--calls 500] [--sessions 20]

Makes a private cluster, and the service in a process of its own without an engine: the guard needs none. Times a query
of one row as it is, through nl2sql.run() without audit records and with them, warm and by turns, and the first
nl2sql.run() of new sessions. Prints medians and 95th percentiles in milliseconds. The spool of the audit records lies
in TMPDIR: name a folder of the disk that counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg

from bench.overhead import percentile
from bench.service import Service
from tools.cluster import Cluster

QUERY = "SELECT name FROM customers WHERE id = 7"
RUN = f"SELECT nl2sql.run('{QUERY}')"
SCHEMA = """
    create extension nl2sql cascade;
    create table customers (id int primary key, name text, city text);
    insert into customers select n, 'name ' || n, 'city ' || n % 50 from generate_series(1, 10000) as n;
    analyze customers;
    create role analyst login in role nl2sql_user;
    grant select on customers to analyst;
    alter role nl2sql_sidecar login;
"""
AT_ONCE = 10
WAYS = {
    "the query as it is": (QUERY, "off"),
    "through nl2sql.run(), audit off": (RUN, "off"),
    "through nl2sql.run(), audited": (RUN, "required"),
}

Connection = psycopg.Connection[Any]


def line(name: str, seconds: Sequence[float]) -> str:
    p95 = percentile(seconds, 0.95)
    return f"{name:<34} median {statistics.median(seconds) * 1000:8.2f} ms   p95 {p95 * 1000:8.2f} ms"


def timed(work: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def prepare(dsn: str, socket: Path) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(SCHEMA.encode())
        admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(socket),))
        admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))


def first_calls(dsn: str, sessions: int) -> list[float]:
    taken = []
    for _ in range(sessions):
        with psycopg.connect(dsn, autocommit=True) as caller:
            taken += timed(lambda caller=caller: caller.execute(RUN).fetchall(), 1)  # type: ignore[misc]
    return taken


def measure(admin: Connection, dsn: str, calls: int) -> dict[str, list[float]]:
    """Seconds of each way, a few calls of one after a few of another: a load that comes and goes meets all of them."""
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    with psycopg.connect(dsn, autocommit=True) as caller:
        for part in range(-1, calls // AT_ONCE):
            for name, (query, audit) in WAYS.items():
                admin.execute("select nl2sql.set_setting('audit', %s)", (audit,))
                found = timed(lambda query=query: caller.execute(query.encode()).fetchall(), 1 + AT_ONCE)  # type: ignore[misc]
                taken[name] += found[1:] if part >= 0 else []
    return taken


def report(first: list[float], taken: dict[str, list[float]]) -> None:
    print(line("first call of a session", first))
    for name, seconds in taken.items():
        print(line(name, seconds))
    plain, off, required = (statistics.median(seconds) * 1000 for seconds in taken.values())
    print(f"added at the median: {off - plain:.2f} ms by guard and runner, {required - off:.2f} ms by the audit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nl2sql-run-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        with Cluster(folder / "cluster", settings={"fsync": "off"}) as cluster:
            service = Service(folder, [cluster.dsn("postgres", "nl2sql_sidecar")])
            prepare(cluster.dsn(), service.socket)
            dsn = cluster.dsn("postgres", "analyst")
            with service, psycopg.connect(cluster.dsn(), autocommit=True) as admin:
                first = first_calls(dsn, arguments.sessions)
                report(first, measure(admin, dsn, arguments.calls))
                print(f"load of the machine {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
