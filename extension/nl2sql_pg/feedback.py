"""What users say of answers, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

from nl2sql_pg import memory, teaching
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal, ServerError
from nl2sql_pg.question import clean_question
from nl2sql_pg.statement import tidy
from nl2sql_pg.teaching import Reads, checked

_ROLE = "select current_user::text"
_STORE = "select nl2sql._feedback_store($1, $2)"
_ENTRY = """
    select f.question, f.sql, f.correct, f.corrected_sql, f.note,
        (select jsonb_agg(jsonb_build_array(o.schema_name, o.relation_name, o.column_name))
            from nl2sql._example_object as o where o.id::text = any (f.objects)) as objects
    from nl2sql._feedback as f
    where f.id = $1 and f.status = 'pending'
"""
_CLOSE = "select nl2sql._feedback_close($1, 'approved', null, $2)"


def remember(context: Context, question: str, answer: dict[str, Any]) -> None:
    """Keep an answer for feedback on it in this session."""
    memory.keep(context.db.value(_ROLE), answer["request_id"], memory.Answer(question, answer["sql"]))


def give(context: Context, given: dict[str, Any]) -> int:
    """Append to the review queue; raises NL108 if nobody knows what the feedback is on."""
    if given["correct"] is None:
        raise Refusal(
            "22004",
            "correct is NULL",
            detail="Nothing was stored.",
            hint="Pass true if the answer was right, false if it was not.",
        )
    role = context.db.value(_ROLE)
    entry = _completed(given, role)
    entry["question"] = clean_question(entry["question"], context.number("max_question_chars"))
    entry["note"] = teaching.clean_note(context, given.get("note"))
    found: Reads = []
    for name in ("sql", "corrected_sql"):
        if entry[name] is not None or (name == "sql" and given.get("proposal")):
            entry[name] = tidy(entry[name], teaching.NOTHING_STORED)
            found += teaching.reads(context, entry[name])
    return _store(context, entry, found)


def _store(context: Context, entry: dict[str, Any], found: Reads) -> int:
    """Append it; a full queue's words get back the fields that they lose on the way through SPI."""
    try:
        stored: int = context.db.value(_STORE, ["jsonb", "jsonb"], [json.dumps(entry), json.dumps(found)])
    except ServerError as error:
        if error.sqlstate != "54000":
            raise
        raise Refusal(
            error.sqlstate, error.message, detail="Nothing was stored.", hint=error.server_hint or "Try again later."
        ) from None
    return stored


def _completed(given: dict[str, Any], role: str) -> dict[str, Any]:
    """Question and statement as given, else as this session remembers them."""
    entry = {name: given.get(name) for name in ("request_id", "correct", "corrected_sql", "question", "sql")}
    entry["given_as"] = role
    known = memory.recall(role, entry["request_id"]) if entry["request_id"] else None
    if known:
        entry["question"] = entry["question"] or known.question
        entry["sql"] = entry["sql"] or known.sql
    elif entry["question"] is None and not given.get("proposal"):
        raise Refusal(
            "NL108",
            f"no answer {entry['request_id']} is remembered here",
            detail="Nothing was stored. Only the session that asked remembers an answer, for the role that asked, "
            f"and only the last {memory.KEPT}; a pooler may have given you another session.",
            hint="Pass what was asked and answered: nl2sql.feedback(…, question => '…', sql => '…').",
        )
    return entry


def approve(context: Context, feedback_id: int | None, corrected_sql: str | None) -> dict[str, Any]:
    """Make an example of an entry; raises 42704 if there is none, NL204 if the statement means something else here."""
    rows = context.db.rows(_ENTRY, ["bigint"], [feedback_id])
    if not rows:
        raise _unknown(feedback_id)
    entry = rows[0]
    given = entry["corrected_sql"] or (entry["sql"] if entry["correct"] else None)
    if not (corrected_sql or given):
        raise Refusal(
            "22004",
            f"feedback {feedback_id} has no right statement",
            detail="It says that the answer was wrong, not what would be right. Nothing was stored.",
            hint=f"Pass one: nl2sql.approve({feedback_id}, 'SELECT …').",
        )
    statement = checked(context, corrected_sql or given)
    if not corrected_sql:
        _refuse_other_names(statement.reads, json.loads(entry["objects"] or "[]"))
    stored = teaching.add(context, entry["question"], statement, entry["note"], "feedback")
    context.db.value(_CLOSE, ["bigint", "bigint"], [feedback_id, stored["id"]])
    return stored


def _refuse_other_names(reads: Reads, noted: list[list[str]]) -> None:
    """The approver's search path may lead to other relations than that of who gave the feedback."""
    if not {(read["schema"], read["table"], read["column"]) for read in reads} <= {tuple(names) for names in noted}:
        raise Refusal(
            "NL204",
            "the statement can't be used: its names lead to other tables here than where it was given",
            detail="Nothing was stored.",
            hint="SET search_path as the one who gave it has it, and approve again.",
        )


def _unknown(feedback_id: int | None) -> Refusal:
    return Refusal(
        "42704",
        f"no feedback {feedback_id} is waiting",
        detail="Nothing was stored.",
        hint="SELECT feedback_id, question FROM nl2sql.review_queue lists what you may decide on.",
    )
