"""Where a join repeats the rows of a table whose amounts are added up: an order with three lines counts three times."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from sidecar.guard.scope import Table
from sidecar.repair.binding import Level, Reference, Source, State, Statement
from sidecar.repair.nodes import conjuncts, folded

_REPEATED = (exp.Sum, exp.Avg)


@dataclass(eq=False)
class Branch:
    """A table with many rows for one of another's, and what is joined to it."""

    level: Level
    one: Source
    many: Source
    pairs: list[tuple[str, str]]  # columns of the many that refer to columns of the one
    sources: list[Source] = field(default_factory=list)  # the many and all behind it


@dataclass(eq=False)
class FanOut:
    """Amounts of one table, and the table whose rows repeat them."""

    amounts: list[exp.Expr]
    branch: Branch

    def __str__(self) -> str:
        written = ", ".join(amount.sql(dialect="postgres") for amount in self.amounts)
        return f"{written} counts each row of {self.branch.one.name} once for each of {self.branch.many.name}"


def fan_outs(statement: Statement) -> list[FanOut]:
    """Sums and averages of what a join repeats; only joins by keys are looked at, and no outer ones but LEFT."""
    found = []
    for level in statement.levels:
        for branch in _branches(level):
            amounts = [node for node in _amounts(level) if _is_of_others(node, branch, statement)]
            if amounts:
                found.append(FanOut(amounts, branch))
    return found


def home_of(column: exp.Expr, statement: Statement) -> Source | None:
    reference = statement.bound.get(id(column))
    return reference.home if reference and reference.state is State.BOUND else None


def _amounts(level: Level) -> list[exp.Expr]:
    """Sums and averages of this level."""
    nodes = [*level.select.expressions, level.select.args.get("having"), level.select.args.get("order")]
    found = [amount for node in nodes if node is not None for amount in node.find_all(*_REPEATED)]
    return [
        amount
        for amount in found
        if not isinstance(amount.this, exp.Distinct) and amount.find_ancestor(exp.Select) is level.select
    ]


def _is_of_others(amount: exp.Expr, branch: Branch, statement: Statement) -> bool:
    """Whether all of its columns stand outside the branch."""
    homes = [home_of(column, statement) for column in amount.find_all(exp.Column)]
    return bool(homes) and all(home is not None and home not in branch.sources for home in homes)


def _branches(level: Level) -> list[Branch]:
    """One for each key by which a joined table refers to one before it."""
    if level.opaque or not level.joins or any(source.table is None for source in level.sources):
        return []
    if any(join.side not in ("", "LEFT") or join.method or not join.args.get("on") for join in level.joins):
        return []
    links = _links(level)
    branches = []
    for (start, end), pairs in links.items():
        many = _refers(start, end, pairs)
        behind = _behind(end, start, links) if many else []
        if many and start not in behind:
            branches.append(Branch(level, start, end, [(b, a) for a, b in pairs], behind))
    return branches


def _links(level: Level) -> dict[tuple[Source, Source], list[tuple[str, str]]]:
    """Pairs of sources, both ways, with the columns that must be equal."""
    links: dict[tuple[Source, Source], list[tuple[str, str]]] = {}
    for join in level.joins:
        for part in conjuncts(join.args["on"]):
            if (
                isinstance(part, exp.EQ)
                and isinstance(part.this, exp.Column)
                and isinstance(part.expression, exp.Column)
            ):
                ends = [(_source(side, level), folded(side.this) or "") for side in (part.this, part.expression)]
                (one, a), (other, b) = ends
                if one and other and one is not other:
                    links.setdefault((one, other), []).append((a, b))
                    links.setdefault((other, one), []).append((b, a))
    return links


def _source(column: exp.Column, level: Level) -> Source | None:
    name = folded(column.args.get("table"))
    if name:
        return level.named(name)
    having = [source for source in level.sources if source.has(folded(column.this) or "")]
    return having[0] if len(having) == 1 else None


def _refers(one: Source, many: Source, pairs: list[tuple[str, str]]) -> bool:
    """Whether the columns are a key of the first table, and refer to it without being one of the second."""
    if one.table is None or many.table is None:
        return False
    here, there = [a for a, _ in pairs], [b for _, b in pairs]
    keys = [key for key in many.table.foreign_keys if (key.schema, key.table) == (one.table.schema, one.table.name)]
    refers = any(
        sorted(zip(key.columns, key.references, strict=False)) == sorted(zip(there, here, strict=True)) for key in keys
    )
    return refers and _is_key(one.table, here) and not _is_key(many.table, there)


def _is_key(table: Table, columns: list[str]) -> bool:
    unique = any(column.unique and column.name in columns for column in table.columns)
    return unique or (bool(table.primary_key) and {*table.primary_key} <= {*columns})


def _behind(source: Source, before: Source, links: dict[tuple[Source, Source], list[tuple[str, str]]]) -> list[Source]:
    """The source, and all that is joined to it without the one before."""
    found, stack = [source], [source]
    while stack:
        at = stack.pop()
        for start, end in links:
            if start is at and end not in found and not (at is source and end is before):
                found.append(end)
                stack.append(end)
    return found


def used(branch: Branch, statement: Statement) -> list[Reference]:
    """Columns of the branch that are named on its level or below."""
    return [r for r in statement.references if r.home in branch.sources and branch.level in r.level.around()]
