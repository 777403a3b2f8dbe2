"""A subquery that is compared with one value, but selects several columns: the one that is meant stays."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Statement
from sidecar.repair.nodes import columns_of, folded, is_aggregate, level_nodes

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.In, *_COMPARISONS):
        subquery = node.args.get("query") if isinstance(node, exp.In) else node.expression
        inner = subquery.this if isinstance(subquery, exp.Subquery) else None
        if not isinstance(inner, exp.Select) or len(inner.expressions) < 2 or isinstance(node.this, exp.Tuple):
            continue
        level = next((level for level in statement.levels if level.select is inner), None)
        kept = _meant(node, inner)
        if kept is None or level is None or (inner.args.get("distinct") and _is_ordinal(inner)):
            continue
        _inline_names(level, kept)
        inner.set("expressions", [kept])
        return f"the subquery selects {kept.sql(dialect='postgres')} only"
    return None


def _meant(node: exp.Expr, inner: exp.Select) -> exp.Expr | None:
    """The column of the same name; beside a plain column the only plain one; the first."""
    outputs: list[exp.Expr] = inner.expressions
    if any(e.is_star for e in outputs):
        return None
    outer = node.this
    if isinstance(outer, exp.Column) and isinstance(node, exp.In | exp.EQ | exp.NEQ):
        wanted = folded(outer.this)
        if same := [e for e in outputs if e.output_name.lower() == wanted]:
            return same[0]
        plain = [e for e in outputs if not any(is_aggregate(n) for n in [e, *level_nodes(e)])]
        return plain[0] if plain else None
    aggregates = [e for e in outputs if any(is_aggregate(n) for n in [e, *level_nodes(e)])]
    return aggregates[0] if aggregates else outputs[0]


def _is_ordinal(inner: exp.Select) -> bool:
    order = inner.args.get("order")
    return order is not None and any(isinstance(key.this, exp.Literal) for key in order.expressions)


def _inline_names(level: Level, kept: exp.Expr) -> None:
    """What ORDER BY and GROUP BY call by its name or number is written out, since the name goes."""
    outputs, expressions = level.outputs(), level.select.expressions
    for clause in (level.select.args.get("order"), level.select.args.get("group"), level.select.args.get("having")):
        for node in list(level_nodes(clause)) if clause else []:
            if isinstance(node, exp.Literal) and node.is_int and isinstance(node.parent, exp.Ordered | exp.Group):
                node.replace(expressions[int(node.this) - 1].unalias().copy())
        for column in list(columns_of(clause)) if clause else []:
            meant = outputs.get(folded(column.this) or "") if not column.table else None
            if meant is not None and meant is not kept.unalias():
                column.replace(meant.copy())
