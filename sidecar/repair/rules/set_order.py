"""ORDER BY after UNION, INTERSECT or EXCEPT: only names of the result can stand there."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Statement
from sidecar.repair.nodes import folded


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.SetOperation):
        order, first = node.args.get("order"), _first(node)
        if order is None or first is None or any(e.is_star for e in first.expressions):
            continue
        names = [e.output_name for e in first.expressions]
        for key in order.expressions:
            if isinstance(key.this, exp.Literal) or _is_name(key.this, names):
                continue
            place = _place(key.this, first)
            if place is None:
                return None
            before = key.this.sql(dialect="postgres")
            key.set("this", exp.Literal.number(place))
            return f"{before} is column {place} of the result"
    return None


def _first(node: exp.Expr) -> exp.Select | None:
    while isinstance(node, exp.SetOperation | exp.Subquery):
        node = node.this
    return node if isinstance(node, exp.Select) else None


def _is_name(key: exp.Expr, names: list[str]) -> bool:
    return isinstance(key, exp.Column) and not key.table and folded(key.this) in [name.lower() for name in names]


def _place(key: exp.Expr, first: exp.Select) -> int | None:
    """Which column of the first query it is: the same expression, or the same name under a table's."""
    for test in (_same, _same_name):
        found = [n for n, e in enumerate(first.expressions, 1) if test(e.unalias(), key)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _same(one: exp.Expr, other: exp.Expr) -> bool:
    return one.sql(dialect="postgres").lower() == other.sql(dialect="postgres").lower()


def _same_name(one: exp.Expr, other: exp.Expr) -> bool:
    both = isinstance(one, exp.Column) and isinstance(other, exp.Column)
    return both and folded(one.this) == folded(other.this)
