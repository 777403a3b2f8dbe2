"""The check of one statement: read by PostgreSQL's own grammar, every node against what is allowed, written again.

What PostgreSQL gets is the text that its grammar writes of the tree that was checked: the same tree, without comments
and with one spelling. The server's own rights remain the authority; this keeps honest mistakes and plain attacks away
from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidecar.errors import SidecarError
from sidecar.guard import bounds, constructs, functions, relations
from sidecar.guard.grammar import Fields, NotSql, TooDeep, meaning, parsed, refuse_newer, statements, written
from sidecar.guard.nodes import Node, walk
from sidecar.guard.scope import Scope

MAX_BYTES = 32_768
MAX_DEPTH = 300  # nodes within each other; a chain of so many operators or of UNIONs has as many
MAX_NODES = 20_000
MAX_COMMENTS = 100

# PostgreSQL's scanner reads a run of these again for each of its characters, and comments as deep as they nest.
_LONG_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|`?]{300}")

_NOTHING = "Nothing was run."


@dataclass(frozen=True)
class Checked:
    """A statement that may go to the server: as PostgreSQL's grammar writes it, and the tables it reads."""

    sql: str
    tables: tuple[str, ...]


def check(sql: str, scope: Scope) -> Checked:
    """Exactly one SELECT inside the scope; raises NL401 to NL405."""
    refuse_unreadable(sql)
    try:
        refuse_newer(sql, scope.server_version)
        tree = parsed(sql)
        nodes = _nodes(_only_select(statements(tree)))
        constructs.refuse(nodes, scope)
        functions.refuse(nodes)
        bounds.refuse(nodes)
        tables = relations.resolve(nodes, scope)
        text = written(sql)
        if meaning(parsed(text)) != meaning(tree):
            raise _unreadable("has no other spelling that means the same")
    except NotSql as error:
        raise SidecarError(
            "NL404",
            f"the statement is not SQL: {str(error)[:200]}",
            detail=_NOTHING,
            hint="Correct it there, or ask in other words.",
        ) from None
    except TooDeep:
        raise _too_deep() from None
    return Checked(text, tables)


def refuse_unreadable(sql: str) -> None:
    """Before parsing: what can't be text in PostgreSQL, or is too long to look at; raises NL404."""
    if "\x00" in sql:
        raise _unreadable("has a NUL character")
    try:
        # at least a byte each: what is much too long need not be copied to be counted
        if len(sql) > MAX_BYTES or len(sql.encode()) > MAX_BYTES:
            raise _unreadable(f"is longer than {MAX_BYTES} bytes")
    except UnicodeEncodeError:
        raise _unreadable("is not valid Unicode") from None
    if _LONG_OPERATOR.search(sql):
        raise _unreadable("has 300 characters of operators in a row")
    if sql.count("/*") > MAX_COMMENTS:
        raise _unreadable(f"has more than {MAX_COMMENTS} comments")


def _only_select(found: list[Fields]) -> Fields:
    if len(found) == 1 and "SelectStmt" in found[0]:
        query = found[0]["SelectStmt"]
        # SELECT without a column: PostgreSQL takes it, but it answers nothing
        if {"targetList", "valuesLists", "larg"} & set(query):
            return found[0]
    raise SidecarError(
        "NL401",
        "the statement is not exactly one SELECT",
        detail=_NOTHING,
        hint="Ask a question that data can answer, or pass one SELECT.",
    )


def _nodes(statement: Fields) -> list[Node]:
    nodes = []
    for node in walk(statement):
        nodes.append(node)
        if node.depth > MAX_DEPTH:
            raise TooDeep
        if len(nodes) > MAX_NODES:
            raise _unreadable(f"has more than {MAX_NODES} parts")
    return nodes


def _unreadable(how: str) -> SidecarError:
    return SidecarError("NL404", f"the statement {how}", detail=_NOTHING, hint="Simplify it, in plain text.")


def _too_deep() -> SidecarError:
    return SidecarError("NL404", "the statement is nested too deeply", detail=_NOTHING, hint="Simplify it.")
