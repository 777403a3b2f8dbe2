"""What a standing condition may be: one expression over its table's own columns, as it will stand behind WHERE."""

from __future__ import annotations

from dataclasses import dataclass

import postgast

from sidecar.errors import SidecarError
from sidecar.filters.conditions import conjuncts_of
from sidecar.guard.check import check
from sidecar.guard.grammar import Fields, parsed, statements
from sidecar.guard.names import quote
from sidecar.guard.nodes import Node, walk
from sidecar.guard.scope import Scope, Table
from sidecar.repair.closest import closest, fold

NOTHING_STORED = "Nothing was stored."
EXAMPLE = "For example: SELECT nl2sql.define_filter('shop.orders', 'deleted_at IS NULL')."

_CLAUSES = frozenset({"targetList", "fromClause", "whereClause", "limitOption", "op"})
# Allowed in a statement, but of another value each time: which rows count would be a matter of chance.
_CHANGING = frozenset("random random_normal gen_random_uuid uuidv4 uuidv7 clock_timestamp timeofday".split())


@dataclass(frozen=True)
class Definition:
    """The condition's text in its one spelling: `parts`, with a column between each two."""

    parts: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """The condition with the names of its columns as they are now."""
        named = [*map(quote, self.columns), ""]
        return "".join(part + name for part, name in zip(self.parts, named, strict=True))


def define(condition: str, table: Table, server_version: int) -> Definition:
    """The condition, read by PostgreSQL's grammar; raises 22023, 42703 and what the guard has against it."""
    scope = Scope((), (table,), server_version)
    head = f"SELECT 1 FROM {quote(table.schema)}.{quote(table.name)}"
    # a line of its own: a comment at its end must not hide what follows
    checked = check(f"{head} WHERE {condition}\n", scope)
    start = len(f"{check(head, scope).sql} WHERE ".encode())
    found = _where(checked.sql)
    references = [node for node in found if node.kind == "ColumnRef"]
    spans = sorted((_span(node, checked.sql, table) for node in references), key=lambda span: span[0])
    if not spans:
        raise _refused("names no column of its table")
    text, parts = checked.sql.encode(), []
    for begin, end, _ in spans:
        parts.append(text[start:begin].decode())
        start = end
    definition = Definition((*parts, text[start:].decode()), tuple(name for _, _, name in spans))
    if conjuncts_of(definition.text) is None:
        raise _refused("is written in a way that can't be put into other statements")
    return definition


def _where(sql: str) -> list[Node]:
    """The nodes of the condition; raises where the statement has more than one."""
    query: Fields = statements(parsed(sql))[0]["SelectStmt"]
    if set(query) - _CLAUSES or "whereClause" not in query or query["op"] != "SETOP_NONE":
        raise _refused("is more than one expression")
    nodes = list(walk(query["whereClause"]))
    if any(node.kind in ("SubLink", "SelectStmt") for node in nodes):
        raise _refused("reads another table: it may have no subquery")
    calls = [node.names("funcname")[-1] for node in nodes if node.kind == "FuncCall"]
    if changing := next((name for name in calls if name in _CHANGING), None):
        raise _refused(f"calls {changing}(), which gives another value each time")
    return nodes


def _span(reference: Node, sql: str, table: Table) -> tuple[int, int, str]:
    """Where a column stands in the text, in bytes, with the table's name if it has that, and its name."""
    *qualifier, name = [part.get("String", {}).get("sval", "") for part in reference.fields["fields"]]
    names = [column.name for column in table.columns]
    if qualifier not in ([], [table.name], [table.schema, table.name]) or name not in names:
        near = closest(fold(name), names)
        raise SidecarError(
            "42703",
            f"table {quote(table.schema)}.{quote(table.name)} has no column {'.'.join(map(quote, (*qualifier, name)))}",
            detail=f"A standing condition is over the table's own columns. {NOTHING_STORED}",
            hint=f"Did you mean {quote(near)}?" if near else EXAMPLE,
        )
    begin = int(reference.fields.get("location", 0))
    tokens = [token for token in postgast.scan(sql).tokens if token.start >= begin]
    return begin, tokens[2 * len(qualifier)].end, name


def _refused(how: str) -> SidecarError:
    return SidecarError("22023", f"the condition {how}", detail=NOTHING_STORED, hint=EXAMPLE)
