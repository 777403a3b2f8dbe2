"""A join condition on a column that is not there, between tables which foreign keys connect through others only."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import joins
from sidecar.repair.binding import Reference, Source, State, Statement
from sidecar.repair.keys import Keys, Path
from sidecar.repair.rules.join_key import ends_of


def mend(statement: Statement, problem: Reference) -> str | None:
    """The tables in between are joined first, then the last step takes the condition's place."""
    condition = problem.column.parent
    if problem.state is not State.MISSING or problem.join is None or not isinstance(condition, exp.EQ):
        return None
    ends = ends_of(condition, problem.level)
    if ends is None or ends[1].position != problem.join + 1:
        return None  # the tables in between must stand before the one that is joined
    start, end = ends
    path = _path(statement, problem, start, end)
    if path is None:
        return None
    alias = joins.add(statement, problem.level, start, path[:-1], before=problem.join)
    if alias is None:
        return None
    condition.replace(joins.equality(path[-1], alias, end.name))
    between = ", ".join(step.end.name for step in path[:-1])
    return f"{start.name} and {end.name} are joined through {between}"


def _path(statement: Statement, problem: Reference, start: Source, end: Source) -> Path | None:
    assert start.table is not None
    assert end.table is not None
    avoid = [s.table.full_name for s in problem.level.sources if s.table and s is not end]
    found = Keys(statement.scope).shortest(start.table, [end.table.full_name], avoid)
    return found[0] if len(found) == 1 and len(found[0]) > 1 else None
