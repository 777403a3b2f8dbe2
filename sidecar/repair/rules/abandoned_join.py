"""A table that was joined for columns it does not have: once they stand under the right table, nothing asks for it."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Source, Statement
from sidecar.repair.nodes import all_of, conjuncts, is_aggregate, level_nodes

MARK = "abandoned"  # on the table's node, by the rule that takes a column from it


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        if level.opaque or len(level.sources) < 2 or any(join.side or join.method for join in level.joins):
            continue
        for source in level.sources:
            if source.node.meta.get(MARK) and not _counts(level) and _drop(statement, level, source):
                return f"nothing is asked of {source.name}: it is not joined"
    return None


def _counts(level: Level) -> bool:
    """Whether it matters how many rows the joined table has."""
    return any(is_aggregate(node) or isinstance(node, exp.Star) for node in level_nodes(level.select))


def _drop(statement: Statement, level: Level, source: Source) -> bool:
    own = level.joins[source.position - 1] if source.position else level.joins[0]
    if not source.position and len(level.joins) > 1:
        return False  # the first of several: what joins the others hangs on it
    condition = own.args.get("on")
    if condition is None or own.args.get("using"):
        return False
    inside = {id(node) for node in condition.walk()}
    if any(r.home is source and id(r.column) not in inside for r in statement.references):
        return False
    if any(isinstance(part, exp.Or) for part in condition.walk()) or not _is_only_a_key(condition, level, source):
        return False
    if not source.position:
        level.select.args["from_"].set("this", own.this.copy())
    level.select.set("joins", [join for join in level.joins if join is not own])
    return True


def _is_only_a_key(condition: exp.Expr, level: Level, source: Source) -> bool:
    """The condition says nothing but how the table hangs together with one other."""
    parts = conjuncts(condition)
    return bool(all_of(parts)) and all(
        isinstance(part, exp.EQ) and isinstance(part.this, exp.Column) and isinstance(part.expression, exp.Column)
        for part in parts
    )
