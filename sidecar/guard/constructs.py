"""Which constructs a statement may have: everything that only reads, and casts to plain types."""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.errors import SidecarError
from sidecar.guard.scope import Scope

REFUSED: tuple[tuple[type, str], ...] = (
    (exp.Insert, "INSERT"),
    (exp.Update, "UPDATE"),
    (exp.Delete, "DELETE"),
    (exp.Merge, "MERGE"),
    (exp.Into, "SELECT INTO"),
    (exp.Lock, "row locking"),
    (exp.Copy, "COPY"),
    (exp.Command, "a command"),
    (exp.DDL, "a definition"),
    (exp.Set, "SET"),
    (exp.Placeholder, "a parameter"),
    (exp.Parameter, "a parameter"),
    (exp.Operator, "OPERATOR()"),
    (exp.SessionUser, "session_user"),
    (exp.CurrentUser, "current_user"),
)

# Words that PostgreSQL reads as functions, sqlglot as columns.
ROLE_WORDS = frozenset({"user", "current_role"})
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
# Plain types of PostgreSQL that sqlglot does not know.
FURTHER_TYPES = frozenset("box circle jsonpath line lseg path point polygon tsquery tsvector".split())
REFUSED_TYPES = frozenset({"xml", "cstring", "oid", "name"})


def refuse(tree: exp.Expression, scope: Scope) -> None:
    """Raise NL405 for the first construct that is not allowed."""
    for node in tree.walk():
        for kind, word in REFUSED:
            # sqlglot counts queries among its DDL
            if isinstance(node, kind) and not isinstance(node, exp.Query):
                raise _refused(word)
        if isinstance(node, exp.Column):
            _check_column(node, scope)
        elif isinstance(node, exp.Dot) and node.name.lower() in SYSTEM_COLUMNS:
            raise _refused(f"system column {node.name}")
        elif isinstance(node, exp.Cast):
            _check_type(node.to, scope)
        elif isinstance(node, _TYPES):
            _check_type(node, scope)  # of a column definition list, as in json_to_record(…) AS r(a type)


# The three classes in which sqlglot keeps types.
_TYPES = (exp.DataType, exp.ObjectIdentifier, exp.PseudoType)


def _check_column(node: exp.Column, scope: Scope) -> None:
    if node.name.lower() in SYSTEM_COLUMNS and not _is_own(node, scope):
        raise _refused(f"system column {node.name}")
    if not node.table and not node.this.args.get("quoted") and node.name.lower() in ROLE_WORDS:
        raise _refused(node.name)


def _is_own(node: exp.Column, scope: Scope) -> bool:
    """Whether some table in scope has a column of this name of its own."""
    return any(column.name == node.name for table in scope.tables for column in table.columns)


def _check_type(node: exp.Expression, scope: Scope) -> None:
    name = re.split(r"[(\[]", node.sql(dialect="postgres").lower())[0].replace('"', "").strip()
    if name.startswith("reg") or name in REFUSED_TYPES:
        raise _refused(f"a cast to {name}")
    known = isinstance(node, exp.DataType) and node.this != exp.DataType.Type.USERDEFINED
    if not known and name not in FURTHER_TYPES | scope.type_names:
        raise _refused(f"a cast to {name}")


def _refused(word: str) -> SidecarError:
    return SidecarError(
        "NL405",
        f"{word[:80]} is not allowed in a generated statement",
        detail="A generated statement only reads. The proposal was dropped.",
        hint="Ask in other words; what needs this must be written by hand.",
    )
