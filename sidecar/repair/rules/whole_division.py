"""A rate or a share that is a quotient of whole numbers: PostgreSQL drops its fraction, and what is left is 0 or 1."""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.repair.binding import State, Statement
from sidecar.repair.nodes import is_aggregate

_A_PART = re.compile(
    r"\b(?:per\s?cent\w*|rates?|shares?|ratios?|proportions?|fractions?|quota)\b|[比占利废格功率]率|率|比例|占比|比重|百分",
    re.I,
)
_WHOLE_TYPES = ("smallint", "integer")
_OF_BOTH = (exp.Add, exp.Sub, exp.Mul)


def mend(statement: Statement) -> str | None:
    """All of them in one call."""
    if not _A_PART.search(statement.question):
        return None
    found = [
        node
        for node in statement.tree.find_all(exp.Div)
        if any(map(is_aggregate, node.find_all(exp.Expr)))
        and _is_whole(node.this, statement)
        and _is_whole(node.expression, statement)
    ]
    for node in found:
        node.set("this", exp.Cast(this=node.this.copy(), to=exp.DataType(this=exp.DataType.Type.DECIMAL)))
    return "a quotient of whole numbers keeps its fraction" if found else None


def _is_whole(node: exp.Expr, statement: Statement) -> bool:
    """Whether PostgreSQL takes it for a whole number; a sum of them is one, too."""
    if isinstance(node, exp.Paren | exp.Sum | exp.Nullif | exp.Coalesce | exp.Filter):
        return _is_whole(node.this, statement)
    if isinstance(node, exp.Count):
        return True
    if isinstance(node, exp.Literal):
        return bool(node.is_int)
    if isinstance(node, exp.Case):
        chosen = [branch.args["true"] for branch in node.args["ifs"]] + ([d] if (d := node.args.get("default")) else [])
        return all(_is_whole(value, statement) for value in chosen)
    if isinstance(node, _OF_BOTH):
        return _is_whole(node.this, statement) and _is_whole(node.expression, statement)
    return _is_whole_column(node, statement)


def _is_whole_column(node: exp.Expr, statement: Statement) -> bool:
    reference = statement.bound.get(id(node))
    table = reference.home.table if reference and reference.state is State.BOUND and reference.home else None
    columns = table.columns if table else ()
    return (
        any(column.name == reference.name and column.type in _WHOLE_TYPES for column in columns) if reference else False
    )
