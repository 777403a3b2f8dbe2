"""Columns of UNION, INTERSECT or EXCEPT that can't be brought together, as text and number: both are read as text."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.SetOperation):
        sides = [_select(node.this), _select(node.expression)]
        if sides[0] is None or sides[1] is None or len(sides[0].expressions) != len(sides[1].expressions):
            continue
        for one, other in zip(sides[0].expressions, sides[1].expressions, strict=True):
            found = [kinds.kind(e.unalias(), statement) for e in (one, other)]
            if kinds.TEXT in found and any(k in kinds.NUMBERS | kinds.MOMENTS for k in found):
                wrong = (one, other)[1 - found.index(kinds.TEXT)]
                return _cast(wrong)
    return None


def _select(node: exp.Expr) -> exp.Select | None:
    while isinstance(node, exp.Subquery):
        node = node.this
    return node if isinstance(node, exp.Select) else None


def _cast(output: exp.Expr) -> str:
    inner = output.unalias()
    before = inner.sql(dialect="postgres")
    cast = exp.Cast(this=inner.copy(), to=exp.DataType(this=exp.DataType.Type.TEXT))
    name = output.output_name
    if output is inner and name:
        output.replace(exp.Alias(this=cast, alias=exp.to_identifier(name)))
    else:
        inner.replace(cast)
    return f"{before} meets a text in the other query: read as text"
