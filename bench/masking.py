"""What masking costs: python -m bench.masking [--rows 1000000] [--texts 200000] [--rounds 5] [--dsn …]

Reads a table of ten columns and a security_barrier view of it with four masked ones (name, mail, telephone, card), each
in turn, as clients do, and gives the best time of each and their ratio: what the client waited, and what the backend
computed, where /proc shows it. Then masks short texts, one in ten with something to find, and counts what the backend
computed (of a server elsewhere: what the client waited). One backend, no parallel workers, a schema that it drops.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]

SCHEMA = "nl2sql_bench_masking"
TABLE = f"""
    drop schema if exists {SCHEMA} cascade; create schema {SCHEMA};
    create table {SCHEMA}.people as
    select i as id, 'First' || i % 977 || ' Last' || i % 7919 as name,
        'user.' || i || '@mail' || i % 50 || '.example.com' as email,
        '+1 415-555-' || lpad((i % 10000)::text, 4, '0') as phone,
        '4111-1111-' || lpad((i / 10000)::text, 4, '0') || '-' || lpad((i % 10000)::text, 4, '0') as card,
        date '1950-01-01' + i % 20000 as born, (i::bigint * 37 % 1000000) / 100.0 as balance,
        'City ' || i % 300 as city, timestamptz '2024-01-01' + i * interval '1 minute' as created_at,
        'note about order ' || i as note
    from generate_series(1, ROWS) as i;
    create view {SCHEMA}.plain with (security_barrier) as select * from {SCHEMA}.people;
    create view {SCHEMA}.masked with (security_barrier) as
    select id, nl2sql.mask_name(name) as name, nl2sql.mask_email(email) as email, nl2sql.mask_phone(phone) as phone,
        nl2sql.mask_card(card) as card, born, balance, city, created_at, note
    from {SCHEMA}.people;
    create table {SCHEMA}.texts (content text);
"""
AGGREGATE = "select count(*), max(name), max(email), max(phone), max(card) from {}"
ORDINARY = (
    "Order {n} shipped on 2024-03-{d:02}", "Customer called about invoice {n}, will pay",
    "Meeting moved to 10:{d:02} tomorrow", "总金额 {n} 元，已于昨日发货", "The quick brown fox jumps over it",
    "delayed by {d} days; see ticket #{n}", "版本 2.{d}.1 发布，修复若干问题", "Payment of $1,2{d:02}.50 received",
    "Replaced filter, tested, all fine", "用户反馈页面打开很慢，请尽快处理", "Returned item: colour differs",
    "status=done;retries={d}",
)  # fmt: skip
PERSONAL = (
    "mail bob.smith{d}@corp.com please", "card 4111-1111-1111-1111 declined", "call 415-555-26{d:02} after 5pm",
    "手机13812345678，请尽快联系", "姓名：张三，已预约", "Dear Mr. Smith, thanks a lot",
)  # fmt: skip


def texts(number: int) -> list[str]:
    pick = random.Random(7)
    shapes = (pick.choice(PERSONAL if pick.random() < 0.1 else ORDINARY) for _ in range(number))
    return [shape.format(n=pick.randint(1000, 999999), d=pick.randint(1, 28)) for shape in shapes]


def prepare(connection: Connection, rows: int, number: int) -> None:
    for statement in TABLE.replace("ROWS", str(rows)).split(";"):
        connection.execute(statement.encode())
    with connection.cursor().copy(f"copy {SCHEMA}.texts from stdin".encode()) as copy:
        for text in texts(number):
            copy.write_row((text,))
    connection.execute(f"vacuum analyze {SCHEMA}.people, {SCHEMA}.texts".encode())
    connection.execute("set max_parallel_workers_per_gather = 0; set jit = off")


def by_copy(connection: Connection, relation: str) -> None:
    with connection.cursor().copy(f"copy (select * from {relation}) to stdout".encode()) as copy:
        for _ in copy:
            pass


def by_psycopg(connection: Connection, relation: str) -> None:
    with connection.transaction(), connection.cursor("bench") as cursor:
        cursor.itersize = 10_000
        cursor.execute(f"select * from {relation}".encode())
        for _ in cursor:
            pass


def by_psql(dsn: str, relation: str) -> None:
    command = ["psql", "--no-psqlrc", "--quiet", "--set", "FETCH_COUNT=10000", "--output", "/dev/null"]
    settings = "set max_parallel_workers_per_gather = 0; set jit = off;"
    subprocess.run([*command, "--dbname", dsn, "-c", settings, "-c", f"select * from {relation}"], check=True)


def by_aggregate(connection: Connection, relation: str) -> None:
    connection.execute(AGGREGATE.format(relation).encode())


def computed(connection: Connection) -> float:
    """Seconds that the backend has had a processor; of a server elsewhere the time of day."""
    try:
        nanoseconds = Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0]
    except OSError:
        return time.perf_counter()
    return int(nanoseconds) / 1e9


def measure(connection: Connection, work: Callable[[], object]) -> tuple[float, float]:
    """Seconds waited, seconds computed."""
    before, started = computed(connection), time.perf_counter()
    work()
    return time.perf_counter() - started, computed(connection) - before


def compare(name: str, connection: Connection, read: Callable[[str], None], rounds: int) -> None:
    """Both in turn, so that what else the machine does meets both."""
    plain, masked = [], []
    for _ in range(rounds):
        plain.append(measure(connection, lambda: read(f"{SCHEMA}.plain")))
        masked.append(measure(connection, lambda: read(f"{SCHEMA}.masked")))
    for what, place in (("waited", 0), ("computed", 1)):
        one, other = min(p[place] for p in plain), min(m[place] for m in masked)
        if one > 0.01:  # psql has a backend of its own, which is gone when it could be asked
            print(f"{name:<30} {what:<9} plain {one:7.3f} s   masked {other:7.3f} s   {other / one:5.2f} times")


def free_text(connection: Connection, number: int, rounds: int) -> None:
    def count(expression: str) -> float:
        query = f"select count({expression}) from {SCHEMA}.texts".encode()
        return min(measure(connection, lambda: connection.execute(query))[1] for _ in range(rounds))

    nothing = count("content")
    for mask in ("mask_sensitive(content)", "mask_hash(content)", "mask_partial(content, 2, 2, '*')"):
        seconds = count(f"nl2sql.{mask}") - nothing
        print(f"{mask:<40} {number / seconds:9.0f} texts/s   {seconds / number * 1e6:6.2f} µs each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dsn", default="", help='a connection string; default: the environment, see "make env"')
    given = parser.parse_args()
    with psycopg.connect(given.dsn, autocommit=True) as connection:
        prepare(connection, given.rows, given.texts)
        try:
            if shutil.which("psql"):
                compare("psql, rows to a file", connection, lambda name: by_psql(given.dsn, name), given.rounds)
            compare("psycopg, rows by a cursor", connection, lambda name: by_psycopg(connection, name), given.rounds)
            compare("COPY to the client", connection, lambda name: by_copy(connection, name), given.rounds)
            compare("max() of the four", connection, lambda name: by_aggregate(connection, name), given.rounds)
            free_text(connection, given.texts, given.rounds)
        finally:
            connection.execute(f"drop schema {SCHEMA} cascade".encode())


if __name__ == "__main__":
    main()
