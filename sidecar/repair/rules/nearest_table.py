"""A table that is called almost like one in scope."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sidecar.guard.scope import Table
from sidecar.repair.binding import Statement
from sidecar.repair.nodes import folded, identifier
from sidecar.repair.rules.nearest_name import is_near, plain


def mend(statement: Statement) -> str | None:
    """The name of the only table that is near enough; names in the statement go on as its alias."""
    for node in statement.unknown_tables:
        if node.args.get("db") or node.args.get("catalog"):
            continue
        found = _near(statement, folded(node.this) or "")
        if found is None:
            continue
        before = node.name
        if not node.args.get("alias"):
            node.set("alias", exp.TableAlias(this=node.this.copy()))
        node.set("this", identifier(found.name))
        return f"table {before} is {found.name}"
    return None


def _near(statement: Statement, name: str) -> Table | None:
    tables = [table for table in statement.scope.tables if statement.scope.is_plain(table)]
    measures: list[Callable[[str], bool]] = [
        lambda other: plain(other) == plain(name),
        lambda other: is_near(other, name),
    ]
    for fits in measures:
        if found := [table for table in tables if fits(table.name)]:
            return found[0] if len(found) == 1 else None
    return None
