"""The nodes of a statement, each with its kind and what it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sidecar.guard.grammar import Fields

# Where PostgreSQL's grammar allows one kind of node only, libpg_query leaves its name out.
_KIND_OF_FIELD = {
    "alias": "Alias",
    "arg": "JsonPart",
    "constructor": "JsonAggConstructor",
    "collClause": "CollateClause",
    "context_item": "JsonValueExpr",
    "cycle_clause": "CTECycleClause",
    "expr": "JsonPart",
    "format": "JsonFormat",
    "intoClause": "IntoClause",
    "join_using_alias": "Alias",
    "larg": "SelectStmt",
    "on_empty": "JsonBehavior",
    "on_error": "JsonBehavior",
    "output": "JsonOutput",
    "over": "WindowDef",
    "pathspec": "JsonTablePathSpec",
    "rarg": "SelectStmt",
    "returning": "JsonReturning",
    "search_clause": "CTESearchClause",
    "typeName": "TypeName",
    "val": "JsonValueExpr",
    "value": "JsonValueExpr",
    "withClause": "WithClause",
}
_LEAVES = frozenset({"A_Const", "A_Star", "Boolean", "BitString", "Float", "Integer", "String"})


@dataclass(eq=False, slots=True)
class Node:
    """`kind` as in PostgreSQL's nodes/parsenodes.h; after a question mark where the field is not known here."""

    kind: str
    fields: Fields
    parent: Node | None
    place: str  # the field of the parent it stands in
    depth: int

    def ancestors(self) -> Iterator[Node]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def names(self, field: str) -> list[str]:
        """A dotted name, part by part; a star is left out."""
        return [part["String"].get("sval", "") for part in self.fields.get(field, ()) if "String" in part]


def walk(statement: Fields) -> Iterator[Node]:
    """Every node below {kind: fields}, those above first."""
    pending = [_node(statement, "", None)]
    while pending:
        node = pending.pop()
        yield node
        if node.kind not in _LEAVES:
            pending += reversed(list(children(node)))


def children(node: Node) -> Iterator[Node]:
    for field, value in node.fields.items():
        if type(value) is dict:
            yield _node(value, field, node)
        elif type(value) is list:
            for item in value:
                if item:
                    yield _node(item, field, node)


def _node(value: Fields, field: str, parent: Node | None) -> Node:
    depth = parent.depth + 1 if parent else 0
    if len(value) == 1:
        ((kind, fields),) = value.items()
        if kind[0].isupper():
            return Node(kind, fields, parent, field, depth)
    return Node(_KIND_OF_FIELD.get(field, f"?{field}"), value, parent, field, depth)


def constant(value: Any) -> int | float | str | None:
    """The number or text of {"A_Const": …}; None for anything else."""
    fields = value.get("A_Const") if isinstance(value, dict) else None
    if not fields or fields.get("isnull"):
        return None
    if "ival" in fields:
        return int(fields["ival"].get("ival", 0))
    if "fval" in fields:
        return _decimal(fields["fval"]["fval"])
    return str(fields["sval"].get("sval", "")) if "sval" in fields else None


def _decimal(text: str) -> float:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return float("inf")  # hexadecimal and the like, beyond 2^31


def number(value: Any) -> int | float | None:
    """As constant(), of numbers alone; with a sign as well."""
    operation = value.get("A_Expr") if isinstance(value, dict) else None
    if (
        operation
        and "lexpr" not in operation
        and operation["name"] in ([{"String": {"sval": "-"}}], [{"String": {"sval": "+"}}])
    ):
        inner = number(operation["rexpr"])
        minus = operation["name"][0]["String"]["sval"] == "-"
        return None if inner is None else -inner if minus else inner
    found = constant(value)
    return None if isinstance(found, str) else found
