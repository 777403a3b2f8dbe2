"""One more table in FROM, without a change to what the other names mean."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sidecar.guard.scope import Table
from sidecar.repair.binding import Level, Reference, Source, State, Statement
from sidecar.repair.keys import Path, Step
from sidecar.repair.nodes import all_of, column, identifier


def add(
    statement: Statement, level: Level, start: Source, path: Path, before: int | None = None, outer: bool = False
) -> str | None:
    """Join the tables of the path to `start`; the alias of the last one, None if that can't be done safely.

    `before` is the number of the JOIN in front of which they go; at the end without it. With `outer` no row is lost.
    """
    new = [step.end for step in path]
    if not _is_safe(statement, level, new):
        return None
    _pin(statement, level, new)
    _expand_star(level)
    spell_out_commas(level)
    alias = start.name
    joins: list[exp.Join] = []
    kind = "LEFT" if outer or _is_nullable(level, start) else ""
    for step in path:
        fresh = _fresh_alias(statement, step.end, joins)
        joins.append(_join(statement, step, alias, fresh, kind))
        alias = fresh
    place = len(level.joins) if before is None else before
    level.select.set("joins", [*level.joins[:place], *joins, *level.joins[place:]])
    return alias


def equality(step: Step, start: str, end: str) -> exp.Expr:
    """The condition of one step between two aliases, the table reached first."""
    return all_of([exp.EQ(this=column(end, there), expression=column(start, here)) for here, there in step.pairs])


def _is_safe(statement: Statement, level: Level, new: list[Table]) -> bool:
    names = _names(new)
    taken = [r for r in _below(statement, level) if not r.qualifier and r.name in names]
    if any(r.state is State.OPAQUE or _groups_by_output(r) for r in taken):
        return False
    if any(r.home is None or not r.home.name for r in taken if r.state is State.BOUND):
        return False
    stars = any(isinstance(e, exp.Star) for e in level.select.expressions)
    commas = any(is_comma(join) for join in level.joins)
    outer = any(join.side for join in level.joins)
    return not (stars and level.merges_columns) and not (commas and outer) and not _has_natural(level)


def _groups_by_output(reference: Reference) -> bool:
    """GROUP BY takes an input column before an output name, so a new input column would change its meaning."""
    return reference.state is State.OUTPUT and reference.column.find_ancestor(exp.Group) is not None


def _has_natural(level: Level) -> bool:
    return any(join.method == "NATURAL" for join in level.joins)


def _names(tables: list[Table]) -> set[str]:
    return {c.name for table in tables for c in table.columns}


def _below(statement: Statement, level: Level) -> Iterator[Reference]:
    return (r for r in statement.references if level in r.level.around())


def _pin(statement: Statement, level: Level, new: list[Table]) -> None:
    """Qualify the plain columns that the new tables have, too."""
    names = _names(new)
    for reference in _below(statement, level):
        if reference.state is State.BOUND and not reference.qualifier and reference.name in names and reference.home:
            reference.column.set("table", identifier(reference.home.name))


def _expand_star(level: Level) -> None:
    """`*` stands for the tables that were there before."""
    expressions: list[exp.Expr] = []
    for expression in level.select.expressions:
        if isinstance(expression, exp.Star):
            sources = [exp.Column(this=exp.Star(), table=identifier(source.name)) for source in level.sources]
            expressions += sources
        else:
            expressions.append(expression)
    level.select.set("expressions", expressions)


def is_comma(join: exp.Join) -> bool:
    return not any(join.args.get(name) for name in ("on", "using", "kind", "side", "method"))


def spell_out_commas(level: Level) -> None:
    """A JOIN binds tighter than a comma and would not see the tables before it."""
    for join in level.joins:
        if is_comma(join):
            join.set("kind", "CROSS")


def _is_nullable(level: Level, source: Source) -> bool:
    """Whether an outer join may have filled the source's columns with NULL."""
    own = level.joins[source.position - 1].side if source.position else ""
    return own in ("LEFT", "FULL") or any(j.side in ("RIGHT", "FULL") for j in level.joins[source.position :])


def _fresh_alias(statement: Statement, table: Table, pending: list[exp.Join]) -> str:
    taken = {source.name for level in statement.levels for source in level.sources}
    taken |= statement.cte_names | {join.this.alias_or_name for join in pending}
    names = (table.name if n == 1 else f"{table.name[:55]}_{n}" for n in range(1, 1000))
    return next(name for name in names if name not in taken)


def table_node(statement: Statement, table: Table) -> exp.Table:
    """The table by the name that leads to it."""
    plain = statement.scope.is_plain(table) and table.name not in statement.cte_names
    return exp.Table(this=identifier(table.name), db=None if plain else identifier(table.schema))


def _join(statement: Statement, step: Step, start: str, alias: str, side: str) -> exp.Join:
    table = step.end
    node = table_node(statement, table)
    if alias != table.name:
        node.set("alias", exp.TableAlias(this=identifier(alias)))
    return exp.Join(this=node, on=equality(step, start, alias), side=side or None)
