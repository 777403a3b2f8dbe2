"""Which functions a statement may call: those of the two lists, by the name that the server will look up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sidecar.errors import SidecarError
from sidecar.guard.nodes import Node

_SERVER = {"SVFOP_CURRENT_CATALOG": "current_catalog", "SVFOP_CURRENT_SCHEMA": "current_schema"}


@cache
def builtin() -> frozenset[str]:
    """Those of pg_catalog."""
    return _listed("functions.txt")


@cache
def allowed() -> frozenset[str]:
    """Those of extensions, too; these are called without a schema."""
    return builtin() | _listed("extension_functions.txt")


def _listed(name: str) -> frozenset[str]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def refuse(nodes: Sequence[Node]) -> None:
    """Raise NL403 for the first call that is not on the list."""
    for node in nodes:
        if node.kind == "FuncCall":
            _refuse_call(node)
        elif node.kind == "SQLValueFunction" and (word := _SERVER.get(str(node.fields.get("op")))):
            raise refused(word)


def _refuse_call(node: Node) -> None:
    *schema, name = node.names("funcname")
    if schema not in ([], ["pg_catalog"]):
        raise refused(".".join((*schema, name)))
    if name not in (builtin() if schema else allowed()):
        raise refused(name)
    if name == "pg_typeof" and not _is_shown(node):
        # beside a text it would make the server look that text up as the name of a type, and so of a table
        raise refused(name, "but as a column of the result, or with ::text")


def _is_shown(call: Node) -> bool:
    """Whether nothing is made of the call's value: it is a column of the outermost SELECT, or becomes a text."""
    parent = call.parent
    if parent is None:
        return False
    if parent.kind == "TypeCast":
        return bool(parent.fields["typeName"]["names"][-1]["String"]["sval"] == "text")
    return parent.kind == "ResTarget" and [node.kind for node in parent.ancestors()] == ["SelectStmt"]


def refused(name: str, how: str = "") -> SidecarError:
    return SidecarError(
        "NL403",
        f"function {name[:63]}() is not allowed {how}".rstrip(),
        detail="Only functions known to be harmless are let through. Nothing was run.",
        hint="Leave it out, or run the statement yourself, without nl2sql.",
    )
