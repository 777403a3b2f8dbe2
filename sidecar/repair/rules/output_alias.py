"""A name of the SELECT list where PostgreSQL sees input columns only: WHERE, HAVING, an ORDER BY expression."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Reference, State, Statement
from sidecar.repair.nodes import inside, level_nodes


def mend(statement: Statement, problem: Reference) -> str | None:
    level = problem.level
    meant = level.outputs().get(problem.name)
    if problem.state is not State.MISSING or problem.qualifier or meant is None:
        return None
    clause = next((c for c in (exp.Where, exp.Having, exp.Order) if inside(problem.column, c, level.select)), None)
    if clause is None or problem.column in list(level_nodes(meant)):
        return None
    parts = [meant, *level_nodes(meant)]
    if clause is not exp.Order and any(isinstance(part, exp.Window) for part in parts):
        return None
    simple = isinstance(meant, exp.Column | exp.Func | exp.Literal)
    problem.column.replace(meant.copy() if simple else exp.Paren(this=meant.copy()))
    return f"{problem.name} is a name of the SELECT list: its expression stands in its place"
