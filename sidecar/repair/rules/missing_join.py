"""A column that no table in FROM has, but one along foreign keys: it is joined by the shortest path."""

from __future__ import annotations

from sidecar.repair import joins
from sidecar.repair.asked import most_asked
from sidecar.repair.binding import Level, Reference, Source, State, Statement
from sidecar.repair.keys import MAX_STEPS, Keys, Path, surest
from sidecar.repair.nodes import identifier

Way = tuple[Source, Path]


def mend_lookup(statement: Statement, problem: Reference) -> str | None:
    """In a table that one of FROM refers to: rows are neither multiplied nor lost."""
    return _mend(statement, problem, _lookup(statement, problem))


def mend_neighbour(statement: Statement, problem: Reference) -> str | None:
    """In a table one foreign key away, in either direction."""
    return _mend(statement, problem, _way(statement, problem, 1))


def mend(statement: Statement, problem: Reference) -> str | None:
    """Any number of steps away, within reason."""
    return _mend(statement, problem, _way(statement, problem, MAX_STEPS))


def _mend(statement: Statement, problem: Reference, way: Way | None) -> str | None:
    if problem.state is not State.MISSING or problem.level.opaque or way is None:
        return None
    start, path = way
    if own := _own_key(path, problem.name):
        note = f"{problem.name} of {path[-1].end.name} is {start.name}.{own}"
        _rename(problem, start.name, own)
        return note
    alias = joins.add(statement, problem.level, start, path, before=problem.join)
    if alias is None:
        return None
    problem.column.set("table", identifier(alias))
    return f"{problem.name} belongs to {path[-1].end.name}: joined by foreign keys"


def _own_key(path: Path, name: str) -> str | None:
    """The column in FROM that refers to the missing one: it has the same values, no join needed."""
    if len(path) != 1 or not path[0].outward:
        return None
    return next((here for here, there in path[0].pairs if there == name), None)


def _rename(problem: Reference, qualifier: str, name: str) -> None:
    problem.column.set("table", identifier(qualifier))
    problem.column.set("this", identifier(name))


def _lookup(statement: Statement, problem: Reference) -> Way | None:
    ways = [way for way in _ways(statement, problem, 1) if way[1][0].outward]
    if len(ways) > 1:  # department_id rather than former_department, where department_id is the key
        ways = [way for way in ways if all(here == there for here, there in way[1][0].pairs)] or ways
    return _only(statement, problem, ways)


def _way(statement: Statement, problem: Reference, limit: int) -> Way | None:
    ways = _ways(statement, problem, limit)
    shortest = min((len(path) for _, path in ways), default=0)
    return _only(statement, problem, [way for way in ways if len(way[1]) == shortest])


def _ways(statement: Statement, problem: Reference, limit: int) -> list[Way]:
    """The shortest paths from each table in FROM."""
    targets = _targets(statement, problem)
    starts = _starts(problem.level, problem.join)
    avoid = [source.table.full_name for source in problem.level.sources if source.table]
    keys = Keys(statement.scope)
    return [
        (source, path)
        for source in starts
        if source.table
        for path in keys.shortest(source.table, targets, avoid, limit)
    ]


def _only(statement: Statement, problem: Reference, ways: list[Way]) -> Way | None:
    """Of several the one from the table that the column was written under, to one read elsewhere or asked for."""
    if len(ways) > 1 and problem.home:
        ways = [(source, path) for source, path in ways if source is problem.home]
    sure = surest([path for _, path in ways])
    ways = [way for way in ways if any(way[1] is path for path in sure)]
    if len(ways) > 1:
        ends = [path[-1].end for _, path in ways]
        read = [source.table for level in statement.levels for source in level.sources]
        meant = [end for end in ends if end in read] or most_asked(ends, statement.question)
        ways = [way for way, end in zip(ways, ends, strict=True) if end in meant]
    return ways[0] if len(ways) == 1 else None


def _targets(statement: Statement, problem: Reference) -> set[str]:
    """Tables with the column that are not in FROM; only the one it was qualified with, if it was a table's name."""
    present = [source.table for source in problem.level.sources]
    found = [t for t in statement.scope.tables if t not in present and any(c.name == problem.name for c in t.columns)]
    named = [table for table in found if problem.home is None and table.name == problem.qualifier]
    return {table.full_name for table in named or found}


def _starts(level: Level, join: int | None) -> list[Source]:
    """Tables that the new one may be joined to: inside a join condition only those before it."""
    return [source for source in level.sources if join is None or source.position <= join]
