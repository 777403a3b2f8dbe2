"""What one call knows of its session: settings in force, the caller's search path, the time left."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from nl2sql_pg.bridge import Database
from nl2sql_pg.client import Client, Endpoint
from nl2sql_pg.errors import ServerError
from nl2sql_pg.preferences import Preferences, bad_preference, read_preferences
from nl2sql_pg.question import Options

_SESSION = """
    select jsonb_build_object(
        'settings', nl2sql._settings(),
        'preferences', (
            select jsonb_object_agg(d.name, coalesce(nullif(current_setting('nl2sql.' || d.name, true), ''), d.value))
            from nl2sql._setting_default() as d
            where d.preference),
        'today', current_date,
        'superuser', (select bool_or(r.rolsuper) from pg_roles as r where r.rolname in (current_user, session_user)),
        'as_superuser', (select r.rolsuper from pg_roles as r where r.rolname = current_user),
        'conforming', current_setting('standard_conforming_strings') = 'on',
        'server_version', current_setting('server_version_num')::int)
"""


@dataclass(frozen=True)
class Context:
    """One call's session, settings and limits."""

    db: Database
    client: Client
    settings: dict[str, str]
    schemas: list[str]
    search_path: str
    preferences: Preferences
    deadline: float
    today: str
    server_version: int
    conforming: bool
    superuser: bool  # the role, or the login behind it
    as_superuser: bool  # the role itself

    def number(self, name: str) -> int:
        """A whole-number setting."""
        return int(self.settings[name])

    def milliseconds_left(self) -> int:
        return max(1, int((self.deadline - time.monotonic()) * 1000))

    def with_time(self, seconds: float) -> Context:
        """The same call, with so much for its next request: some work takes as long as it takes."""
        return replace(self, deadline=time.monotonic() + seconds)


def open_context(db: Database, caller: dict[str, Any], options: Options) -> Context:
    """Read settings and preferences once; raises NL105 for a preference that makes no sense."""
    started = time.monotonic()
    session = db.json(_SESSION)
    settings = session["settings"]
    endpoint = Endpoint(settings["socket_path"], settings["sidecar_user"], int(settings["max_response_bytes"]))
    preferences = read_preferences({**session["preferences"], **options.preferences()})
    wish = _seconds(db, preferences.timeout)
    return Context(
        db=db,
        client=Client(endpoint, db.check_interrupts),
        settings=settings,
        schemas=caller["schemas"],
        search_path=_search_path(caller["schemas"]),
        preferences=preferences,
        deadline=started + min(wish, _seconds(db, settings["max_timeout"])),
        today=session["today"],
        server_version=session["server_version"],
        conforming=session["conforming"],
        superuser=bool(session["superuser"]),
        as_superuser=bool(session["as_superuser"]),
    )


def _search_path(schemas: list[str]) -> str:
    """The caller's schemas, but no temporary table stands before a real one, nor a function before the server's own."""
    own = [schema for schema in schemas if schema != "pg_catalog" and not schema.startswith("pg_temp")]
    return ", ".join(['"' + schema.replace('"', '""') + '"' for schema in own] + ["pg_temp"])


def _seconds(db: Database, span: str) -> float:
    try:
        # a bare number is in milliseconds, as in statement_timeout
        seconds = (
            float(span) / 1000
            if span.isdecimal()
            else float(db.value("select extract(epoch from $1::interval)::float8", ["text"], [span]))
        )
    except ServerError as error:
        if error.final:
            raise
        raise bad_preference("timeout", span, "It takes a time span such as 30s, or milliseconds.") from None
    if not 0.1 <= seconds <= 3600:
        raise bad_preference("timeout", span, "It takes a time span from 100ms to 3600s.")
    return seconds
