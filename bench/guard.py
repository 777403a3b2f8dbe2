"""Does a statement mean the same after the guard? python -m bench.guard [SUITE…] [--fuzz N] [--seed N]

SUITE: folders as docs/accuracy.md describes them; every gold statement goes through nl2sql.run(), its rows and the
types of its columns are compared with those of the statement as it is, and so is what repair would write if it
changed nothing. --fuzz: so many statements that are made of the demo's own by small changes; one of ten of those let
through goes through nl2sql.run() as well. Prints each difference, and what the guard took.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.accuracy.suite import Suite, read_suite
from bench.accuracy.target import Databases, set_protected
from bench.mutation import mutate
from bench.overhead import percentile
from bench.same_rows import Comparison, Connection, Outcome
from bench.service import Service
from sidecar.api.schemas import ScopeBody
from sidecar.guard.check import check
from sidecar.guard.scope import Scope
from tools.cluster import Cluster

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ("tests/unit/sidecar/guard/legitimate.txt", "tests/attacks/legitimate.txt")
PLENTY = {"max_rows": "100000", "max_bytes": "100000000", "max_cost": "999999999", "max_plan_rows": "999999999"}
RUN_ONE_IN = 10
MOVING = ("tablesample", "random", "clock_timestamp")  # rows that need not be the same twice
# A hundred thousand statements, each run four times: of the shop a few orders are enough.
FEW_ROWS = """
    set search_path = shop; set session_replication_role = replica;
    create temp table kept as select order_id from orders order by order_id limit 150;
    delete from returns; delete from reviews; delete from inventory;
    delete from shipments where order_id not in (select order_id from kept);
    delete from payments where order_id not in (select order_id from kept);
    delete from order_items where order_id not in (select order_id from kept);
    delete from orders where order_id not in (select order_id from kept);
    analyze;
"""
MOST_SEEDS = 3000
LONGEST_SEED = 1500  # characters


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", type=Path)
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    suites = [read_suite(folder, "en") for folder in arguments.suites]
    found = Comparison()
    with _places() as (cluster, service):
        for suite in suites:
            _gold(cluster, service, suite, found)
        if arguments.fuzz:
            _fuzz(cluster, service, arguments.fuzz, random.Random(arguments.seed), found)
    for name, count in sorted(found.counts.items()):
        print(f"{name:<36} {count}")
    for difference in found.differences:
        print(difference)
    print(f"{len(found.differences)} differences")
    return bool(found.differences)


@contextmanager
def _places() -> Iterator[tuple[Cluster, Service]]:
    with tempfile.TemporaryDirectory(prefix="nl2sql-guard-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        with Cluster(folder / "cluster", settings={"fsync": "off"}) as cluster, Service(folder) as service:
            yield cluster, service


def _prepare(dsn: str, service: Service) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        places = {"socket_path": str(service.socket), "sidecar_user": str(os.geteuid()), "audit": "off"}
        set_protected(admin, places | PLENTY)


def _gold(cluster: Cluster, service: Service, suite: Suite, found: Comparison) -> None:
    target = Databases(cluster).prepare(suite, keys=True)
    _prepare(target.admin, service)
    taken = []
    with psycopg.connect(target.reader, autocommit=True) as reader:
        scopes: dict[tuple[str, ...], Scope] = {}
        for number, question in enumerate(suite.questions, 1):
            path = ", ".join(f'"{schema}"' for schema in question.search_path)
            reader.execute("select set_config('search_path', %s, false)", (path,))
            scope = scopes.get(question.search_path) or scopes.setdefault(question.search_path, scope_of(reader))
            started = time.perf_counter()
            check(question.gold, scope)
            taken.append(time.perf_counter() - started)
            found.compare(reader, question.gold, scope, lambda sql: run(reader, sql))
            if number % 200 == 0:
                print(
                    f"  {suite.name}: {number} of {len(suite.questions)}, {len(found.differences)} differences",
                    flush=True,
                )
    p50, p95 = percentile(taken, 0.5) * 1000, percentile(taken, 0.95) * 1000
    print(f"{suite.name}: the guard took p50 {p50:.2f} ms, p95 {p95:.2f} ms")


def _fuzz(cluster: Cluster, service: Service, number: int, chance: random.Random, found: Comparison) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute("create database fuzzed")
    with psycopg.connect(cluster.dsn("fuzzed"), autocommit=True) as admin:
        admin.execute((ROOT / "sql" / "demo" / "shop.sql").read_bytes())
        admin.execute(FEW_ROWS.encode())
        admin.execute("create extension nl2sql cascade")
        admin.execute((ROOT / "sql" / "demo" / "roles.sql").read_bytes())
    _prepare(cluster.dsn("fuzzed"), service)
    with psycopg.connect(cluster.dsn("fuzzed", "demo_analyst"), autocommit=True) as reader:
        for made in fuzz(reader, scope_of(reader), number, chance, found, through=lambda sql: run(reader, sql)):
            if made % 5000 == 0:
                print(f"  {made} of {number}, {len(found.differences)} differences", flush=True)


def fuzz(
    reader: Connection,
    scope: Scope,
    number: int,
    chance: random.Random,
    found: Comparison,
    through: Callable[[str], Outcome] | None = None,
) -> Iterator[int]:
    """Compare so many statements, one by one; those that have rows are changed further."""
    seeds = [line for name in SEEDS for line in statements(ROOT / name)]
    grown = list(seeds)
    for made in range(1, number + 1):
        statement = mutate(chance.choice(grown if made % 3 else seeds), seeds, chance)
        before = found.counts["allowed, with rows"]
        found.compare(reader, statement, scope, through if made % RUN_ONE_IN == 0 else None)
        if found.counts["allowed, with rows"] > before and len(statement) < LONGEST_SEED:
            grown = [*grown[-MOST_SEEDS:], statement]
        yield made


def statements(path: Path) -> Iterator[str]:
    """A statement a line; lines of comment are left out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and line[0] != "#" and not any(word in line for word in MOVING):
            yield line


def scope_of(reader: Connection) -> Scope:
    """What the reader may read, as the guard is told it."""
    names = """array(
        select c.relname::text from pg_class as c
        where c.relnamespace::regnamespace::name = any (current_schemas(false)))"""
    asked = f"select current_schemas(false), nl2sql._named_relations(current_schemas(false), {names})"
    row = reader.execute(asked.encode()).fetchone()
    assert row
    body = ScopeBody.model_validate({"search_path": row[0], "tables": row[1]})
    return body.typed(reader.info.server_version)


def run(reader: Connection, statement: str) -> Outcome:
    """What nl2sql.run() gives of it."""
    try:
        rows = reader.execute("select r::text from nl2sql.run(%s) as r", (statement,)).fetchall()
    except psycopg.Error as error:
        return "error", error.sqlstate, None
    return "rows", None, sorted(row for (row,) in rows)


if __name__ == "__main__":
    sys.exit(main())
