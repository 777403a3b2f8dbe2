"""Two entries of FROM under one name: the later one gets a name of its own, and its columns with it."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Source, Statement
from sidecar.repair.nodes import columns_of, folded, identifier


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        sources = [source for source in level.sources if source.name]
        for n, later in enumerate(sources):
            first = next((source for source in sources[:n] if source.name == later.name), None)
            if first is not None and first.table and later.table:
                return _part(statement, level, first, later)
    return None


def _part(statement: Statement, level: Level, first: Source, later: Source) -> str | None:
    if first.table is later.table:
        return _drop_twin(level, first, later)
    taken = {source.name for other in statement.levels for source in other.sources} | statement.cte_names
    base = later.table.name if later.table else later.name
    name = next(name for name in (base, *(f"{base[:55]}_{n}" for n in range(2, 1000))) if name not in taken)
    for column in columns_of(level.select):
        if folded(column.args.get("table")) == later.name and _is_of_later(column, first, later):
            column.set("table", identifier(name))
    alias = None if name == base else exp.TableAlias(this=identifier(name))
    later.node.set("alias", alias)
    return f"the name {later.name} stood twice in FROM: the second one is {name}"


def _is_of_later(column: exp.Column, first: Source, later: Source) -> bool:
    """Whether only the later table has it; of two equal sides of a condition the right one."""
    name = folded(column.this) or ""
    if not later.has(name):
        return False
    if not first.has(name):
        return True
    condition = column.parent
    return isinstance(condition, exp.EQ) and condition.this == condition.expression and condition.expression is column


def _drop_twin(level: Level, first: Source, later: Source) -> str | None:
    """The same table again, joined to itself by the same column: it brings nothing."""
    join = level.joins[later.position - 1]
    condition = join.args.get("on")
    if join.side or not isinstance(condition, exp.EQ) or condition.this != condition.expression:
        return None
    level.select.set("joins", [other for other in level.joins if other is not join])
    return f"{first.name} stood twice in FROM"
