"""A model that has been taken over: each hostile statement as its answer to a question ends in an error or does no harm.

Trial runs are on, so that what gets as far as the server is also run there.
"""

from __future__ import annotations

import time

import pytest

from tests.attacks.conftest import Stage, Untouched
from tests.support.aftermath import CANARY, forget_peak, hear, peak_kilobytes
from tests.support.attacks import Attack, attacks

ASK = "select nl2sql.ask('how many orders are there', '{\"candidates\": 1}')"
MOST_SECONDS, MOST_KILOBYTES = 8, 600_000


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.id)
def test_asking_does_no_harm(stage: Stage, untouched: Untouched, attack: Attack) -> None:
    session = stage.connect("login")
    session.execute("set nl2sql.trial_run = on")
    untouched.session_changes("login", session)
    stage.proposes(attack.sql)
    forget_peak(session.info.backend_pid)
    began = time.monotonic()
    heard = hear(session, ASK)
    assert time.monotonic() - began < MOST_SECONDS
    assert not session.closed, heard
    assert peak_kilobytes(session.info.backend_pid) < MOST_KILOBYTES
    assert heard.leaks == []
    assert CANARY.findall(stage.prompts) == []
    assert untouched.session_changes("login", session) == [], heard
    assert untouched.database_changes() == [], heard
