"""Which constructs a statement may have: everything that only reads, and casts to plain types."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.errors import SidecarError
from sidecar.guard.nodes import Node
from sidecar.guard.scope import Scope

# Kinds of nodes of a SELECT; what is not listed is refused. Calls, operators, types and tables are looked at by name.
ALLOWED = frozenset(
    "A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star Alias BitString BoolExpr Boolean BooleanTest"
    " CTECycleClause CTESearchClause CaseExpr CaseWhen CoalesceExpr CollateClause ColumnDef ColumnRef"
    " CommonTableExpr Float FuncCall GroupingFunc GroupingSet Integer JoinExpr JsonAggConstructor JsonArgument"
    " JsonArrayAgg JsonArrayConstructor JsonArrayQueryConstructor JsonBehavior JsonFormat JsonFuncExpr"
    " JsonIsPredicate JsonKeyValue JsonObjectAgg JsonObjectConstructor JsonOutput JsonParseExpr JsonPart"
    " JsonReturning JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn JsonTablePathSpec JsonValueExpr List"
    " MinMaxExpr NamedArgExpr NullTest RangeFunction RangeSubselect RangeTableSample RangeVar ResTarget RowExpr"
    " SQLValueFunction SelectStmt SortBy String SubLink TypeCast TypeName WindowDef WithClause".split()
)
# What those that are refused are called in SQL.
_WORDS = {
    "InsertStmt": "INSERT",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE",
    "MergeStmt": "MERGE",
    "IntoClause": "SELECT INTO",
    "LockingClause": "row locking",
    "ParamRef": "a parameter",
    "XmlExpr": "XML",
    "XmlSerialize": "XML",
    "RangeTableFunc": "XMLTABLE",
    "CurrentOfExpr": "CURRENT OF",
    "SetToDefault": "DEFAULT",
}
_ROLES = {
    "SVFOP_CURRENT_ROLE": "current_role",
    "SVFOP_CURRENT_USER": "current_user",
    "SVFOP_SESSION_USER": "session_user",
    "SVFOP_USER": "user",
}
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
SAMPLING = frozenset({"bernoulli", "system"})
# Types of pg_catalog that hold plain values: no names of the server, no code, no XML.
TYPES = frozenset(
    "bit bool box bpchar bytea char cidr circle date datemultirange daterange float4 float8 inet int2 int4"
    " int4multirange int4range int8 int8multirange int8range interval json jsonb jsonpath line lseg macaddr macaddr8"
    " money numeric nummultirange numrange path point polygon text time timestamp timestamptz timetz tsmultirange"
    " tsquery tsrange tstzmultirange tstzrange tsvector uuid varbit varchar".split()
)
# Of well-known extensions. Who made a type of that name is for the server's side to know.
EXTENSION_TYPES = frozenset(
    "citext cube geography geometry halfvec hstore lquery ltree ltxtquery query_int sparsevec vector".split()
)


def refuse(nodes: Sequence[Node], scope: Scope) -> None:
    """Raise NL405 for the first construct that is not allowed."""
    for node in nodes:
        if node.kind not in ALLOWED:
            raise _refused(_WORDS.get(node.kind, node.kind.strip("?")))
        if look := _LOOKS.get(node.kind):
            look(node, scope)


def _operator(node: Node, scope: Scope) -> None:
    for field in ("name", "operName", "useOp"):
        if len(node.names(field)) > 1:
            raise _refused("OPERATOR()")


def _column(node: Node, scope: Scope) -> None:
    names = node.names("fields")
    if names and names[-1] in SYSTEM_COLUMNS and not _is_own(names[-1], scope):
        raise _refused(f"system column {names[-1]}")


def _field(node: Node, scope: Scope) -> None:
    for name in node.names("indirection"):
        if name in SYSTEM_COLUMNS:
            raise _refused(f"system column {name}")


def _is_own(name: str, scope: Scope) -> bool:
    """Whether some table in scope has a column of this name of its own."""
    return any(column.name == name for table in scope.tables for column in table.columns)


def _role(node: Node, scope: Scope) -> None:
    if word := _ROLES.get(str(node.fields.get("op"))):
        raise _refused(word)


def _sample(node: Node, scope: Scope) -> None:
    if node.names("method")[-1] not in SAMPLING:
        raise _refused("this kind of TABLESAMPLE")


def _type(node: Node, scope: Scope) -> None:
    names = node.names("names")
    name = ".".join(names)
    if node.fields.get("setof") or node.fields.get("pct_type"):
        raise _refused("SETOF or %TYPE")
    if names[:-1] in ([], ["pg_catalog"]) and names[-1] in TYPES:
        return
    if (len(names) == 1 and name in EXTENSION_TYPES) or (names[0] != "pg_catalog" and name.lower() in scope.type_names):
        return
    raise _refused(f"a cast to {name}")


_LOOKS = {
    "A_Expr": _operator,
    "A_Indirection": _field,
    "ColumnRef": _column,
    "RangeTableSample": _sample,
    "SQLValueFunction": _role,
    "SortBy": _operator,
    "SubLink": _operator,
    "TypeName": _type,
}


def _refused(word: str) -> SidecarError:
    return SidecarError(
        "NL405",
        f"{word[:80]} is not allowed",
        detail="Only statements that do nothing but read are let through. Nothing was run.",
        hint="Leave it out, or run the statement yourself, without nl2sql.",
    )
