"""The order of the stages: gather, refuse what is no question, propose, judge as the caller, ask for more, choose."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from nl2sql_pg import standing
from nl2sql_pg.asked import Asked
from nl2sql_pg.attempts import Trail
from nl2sql_pg.choosing import Choice, choose, is_settled
from nl2sql_pg.context import Context
from nl2sql_pg.doubting import ABSENT, UNKNOWN, VAGUE, absent, is_vague, unknown_words
from nl2sql_pg.errors import Refusal
from nl2sql_pg.judging import judge
from nl2sql_pg.knowledge import Knowledge, gather
from nl2sql_pg.proposing import complaint, last_failed, propose
from nl2sql_pg.question import Options
from nl2sql_pg.refusing import refusal
from nl2sql_pg.retelling import retell
from nl2sql_pg.unasked import no_question, read

MORE_SAMPLES = 4  # asked for in one request where the answers so far are unsure; one prefix, decoded side by side
SAMPLE_ROUNDS = 2  # such requests at most
UNSURE = 0.5  # confidence below which an answer comes with a warning
SHORTEST_LIMIT = 96  # tokens that a sample is allowed, however short the first answer is


def answer(context: Context, question: str, options: Options, trail: Trail) -> dict[str, Any]:
    """The answer of nl2sql.ask(); raises Refusal or ServerError when there is none. `trail` is filled on the way."""
    asked = Asked(question)
    try:
        knowledge = gather(context, asked)
        trail.told = knowledge.items()
        message = read(question, trail.told, asked.meanings(context))
        refused = no_question(message, knowledge.tables)
    finally:
        trail.warnings += asked.warnings
        trail.timed("retrieval", trail.started)
    if refused:
        raise refused
    choice = _solve(context, asked, trail, _request(context, question, options, knowledge, trail.request_id))
    trail.timed("total", trail.started)
    missing = absent(message, knowledge.tables)
    unknown = unknown_words(message)
    left = ABSENT if missing else UNKNOWN if unknown else VAGUE if is_vague(message) else 1.0
    choice = choice and replace(choice, confidence=round(choice.confidence * left, 3))
    trail.choice = choice.told() if choice else {}
    if choice is None or choice.confidence < context.preferences.min_confidence:
        raise refusal(context, question, trail, choice, [missing] if missing else unknown)
    if missing:
        trail.warnings.append(f"NL409: nothing was found that is called {missing!r}")
    filters = standing.told(knowledge.tables, choice.attempt.filters)
    trail.warnings += standing.warnings(filters, knowledge.unheld, choice.attempt.tables)
    trail.warnings += _unsure(choice)
    return {
        "sql": choice.attempt.sql,
        "model": trail.model,
        "tables": choice.attempt.tables,
        "confidence": choice.confidence,
        "signals": choice.signals,
        "filters": filters,
        "candidates": [attempt.summary() for attempt in trail.attempts],
        "usage": trail.usage,
        "timings": trail.timings,
        "request_id": trail.request_id,
        "warnings": trail.warnings,
    }


def _unsure(choice: Choice) -> list[str]:
    """What a reader should know of an answer that is given nevertheless."""
    words = [f"doubtful: {doubt}" for doubt in choice.attempt.doubts]
    if choice.confidence < UNSURE:
        words.append(f"NL407: not sure: confidence {choice.confidence:g}; read the statement before you use it")
    return words


def _request(
    context: Context, question: str, options: Options, knowledge: Knowledge, request_id: str
) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "question": question,
        "today": context.today,
        "server_version": context.server_version,
        "scope": {"search_path": context.schemas, "tables": knowledge.tables},
        "examples": knowledge.examples,
        "values": knowledge.values,
        "terms": knowledge.terms,
        "mend": context.preferences.repair,
        "repair": None,
        "show_prompt": options.show_prompt,
        "max_tokens": options.max_tokens or context.number("max_tokens"),
    }


def _solve(context: Context, asked: Asked, trail: Trail, request: dict[str, Any]) -> Choice | None:
    """Proposals until one is good enough; the best of all that there are, None if none is usable."""
    wanted = context.preferences.samples
    _propose(context, trail, request, wanted or 1)
    if wanted is None:
        _sample(context, trail, request)
    for _ in range(context.number("repair_rounds")):
        if _any_usable(trail):
            break
        request["repair"] = complaint(last_failed(trail.attempts), request["scope"]["tables"])
        _propose(context, trail, request, max(wanted or 1, MORE_SAMPLES))
    if asked.chinese:
        retell(context, asked.text, trail)
    return choose(trail.attempts, asked.text)


def _sample(context: Context, trail: Trail, request: dict[str, Any]) -> None:
    """More proposals, round by round, until they agree; what is there already stands if a request fails."""
    request = request | {"max_tokens": _longest(trail, request["max_tokens"])}
    for round_ in range(SAMPLE_ROUNDS):
        # where none of several can be used, the server's words help more than further ones
        if is_settled(trail.attempts) or (round_ and not _any_usable(trail)):
            break
        try:
            _propose(context, trail, request, MORE_SAMPLES)
        except Refusal as refusal:
            if not _any_usable(trail):
                raise
            trail.warnings.append(f"{refusal.sqlstate}: {refusal.message}; the proposals so far stand alone")
            break


def _longest(trail: Trail, allowed: int) -> int:
    """Tokens for a sample: as many as the first answer has characters, which is three or four times its tokens.

    What goes on for longer is astray, and the others wait for it: of 2664 samples of training questions 11 did, and
    none of them was right.
    """
    return min(allowed, max(SHORTEST_LIMIT, len(trail.attempts[0].raw)))


def _any_usable(trail: Trail) -> bool:
    return any(attempt.usable for attempt in trail.attempts)


def _propose(context: Context, trail: Trail, request: dict[str, Any], candidates: int) -> None:
    """New attempts on the trail, judged; equal statements only once."""
    judged = {attempt.sql: attempt for attempt in trail.attempts if attempt.sql is not None}
    attempts = propose(context, trail, request, candidates)
    since = time.monotonic()
    for attempt in attempts:
        if attempt.sql is None:
            continue
        if twin := judged.get(attempt.sql):
            attempt.error, attempt.cost, attempt.rows, attempt.empty = twin.error, twin.cost, twin.rows, twin.empty
            attempt.confidential = twin.confidential
        else:
            judged[attempt.sql] = attempt
            judge(context, attempt)
    trail.timed("judge", since)
