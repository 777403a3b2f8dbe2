"""What the conditions of one level make equal, or compare otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from sidecar.repair.binding import Level, Source, State, Statement
from sidecar.repair.nodes import conjuncts, folded

End = tuple[Source, str]  # a column of an entry of FROM


@dataclass(eq=False)
class Equality:
    """Two ends that must be equal; `node` is the comparison, IN around a query, or the join with USING."""

    one: End
    other: End
    node: exp.Expr

    @property
    def sources(self) -> tuple[Source, Source]:
        return self.one[0], self.other[0]


@dataclass
class Equalities:
    """Of one level; ends that are equal by way of others are, too."""

    found: list[Equality] = field(default_factory=list)
    compared: list[tuple[End, End]] = field(default_factory=list)  # by anything but equality

    def same(self, one: End, other: End) -> bool:
        return other in self._class(one)

    def are_compared(self, one: End, other: End) -> bool:
        first, second = self._class(one), self._class(other)
        return any((a in first and b in second) or (a in second and b in first) for a, b in self.compared)

    def _class(self, end: End) -> set[End]:
        known, grows = {end}, True
        while grows:
            pairs = ((each.one, each.other) for each in self.found)
            more = {e for a, b in pairs for e in (a, b) if a in known or b in known} - known
            known |= more
            grows = bool(more)
        return known


def equalities(statement: Statement, level: Level) -> Equalities:
    """Of its join conditions and WHERE; what stands below an OR makes nothing equal."""
    made = Equalities()
    for condition in conditions(level):
        for part in conjuncts(condition):
            ends = _ends(part, statement) if isinstance(part, exp.EQ) else None
            if ends:
                made.found.append(Equality(*ends, part))
            else:
                made.compared += _compared(part, statement)
    for position, join in enumerate(level.joins, 1):
        made.found += _merged(level, position, join)
    made.found += _listed(statement, level)
    return made


def conditions(level: Level) -> list[exp.Expr]:
    where = level.select.args.get("where")
    found = [join.args.get("on") for join in level.joins] + [where.this if where else None]
    return [condition for condition in found if condition is not None]


def _ends(part: exp.Expr, statement: Statement) -> tuple[End, End] | None:
    sides = [_end(side, statement) for side in (part.this, part.expression)]
    one, other = sides
    return (one, other) if one and other and one[0] is not other[0] else None


def _end(side: exp.Expr | None, statement: Statement) -> End | None:
    reference = statement.bound.get(id(side.unnest())) if isinstance(side, exp.Expr) else None
    if reference is None or reference.state is not State.BOUND or reference.home is None:
        return None
    return reference.home, reference.name


def _listed(statement: Statement, level: Level) -> Iterator[Equality]:
    """The column that the level is a list of, and the one before IN; not where the list is cut or grouped."""
    select, node = level.select, level.select.find_ancestor(exp.In, exp.Select)
    if not isinstance(node, exp.In) or not isinstance(query := node.args.get("query"), exp.Subquery):
        return
    cut = any(select.args.get(part) for part in ("group", "having", "limit", "offset"))
    if query.this is select and len(select.expressions) == 1 and not cut:
        outer, inner = _end(node.this, statement), _end(select.expressions[0].unalias(), statement)
        if outer and inner and inner[0] in level.sources:
            yield Equality(outer, inner, node)


def _compared(part: exp.Expr, statement: Statement) -> Iterator[tuple[End, End]]:
    for node in part.find_all(exp.Binary):
        if ends := _ends(node, statement):
            yield ends


def _merged(level: Level, position: int, join: exp.Join) -> Iterator[Equality]:
    """USING: with the first table before that has the column."""
    sources = {source.position: source for source in level.sources}
    joined = sources.get(position)
    for name in map(folded, join.args.get("using") or ()):
        before = next((sources[n] for n in range(position) if n in sources and sources[n].has(name or "")), None)
        if joined is not None and before is not None and name:
            yield Equality((before, name), (joined, name), join)
