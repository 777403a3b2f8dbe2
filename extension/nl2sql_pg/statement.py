"""A statement that somebody gives: tidied, and through the guard."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.bridge import MAX_TEXT
from nl2sql_pg.client import malformed
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal

MAX_SQL = 32_768

_NAMED = "select nl2sql._named_relations($1, $2)"
_CAPTURED = "select coalesce(nl2sql._captured($1, $2, $3, $4), nl2sql._captured_type($2))"
_ESCAPED = re.compile(r'\bu&"', re.IGNORECASE)  # a name in it is not found here as the server reads it

# A name, quoted or not, and the bracket of a call behind it. Words in a string literal count, too, which is no harm.
_NAME = re.compile(r'"((?:[^"]|"")+)"(\s*\()?|([^\W\d][\w$]*)(\s*\()?')


@dataclass(frozen=True)
class Guarded:
    """A SELECT in its normal form, and the tables it names."""

    sql: str
    tables: list[str]


def tidy(sql: str | None, consequence: str) -> str:
    """The statement without what people end it with; raises 22004 and 54000."""
    text = (sql or "").rstrip(";" + string.whitespace)
    if not text:
        raise Refusal("22004", "there is no statement", detail=consequence, hint="Pass one SELECT as text.")
    if len(text) > MAX_SQL:
        raise Refusal(
            "54000", f"the statement has more than {MAX_SQL} characters", detail=consequence, hint="Shorten it."
        )
    return text


def names(sql: str) -> tuple[list[str], list[str]]:
    """All names in a text as PostgreSQL folds them, and those that are called."""
    found, called = set(), set()
    for match in _NAME.finditer(sql):
        quoted, bracket, plain, plain_bracket = match.groups()
        # which letters beyond ASCII are folded depends on the encoding: both ways count
        folded = {quoted.replace('""', '"')} if quoted else {plain.lower(), plain.encode().lower().decode()}
        folded = {name.encode()[:63].decode(errors="ignore") for name in folded}
        found |= folded
        if bracket or plain_bracket:
            called |= folded
    return sorted(found), sorted(called)


def named_tables(context: Context, sql: str) -> list[dict[str, Any]]:
    """Relations the caller may read whose names stand in the text: all that the statement can read, and more."""
    found: list[dict[str, Any]] = context.db.json(_NAMED, ["name[]", "text[]"], [context.schemas, names(sql)[0]])
    return found


def guard(context: Context, sql: str, tables: list[dict[str, Any]], consequence: str) -> Guarded:
    """The statement as it may run; raises what the guard has against it."""
    scope = {"search_path": context.schemas, "tables": tables}
    asked = {"sql": sql, "scope": scope, "server_version": context.server_version}
    reply = context.client.post("/v1/check", asked, context.deadline)
    normal, error, names = reply.get("sql"), reply.get("error"), reply.get("tables")
    if isinstance(normal, str) and error is None and isinstance(names, list):
        return Guarded(normal, [str(name) for name in names])
    if not isinstance(error, dict) or not {"sqlstate", "message", "hint"} <= set(error):
        raise malformed("it is not an answer to /v1/check")
    message, hint = (str(error[name]) for name in ("message", "hint"))
    raise Refusal(str(error["sqlstate"])[:5], message, detail=consequence, hint=hint)


def refuse_captured(context: Context, sql: str, consequence: str) -> None:
    """Raise NL403 where a name of the statement may lead to a function, operator or type that another role has made.

    The guard knows functions by their names; an overload in a schema of the search path may fit the arguments better.
    """
    if len(sql) > MAX_TEXT:
        raise Refusal(
            "54000",
            f"the statement has more than {MAX_TEXT} characters in its normal form",
            detail=consequence,
            hint="Shorten it.",
        )
    if _ESCAPED.search(sql):
        raise Refusal(
            "NL403",
            'a name written as U&"…" is not allowed',
            detail=f"What it leads to can't be looked up. {consequence}",
            hint="Write its characters themselves.",
        )
    types = ["name[]", "text[]", "text[]", "text"]
    found = context.db.value(_CAPTURED, types, [context.schemas, *names(sql), sql])
    if found:
        raise Refusal(
            "NL403",
            f"a name in the statement may lead to {found}, which another role has made",
            detail=f"Its code would run with your rights. {consequence}",
            hint="Take its schema out of your search_path and write tables with their schema, or have it dropped.",
        )
