"""One caller's statement, or one that the model writes, holds nobody else: the service goes on answering."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.attacks.conftest import Stage, open_session
from tests.attacks.test_hostile_statements import RUN
from tests.conftest import Connection

CALLERS = 7
LONGEST = 3.0  # seconds on a machine that runs other tests beside; alone it is less than half a second

# What sqlglot's time doubles with, what a scanner reads over and over, what is long, what is deep.
HEAVY = {
    "types": "select " + "date(" * 26 + "'2020-01-01'" + ")" * 26,
    "arrays": "select " + "array[" * 60 + "1" + "]" * 60,
    "operators": "select 1 " + "+-" * 15_000 + "1",
    "comments": "select 1 " + "/*" * 16_000,
    "blanks": "select" + " " * 32_000 + "1",
    "list": "select 1 where 1 in (" + ",".join("1" * 16_000) + ")",
    "excepts": "select 0" + " except select 1" * 250,
    "signs": "select " + "- " * 16_000 + "1",
    "huge": "select 1 -- " + "x" * 800_000,
    "fences": "```\n" * 200_000,
}


@contextlib.contextmanager
def callers(stage: Stage, query: str, argument: str) -> Iterator[None]:
    """Sessions that ask for it over and over, until the block ends."""
    over = threading.Event()

    def call() -> None:
        with open_session(stage.database.dsn("attacker")) as session:
            session.execute("set search_path = public")
            while not over.is_set():
                with contextlib.suppress(psycopg.Error):
                    session.execute(query.encode(), (argument,)).fetchall()

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def longest_wait(session: Connection) -> float:
    """Of a few statements of somebody else."""
    taken = []
    for _ in range(5):
        began = time.monotonic()
        assert session.execute(RUN, ("select count(*) as n from orders",)).fetchall() == [({"n": 20},)]
        taken.append(time.monotonic() - began)
    return max(taken)


@pytest.mark.parametrize("heavy", HEAVY.values(), ids=HEAVY)
def test_a_statement_of_a_caller(stage: Stage, heavy: str) -> None:
    session = stage.connect("became")
    session.execute("set search_path = public")
    with callers(stage, "select nl2sql.run(%s)", heavy):
        assert longest_wait(session) < LONGEST


@pytest.mark.parametrize("heavy", HEAVY.values(), ids=HEAVY)
def test_a_statement_of_the_model(stage: Stage, heavy: str) -> None:
    session = stage.connect("became")
    session.execute("set search_path = public")
    stage.service.engine.reset()
    stage.service.engine.samples = [Sample(heavy, -0.1, 9, "stop")]
    with callers(stage, "select nl2sql.ask(%s)", "how many orders"):
        assert longest_wait(session) < LONGEST
