"""An intent on record before anything is done, an outcome after it; what can't be recorded is not done.

The records go through the sidecar, which stores them durably before it answers: they outlive the caller's ROLLBACK,
work in a READ ONLY transaction and on a standby, and an intent without an outcome shows what was cut off.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from nl2sql_pg.client import malformed
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Failure, Refusal, ServerError

SECONDS = 5.0  # for an outcome: what it tells of is over, and may have used up the caller's time
ENDED_SECONDS = 0.3  # where the caller wants it to end now; the intent stands if the sidecar does not answer
MOST_CHARS = 40_000  # of one text field
MOST_ITEMS = 1000  # of one list

_WHO = "select nl2sql._audit_session(coalesce($1, current_user)) || jsonb_build_object('database', current_database())"

Record = dict[str, Any]


class Entry:
    """One action on record. `note()` adds to its outcome; None says nothing."""

    def __init__(self, **fields: Any) -> None:
        self.fields = plain(fields)

    def note(self, **fields: Any) -> None:
        self.fields |= plain(fields)


@contextlib.contextmanager
def recorded(context: Context, action: str, acting: str | None = None, **fields: Any) -> Iterator[Entry]:
    """Intent, body, outcome. Raises NL601 before the body, or instead of its result, if a record can't be stored.

    `acting` is the role that acts where the current one is the owner of a SECURITY DEFINER function.
    """
    entry = Entry(**fields)
    if not required(context):
        yield entry
        return
    database, who = _who(context, acting)
    who |= {"action": action}
    store(context, database, [who | entry.fields | {"event": "intent"}], context.deadline)
    began = time.monotonic()
    try:
        yield entry
    except Failure as failure:
        entry.note(**_told(failure))
        seconds = ENDED_SECONDS if isinstance(failure, ServerError) and failure.final else SECONDS
        with contextlib.suppress(Refusal):  # the caller gets nothing anyway, and the intent stands
            _conclude(context, database, who, entry, began, seconds)
        raise
    except Exception:
        entry.note(verdict="failed", sqlstate="NL501")
        with contextlib.suppress(Refusal):
            _conclude(context, database, who, entry, began)
        raise
    _conclude(context, database, who, entry, began)


def noted(context: Context, action: str, acting: str | None = None, **fields: Any) -> None:
    """One record of something that has no outcome of its own."""
    if required(context):
        database, who = _who(context, acting)
        store(context, database, [who | plain(fields) | {"event": "event", "action": action}], context.deadline)


def required(context: Context) -> bool:
    return context.settings["audit"] != "off"


def store(context: Context, database: str, records: list[Record], deadline: float) -> None:
    """Return once they are durable; raises NL601."""
    try:
        answer = context.client.post("/v1/audit", {"database": database, "records": records}, deadline)
        if answer.get("accepted") != len(records):
            raise malformed("it does not say that all records are stored")
    except Refusal as refusal:
        raise not_recorded(refusal) from None


def not_recorded(refusal: Refusal) -> Refusal:
    """The error for a record that did not get through, with the reason."""
    if refusal.sqlstate == "NL601":
        return refusal
    return Refusal(
        "NL601",
        f"the audit record can't be stored: {refusal.message}",
        detail=f"There is no answer, since none is given without a record. {refusal.sqlstate}: {refusal.detail}",
        hint=refusal.hint,
    )


def plain(fields: Record) -> Record:
    """Fields as a record may have them: no floats, nothing endless, no None."""
    return {name: _plain(value) for name, value in fields.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value) if abs(value) < 1e18 else None
    if isinstance(value, list | tuple | set):
        return [str(item)[:MOST_CHARS] for item in list(value)[:MOST_ITEMS]]
    return str(value)[:MOST_CHARS]


def _who(context: Context, acting: str | None) -> tuple[str, Record]:
    """The database, and the fields that both records of an action share."""
    who: Record = context.db.json(_WHO, ["name"], [acting])
    return who.pop("database"), who


def _conclude(
    context: Context, database: str, who: Record, entry: Entry, began: float, seconds: float = SECONDS
) -> None:
    ended = {"at": who["at"] + round((time.monotonic() - began) * 1_000_000), "event": "outcome"}
    ended["milliseconds"] = round((time.monotonic() - began) * 1000)
    store(context, database, [who | {"verdict": "done"} | entry.fields | ended], time.monotonic() + seconds)


def _told(failure: Failure) -> Record:
    """What a record says of a failure. The server's own words may quote stored values: of those only the code."""
    told = {"verdict": "failed", "sqlstate": failure.sqlstate}
    if isinstance(failure, ServerError):
        return told
    return told | {"verdict": "refused", "message": failure.message}
