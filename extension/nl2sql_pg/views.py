"""A verified answer as a view of the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nl2sql_pg import running
from nl2sql_pg.confinement import role_held
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal, ServerError
from nl2sql_pg.limits import Allowance
from nl2sql_pg.runner import refuse_superuser
from nl2sql_pg.statement import Guarded

NOT_MADE = "No view was made."

_PARTS = "select parse_ident($1) as parts"
_PLACE = "select * from nl2sql._view_place($1, $2)"
_CREATE = "select nl2sql._create_view($1, $2, $3, $4, $5, $6)"
INVOKER_VIEWS = 150_000  # server version that has security_invoker


@dataclass(frozen=True)
class Place:
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def place(context: Context, name: str | None) -> Place:
    """Where the view is to stand; raises what is against it: a bad or taken name, no right, nothing can be written."""
    if context.server_version < INVOKER_VIEWS:
        raise _refused("0A000", "views with the rights of who reads them need PostgreSQL 15", "Upgrade the server.")
    try:
        parts = list(context.db.value(_PARTS, ["text"], [name])) if name else []
    except ServerError as error:
        if error.final:
            raise
        parts = []
    if len(parts) not in (1, 2):
        raise _refused(
            "22023",
            f"{(name or '')[:63]!r} is no name for a view",
            "Pass a name, or a schema and a name: 'reports.top_customers'.",
        )
    schema = parts[0] if len(parts) == 2 else _first_schema(context)
    found = context.db.rows(_PLACE, ["text", "text"], [schema, parts[-1]])[0]
    if found["sqlstate"]:
        raise _refused(found["sqlstate"], found["problem"], found["advice"])
    return Place(found["schema_name"], found["view_name"])


def create(context: Context, place: Place, question: str, statement: Guarded, allowed: Allowance) -> None:
    """Make the view, if it could also be run by the caller now."""
    refuse_superuser()
    judged: dict[str, Any] = {}
    running.judge(context, statement, allowed, judged)
    types = ["text", "text", "text[]", "text", "text", "text"]
    values = [place.schema, place.name, judged["returns"], statement.sql, context.search_path, f"nl2sql: {question}"]
    with running.told(NOT_MADE), role_held():
        problem = context.db.value(_CREATE, types, values)
    if problem:
        raise _refused("NL403", f"the statement calls {problem}", "Ask in other words.")


def _first_schema(context: Context) -> str | None:
    return context.schemas[0] if context.schemas else None


def _refused(sqlstate: str, message: str, hint: str) -> Refusal:
    return Refusal(sqlstate, message, detail=NOT_MADE, hint=hint)
