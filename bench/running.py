"""What the guard and the runner add to a statement: python -m bench.running [--calls 500] [--sessions 20]

Makes a private cluster, and the service in a process of its own without an engine: the guard needs none. Times a query
of one row as it is and through nl2sql.run(), warm, and the first nl2sql.run() of new sessions; by setting, without and
with audit records. Prints medians and 95th percentiles in milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg

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
"""
WARM_UP = 20
START = 20.0  # seconds


def line(name: str, seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"{name:<34} median {statistics.median(seconds) * 1000:8.2f} ms   p95 {p95 * 1000:8.2f} ms"


def timed(work: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


@contextlib.contextmanager
def service(folder: Path, dsn: str) -> Iterator[None]:
    """The sidecar of this checkout on a socket of its own."""
    told = {"SOCKET": folder / "sidecar.sock", "SOCKET_MODE": "0666", "ENGINE_URL": "http://127.0.0.1:9/v1"}
    told |= {"CACHE_DIR": folder / "cache", "LOG_LEVEL": "error", "EMBEDDER": folder / "none", "PROMPT_FAMILY": "qwen"}
    environment = {**os.environ, **{f"NL2SQL_{name}": str(value) for name, value in told.items()}}
    process = subprocess.Popen([sys.executable, "-m", "sidecar"], env=environment)
    try:
        limit = time.monotonic() + START
        while not (folder / "sidecar.sock").exists() and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(START)


def prepare(dsn: str, folder: Path) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(SCHEMA.encode())
        admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(folder / "sidecar.sock"),))
        admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))


def first_calls(dsn: str, sessions: int) -> list[float]:
    taken = []
    for _ in range(sessions):
        with psycopg.connect(dsn, autocommit=True) as caller:
            taken += timed(lambda caller=caller: caller.execute(RUN).fetchall(), 1)  # type: ignore[misc]
    return taken


def measure(dsn: str, calls: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as caller:
        for query in (QUERY, RUN):
            timed(lambda query=query: caller.execute(query.encode()).fetchall(), WARM_UP)  # type: ignore[misc]
        plain = timed(lambda: caller.execute(QUERY.encode()).fetchall(), calls)
        through = timed(lambda: caller.execute(RUN.encode()).fetchall(), calls)
    print(line("  the query as it is", plain))
    print(line("  through nl2sql.run()", through))
    print(
        f"  added at the median                {(statistics.median(through) - statistics.median(plain)) * 1000:8.2f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nl2sql-run-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        with Cluster(folder / "cluster", settings={"fsync": "off"}) as cluster, service(folder, cluster.dsn()):
            prepare(cluster.dsn(), folder)
            dsn = cluster.dsn("postgres", "analyst")
            for audit in ("off", "required"):
                with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
                    admin.execute("select nl2sql.set_setting('audit', %s)", (audit,))
                print(f"audit {audit}; load of the machine {os.getloadavg()[0]:.1f}")
                print(line("  first in a session", first_calls(dsn, arguments.sessions)))
                measure(dsn, arguments.calls)


if __name__ == "__main__":
    main()
