"""An aggregate of an aggregate: `MAX(COUNT(*))` asks for the first row by COUNT(*)."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Statement
from sidecar.repair.nodes import is_aggregate, level_nodes


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        nested = [n for n in level_nodes(level.select) if isinstance(n, exp.Min | exp.Max) and is_aggregate(n.this)]
        if not nested or isinstance(nested[0].parent, exp.Window):
            continue
        outer = nested[0]
        inner = outer.this.copy()
        if outer.find_ancestor(exp.Having, exp.Select) in (None, level.select) and not _order(level, outer, inner):
            return None
        if isinstance(outer.find_ancestor(exp.Having, exp.Select), exp.Having):
            return None
        outer.replace(inner)
        return f"{outer.key.upper()} of an aggregate: the first row by it"
    return None


def _order(level: Level, outer: exp.Expr, inner: exp.Expr) -> bool:
    """The row with the largest or smallest first, and only that; an ORDER BY that is there stays."""
    if level.select.args.get("order"):
        return True
    if level.select.args.get("limit") or not level.select.args.get("group"):
        return False
    order = exp.Ordered(this=inner.copy(), desc=isinstance(outer, exp.Max), nulls_first=isinstance(outer, exp.Max))
    level.select.set("order", exp.Order(expressions=[order]))
    level.select.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    return True
