"""Where proposals disagree: how likely each makes the question, told by the model the other way round.

A small model that misreads a Chinese question may still see that what it wrote answers another one: of 33 Chinese
training questions whose proposals disagreed, 22 instead of 18 were right with it (the 1.5B; the 0.5B gains nothing).
English ones gained nothing (docs/accuracy.md).
"""

from __future__ import annotations

import time

from nl2sql_pg.attempts import Attempt, Trail
from nl2sql_pg.choosing import rivals
from nl2sql_pg.client import finite, malformed
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal

MOST = 6  # groups of proposals that are told back


def retell(context: Context, question: str, trail: Trail) -> None:
    """Note with each proposal how likely it makes the question; where that can't be had, a warning says so."""
    groups = rivals(trail.attempts)[:MOST]
    if len(groups) < 2:
        return
    since = time.monotonic()
    try:
        found = _ask(context, question, trail.request_id, [group[0] for group in groups])
    except Refusal as refusal:
        trail.warnings.append(f"{refusal.sqlstate}: {refusal.message}; proposals are compared by their votes alone")
        return
    finally:
        trail.timed("retell", since)
    for group, likelihood in zip(groups, found, strict=True):
        for attempt in group:
            attempt.retold = likelihood


def _ask(context: Context, question: str, request_id: str, attempts: list[Attempt]) -> list[float | None]:
    body = {
        "request_id": request_id,
        "question": question,
        "statements": [attempt.sql for attempt in attempts],
        "deadline_ms": context.milliseconds_left(),
    }
    found = context.client.post("/v1/retell", body, context.deadline).get("likelihoods")
    if not isinstance(found, list) or len(found) != len(attempts):
        raise malformed("it lacks the likelihoods asked for")
    try:
        return [None if value is None else finite(value) for value in found]
    except (TypeError, ValueError):
        raise malformed("its likelihoods are no numbers") from None
