"""A model that has been taken over: each hostile statement as its answer ends in an error or does no harm.

Trial runs are on, so that what gets as far as the server is also run there.
"""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage, Untouched
from tests.attacks.playing import play
from tests.conftest import Connection
from tests.support.aftermath import Heard, hear
from tests.support.attacks import Attack, kinds

ASK = "select nl2sql.ask('how many orders are there', '{\"candidates\": 1}')"


@pytest.mark.parametrize("kind", kinds())
def test_asking_does_no_harm(stage: Stage, untouched: Untouched, kind: str) -> None:
    def ask(session: Connection, attack: Attack) -> Heard:
        stage.proposes(attack.sql)
        return hear(session, ASK)

    stage.connect("login").execute("set nl2sql.trial_run = on")
    assert play(stage, untouched, kind, "login", ask) == []
