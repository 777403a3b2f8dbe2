"""Whether every answer is on record, whatever breaks: python -m bench.audit_faults [--callers 200] [--seconds 300]

Starts PostgreSQL and a sidecar of its own, lets callers put one statement after another through nl2sql.run(), and
breaks things under them: a backend is killed with SIGKILL after a fifth of the time, the sidecar after two fifths, and
after three fifths the database is away for 30 s. Then it compares what callers were answered with what is on record,
tells throughput and times, and exits with 1 where something is missing, twice or broken.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.overhead import percentile
from bench.service import Service
from tools.cluster import Cluster

THREADS = 50  # of one process of callers
DATABASE = "audited"
AWAY = 30.0  # seconds without a database, in a run of 300; less in a shorter one
PAUSE = 0.2  # seconds before a caller tries again after an error
READER = "nl2sql_bench_caller"

SETUP = f"""
create extension nl2sql cascade;
do $$ begin
    if to_regrole('{READER}') is null then create role {READER} login; end if;
end $$;
grant nl2sql_user to {READER};
alter role nl2sql_sidecar login;
create table public.numbers as select n from generate_series(1, 100) as n;
grant select on public.numbers to {READER};
"""
RECORDS = """
    select a.id::text, a.event, a.record ->> 'sql', a.sqlstate
    from nl2sql._audit as a where a.action = 'run'
"""


@dataclass
class Heard:
    """What callers were told: tags of statements that were answered, errors by SQLSTATE, milliseconds of answers."""

    answered: list[int] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)


def call(dsn: str, first: int, until: float, heard: Heard) -> None:
    """One caller: a new tag for every statement, a new session after every error of the connection."""
    tag = first
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True, connect_timeout=5) as session:
            while time.monotonic() < until and not session.closed:
                tag += 1
                began = time.perf_counter()
                try:
                    session.execute("select nl2sql.run(%s)", (f"SELECT n, {tag} AS tag FROM numbers WHERE n = 1",))
                    heard.answered.append(tag)
                    heard.times.append((time.perf_counter() - began) * 1000)
                except psycopg.Error as error:
                    heard.errors[error.sqlstate or "connection lost"] += 1
                    time.sleep(PAUSE)
        time.sleep(PAUSE)


def callers(dsn: str, first: int, threads: int, seconds: float) -> Heard:
    """One process of callers."""
    heard, until = [Heard() for _ in range(threads)], time.monotonic() + seconds
    running = [
        threading.Thread(target=call, args=(dsn, (first + number) * 10_000_000, until, heard[number]))
        for number in range(threads)
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return together(heard)


def together(parts: list[Heard]) -> Heard:
    whole = Heard()
    for part in parts:
        whole.answered += part.answered
        whole.errors += part.errors
        whole.times += part.times
    return whole


def break_things(cluster: Cluster, sidecar: Service, seconds: float) -> None:
    """What breaks, and when."""
    time.sleep(seconds / 5)
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as admin:
        row = admin.execute("select pid from pg_stat_activity where usename = %s limit 1", (READER,)).fetchone()
    assert row
    os.kill(row[0], signal.SIGKILL)
    print("a backend was killed", flush=True)
    time.sleep(seconds / 5)
    sidecar.kill()
    print("the sidecar was killed", flush=True)
    sidecar.start()
    time.sleep(seconds / 5)
    wait_for_database(cluster)
    cluster.stop()
    away = min(AWAY, seconds / 10)
    print(f"the database is away for {away:.0f} s", flush=True)
    time.sleep(away)
    cluster.start()


def wait_for_database(cluster: Cluster) -> None:
    """After a killed backend the server first syncs all its files: on a busy disk that takes a while."""
    limit = time.monotonic() + 300
    while time.monotonic() < limit:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(cluster.dsn(DATABASE), connect_timeout=5):
            return
        time.sleep(0.5)


def wait_for_delivery(service: Service) -> float:
    """Seconds until the database has all that the sidecar signed; delivery pauses between tries."""
    began = time.monotonic()
    with service.client() as sidecar:
        while time.monotonic() < began + 120:
            answer = sidecar.post("/v1/audit/head", json={"protocol": 1, "database": DATABASE}).json()
            if all(head["delivered"] == head["seq"] for head in answer["heads"]):
                break
            time.sleep(1)
    return time.monotonic() - began


def report(admin: psycopg.Connection[Any], heard: Heard, seconds: float) -> bool:
    """Print what was found; whether all is as promised."""
    events: dict[str, Counter[str]] = {}
    twice = 0
    for record_id, event, sql, _ in (rows := admin.execute(RECORDS.encode()).fetchall()):
        seen = events.setdefault(record_id, Counter())
        seen[event] += 1
        twice += seen[event] > 1
        if event == "outcome" and sql and " AS tag " in sql:
            seen[f"tag {sql.split(' AS tag ')[0].rsplit(' ', 1)[-1]}"] = 1
    answered = {tag for tags in events.values() for tag in tags if tag.startswith("tag ")}
    lonely = sum(1 for tag in heard.answered if f"tag {tag}" not in answered)
    without = sum(1 for seen in events.values() if seen["outcome"] and not seen["intent"])
    open_intents = sum(1 for seen in events.values() if seen["intent"] and not seen["outcome"])
    problems = admin.execute("select * from nl2sql.audit_verify()").fetchall()
    print(f"answered {len(heard.answered)}, errors {dict(heard.errors)}, records {len(rows)}")
    if not heard.answered:
        print("nobody was answered")
        return False
    p50, p95, p99 = (percentile(heard.times, share) for share in (0.5, 0.95, 0.99))
    print(f"{len(heard.answered) / seconds:.1f} answers/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")
    print(f"answers without an outcome on record {lonely}, outcomes without an intent {without}, records twice {twice}")
    print(f"intents without an outcome {open_intents} (work that was cut off), problems of the chain {problems}")
    whole = not (lonely or without or twice or problems)
    print("as promised" if whole else "NOT as promised")
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--callers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=300)
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="nl2sql-faults-"))
    root.chmod(0o755)
    try:
        with Cluster(root / "pg", settings={"max_connections": str(arguments.callers + 50)}) as cluster:
            raise SystemExit(0 if attempt(cluster, root, arguments.callers, arguments.seconds) else 1)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def attempt(cluster: Cluster, root: Path, wanted: int, seconds: float) -> bool:
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute(f"create database {DATABASE}".encode())
    sidecar = Service(root, [cluster.dsn(DATABASE, "nl2sql_sidecar")])
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as admin:
        admin.execute(SETUP.encode())
        admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(sidecar.socket),))
        admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
    sidecar.start()
    try:
        sidecar.wait()
        sizes = [min(THREADS, wanted - start) for start in range(0, wanted, THREADS)]
        dsn = cluster.dsn(DATABASE, READER)
        with multiprocessing.Pool(len(sizes)) as pool:
            parts = [
                pool.apply_async(callers, (dsn, number * THREADS + 1, size, seconds))
                for number, size in enumerate(sizes)
            ]
            break_things(cluster, sidecar, seconds)
            heard = together([part.get() for part in parts])
        print(
            f"load of the machine {os.getloadavg()[0]:.1f}; delivered {wait_for_delivery(sidecar):.0f} s after the last"
        )
        with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as admin:
            return report(admin, heard, seconds)
    finally:
        sidecar.stop()


if __name__ == "__main__":
    main()
