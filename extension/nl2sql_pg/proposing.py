"""What goes to the model for one question, and its proposals."""

from __future__ import annotations

import re
import time
from typing import Any

from nl2sql_pg.attempts import Attempt, Trail, read_attempt
from nl2sql_pg.client import finite, malformed
from nl2sql_pg.context import Context

REPAIR_TEXT = 2000  # characters of the server's words that go back to the model
REPAIR_SQL = 32_768  # and of the statement; no longer one would be taken

# What a hint calls a column: alias.name. Other words of it are not behind a full stop without a blank.
_HINTED_COLUMN = re.compile(r"\.(\w+)")

Body = dict[str, Any]


def propose(context: Context, trail: Trail, request: Body, candidates: int) -> list[Attempt]:
    """New attempts, also put on the trail; raises what the client raises, NL005 for nonsense."""
    since = time.monotonic()
    body = {**request, "candidates": candidates, "deadline_ms": context.milliseconds_left()}
    reply = context.client.post("/v1/generate", body, context.deadline)
    trail.timed("generate", since)
    attempts = _read(reply, trail, greedy=candidates == 1)
    if not attempts:
        raise malformed("it has no candidate")
    trail.attempts += attempts
    return attempts


def _read(reply: Body, trail: Trail, greedy: bool) -> list[Attempt]:
    try:
        for stage, milliseconds in reply["timings_ms"].items():
            trail.add_time(stage, finite(milliseconds))
        trail.model = str(reply["model"])
        trail.warnings += [str(warning) for warning in reply["warnings"]]
        trail.use(reply["usage"])
        if prompt := reply["prompt"]:
            trail.prompts.append([{name: str(message[name]) for name in ("role", "content")} for message in prompt])
        return [read_attempt(candidate, greedy) for candidate in reply["candidates"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise malformed("it is not an answer to /v1/generate") from None


def last_failed(attempts: list[Attempt]) -> Attempt:
    """The last candidate, preferring one that the planner saw."""
    return next((a for a in reversed(attempts) if a.sql is not None), attempts[-1])


def complaint(failed: Attempt, tables: list[dict[str, Any]]) -> dict[str, str]:
    """A candidate with the words against it, as far as they are for the model."""
    error = failed.error or {}
    message, hint = error.get("message", ""), error.get("hint", "")
    if failed.confidential:
        message, hint = "the server could not plan it", ""
    readable = {column["name"] for table in tables for column in table["columns"]}
    if not readable.issuperset(_HINTED_COLUMN.findall(hint)):
        hint = ""  # PostgreSQL also proposes columns that the caller may not read
    return {
        "sql": (failed.sql or failed.raw)[:REPAIR_SQL],
        "sqlstate": error.get("sqlstate", ""),
        # a message may quote a whole literal; the protocol takes 4000 characters
        "message": message[:REPAIR_TEXT],
        "hint": hint[:REPAIR_TEXT],
    }
