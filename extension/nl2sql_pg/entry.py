"""What the SQL functions call: each returns an envelope, {"ok": …} or {"error": …}, and never raises.

The PL/pgSQL function above raises the error, so that a client sees four clean fields and no Python traceback.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

from nl2sql_pg import index, pipeline
from nl2sql_pg import status as status_
from nl2sql_pg.bridge import Database
from nl2sql_pg.context import open_context
from nl2sql_pg.errors import Failure, internal
from nl2sql_pg.question import Options, clean_question, read_options

NOWHERE: dict[str, Any] = {"schemas": [], "search_path": "pg_catalog"}


def ask(plpy: Any, question: str | None, options: str | None, caller: str) -> str:
    """nl2sql._ask"""

    def work(db: Database) -> dict[str, Any]:
        chosen = read_options(json.loads(options) if options else None)
        context = open_context(db, json.loads(caller), chosen)
        asked = clean_question(question, context.number("max_question_chars"))
        return {"ok": pipeline.answer(context, asked, chosen)}

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
    return _enveloped(plpy, lambda db: {"stored": index.refresh(open_context(db, NOWHERE, Options(timeout="3600s")))})


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
