"""Plays a class of attacks in one session and tells what each has done."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.attacks.conftest import Stage, Untouched
from tests.conftest import Connection
from tests.support.aftermath import CANARY, Heard, forget_peak, peak_kilobytes
from tests.support.attacks import Attack, of_kind

MOST_SECONDS, MOST_KILOBYTES = 8, 600_000
ENDING = ("resource", "xml")

Put = Callable[[Connection, Attack], Heard]


def path_of(kind: str) -> str:
    """The planter's schema is on it where he attacks; elsewhere his operators would end every statement."""
    return "public, planted" if kind == "planted" else "public"


def play(stage: Stage, untouched: Untouched, kind: str, how: str, put: Put) -> list[str]:
    """Problems, each with the attack's name: what was told, changed, or took too long; empty if all was harmless.

    The session is looked at after each attack that got past the guard, the database after all of them.
    """
    problems: list[str] = []
    last = None
    for attack in of_kind(kind):
        session = stage.connect(how)
        if session is not last:
            session.execute(f"set search_path = {path_of(kind)}".encode())
            untouched.session_changes(how, session)
            last = session
        forget_peak(session.info.backend_pid)
        began = time.monotonic()
        heard = put(session, attack)
        found = [f"told {leak}" for leak in heard.leaks + CANARY.findall(stage.prompts)]
        if (seconds := time.monotonic() - began) > MOST_SECONDS:
            found.append(f"took {seconds:.1f} s")
        if session.closed:
            # what heeds no cancel may end its own session, in time; nothing else may
            if attack.kind not in ENDING or heard.sqlstate != "57P01":
                found.append("ended the session")
        else:
            if not refused_by_guard(heard):
                found += untouched.session_changes(how, session)
            if (kilobytes := peak_kilobytes(session.info.backend_pid)) > MOST_KILOBYTES:
                found.append(f"took {kilobytes} kB")
        problems += [f"{attack.id}: {problem} ({heard.sqlstate} {heard.text[:300]})" for problem in found]
    changes = untouched.database_changes() + untouched.session_changes(how, stage.connect(how))
    return problems + [f"{kind}: {change}" for change in changes]


def refused_by_guard(heard: Heard) -> bool:
    """Then it never ran, and a look at the session after the last attack of the class is enough."""
    return (heard.sqlstate or "").startswith("NL40")
