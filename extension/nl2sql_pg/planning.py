"""What the server makes of a statement without running it: names bound, functions judged, a plan.

Whatever the text says: it must be SQL by itself, and stand as a subquery. There only a SELECT can stand that neither
writes nor makes anything; EXPLAIN alone would take an UPDATE or CREATE TABLE AS, too. The server computes what is
constant while it plans, and expands views while it parses: time and memory have bounds from the first look at it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from nl2sql_pg.admission import admit, read_by
from nl2sql_pg.bridge import QUERY_CANCELED, Database
from nl2sql_pg.confinement import MEMORY, Timer, Unconfined, memory_limit, time_limit
from nl2sql_pg.errors import ServerError
from nl2sql_pg.plans import Plan, read_plan

PLAN_SECONDS = 2  # for planning one statement

DROPPED = "The proposal was dropped."


def explain(db: Database, sql: str, search_path: str, consequence: str = DROPPED) -> Plan:
    """The planner's word on one SELECT, as the caller."""
    with _bounded(db, search_path):
        admit(db, sql, consequence)
        return read_plan(db.explained(sql))


def bind(db: Database, sql: str, search_path: str) -> None:
    """Raise unless the server can bind the names of one statement and all that it calls is harmless."""
    with _bounded(db, search_path):
        admit(db, sql, DROPPED)


def reads(db: Database, sql: str, search_path: str, consequence: str) -> list[dict[str, str]]:
    """Relations and columns that the server binds in one SELECT: {schema, table, column}, column '' for a relation."""
    with _bounded(db, search_path):
        tree = admit(db, sql, consequence)
        db.as_subquery(sql)
        return read_by(db, tree)


@contextlib.contextmanager
def _bounded(db: Database, search_path: str) -> Iterator[None]:
    """A subtransaction that is undone, as nobody else, read-only, within time and memory."""
    timer = Timer()
    try:
        with db.held(search_path), time_limit(PLAN_SECONDS) as timer, memory_limit(MEMORY):
            yield
    except MemoryError:
        raise ServerError("53200", "out of memory") from None
    except Unconfined as reason:
        raise ServerError("0A000", f"nothing that others wrote may be planned here: {reason}") from None
    except ServerError as error:
        if timer.fired and error.sqlstate == QUERY_CANCELED:
            raise ServerError("54000", f"planning it took more than {PLAN_SECONDS} s") from None
        raise
    finally:
        if timer.fired:
            db.swallow_cancel()
