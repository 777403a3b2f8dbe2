"""Tables joined, or compared by IN, on some columns of a key that has more: rows meet rows that are not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sidecar.repair.binding import Level, Source, Statement
from sidecar.repair.equalities import Equalities, Equality, equalities
from sidecar.repair.keys import Keys, Step
from sidecar.repair.nodes import all_of, column, folded, identifier


@dataclass(frozen=True)
class HalfKey:
    """Which columns of `end` still have to be equal to which of `start`, and where the others are."""

    level: Level
    start: Source
    end: Source
    missing: tuple[tuple[str, str], ...]
    node: exp.Expr  # a comparison, the join with USING, or IN

    def __str__(self) -> str:
        left_out = ", ".join(there for _, there in self.missing)
        return f"{self.start.name} and {self.end.name} share a key of several columns, but not {left_out}"


def half_keys(statement: Statement) -> list[HalfKey]:
    """Where the statement uses a part of a key."""
    keys = Keys(statement.scope)
    levels = [(level, equalities(statement, level)) for level in statement.levels]
    return [
        half
        for level, made in levels
        for a, b in _neighbours(level, made)
        for half in _between(level, made, a, b, keys)
    ]


def mend(statement: Statement) -> str | None:
    """The rest of the key beside the part that is there."""
    keys = Keys(statement.scope)
    for level in statement.levels:
        made = equalities(statement, level)
        for start, end in _neighbours(level, made):
            if _uncross(made, start, end, keys):
                return f"{start.name} and {end.name} are joined by their key, column by column"
    for half in half_keys(statement):
        if _complete(half):
            return f"{half.start.name} and {half.end.name} are joined by all columns of their key"
    return None


def _neighbours(level: Level, made: Equalities) -> Iterator[tuple[Source, Source]]:
    """Tables that conditions of the level name."""
    sources = {id(source): source for each in made.found for source in each.sources if source.table}
    for start in sources.values():
        for end in sources.values():
            if start is not end and (start in level.sources or end in level.sources):
                yield start, end


def _between(level: Level, made: Equalities, start: Source, end: Source, keys: Keys) -> Iterator[HalfKey]:
    """`start` has the key. One that is joined by another key, or whose key is used up by a namesake, needs no more."""
    steps = _steps(keys, start, end)
    if any(not _missing(made, start, end, step) for step in steps):
        return
    for step in steps:
        missing = _missing(made, start, end, step)
        if not step.outward or len(missing) == len(step.pairs) or _is_used(made, start, end, step):
            continue
        if any(made.are_compared((start, here), (end, there)) for here, there in missing):
            continue
        if node := _node(made, start, end, step):
            yield HalfKey(level, start, end, missing, node)
            return


def _steps(keys: Keys, start: Source, end: Source) -> list[Step]:
    return keys.between(start.table, end.table) if start.table and end.table else []


def _missing(made: Equalities, start: Source, end: Source, step: Step) -> tuple[tuple[str, str], ...]:
    return tuple((here, there) for here, there in step.pairs if not made.same((start, here), (end, there)))


def _is_used(made: Equalities, start: Source, end: Source, step: Step) -> bool:
    """Whether another entry of the same table has the whole key already: this one is there for something else."""
    sources = {id(source): source for each in made.found for source in each.sources}.values()
    ends = [s for s in sources if s is not end and s.table is end.table and not _missing(made, start, s, step)]
    starts = [s for s in sources if s is not start and s.table is start.table and not _missing(made, s, end, step)]
    return bool(ends or starts)


def _node(made: Equalities, start: Source, end: Source, step: Step) -> exp.Expr | None:
    """The last place that makes a part of the key equal; a place between just these two if there is one."""
    parts = [((start, here), (end, there)) for here, there in step.pairs if made.same((start, here), (end, there))]
    linked = [each for each in made.found for a, b in parts if made.same(each.one, a) and _touches(each, start, end)]
    linked.sort(key=lambda each: (set(each.sources) == {start, end}, max(s.position for s in each.sources)))
    return linked[-1].node if linked else None


def _touches(each: Equality, start: Source, end: Source) -> bool:
    return start in each.sources or end in each.sources


def _uncross(made: Equalities, start: Source, end: Source, keys: Keys) -> bool:
    """A column of the key that is equal to another column of it, which names rows of another table."""
    for step in _steps(keys, start, end):
        pairs = dict(step.pairs)
        for each in made.found if step.outward and len(pairs) > 1 else ():
            here, there = _names(each, start, end)
            crossed = here in pairs and there in pairs.values() and pairs[here] != there
            if crossed and isinstance(each.node, exp.EQ) and _differ(keys, start, here, end, there):
                done = made.same((start, here), (end, pairs[here]))
                pair = next(p for p in step.pairs if p[1] == there) if done else (here, pairs[here])
                each.node.replace(exp.EQ(this=column(end.name, pair[1]), expression=column(start.name, pair[0])))
                return True
    return False


def _names(each: Equality, start: Source, end: Source) -> tuple[str, str]:
    """The columns of `start` and of `end`; nothing where it is about others."""
    if each.sources == (start, end):
        return each.one[1], each.other[1]
    return (each.other[1], each.one[1]) if each.sources == (end, start) else ("", "")


def _differ(keys: Keys, start: Source, here: str, end: Source, there: str) -> bool:
    """Whether keys lead from the two columns to other tables than one another's."""
    assert start.table is not None
    assert end.table is not None
    first, second = keys.origin(start.table, here), keys.origin(end.table, there)
    return first[0] is not second[0] and not {id(first[0]), id(second[0])} & {id(start.table), id(end.table)}


