"""What the SQL functions of running call; envelopes as in entry."""

from __future__ import annotations

import json
from typing import Any

from nl2sql_pg import feedback, running, typing_rows, views
from nl2sql_pg.answering import answered, unsure
from nl2sql_pg.attempts import Trail
from nl2sql_pg.auditing import Entry, recorded
from nl2sql_pg.bridge import Database
from nl2sql_pg.context import Context, open_context
from nl2sql_pg.envelope import enveloped, read_only
from nl2sql_pg.errors import Refusal
from nl2sql_pg.limits import Allowance, allowance, refuse_others, split_options
from nl2sql_pg.question import Options, clean_question, decoded, read_options
from nl2sql_pg.runner import refuse_superuser
from nl2sql_pg.statement import Guarded

TYPED_ACTIONS = ("query_as", "open")  # any caller may name one


def check(plpy: Any, sql: str | None, caller: str) -> str:
    """nl2sql._check"""

    def work(db: Database) -> dict[str, Any]:
        context = open_context(db, json.loads(caller), Options(scope="database"))
        with recorded(context, "check", sql=sql) as entry:
            told = running.check(context, sql, allowance(context, {}))
            entry.note(**{name: told[name] for name in ("verdict", "rule", "tables", "columns", "cost")})
        return {"ok": told}

    return enveloped(plpy, work)


def run(plpy: Any, sql: str | None, options: str | None, caller: str) -> str:
    """nl2sql._run"""

    def work(db: Database) -> dict[str, Any]:
        mine, others = split_options(decoded(options))
        refuse_others(others)
        context = open_context(db, json.loads(caller), Options(scope="database"))
        with recorded(context, "run", sql=sql) as entry:
            ran = _ran(context, running.guarded(context, sql), allowance(context, mine), entry)
        return {"ok": {"rows": ran.rows, "warnings": ran.warnings}}

    return read_only(plpy, work)


def query(plpy: Any, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._query"""
    return read_only(plpy, lambda db: {"ok": _asked_and_run(db, "query", question, options, caller)})


def typed(plpy: Any, action: str, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._typed: each row a list of texts, each column with the type that its texts have."""

    def work(db: Database) -> dict[str, Any]:
        if action not in TYPED_ACTIONS:
            raise Refusal(
                "22023",
                "only query_as and open give typed rows",
                detail="Nothing was done: the audit log names each action as what it is.",
                hint="Call nl2sql.query_as() or nl2sql.open().",
            )
        return {"ok": _asked_and_run(db, action, question, options, caller, typed=True)}

    return read_only(plpy, work)


def save_view(plpy: Any, name: str | None, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._save_view"""

    def work(db: Database) -> dict[str, Any]:
        chosen = read_options(decoded(options))
        context = open_context(db, json.loads(caller), chosen)
        with recorded(context, "save_view", question=question, details=name) as entry:
            place = views.place(context, name)
            asked = clean_question(question, context.number("max_question_chars"))
            with db.reading():
                answer = answered(context, asked, chosen, Trail(), entry)
            statement = Guarded(answer["sql"], answer["tables"])
            views.create(context, place, asked, statement, allowance(context, {}))
        return {"ok": {"sql": statement.sql, "view": str(place), "warnings": unsure(answer)}}

    return enveloped(plpy, work)


def _asked_and_run(
    db: Database, action: str, question: str | None, options: str | None, caller: str, typed: bool = False
) -> dict[str, Any]:
    mine, others = split_options(decoded(options))
    chosen = read_options(others)
    context = open_context(db, json.loads(caller), chosen)
    with recorded(context, action, question=question) as entry:
        refuse_superuser()
        asked = clean_question(question, context.number("max_question_chars"))
        answer = answered(context, asked, chosen, Trail(), entry)
        feedback.remember(context, asked, answer)
        statement = Guarded(answer["sql"], answer["tables"])
        ran = _ran(context, statement, allowance(context, mine), entry, typed)
        told = {"rows": ran.rows, "warnings": [*unsure(answer), *ran.warnings], "sql": statement.sql}
        return typing_rows.typed(context, ran, told) if typed else told


def _ran(context: Context, statement: Guarded, allowed: Allowance, entry: Entry, typed: bool = False) -> running.Ran:
    """As running.run(), noted."""
    entry.note(sql=statement.sql, tables=statement.tables)
    ran = running.run(context, statement, allowed, typed)
    entry.note(verdict="run", rows=len(ran.rows), bytes=sum(len(row.encode()) for row in ran.rows), cost=ran.cost)
    return ran
