"""SELECT DISTINCT ordered by what it does not select: grouped instead, each group by its first value."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, State, Statement
from sidecar.repair.nodes import columns_of, is_aggregate, level_nodes


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        select = level.select
        distinct, order = select.args.get("distinct"), select.args.get("order")
        if distinct is None or distinct.args.get("on") or order is None or level.opaque:
            continue
        if any(
            isinstance(e, exp.Star) or (isinstance(e.unalias(), exp.Column) and e.is_star) for e in select.expressions
        ):
            continue
        foreign = [key for key in order.expressions if _is_foreign(key.this, level, statement)]
        if foreign:
            return _grouped(level, foreign)
    return None


def _is_foreign(key: exp.Expr, level: Level, statement: Statement) -> bool:
    """Neither selected nor a name or number of something selected."""
    reference = statement.bound.get(id(key))
    if isinstance(key, exp.Literal) or (reference and reference.state is State.OUTPUT):
        return False
    if reference and reference.state is State.BOUND:
        selected = [statement.bound.get(id(e.unalias())) for e in level.select.expressions]
        return not any(s and s.home is reference.home and s.name == reference.name for s in selected)
    if not any(True for _ in columns_of(key)) and not _aggregates(key):
        return False
    return _text(key) not in {_text(e.unalias()) for e in level.select.expressions}


def _text(node: exp.Expr) -> str:
    copy = node.copy()
    for column in columns_of(copy):
        column.set("table", None)
    return copy.sql(dialect="postgres").lower()


def _aggregates(node: exp.Expr) -> bool:
    return any(is_aggregate(n) for n in [node, *level_nodes(node)])


def _grouped(level: Level, foreign: list[exp.Expr]) -> str | None:
    select = level.select
    outputs = [e.unalias() for e in select.expressions]
    if any(_aggregates(e) or isinstance(e, exp.Window) for e in outputs):
        if not select.args.get("group"):
            return None
    elif not select.args.get("group"):
        select.set("group", exp.Group(expressions=[e.copy() for e in outputs if not isinstance(e, exp.Literal)]))
        for key in foreign:
            if not _aggregates(key.this):
                first = exp.Max if key.args.get("desc") else exp.Min
                key.set("this", first(this=key.this.copy()))
    select.set("distinct", None)
    return "DISTINCT can't be ordered by what is not selected: grouped instead"
