"""Not one column of the statement is in its table, but all are in one other: that one was meant."""

from __future__ import annotations

from sidecar.guard.scope import Table
from sidecar.repair.binding import Level, Reference, State, Statement
from sidecar.repair.nodes import identifier


def mend_several(statement: Statement, problem: Reference) -> str | None:
    """Two names or more: one neighbour of the table would hardly have them all."""
    names = {r.name for r in statement.references if r.level is problem.level}
    return mend(statement, problem) if len(names) > 1 else None


def mend(statement: Statement, problem: Reference) -> str | None:
    level = problem.level
    if problem.state is not State.MISSING or len(level.sources) != 1 or level.sources[0].table is None:
        return None
    if level.sources[0].node.args.get("db"):
        return None
    own = [r for r in statement.references if r.level is level and r.state is not State.OUTPUT]
    if any(r.state is not State.MISSING or r.home not in (None, level.sources[0]) for r in own):
        return None
    table = _only(statement, {r.name for r in own})
    if table is None or any(level in r.level.around() and r.level is not level for r in statement.references):
        return None
    return _replace(statement, level, table, own)


def _only(statement: Statement, names: set[str]) -> Table | None:
    found = [t for t in statement.scope.tables if names <= {column.name for column in t.columns}]
    return found[0] if len(found) == 1 and statement.scope.is_plain(found[0]) else None


def _replace(statement: Statement, level: Level, table: Table, own: list[Reference]) -> str | None:
    source = level.sources[0]
    if table.name in statement.cte_names:
        return None
    before = source.table.name if source.table else source.name
    if not source.node.args.get("alias"):
        for reference in own:
            if reference.qualifier:
                reference.column.set("table", identifier(table.name))
    source.node.set("this", identifier(table.name))
    source.node.set("db", None)
    return f"{before} has none of the columns, {table.name} has all"