def _complete(half: HalfKey) -> bool:
    asked_back = half.start in half.level.sources and half.end not in half.level.sources
    if asked_back and isinstance(half.level.select.find_ancestor(exp.In, exp.Exists, exp.Select), exp.In | exp.Exists):
        return False
    if isinstance(half.node, exp.In):
        return not asked_back and _complete_list(half)
    return _complete_using(half) if isinstance(half.node, exp.Join) else _complete_condition(half)


def _equal(half: HalfKey) -> list[exp.Expr]:
    pairs = half.missing
    return [exp.EQ(this=column(half.end.name, t), expression=column(half.start.name, h)) for h, t in pairs]


def _complete_condition(half: HalfKey) -> bool:
    join = half.node.find_ancestor(exp.Join, exp.Where)
    seen = _seen_at(half.level, join)
    if any(s in half.level.sources and s.position > seen for s in (half.start, half.end)):
        return _add_to_where(half)
    half.node.replace(all_of([half.node.copy(), *_equal(half)]))
    return True


def _seen_at(level: Level, place: exp.Expr | None) -> int:
    """The last position that a condition there may name."""
    positions = [number for number, join in enumerate(level.joins, 1) if join is place]
    return positions[0] if positions else len(level.sources)


def _complete_using(half: HalfKey) -> bool:
    names = [here for here, there in half.missing if here == there]
    join = half.node
    number = next((n for n, each in enumerate(half.level.joins, 1) if each is join), 0)
    before = [s for s in half.level.sources if s.position < number]
    joined = [s for s in half.level.sources if s.position == number]
    direct = joined and joined[0] in (half.start, half.end) and {half.start, half.end} <= {*before, *joined}
    once = all(sum(source.has(name) for source in before) == 1 for name in names)
    if not (direct and once and len(names) == len(half.missing)):
        return _add_to_where(half)
    used = {folded(name) for name in join.args["using"]}
    join.set("using", [*join.args["using"], *(identifier(name) for name in names if name not in used)])
    return True


def _add_to_where(half: HalfKey) -> bool:
    if any(join.side for join in half.level.joins):
        return False
    where = half.level.select.args.get("where")
    parts = [where.this.copy()] if where else []
    half.level.select.set("where", exp.Where(this=all_of([*parts, *_equal(half)])))
    return True


def _complete_list(half: HalfKey) -> bool:
    node, select = half.node, half.level.select
    outer = [column(half.start.name, here) for here, _ in half.missing]
    node.set("this", exp.Tuple(expressions=[node.this.copy(), *outer]))
    select.set("expressions", [*select.expressions, *(half.level.column(half.end, there) for _, there in half.missing)])
    return True
