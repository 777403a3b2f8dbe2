"""The greatest of what is computed: PostgreSQL puts NULL first where the greatest comes first.

"The three longest stops" by `ended - began DESC LIMIT 3` would be three that last. A bare column stays: who sorts by it
sees in the result what is missing.
"""

from __future__ import annotations

from sqlglot import exp

from sidecar.guard.scope import Table
from sidecar.repair.binding import Level, State, Statement


def mend(statement: Statement) -> str | None:
    outer = statement.levels[0] if statement.levels else None
    if outer is None or outer.select is not statement.tree or not outer.select.args.get("limit"):
        return None
    order = outer.select.args.get("order")
    first = order.expressions[0] if isinstance(order, exp.Order) and order.expressions else None
    if not isinstance(first, exp.Ordered) or not first.args.get("desc") or not first.args.get("nulls_first"):
        return None
    if not _may_be_null(outer.behind(_named(first.this, outer), statement.bound), statement):
        return None
    first.set("nulls_first", False)
    return "rows without a value come last"


def _named(key: exp.Expr, level: Level) -> exp.Expr:
    """What an output's name stands for."""
    if isinstance(key, exp.Column) and not key.args.get("table"):
        return level.outputs().get(key.name, key)
    return key


def _may_be_null(computed: exp.Expr, statement: Statement) -> bool:
    """Whether it is computed row by row, from a column that need not have a value."""
    if isinstance(computed, exp.Column | exp.Literal | exp.Query) or computed.find(exp.AggFunc, exp.Coalesce, exp.Case):
        return False
    references = (statement.bound.get(id(column)) for column in computed.find_all(exp.Column))
    bound = [reference for reference in references if reference and reference.state is State.BOUND]
    return any(_is_nullable(reference.home.table, reference.name) for reference in bound if reference.home)


def _is_nullable(table: Table | None, name: str) -> bool:
    return table is not None and any(column.name == name and not column.not_null for column in table.columns)
