"""What the SQL functions call: each returns an envelope, {"ok": …} or {"error": …}, and never raises.

The PL/pgSQL function above raises the error, so that a client sees four clean fields and no Python traceback.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nl2sql_pg import evaluation, index, pipeline, running, suggesting, teaching, tracing, undeclared
from nl2sql_pg import feedback as feedback_
from nl2sql_pg import status as status_
from nl2sql_pg.attempts import Trail
from nl2sql_pg.auditing import Entry, recorded
from nl2sql_pg.bridge import Database
from nl2sql_pg.context import Context, open_context
from nl2sql_pg.errors import Failure, Refusal, internal
from nl2sql_pg.limits import allowance, refuse_others, split_options
from nl2sql_pg.question import Options, clean_question, read_options
from nl2sql_pg.statement import tidy

NOWHERE: dict[str, Any] = {"schemas": []}


def ask(plpy: Any, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._ask"""

    def work(db: Database) -> dict[str, Any]:
        chosen = read_options(json.loads(options) if options else None)
        context = open_context(db, json.loads(caller), chosen)
        with recorded(context, "ask", question=question) as entry:
            asked = clean_question(question, context.number("max_question_chars"))
            answer = _answered(context, asked, chosen, Trail(), entry)
            feedback_.remember(context, asked, answer)
        return {"ok": answer}

    return _enveloped(plpy, work)


def trace(plpy: Any, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._trace: a question without an answer has a trace, too."""

    def work(db: Database) -> dict[str, Any]:
        chosen = replace(read_options(json.loads(options) if options else None), show_prompt=True)
        context = open_context(db, json.loads(caller), chosen)
        with recorded(context, "trace", question=question) as entry:
            asked = clean_question(question, context.number("max_question_chars"))
            trail, refused = Trail(), None
            try:
                _answered(context, asked, chosen, trail, entry)
            except Refusal as refusal:
                refused = refusal
                entry.note(verdict="refused", sqlstate=refusal.sqlstate, message=refusal.message)
        return {"ok": tracing.rows(trail, refused)}

    return _enveloped(plpy, work)


def status(plpy: Any, caller: str) -> str:
    """nl2sql._status"""
    return _enveloped(
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
        return {"stored": stored}

    return _enveloped(plpy, work)


def add_example(plpy: Any, question: str | None, sql: str | None, note: str | None, caller: str) -> str:
    """nl2sql._add_example"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        asked = clean_question(question, context.number("max_question_chars"))
        return {"ok": teaching.add(context, asked, teaching.checked(context, sql), note, "manual")}

    return _enveloped(plpy, work)


def suggest_examples(plpy: Any, caller: str) -> str:
    """nl2sql._suggest_examples"""

    def work(db: Database) -> dict[str, Any]:
        return {"ok": suggesting.suggest(open_context(db, json.loads(caller), Options(scope="database")))}

    return _enveloped(plpy, work)


def feedback(plpy: Any, given: str, caller: str) -> str:
    """nl2sql._feedback"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        return {"ok": feedback_.give(context, json.loads(given))}

    return _enveloped(plpy, work)


def approve(plpy: Any, feedback_id: int | None, corrected_sql: str | None, caller: str) -> str:
    """nl2sql._approve"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        return {"ok": feedback_.approve(context, feedback_id, corrected_sql)}

    return _enveloped(plpy, work)


def check_case(plpy: Any, question: str | None, sql: str | None, caller: str) -> str:
    """nl2sql._check_case"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        asked = clean_question(question, context.number("max_question_chars"))
        teaching.checked(context, sql)
        return {"ok": {"question": asked, "sql": tidy(sql, teaching.NOTHING_STORED)}}

    return _enveloped(plpy, work)


def judge_case(plpy: Any, gold: str, answer: str, caller: str) -> str:
    """nl2sql._judge_case"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        with recorded(context, "evaluate", sql=answer, details=gold) as entry:
            judged = evaluation.judge_case(context, gold, answer)
            entry.note(verdict=judged["verdict"])
        return {"ok": judged}

    return _enveloped(plpy, work)


def check(plpy: Any, sql: str | None, caller: str) -> str:
    """nl2sql._check"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        return {"ok": running.check(context, sql, allowance(context, {}))}

    return _enveloped(plpy, work)


def run(plpy: Any, sql: str | None, options: str | None, caller: str) -> str:
    """nl2sql._run"""

    def work(db: Database) -> dict[str, Any]:
        mine, others = split_options(json.loads(options) if options else None)
        refuse_others(others)
        context = open_context(db, json.loads(caller), Options(scope="database"))
        ran = running.run(context, running.guarded(context, sql), allowance(context, mine))
        return {"ok": {"rows": ran.rows, "warnings": ran.warnings}}

    return _enveloped(plpy, work)


def joins(plpy: Any, relations: list[int]) -> str:
    """nl2sql._joins"""
    return _enveloped(plpy, lambda db: {"ok": undeclared.all_of(db, relations)})


def _answered(context: Context, asked: str, options: Options, trail: Trail, entry: Entry) -> dict[str, Any]:
    """An answer, and on record what of it a reader of the log wants to know."""
    try:
        answer = pipeline.answer(context, asked, options, trail)
    finally:
        entry.note(request_id=trail.request_id, model=trail.model or None)
    entry.note(
        verdict="answered",
        sql=answer["sql"],
        tables=answer["tables"],
        confidence=round(answer["confidence"] * 1000),
    )
    return answer


def _enveloped(plpy: Any, work: Callable[[Database], dict[str, Any]]) -> str:
    db = Database(plpy)
    try:
        return json.dumps(work(db), allow_nan=False)
    except Failure as failure:
        return json.dumps({"error": failure.fields()})
    except Exception as error:
        # Not a cancel: those arrive as ServerError from the one place that asks for them.
        db.log("nl2sql: " + traceback.format_exc())
        return json.dumps({"error": internal(error).fields()})
