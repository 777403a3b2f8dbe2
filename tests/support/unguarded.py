"""The runner by itself, as a superuser would expose it: nothing that judges statements stands in front of it."""

from __future__ import annotations

from tests.conftest import Connection

_RUN = """
create schema unguarded;
create function unguarded.run(statement text) returns jsonb language plpython3u volatile security invoker
set search_path = pg_catalog, pg_temp set lock_timeout = '1s'
as $python$
{prelude}
import json
from nl2sql_pg.bridge import Database
from nl2sql_pg.errors import ServerError
from nl2sql_pg.runner import Limits, confined
try:
    db = Database(plpy)
    with confined(db, '{path}', Limits(seconds={seconds}, rows=100, bytes=1000000)) as room:
        db.parse(statement)
        result = room.records(statement, room.columns(statement))
    return json.dumps({{"rows": result.rows}})
except ServerError as error:
    return json.dumps({{"error": error.sqlstate, "message": error.message}})
$python$;
grant usage on schema unguarded to public;
"""
# Functions of the extension find its package by these lines.
_PRELUDE = """
    select split_part(prosrc, 'from nl2sql_pg', 1) from pg_proc
    where oid = 'nl2sql._ask(text, jsonb, jsonb)'::regprocedure
"""


def expose_runner(admin: Connection, path: str, seconds: float) -> None:
    """Make unguarded.run(statement), which everybody may call."""
    row = admin.execute(_PRELUDE.encode()).fetchone()
    assert row
    admin.execute(_RUN.format(prelude=row[0], path=path, seconds=seconds).encode())
