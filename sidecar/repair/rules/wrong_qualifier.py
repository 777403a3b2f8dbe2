"""A column under the wrong alias, under one that is not there, or under none where FROM has it twice."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Reference, Source, State, Statement
from sidecar.repair.nodes import conjuncts, folded, identifier
from sidecar.repair.rules import abandoned_join


def mend(statement: Statement, problem: Reference) -> str | None:
    home = _equal_home(problem) if problem.state is State.AMBIGUOUS else _right_home(problem)
    if home is None or not home.name:
        return None
    before = problem.column.sql(dialect="postgres")
    if problem.home and problem.join is None:
        problem.home.node.meta[abandoned_join.MARK] = True
    problem.column.set("table", identifier(home.name))
    return f"{before} is {problem.column.sql(dialect='postgres')}"


def _right_home(problem: Reference) -> Source | None:
    """The only table in FROM with the column; on this level first, then on those around it."""
    if problem.qualifier is None:
        return None
    if problem.home is None and (meant := _under_alias(problem)):
        return meant
    for level in problem.level.around():
        if level.opaque:
            return None
        found = [s for s in level.sources if s.has(problem.name) and s is not problem.other_side]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _under_alias(problem: Reference) -> Source | None:
    """The table of that name which FROM lists under an alias."""
    found = [
        source
        for level in problem.level.around()
        for source in level.sources
        if source.table and source.table.name == problem.qualifier and source.has(problem.name)
    ]
    return found[0] if len(found) == 1 else None


def _equal_home(problem: Reference) -> Source | None:
    """The first of several tables with the column, if inner joins make all of these columns equal."""
    level = next((v for v in problem.level.around() if problem.home in v.sources), None)
    if level is None or level.opaque or any(join.side for join in level.joins):
        return None
    homes = [source for source in level.sources if source.has(problem.name)]
    equal = {homes[0].name}
    for _ in homes:
        equal |= {name for pair in _equated(level, problem.name) if equal & pair for name in pair}
    return homes[0] if all(source.name in equal for source in homes) else None


def _equated(level: Level, name: str) -> list[set[str]]:
    """Pairs of tables whose columns of this name a join condition or WHERE says to be equal."""
    where = level.select.args.get("where")
    conditions = [join.args.get("on") for join in level.joins] + ([where.this] if where else [])
    parts = [part for condition in conditions if condition is not None for part in conjuncts(condition)]
    pairs = []
    for part in parts:
        sides = [part.this, part.expression] if isinstance(part, exp.EQ) else []
        if sides and all(isinstance(side, exp.Column) and folded(side.this) == name for side in sides):
            pairs.append({folded(side.args.get("table")) or "" for side in sides})
    return pairs
