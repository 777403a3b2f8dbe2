"""What one call knows of its session: settings in force, the caller's search path, the time left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.bridge import Database
from nl2sql_pg.client import Client, Endpoint
from nl2sql_pg.errors import Refusal, ServerError
from nl2sql_pg.question import Options

_SESSION = """
    select jsonb_build_object(
        'settings', nl2sql._settings(),
        'scope', nullif(current_setting('nl2sql.scope', true), ''),
        'timeout', nullif(current_setting('nl2sql.timeout', true), ''),
        'today', current_date,
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
    scope: str
    deadline: float
    today: str
    server_version: int
    conforming: bool

    def number(self, name: str) -> int:
        """A whole-number setting."""
        return int(self.settings[name])

    def milliseconds_left(self) -> int:
        return max(1, int((self.deadline - time.monotonic()) * 1000))


def open_context(db: Database, caller: dict[str, Any], options: Options) -> Context:
    """Read settings and preferences once; raises NL105 for a preference that makes no sense."""
    started = time.monotonic()
    session = db.json(_SESSION)
    settings = session["settings"]
    endpoint = Endpoint(settings["socket_path"], settings["sidecar_user"], int(settings["max_response_bytes"]))
    scope = options.scope or session["scope"] or settings["scope"]
    if scope not in ("search_path", "database"):
        raise _bad_preference("scope", scope, "It takes search_path or database.")
    wish = _seconds(db, options.timeout or session["timeout"] or settings["timeout"])
    return Context(
        db=db,
        client=Client(endpoint, db.check_interrupts),
        settings=settings,
        schemas=caller["schemas"],
        search_path=caller["search_path"],
        scope=scope,
        deadline=started + min(wish, _seconds(db, settings["max_timeout"])),
        today=session["today"],
        server_version=session["server_version"],
        conforming=session["conforming"],
    )


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
        raise _bad_preference("timeout", span, "It takes a time span such as 30s, or milliseconds.") from None
    if not 0.1 <= seconds <= 3600:
        raise _bad_preference("timeout", span, "It takes a time span from 100ms to 3600s.")
    return seconds


def _bad_preference(name: str, value: str, hint: str) -> Refusal:
    return Refusal(
        "NL105",
        f"{value[:60]!r} is no value for nl2sql.{name}",
        detail="The question was not looked at.",
        hint=hint,
    )
