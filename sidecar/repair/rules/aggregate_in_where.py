"""An aggregate in WHERE: `age = MAX(age)` asks for a subquery, `COUNT(*) > 3` for HAVING."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Statement
from sidecar.repair.nodes import all_of, columns_of, conjuncts, is_aggregate, level_nodes

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        where = level.select.args.get("where")
        if where is None:
            continue
        parts = conjuncts(where.this)
        wrong = [part for part in parts if _has_aggregate(part)]
        for part in wrong:
            if note := _as_subquery(statement, level, part):
                return note
        if wrong and not any(_plain_columns(part) for part in wrong if not level.select.args.get("group")):
            return _to_having(level, parts, wrong)
    return None


def _has_aggregate(node: exp.Expr) -> bool:
    return any(is_aggregate(n) and not isinstance(n.parent, exp.Window) for n in [node, *level_nodes(node)])


def _plain_columns(node: exp.Expr) -> list[exp.Column]:
    """Columns outside of aggregates."""
    return [c for c in columns_of(node) if not any(is_aggregate(a) for a in _between(c, node))]


def _between(node: exp.Expr, top: exp.Expr) -> list[exp.Expr]:
    found, parent = [], node.parent
    while parent is not None and parent is not top.parent:
        found.append(parent)
        parent = parent.parent
    return found


def _as_subquery(statement: Statement, level: Level, part: exp.Expr) -> str | None:
    """A plain column beside an aggregate: over all rows of the table that the aggregate is of."""
    if not isinstance(part, _COMPARISONS):
        return None
    for one, other in ((part.this, part.expression), (part.expression, part.this)):
        aggregates = [n for n in [other, *level_nodes(other)] if is_aggregate(n)]
        if len(aggregates) != 1 or _has_aggregate(one) or not list(columns_of(one)):
            continue
        homes = {r.home for c in columns_of(aggregates[0]) if (r := statement.bound.get(id(c)))}
        home = homes.pop() if len(homes) == 1 else None
        if home is None or home.table is None or home not in level.sources:
            return None
        query = exp.Select(expressions=[aggregates[0].copy()])
        query.set("from_", exp.From(this=home.node.copy()))
        aggregates[0].replace(exp.Subquery(this=query))
        return "an aggregate in WHERE is taken over the whole table"
    return None


def _to_having(level: Level, parts: list[exp.Expr], wrong: list[exp.Expr]) -> str:
    rest = [part for part in parts if part not in wrong]
    level.select.set("where", exp.Where(this=all_of(rest)) if rest else None)
    having = level.select.args.get("having")
    both = [having.this, *wrong] if having else wrong
    level.select.set("having", exp.Having(this=all_of([condition.copy() for condition in both])))
    return "an aggregate in WHERE belongs into HAVING"
