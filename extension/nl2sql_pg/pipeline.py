"""The order of the stages: retrieve, generate, plan as the caller, repair once, answer."""

from __future__ import annotations

import math
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from nl2sql_pg.client import finite, malformed
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal, ServerError
from nl2sql_pg.question import Options
from nl2sql_pg.retrieval import retrieve

REPAIR_TEXT = 2000  # characters of the server's words that go back to the model
# A question that needs repair is a hard one: several tries in one request cost little more than one.
REPAIR_CANDIDATES = 4

# What a hint calls a column: alias.name. Other words of it are not behind a full stop without a blank.
_HINTED_COLUMN = re.compile(r"\.(\w+)")

# The guard reads strings as the standard does; with the setting off the server would read another statement.
_BACKSLASH = {
    "sqlstate": "NL405",
    "message": "a backslash is not allowed in a generated statement while standard_conforming_strings is off",
    "detail": "The statement would mean something else here. The proposal was dropped.",
    "hint": "SET standard_conforming_strings = on.",
}

# The sidecar's guard refuses it, too; a sidecar that has been taken over may not.
_LOCKING = {
    "sqlstate": "NL405",
    "message": "row locking is not allowed in a generated statement",
    "detail": "A generated statement only reads. The proposal was dropped.",
    "hint": "Ask in other words; what needs this must be written by hand.",
}


@dataclass
class Attempt:
    """One candidate of the model on its way: what it wrote, and what stands against it."""

    raw: str
    sql: str | None
    tables: list[str]
    logprob: float | None
    error: dict[str, str] | None
    repairs: list[str] = field(default_factory=list)
    cost: float | None = None
    confidential: bool = False  # the error's words may quote stored data: for the caller, not for the model

    def summary(self) -> dict[str, Any]:
        """As `ask()` shows it."""
        problem = self.error and {name: self.error[name] for name in ("sqlstate", "message")}
        return {
            "sql": self.sql or self.raw,
            "logprob": self.logprob,
            "cost": self.cost,
            "error": problem,
            "repairs": self.repairs,
        }


@dataclass
class Trail:
    """What happened on the way to an answer."""

    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    model: str = ""
    started: float = field(default_factory=time.monotonic)

    def add_time(self, stage: str, milliseconds: float) -> None:
        self.timings[stage] = round(self.timings.get(stage, 0.0) + milliseconds, 1)

    def timed(self, stage: str, since: float) -> None:
        self.add_time(stage, (time.monotonic() - since) * 1000)


def answer(context: Context, question: str, options: Options) -> dict[str, Any]:
    """The answer of nl2sql.ask(); raises Refusal or ServerError when there is none."""
    trail = Trail()
    found = retrieve(context, question)
    trail.timed("retrieval", trail.started)
    trail.warnings += found.warnings
    request = _request(context, question, options, found.tables, trail.request_id)
    chosen = _first_valid(context, trail, request)
    for _ in range(context.number("repair_rounds")):
        if chosen:
            break
        request["repair"] = _repair(_last_failed(trail.attempts), found.tables)
        request["candidates"] = max(options.candidates, REPAIR_CANDIDATES)
        chosen = _first_valid(context, trail, request)
    if not chosen:
        raise _no_valid_answer(trail)
    trail.timed("total", trail.started)
    return {
        "sql": chosen.sql,
        "model": trail.model,
        "tables": chosen.tables,
        "confidence": _confidence(chosen),
        "candidates": [attempt.summary() for attempt in trail.attempts],
        "timings": trail.timings,
        "request_id": trail.request_id,
        "warnings": trail.warnings,
    }


def _request(
    context: Context, question: str, options: Options, tables: list[dict[str, Any]], request_id: str
) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "question": question,
        "today": context.today,
        "server_version": context.server_version,
        "scope": {"search_path": context.schemas, "tables": tables},
        "examples": [],
        "values": [],
        "repair": None,
        "candidates": options.candidates,
        "max_tokens": options.max_tokens or context.number("max_tokens"),
    }


def _first_valid(context: Context, trail: Trail, request: dict[str, Any]) -> Attempt | None:
    """Generate, then plan the candidates in order of trust until one passes."""
    attempts = _generate(context, trail, request)
    trail.attempts += attempts
    since = time.monotonic()
    try:
        return next((attempt for attempt in _by_trust(attempts) if _plan(context, attempt)), None)
    finally:
        trail.timed("explain", since)


