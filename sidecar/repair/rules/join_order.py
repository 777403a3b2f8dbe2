"""A join condition that names a table which comes later, or one that a comma hides: it moves."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Statement
from sidecar.repair.joins import equality, is_comma, spell_out_commas
from sidecar.repair.keys import Keys
from sidecar.repair.nodes import all_of, columns_of, conjuncts, folded


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        if level.opaque or not level.joins or any(join.side or join.method for join in level.joins):
            continue
        note = _later(level) or _hidden(level) or _without_condition(statement, level)
        if note:
            return note
    return None


def _later(level: Level) -> str | None:
    """Conditions on tables that come later."""
    for n, join in enumerate(level.joins):
        condition = join.args.get("on")
        if condition is None:
            continue
        parts = conjuncts(condition)
        early = [part for part in parts if _last(part, level) > n + 1]
        if not early:
            continue
        for part in early:
            _also(level.joins[_last(part, level) - 1], part)
        rest = [part for part in parts if part not in early]
        join.set("on", all_of(rest) if rest else None)
        if not rest:
            join.set("kind", "CROSS")
        return "a join condition named a table that comes later"
    return None


def _hidden(level: Level) -> str | None:
    """Tables before a comma can't be named in a JOIN's condition."""
    commas = [n for n, join in enumerate(level.joins, 1) if is_comma(join)]
    for n, join in enumerate(level.joins, 1):
        before = [comma for comma in commas if comma < n]
        condition = join.args.get("on")
        if before and condition is not None and _first(condition, level) < before[-1]:
            spell_out_commas(level)
            return "a join condition named a table before a comma"
    return None


def _without_condition(statement: Statement, level: Level) -> str | None:
    """JOIN needs ON; the foreign key is the condition, or WHERE has it already."""
    for n, join in enumerate(level.joins, 1):
        if is_comma(join) or join.kind == "CROSS" or join.args.get("on") or join.args.get("using"):
            continue
        end = level.sources[n]
        steps = [
            equality(step, start.name, end.name)
            for start in level.sources[:n]
            if start.table and end.table
            for step in Keys(statement.scope).between(start.table, end.table)
        ]
        if len(steps) == 1 and not level.select.args.get("where"):
            join.set("on", steps[0])
            return f"{end.name} is joined by its foreign key"
        join.set("kind", "CROSS")
        return f"{end.name} was joined without a condition"
    return None


def _positions(node: exp.Expr, level: Level) -> list[int]:
    found = [level.named(folded(column.args.get("table"))) for column in columns_of(node)]
    return [source.position for source in found if source]


def _last(node: exp.Expr, level: Level) -> int:
    return max(_positions(node, level), default=0)


def _first(node: exp.Expr, level: Level) -> int:
    return min(_positions(node, level), default=len(level.sources))


def _also(join: exp.Join, condition: exp.Expr) -> None:
    own = join.args.get("on")
    join.set("on", all_of([own, condition.copy()]) if own is not None else condition.copy())
    if own is None:
        join.set("kind", None)
