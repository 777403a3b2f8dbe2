"""Hostile statements through nl2sql.run(): from a login, after SET ROLE, in a transaction, in one that is READ ONLY."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.attacks.conftest import Stage, Untouched
from tests.attacks.playing import path_of, play
from tests.conftest import Connection
from tests.support.aftermath import CANARY, Heard, hear
from tests.support.attacks import Attack, attacks, kinds
from tests.support.expected import assert_as_expected

RUN = "select * from nl2sql.run(%s, '{\"max_seconds\": 1}')"
CHECK = "select nl2sql.check(%s)"


def run(session: Connection, attack: Attack) -> Heard:
    return hear(session, RUN, (attack.sql,))


@contextmanager
def transaction(session: Connection, begin: str) -> Iterator[None]:
    """A transaction that survives an error and is committed: what the statement did would stay."""
    session.execute(f"{begin}; savepoint before".encode())
    yield
    if session.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
        session.execute("rollback to savepoint before")
    session.execute("commit")


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("how", ["login", "became"])
def test_run(stage: Stage, untouched: Untouched, how: str, kind: str) -> None:
    assert play(stage, untouched, kind, how, run) == []


# What takes long takes its second in each; the limits do not know of transactions.
@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind != "resource"])
@pytest.mark.parametrize("begin", ["begin", "begin read only"])
def test_run_in_a_transaction(stage: Stage, untouched: Untouched, begin: str, kind: str) -> None:
    def put(session: Connection, attack: Attack) -> Heard:
        with transaction(session, begin):
            return run(session, attack)

    assert play(stage, untouched, kind, "login", put) == []


def test_planted_code_in_what_is_read(stage: Stage, untouched: Untouched) -> None:
    """His schema is not on the path, but what he owns is read: his code runs, as in any SELECT, and is held."""

    def put(session: Connection, attack: Attack) -> Heard:
        session.execute("set search_path = public")
        heard = run(session, attack)
        session.execute("set search_path = public, planted")
        return heard

    assert play(stage, untouched, "planted", "login", put) == []
    trap = "select id from planted.filtered_trap"
    stage.connect("login").execute("set search_path = public")
    rows = stage.connect("login").execute(RUN, (trap,)).fetchall()
    assert len(rows) == 2  # it has run


def test_the_verdicts(stage: Stage) -> None:
    """Frozen, so that a guard that lets more through is seen: the rule, or what became of it."""
    assert_as_expected("attacks.txt", (f"{attack.id} -> {verdict(stage, attack)}" for attack in attacks()))


def verdict(stage: Stage, attack: Attack) -> str:
    session = stage.connect("login")
    session.execute(f"set search_path = {path_of(attack.kind)}".encode())
    try:
        row = session.execute(CHECK, (attack.sql,)).fetchone()
    except psycopg.DataError:
        return "no text"  # NUL does not get as far as the server
    assert row
    assert CANARY.findall(str(row)) == []
    return str(row[0]["rule"] or row[0]["verdict"])


@pytest.mark.parametrize("how", ["login", "became"])
@pytest.mark.parametrize("begin", ["begin", "begin read only"])
def test_the_ways_in_are_open(stage: Stage, how: str, begin: str) -> None:
    """What is harmless gets through on each of them."""
    session = stage.connect(how)
    session.execute("set search_path = public")
    with transaction(session, begin):
        assert session.execute(RUN, ("select count(*) as n from orders",)).fetchall() == [({"n": 20},)]


def test_the_corpus_is_large() -> None:
    assert len(attacks()) >= 500
    assert len({attack.id for attack in attacks()}) == len(attacks())
    assert len(kinds()) >= 18
