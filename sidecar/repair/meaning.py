"""Whether sqlglot has understood a statement: what it writes again must be the same to PostgreSQL.

Spellings that PostgreSQL treats alike are one here. What the guard would refuse by its name, a function or a type of
another database, is left out of the comparison: to write it otherwise is why the statement is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidecar.guard.constructs import TYPES
from sidecar.guard.functions import allowed
from sidecar.guard.grammar import Fields, NotSql, TooDeep, meaning, parsed, statements
from sidecar.guard.nodes import constant, number

_ANYTHING = "anything"
_NEGATED = {"=": "<>", "~~": "!~~", "~~*": "!~~*", "~": "!~", "~*": "!~*"}
_NEGATED_KINDS = {"AEXPR_BETWEEN": "AEXPR_NOT_BETWEEN", "AEXPR_BETWEEN_SYM": "AEXPR_NOT_BETWEEN_SYM"}
_MATCHING = frozenset({"AEXPR_LIKE", "AEXPR_ILIKE"})
# Functions that take a word whose case does not matter.
_UNITS = frozenset({"date_part", "date_trunc", "extract"})
# What PostgreSQL's grammar makes of INTERVAL '…' YEAR: a bit for each unit (utils/timestamp.h).
_UNIT_OF_MASK: dict[Any, str] = {2: "month", 4: "year", 8: "day", 1024: "hour", 2048: "minute", 4096: "second"}
_SAME_FUNCTION = {"substr": "substring", "pow": "power", "ceiling": "ceil", "char_length": "length"}


def readable(sql: str) -> bool:
    """Whether PostgreSQL's grammar takes the text."""
    try:
        return bool(statements(parsed(sql)))
    except (NotSql, TooDeep):
        return False


def understood(sql: str, again: str) -> bool:
    """Whether the second text says what the first says."""
    try:
        return _alike(_spelled_alike(sql), _spelled_alike(again))
    except (NotSql, TooDeep, RecursionError):
        return False


def _spelled_alike(sql: str) -> Any:
    return _plain(statements(meaning(parsed(sql))))


def _alike(one: Any, other: Any) -> bool:
    if _ANYTHING in (one, other):
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)


def _plain(value: Any) -> Any:
    """The tree in one spelling."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _plain(part) for name, part in value.items()}
    if len(fields) == 1:
        ((kind, inner),) = fields.items()
        if change := _CHANGES.get(kind):
            return change(inner)
    return fields


def _operation(fields: Fields) -> Any:
    name = _name(fields["name"])
    if fields["kind"] in _MATCHING:
        return {"A_Expr": {**fields, "kind": "AEXPR_OP"}}
    if name == "^":
        return {"FuncCall": {"name": "power", "args": [fields["lexpr"], fields["rexpr"]]}}
    return {"A_Expr": fields}


def _connection(fields: Fields) -> Any:
    """NOT a LIKE b as a NOT LIKE b."""
    inner = fields["args"][0].get("A_Expr") if fields["boolop"] == "NOT_EXPR" else None
    if not inner or "lexpr" not in inner:
        return {"BoolExpr": fields}
    name, kind = _name(inner["name"]), inner["kind"]
    if kind in _NEGATED_KINDS:
        turned = f"NOT {name}"
        return {"A_Expr": {**inner, "kind": _NEGATED_KINDS[kind], "name": [{"String": {"sval": turned}}]}}
    # = is turned in an IN list alone; a comparison is no BoolExpr by PostgreSQL's own choice
    if name in _NEGATED and (kind == "AEXPR_IN" or (kind == "AEXPR_OP" and name != "=")):
        return {"A_Expr": {**inner, "name": [{"String": {"sval": _NEGATED[name]}}]}}
    return {"BoolExpr": fields}


def _truth(fields: Fields) -> Any:
    """a IS NOT TRUE as NOT a IS TRUE: neither is ever NULL."""
    kind = str(fields["booltesttype"])
    if not kind.startswith("IS_NOT_"):
        return {"BooleanTest": fields}
    inner = {"BooleanTest": {**fields, "booltesttype": kind.replace("IS_NOT_", "IS_")}}
    return {"BoolExpr": {"boolop": "NOT_EXPR", "args": [inner]}}


def _call(fields: Fields) -> Any:
    name = _name(fields["funcname"])
    if name not in allowed():
        return _ANYTHING
    if name == "now":
        return {"SQLValueFunction": {"op": "SVFOP_CURRENT_TIMESTAMP"}}
    rest = {key: part for key, part in fields.items() if key not in ("funcname", "funcformat")}
    if name in _UNITS and rest.get("args"):
        rest["args"] = [_lowered(rest["args"][0]), *rest["args"][1:]]
    if name == "substr" and any(number(given) is None for given in rest.get("args", [])[1:]):
        return {"FuncCall": {"name": name, **rest}}  # of a text, substring() is a pattern
    return {"FuncCall": {"name": _SAME_FUNCTION.get(name, name), **rest}}


def _cast(fields: Fields) -> Any:
    names = [part["String"]["sval"] for part in fields["typeName"]["names"]]
    if names[-1] not in TYPES:
        return _ANYTHING
    type_name = {**fields["typeName"], "names": names[-1]}
    if names[-1] != "interval":
        return {"TypeCast": {**fields, "typeName": type_name}}
    return {"TypeCast": {**fields, **_interval(type_name, _lowered(fields["arg"]))}}


def _interval(type_name: Fields, given: Any) -> Fields:
    """INTERVAL '1' YEAR as INTERVAL '1 year', where it is a whole number of one unit."""
    text = str(constant(given) or "")
    unit = _UNIT_OF_MASK.get(constant((type_name.get("typmods") or [None])[0]))
    if unit and len(type_name["typmods"]) == 1 and text.isdecimal():
        without = {name: part for name, part in type_name.items() if name != "typmods"}
        return {"typeName": without, "arg": {"A_Const": {"sval": {"sval": f"{text} {unit}"}}}}
    return {"typeName": type_name, "arg": given}


def _value(fields: Fields) -> Any:
    return {"SQLValueFunction": {key: part for key, part in fields.items() if key != "typmod"}}


def _sorted(fields: Fields) -> Any:
    """NULLs stand where they would stand anyhow."""
    falling = fields["sortby_dir"] == "SORTBY_DESC"
    usual = "SORTBY_NULLS_FIRST" if falling else "SORTBY_NULLS_LAST"
    nulls = fields["sortby_nulls"]
    direction = "SORTBY_DEFAULT" if fields["sortby_dir"] == "SORTBY_ASC" else fields["sortby_dir"]
    return {
        "SortBy": {
            **fields,
            "sortby_dir": direction,
            "sortby_nulls": "SORTBY_NULLS_DEFAULT" if nulls == usual else nulls,
        }
    }


def _lowered(value: Any) -> Any:
    text = value.get("A_Const", {}).get("sval") if isinstance(value, dict) else None
    return {"A_Const": {"sval": {"sval": text.get("sval", "").lower()}}} if text else value


def _name(parts: list[Fields]) -> str:
    return str(parts[-1].get("String", {}).get("sval", ""))


_CHANGES: dict[str, Callable[[Fields], Any]] = {
    "A_Expr": _operation,
    "BoolExpr": _connection,
    "BooleanTest": _truth,
    "FuncCall": _call,
    "SQLValueFunction": _value,
    "SortBy": _sorted,
    "TypeCast": _cast,
}
