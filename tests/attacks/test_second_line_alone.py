"""The runner without the guard: whatever the statement, nothing is written, nobody else's role is taken, limits hold.

What the second line alone does not keep, the guard does: names and sources in the catalog, advisory locks of the
session, a signal to one's own backend, and views without a security barrier, which leak to functions in PostgreSQL.
"""

from __future__ import annotations

import re
import time

import pytest

from tests.attacks.conftest import Stage, Untouched
from tests.support.aftermath import forget_peak, hear, peak_kilobytes
from tests.support.attacks import Attack, attacks

MOST_SECONDS, MOST_KILOBYTES = 8, 600_000
CATALOG = re.compile(r"canary(source|view|comment|column|total)", re.IGNORECASE)
SIGNALS = "effects: ending one's own session"


def left_to_the_guard(attack: Attack, leak: str) -> bool:
    return bool(CATALOG.fullmatch(leak)) or ("open_vault" in attack.sql and leak == "canaryvault")


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.id)
def test_nothing_is_left_behind(stage: Stage, untouched: Untouched, attack: Attack) -> None:
    session = stage.connect("login")
    untouched.session_changes("login", session)
    forget_peak(session.info.backend_pid)
    began = time.monotonic()
    heard = hear(session, "select unguarded.run(%s)", (attack.sql,))
    assert time.monotonic() - began < MOST_SECONDS
    assert [leak for leak in heard.leaks if not left_to_the_guard(attack, leak)] == []
    if attack.id == SIGNALS:
        assert session.closed
        session = stage.connect("login")
    assert peak_kilobytes(session.info.backend_pid) < MOST_KILOBYTES
    if attack.kind == "locks":
        session.execute("select pg_advisory_unlock_all(), pg_advisory_lock_shared(4711)")
    assert untouched.session_changes("login", session) == [], heard
    assert untouched.database_changes() == [], heard

