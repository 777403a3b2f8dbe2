"""What outlives an undone subtransaction: advisory locks of the session, and prepared statements."""

from __future__ import annotations

from typing import Any

from nl2sql_pg.bridge import Database
from nl2sql_pg.errors import ServerError

# Compared as text, with the time, as a statement may be dropped and made anew.
_LOCK = "row(classid, objid, objsubid, mode)::text"
_STATEMENT = "row(name, prepare_time, from_sql, hashtextextended(statement, 0), parameter_types::oid[])::text"
# What there is, as columns.
HELD = f"""
    array(select {_LOCK} from pg_locks
        where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
    array(select {_STATEMENT}
        from pg_prepared_statements) as statements
"""
_AFTER = f"select {HELD}"
_NEW_STATEMENTS = f"""
    select name from pg_prepared_statements
    where {_STATEMENT} <> all ($1)
"""
# A lock that was taken n times is given back n times; once too often says false, with a warning.
_QUIET = "select set_config('client_min_messages', 'error', true)"
_UNLOCK = f"""
    with recursive given (classid, objid, objsubid, mode, done) as (
        select classid, objid, objsubid, mode, true from pg_locks
        where locktype = 'advisory' and pid = pg_backend_pid() and {_LOCK} <> all ($1)
        union all
        select classid, objid, objsubid, mode, case
            when objsubid = 1 and mode = 'ExclusiveLock'
                then pg_advisory_unlock((classid::bigint << 32) | objid::bigint)
            when objsubid = 1 then pg_advisory_unlock_shared((classid::bigint << 32) | objid::bigint)
            when mode = 'ExclusiveLock'
                then pg_advisory_unlock(classid::bigint::bit(32)::int, objid::bigint::bit(32)::int)
            else pg_advisory_unlock_shared(classid::bigint::bit(32)::int, objid::bigint::bit(32)::int)
        end
        from given where done
    )
    select count(*) from given
"""


def give_back(db: Database, before: dict[str, Any]) -> None:
    """Give back what is new since `before`; raises 55000 where something is gone, which nothing brings back."""
    after = _after(db)
    if _new(before, after, "locks"):
        with db.undone():  # the locks are of the session, the settings are not
            db.rows(_QUIET)
            db.rows(_UNLOCK, ["text[]"], [before["locks"]])
    if _new(before, after, "statements"):
        for row in db.rows(_NEW_STATEMENTS, ["text[]"], [before["statements"]]):
            db.deallocate(row["name"])
    if _new(after, before, "locks") or _new(after, before, "statements"):
        raise ServerError("55000", "what it calls has dropped prepared statements or advisory locks of this session")


def _after(db: Database) -> dict[str, Any]:
    return db.rows(_AFTER)[0]


def _new(before: dict[str, Any], after: dict[str, Any], what: str) -> set[str]:
    return set(after[what]) - set(before[what])
