"""An array compared with one of its values: `tags = 'fire'` asks for the arrays that hold it."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import State, Statement
from sidecar.repair.comparing import put

_PATTERNS = (exp.Like, exp.ILike)
_CONTAINS = (exp.ArrayContainsAll, exp.ArrayOverlaps)
_NUMBERS = frozenset({"integer", "bigint", "smallint", "numeric"})


def mend(statement: Statement) -> str | None:
    for reference in statement.references:
        element = _element(reference.column, statement)
        condition = reference.column.parent
        instead = _instead(condition, reference.column, element) if element and condition is not None else None
        if condition is not None and instead is not None:
            put(condition, instead)
            return f"{reference.name} is an array: looked for among its values"
    return None


def _element(column: exp.Column, statement: Statement) -> str | None:
    """The type of its values."""
    reference = statement.bound.get(id(column))
    table = reference.home.table if reference and reference.home and reference.state is State.BOUND else None
    found = next((c.type for c in table.columns if reference and c.name == reference.name), "") if table else ""
    return found.removesuffix("[]") if found.endswith("[]") else None


def _instead(condition: exp.Expr, column: exp.Column, element: str) -> exp.Expr | None:
    if isinstance(condition, exp.EQ | exp.NEQ):
        value = condition.expression if condition.this is column else condition.this
        held = _held(value, column, element)
        return exp.Not(this=held) if held and isinstance(condition, exp.NEQ) else held
    if isinstance(condition, exp.In):
        values = condition.expressions
        if condition.this is column and values and all(_is_value(value, element) for value in values):
            array = exp.Array(expressions=[value.copy() for value in values])
            return exp.ArrayOverlaps(this=column.copy(), expression=array)
        return _held(condition.this, column, element) if values == [column] else None
    if isinstance(condition, _PATTERNS) and condition.this is column:
        return _held(_without_wildcards(condition.expression), column, element)
    if isinstance(condition, _CONTAINS) and condition.this is column and _is_value(condition.expression, element):
        array = exp.Array(expressions=[condition.expression.copy()])
        return condition.__class__(this=column.copy(), expression=array)
    return None


def _held(value: exp.Expr | None, column: exp.Column, element: str) -> exp.Expr | None:
    if value is None or not _is_value(value, element):
        return None
    return exp.EQ(this=value.copy(), expression=exp.Any(this=exp.Paren(this=column.copy())))


def _is_value(node: exp.Expr, element: str) -> bool:
    """One value, not an array as PostgreSQL writes it."""
    if not isinstance(node, exp.Literal):
        return False
    return not str(node.this).startswith("{") if node.is_string else element in _NUMBERS


def _without_wildcards(pattern: exp.Expr) -> exp.Expr | None:
    """'%fire%', or '%"fire"%'."""
    text = str(pattern.this) if isinstance(pattern, exp.Literal) and pattern.is_string else ""
    inner = text.strip("%").strip('"{}')
    return exp.Literal.string(inner) if inner and not set(inner) & set("%_\\") else None
