"""What the SQL functions call: each returns an envelope, {"ok": …} or {"error": …}, and never raises.

The PL/pgSQL function above raises the error, so that a client sees four clean fields and no Python traceback.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from nl2sql_pg import defining, evaluation, index, standing, suggesting, teaching, tracing, undeclared, verifying
from nl2sql_pg import feedback as feedback_
from nl2sql_pg import labels as labels_
from nl2sql_pg import status as status_
from nl2sql_pg.answering import answered
from nl2sql_pg.attempts import Trail
from nl2sql_pg.auditing import noted, recorded
from nl2sql_pg.bridge import Database
from nl2sql_pg.context import open_context
from nl2sql_pg.envelope import enveloped, read_only
from nl2sql_pg.errors import Refusal
from nl2sql_pg.question import Options, clean_question, decoded, read_options
from nl2sql_pg.statement import tidy

NOWHERE: dict[str, Any] = {"schemas": []}


def ask(plpy: Any, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._ask"""

    def work(db: Database) -> dict[str, Any]:
        chosen = read_options(decoded(options))
        context = open_context(db, json.loads(caller), chosen)
        with recorded(context, "ask", question=question) as entry:
            asked = clean_question(question, context.number("max_question_chars"))
            answer = answered(context, asked, chosen, Trail(), entry)
            feedback_.remember(context, asked, answer)
        return {"ok": answer}

    return read_only(plpy, work)


def trace(plpy: Any, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._trace: a question without an answer has a trace, too."""

    def work(db: Database) -> dict[str, Any]:
        chosen = replace(read_options(decoded(options)), show_prompt=True)
        context = open_context(db, json.loads(caller), chosen)
        with recorded(context, "trace", question=question) as entry:
            asked = clean_question(question, context.number("max_question_chars"))
            trail, refused = Trail(), None
            try:
                answered(context, asked, chosen, trail, entry)
            except Refusal as refusal:
                refused = refusal
                entry.note(verdict="refused", sqlstate=refusal.sqlstate, message=refusal.message)
        return {"ok": tracing.rows(trail, refused)}

    return read_only(plpy, work)


def status(plpy: Any, caller: str) -> str:
    """nl2sql._status"""
    return enveloped(
        plpy,
        lambda db: {
            "ok": status_.components(open_context(db, json.loads(caller), Options(timeout="10s", scope="database")))
        },
    )


def refresh_index(plpy: Any) -> str:
    """nl2sql._refresh_index"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, NOWHERE, Options(timeout="3600s"))
        stored = index.refresh(context)
        teaching.fill_in(context)
        return {"ok": stored}

    return enveloped(plpy, work)


def add_example(plpy: Any, question: str | None, sql: str | None, note: str | None, caller: str) -> str:
    """nl2sql._add_example"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        asked = clean_question(question, context.number("max_question_chars"))
        return {"ok": teaching.add(context, asked, teaching.checked(context, sql), note, "manual")}

    return enveloped(plpy, work)


def suggest_examples(plpy: Any, caller: str) -> str:
    """nl2sql._suggest_examples"""

    def work(db: Database) -> dict[str, Any]:
        return {"ok": suggesting.suggest(open_context(db, json.loads(caller), Options(scope="database")))}

    return enveloped(plpy, work)


def feedback(plpy: Any, given: str, caller: str) -> str:
    """nl2sql._feedback"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        return {"ok": feedback_.give(context, json.loads(given))}

    return enveloped(plpy, work)


def approve(plpy: Any, feedback_id: int | None, corrected_sql: str | None, caller: str) -> str:
    """nl2sql._approve"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        return {"ok": feedback_.approve(context, feedback_id, corrected_sql)}

    return enveloped(plpy, work)


def check_case(plpy: Any, question: str | None, sql: str | None, caller: str) -> str:
    """nl2sql._check_case"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        asked = clean_question(question, context.number("max_question_chars"))
        teaching.checked(context, sql)
        return {"ok": {"question": asked, "sql": tidy(sql, teaching.NOTHING_STORED)}}

    return enveloped(plpy, work)


def judge_case(plpy: Any, gold: str, answer: str, caller: str) -> str:
    """nl2sql._judge_case"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        with recorded(context, "evaluate", sql=answer, details=gold) as entry:
            judged = evaluation.judge_case(context, gold, answer)
            entry.note(verdict=judged["verdict"])
        return {"ok": judged}

    return enveloped(plpy, work)


def joins(plpy: Any, relations: list[int]) -> str:
    """nl2sql._joins"""
    return enveloped(plpy, lambda db: {"ok": undeclared.all_of(db, relations)})


def labels(plpy: Any, relations: list[int]) -> str:
    """nl2sql._labels"""
    return enveloped(plpy, lambda db: {"ok": labels_.all_of(db, relations)})


def check_filter(plpy: Any, relation: int, condition: str | None) -> str:
    """nl2sql._check_filter"""

    def work(db: Database) -> dict[str, Any]:
        return {"ok": defining.check(open_context(db, NOWHERE, Options(timeout="10s")), relation, condition)}

    return enveloped(plpy, work)


def suggest_filters(plpy: Any, relations: list[int]) -> str:
    """nl2sql._suggest_filters"""
    return enveloped(plpy, lambda db: {"ok": standing.suggested(db, relations)})


def audit_read(plpy: Any, what: str, acting: str, query: str | None) -> str:
    """nl2sql._audit_note_read: who looks at the log is in it before the first row comes."""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, NOWHERE, Options(timeout="10s"))
        noted(context, "audit_read", acting, sql=query, details=what)
        return {"ok": True}

    return enveloped(plpy, work)


def audit_verify(plpy: Any, acting: str, since: str | None, until: str | None) -> str:
    """nl2sql._audit_verify"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, NOWHERE, Options(timeout="60s"))
        with recorded(context, "audit_verify", acting, details=f"since {since}, until {until}") as entry:
            found = verifying.problems(context, since, until)
            entry.note(verdict="broken" if found.problems else "whole", rows=found.entries)
        return {"ok": found.problems}

    return enveloped(plpy, work)
