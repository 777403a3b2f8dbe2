"""A part of a date taken for a column: `month` where FROM has one date and no table of the scope has a `month`."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Reference, Source, State, Statement
from sidecar.repair.nodes import identifier, part_of

# Not `day`, which may be one of the week, of the month, or the date itself.
_PARTS = frozenset({"year", "quarter", "month"})


def mend(statement: Statement, problem: Reference) -> str | None:
    part = problem.name
    if part not in _PARTS or problem.state is not State.MISSING or problem.level.opaque:
        return None
    if statement.knows(part):
        return None
    moments = [(source.name, name) for source in _sources(problem) for name, _ in kinds.moments(source)]
    if len(moments) != 1:
        return None
    source, name = moments[0]
    before = problem.column.sql(dialect="postgres")
    table = identifier(source) if len(problem.level.sources) > 1 or problem.qualifier else None
    taken = part_of(part, exp.Column(this=identifier(name), table=table))
    # as a column of the result it keeps its name, by which GROUP BY and ORDER BY may call it
    chosen = isinstance(problem.column.parent, exp.Select) and problem.column.arg_key == "expressions"
    problem.column.replace(exp.alias_(taken, part) if chosen else taken)
    return f"{before} is {taken.sql(dialect='postgres')}"


def _sources(problem: Reference) -> list[Source]:
    return problem.level.sources if not problem.qualifier else [problem.home] if problem.home else []
