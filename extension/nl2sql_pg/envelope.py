"""What a SQL function gets back: {"ok": …} or {"error": …}, never an exception."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

from nl2sql_pg.bridge import Database
from nl2sql_pg.confinement import errors_end_no_session
from nl2sql_pg.errors import Failure, explained, internal


def enveloped(plpy: Any, work: Callable[[Database], dict[str, Any]]) -> str:
    """The work's result, or its error in four fields; a bug is told by its name, the rest goes to the server's log."""
    db = Database(plpy)
    try:
        with errors_end_no_session():
            return json.dumps(work(db), allow_nan=False)
    except Failure as failure:
        return json.dumps({"error": explained(failure).fields()})
    except Exception as error:
        # Not a cancel: those arrive as ServerError from the one place that asks for them.
        db.log("nl2sql: " + traceback.format_exc())
        return json.dumps({"error": internal(error).fields()})


def read_only(plpy: Any, work: Callable[[Database], dict[str, Any]]) -> str:
    """As enveloped(), and nothing that the work leads to can write."""

    def held(db: Database) -> dict[str, Any]:
        with db.read_only():
            return work(db)

    return enveloped(plpy, held)