def _generate(context: Context, trail: Trail, request: dict[str, Any]) -> list[Attempt]:
    since = time.monotonic()
    body = {**request, "deadline_ms": context.milliseconds_left()}
    reply = context.client.post("/v1/generate", body, context.deadline)
    trail.timed("generate", since)
    try:
        for stage, milliseconds in reply["timings_ms"].items():
            trail.add_time(stage, finite(milliseconds))
        trail.model = str(reply["model"])
        trail.warnings += [str(warning) for warning in reply["warnings"]]
        attempts = [_attempt(candidate) for candidate in reply["candidates"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise malformed("it is not an answer to /v1/generate") from None
    if not attempts:
        raise malformed("it has no candidate")
    return attempts


def _attempt(candidate: dict[str, Any]) -> Attempt:
    error, sql, logprob = candidate["error"], candidate["sql"], candidate["logprob"]
    if (sql is None) == (error is None) or not isinstance(sql, str | None) or not isinstance(candidate["raw"], str):
        raise ValueError("a candidate has either SQL or an error")
    return Attempt(
        raw=candidate["raw"],
        sql=sql,
        tables=[str(table) for table in candidate["tables"]],
        logprob=None if logprob is None else finite(logprob),
        error=error and {name: str(error[name]) for name in ("sqlstate", "message", "detail", "hint")},
        repairs=[str(note) for note in candidate["repairs"]],
    )


def _by_trust(attempts: list[Attempt]) -> list[Attempt]:
    """Candidates the guard let through, without doubles: what most samples agree on first, then what needed no
    mending, then the likelier.
    """
    votes = Counter(attempt.sql for attempt in attempts)
    best: dict[str, Attempt] = {}
    for attempt in sorted(attempts, key=_likelihood):
        if attempt.sql is not None:
            best[attempt.sql] = attempt
    return sorted(best.values(), key=lambda a: (-votes[a.sql], bool(a.repairs), -_likelihood(a)))


def _likelihood(attempt: Attempt) -> float:
    return -math.inf if attempt.logprob is None else attempt.logprob


def _plan(context: Context, attempt: Attempt) -> bool:
    """Whether the server plans the candidate for the caller; its error stays with the candidate."""
    assert attempt.sql is not None
    if not context.conforming and "\\" in attempt.sql:
        attempt.error = _BACKSLASH
        return False
    try:
        plan = context.db.explain(attempt.sql, context.search_path)
    except ServerError as error:
        if error.final:
            raise
        attempt.error = {**error.fields(), "detail": "", "hint": error.server_hint or ""}
        attempt.confidential = error.planning and error.sqlstate != "42501"
        return False
    if _locks_rows(plan[0]["Plan"]):
        attempt.error = _LOCKING
        return False
    attempt.cost = plan[0]["Plan"]["Total Cost"]
    return True


def _locks_rows(node: dict[str, Any]) -> bool:
    """Whether a plan is one of SELECT … FOR UPDATE or the like."""
    return node["Node Type"] == "LockRows" or any(map(_locks_rows, node.get("Plans", [])))


def _last_failed(attempts: list[Attempt]) -> Attempt:
    """The last candidate, preferring one that the planner saw."""
    return next((a for a in reversed(attempts) if a.sql is not None), attempts[-1])


def _repair(failed: Attempt, tables: list[dict[str, Any]]) -> dict[str, str]:
    """A candidate with the words against it, as far as they are for the model."""
    error = failed.error or {}
    message, hint = error.get("message", ""), error.get("hint", "")
    if failed.confidential:
        message, hint = "the server could not plan it", ""
    readable = {column["name"] for table in tables for column in table["columns"]}
    if not readable.issuperset(_HINTED_COLUMN.findall(hint)):
        hint = ""  # PostgreSQL also proposes columns that the caller may not read
    return {
        "sql": failed.sql or failed.raw,
        "sqlstate": error.get("sqlstate", ""),
        # a message may quote a whole literal; the protocol takes 4000 characters
        "message": message[:REPAIR_TEXT],
        "hint": hint[:REPAIR_TEXT],
    }


def _confidence(attempt: Attempt) -> float | None:
    """Mean probability of the answer's tokens: a rank, not yet a calibrated probability of being right."""
    return None if attempt.logprob is None else round(math.exp(min(0.0, attempt.logprob)), 3)


def _no_valid_answer(trail: Trail) -> Refusal:
    error = _last_failed(trail.attempts).error or {}
    code, message = (error.get(name, "")[:REPAIR_TEXT] for name in ("sqlstate", "message"))
    return Refusal(
        "NL406",
        "no valid SQL was found for this question",
        detail=f"The last proposal failed with {code}: {message}. Nothing was run.",
        hint="Name tables or columns as they are called in the database, or ask in other words; "
        "nl2sql.ask() with more candidates may help.",
    )
