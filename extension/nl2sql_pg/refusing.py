"""Why there is no answer: not permitted, no such data, several readings; as far as the caller may know."""

from __future__ import annotations

from nl2sql_pg.attempts import Trail
from nl2sql_pg.choosing import Choice
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal
from nl2sql_pg.proposing import REPAIR_TEXT, last_failed

NAMED = 5  # most words or tables that an error names

_WITHHELD = "select nl2sql._withheld($1, $2, $3)"


def refusal(context: Context, question: str, trail: Trail, choice: Choice | None, missing: list[str]) -> Refusal:
    """The error for a question whose best answer, if any, is not good enough; `missing`: what it asks for in vain."""
    if context.db.value(_WITHHELD, ["text", "name[]", "text"], [context.preferences.scope, context.schemas, question]):
        return _not_permitted(trail)
    if missing:
        return _no_such_data(missing, trail)
    return _not_sure_enough(context, choice, trail) if choice else _no_valid_answer(trail)


def _what_was_run(trail: Trail) -> str:
    if not trail.tried:
        return "Nothing was run."
    return f"Nothing was run but trials, read-only and undone ({len(trail.tried)}; nl2sql.trial_run is on)."


def _not_permitted(trail: Trail) -> Refusal:
    return Refusal(
        "NL408",
        "the question is about data that this role may not read",
        detail=f"What is readable gives no answer to it. {_what_was_run(trail)} What is withheld was shown to nobody.",
        hint="Ask the owner of the data for GRANT SELECT, or ask about what you may read.",
    )


def _no_such_data(missing: list[str], trail: Trail) -> Refusal:
    tables = [table["name"] for table in trail.told.get("tables", [])][:NAMED]
    return Refusal(
        "NL409",
        f"nothing was found that is called {' or '.join(map(repr, missing[:NAMED]))}",
        detail="No table, column, comment or known value looked at has these words, and no sure answer was found.",
        hint=f"Ask in the words of the database; near the question are: {', '.join(tables)}. "
        "An administrator can teach a word with nl2sql.define_term().",
    )


def _not_sure_enough(context: Context, choice: Choice, trail: Trail) -> Refusal:
    wanted, rival = context.preferences.min_confidence, choice.runner_up
    readings = f"The best reading is: {choice.attempt.sql}"
    if rival:
        readings += f" — or did you mean: {rival.sql}"
    return Refusal(
        "NL407",
        f"{'the question is ambiguous' if rival else 'the answer is not sure enough'}: "
        f"confidence {choice.confidence:g}, nl2sql.min_confidence is {wanted:g}",
        detail=f"{readings[:REPAIR_TEXT]}. {_what_was_run(trail)}",
        hint="Say which reading is meant, with tables and columns as they are called in the database; "
        "SET nl2sql.min_confidence = 0 gives every answer.",
    )


def _no_valid_answer(trail: Trail) -> Refusal:
    error = last_failed(trail.attempts).error or {}
    code, message = (error.get(name, "")[:REPAIR_TEXT] for name in ("sqlstate", "message"))
    return Refusal(
        "NL406",
        "no valid SQL was found for this question",
        detail=f"The last proposal failed with {code}: {message}. {_what_was_run(trail)}",
        hint="Name tables or columns as they are called in the database, or ask in other words; "
        "nl2sql.ask() with more candidates may help.",
    )
