"""The runner without the guard: whatever the statement, nothing is written, nobody else's role is taken, limits hold.

What the second line alone does not keep, the guard does: names and sources in the catalog, a lock of the session's own
that is given away, a signal to one's own backend, and views without a security barrier, which leak to functions in
PostgreSQL.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.attacks.conftest import Stage, Untouched
from tests.attacks.playing import play
from tests.conftest import Connection
from tests.support.aftermath import Heard, hear
from tests.support.attacks import Attack, kinds

CATALOG = re.compile(r"canary(source|view|comment|column|total)", re.IGNORECASE)
OWN_HAND = "effects: ending one's own session"


def run_unguarded(session: Connection, attack: Attack) -> Heard:
    heard = hear(session, "select unguarded.run(%s)", (attack.sql,))
    if attack.kind == "locks":
        session.execute("select pg_advisory_unlock_all(), pg_advisory_lock_shared(4711)")
    kept = CATALOG.sub("", heard.text)
    return replace(heard, text=kept.replace("canaryvault", "") if "open_vault" in attack.sql else kept)


@pytest.mark.parametrize("kind", kinds())
def test_nothing_is_left_behind(stage: Stage, untouched: Untouched, kind: str) -> None:
    problems = play(stage, untouched, kind, "login", run_unguarded)
    assert [problem for problem in problems if not problem.startswith(f"{OWN_HAND}: ended the session")] == []


def test_it_can_be_seen_when_something_is_left_behind(stage: Stage, untouched: Untouched) -> None:
    """The looks themselves: one that finds nothing proves nothing."""
    session = stage.connect("became")
    untouched.session_changes("became", session)
    untouched.database_changes()
    session.execute("insert into journal values ('seen'); select nextval('tally'); set evil.mark = 'left'; listen ears")
    session.execute("notify ears, 'told'; create temp table left_behind (id int); select lo_create(7777)")
    changes = " ".join(untouched.session_changes("became", session) + untouched.database_changes())
    for trace in (
        "own settings",
        "listening",
        "temporary objects",
        "journal",
        "tally",
        "pg_largeobject_metadata",
        "told",
    ):
        assert f"{trace}:" in changes
    assert hear(stage.watcher, "select secret from vault").leaks
