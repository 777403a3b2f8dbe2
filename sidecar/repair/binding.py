"""Where every column of a statement comes from: the levels of a statement, their sources, and what binds to which.

What can't be seen through (a function in FROM, a list of values, an expression without a name) counts as having every
name: only what provably can't bind is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Protocol

from sqlglot import exp

from sidecar.guard.scope import Scope, Table
from sidecar.repair.nodes import VALUE_WORDS, columns_of, folded, identifier, inside, level_nodes

Names = tuple[str, ...] | None  # None: not known, any name may be there


class State(Enum):
    BOUND = "bound"  # to a source
    OUTPUT = "output"  # to a column of the SELECT list, from ORDER BY or GROUP BY
    OPAQUE = "opaque"  # to something that can't be seen through
    MISSING = "missing"
    AMBIGUOUS = "ambiguous"


@dataclass(eq=False)
class Source:
    """One entry of FROM; position 0 stands in FROM itself, n in the n-th JOIN."""

    name: str
    position: int
    node: exp.Expr
    columns: Names
    table: Table | None = None

    def has(self, name: str) -> bool:
        return self.columns is None or name in self.columns


@dataclass(eq=False)
class Level:
    """One SELECT with what it reads."""

    select: exp.Select
    outer: Level | None
    sources: list[Source] = field(default_factory=list)

    def around(self) -> Iterator[Level]:
        """This level, then the ones outside it."""
        level: Level | None = self
        while level is not None:
            yield level
            level = level.outer

    @property
    def joins(self) -> list[exp.Join]:
        return self.select.args.get("joins") or []

    @property
    def merges_columns(self) -> bool:
        return any(join.args.get("using") or join.method == "NATURAL" for join in self.joins)

    @property
    def opaque(self) -> bool:
        return any(source.columns is None for source in self.sources)

    def named(self, name: str | None) -> Source | None:
        return next((source for source in self.sources if source.name == name), None)

    def column(self, source: Source, name: str) -> exp.Column:
        """A column of one of the sources, as it can be written here."""
        alone = len(self.sources) == 1
        return exp.Column(this=identifier(name), table=None if alone else identifier(source.name))

    def behind(self, key: exp.Expr, bound: dict[int, Reference]) -> exp.Expr:
        """What a key of GROUP BY stands for: the expression behind an ordinal or an output name."""
        chosen = self.select.expressions
        if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.this) <= len(chosen):
            meant: exp.Expr = chosen[int(key.this) - 1]
            return meant.unalias()
        reference = bound.get(id(key))
        return self.outputs().get(reference.name, key) if reference and reference.state is State.OUTPUT else key

    def outputs(self) -> dict[str, exp.Expr]:
        """Named columns of the SELECT list."""
        return {folded(e.args["alias"]) or "": e.this for e in self.select.expressions if isinstance(e, exp.Alias)}


@dataclass(eq=False)
class Reference:
    """A column as it is written, the level it stands on, and what it binds to."""

    column: exp.Column
    level: Level
    state: State
    home: Source | None = None
    outer: Source | None = None  # of the query around, where a list in IN has no such column of its own

    @property
    def name(self) -> str:
        return folded(self.column.this) or ""

    @property
    def qualifier(self) -> str | None:
        return folded(self.column.args.get("table"))

    @property
    def join(self) -> int | None:
        """The number of the JOIN in whose condition it stands."""
        found = inside(self.column, exp.Join, self.level.select)
        return next((n for n, join in enumerate(self.level.joins) if join is found), None)

    @property
    def other_side(self) -> Source | None:
        """The table on the other side of a join's equality: a column compared with itself would join nothing."""
        condition = self.column.parent
        if self.join is None or not isinstance(condition, exp.EQ):
            return None
        other = condition.expression if condition.this is self.column else condition.this
        return self.level.named(folded(other.args.get("table"))) if isinstance(other, exp.Column) else None


class StoredValue(Protocol):
    """A value that a column holds, and the words of the question that it was found by."""

    @property
    def schema(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def column(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def phrase(self) -> str: ...
    @property
    def complete(self) -> bool: ...


@dataclass(eq=False)
class Statement:
    """A tree and its binding."""

    tree: exp.Expr
    scope: Scope
    levels: list[Level] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    unknown_tables: list[exp.Table] = field(default_factory=list)
    cte_names: set[str] = field(default_factory=set)
    values: Sequence[StoredValue] = ()
    question: str = ""  # what the statement is to answer, where a rule must know
    kinds: dict[int, tuple[exp.Expr, str | None]] = field(
        default_factory=dict
    )  # by identity, with the node so that it stays

    @cached_property
    def bound(self) -> dict[int, Reference]:
        """References by the identity of their column."""
        return {id(reference.column): reference for reference in self.references}

    def knows(self, name: str) -> bool:
        """Whether any table of the scope has a column of this name."""
        return any(column.name == name for table in self.scope.tables for column in table.columns)

    def take_outer(self) -> None:
        """What a list in IN has of the query around stays that, where nothing else is found: PostgreSQL takes it."""
        for reference in self.references:
            if reference.outer and reference.state is State.MISSING:
                reference.state, reference.home = State.BOUND, reference.outer

    def problems(self) -> list[Reference]:
        """What can't bind; join conditions first, since other names lean on the tables they bring in."""
        found = [r for r in self.references if r.state in (State.MISSING, State.AMBIGUOUS)]
        return sorted(found, key=lambda reference: reference.join is None)


def bind(tree: exp.Expr, scope: Scope, values: Sequence[StoredValue] = (), question: str = "") -> Statement:
    statement = Statement(tree, scope, values=values, question=question)
    _Binder(statement).query(tree, {}, None)
    return statement


class _Binder:
    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def query(self, node: exp.Expr, ctes: dict[str, Names], outer: Level | None) -> Names:
        """Bind a query; the names of its columns."""
        if isinstance(node, exp.Select | exp.SetOperation | exp.Subquery):
            ctes = self._with(node, ctes, outer)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, ctes, outer)
        if isinstance(node, exp.SetOperation):
            names = self.query(node.this, ctes, outer)
            self.query(node.expression, ctes, outer)
            return names
        return self._select(node, ctes, outer) if isinstance(node, exp.Select) else None

    def _with(self, node: exp.Expr, ctes: dict[str, Names], outer: Level | None) -> dict[str, Names]:
        around = node.args.get("with_")
        if not isinstance(around, exp.With):
            return ctes
        ctes = dict(ctes)
        if around.recursive:
            ctes |= {folded(cte.args["alias"].this) or "": None for cte in around.expressions}
        for cte in around.expressions:
            alias = cte.args["alias"]
            name = folded(alias.this) or ""
            ctes[name] = _renamed(self.query(cte.this, ctes, outer), alias)
            self._statement.cte_names.add(name)
        return ctes

    def _select(self, select: exp.Select, ctes: dict[str, Names], outer: Level | None) -> Names:
        level = Level(select, outer)
        self._statement.levels.append(level)
        from_ = select.args.get("from_")
        entries = [from_.this] if from_ else []
        for position, entry in enumerate([*entries, *(join.this for join in level.joins)]):
            level.sources.append(self._source(entry, position, ctes, level))
        if select.args.get("laterals") or len({source.name for source in level.sources}) < len(level.sources):
            level.sources.append(Source("", len(level.sources), select, None))
        for node in level_nodes(select):
            if isinstance(node, exp.Query) and not isinstance(node.parent, exp.From | exp.Join):
                self.query(node, ctes, level)
        for column in columns_of(select):
            self._statement.references.append(_reference(column, level))
        return _output_names(level)

    def _source(self, entry: exp.Expr, position: int, ctes: dict[str, Names], level: Level) -> Source:
        alias = entry.args.get("alias")
        name = folded(alias.this) if isinstance(alias, exp.TableAlias) else None
        if isinstance(entry, exp.Subquery) and isinstance(entry.this, exp.Query) and not entry.args.get("joins"):
            return Source(name or "", position, entry, _renamed(self.query(entry, ctes, level.outer), alias))
        if not isinstance(entry, exp.Table) or not isinstance(entry.this, exp.Identifier) or entry.args.get("joins"):
            return Source(name or "", position, entry, None)
        return self._table(entry, name, position, ctes)

    def _table(self, entry: exp.Table, alias: str | None, position: int, ctes: dict[str, Names]) -> Source:
        own, schema = folded(entry.this) or "", folded(entry.args.get("db"))
        if schema is None and own in ctes:
            return Source(alias or own, position, entry, _renamed(ctes[own], entry.args.get("alias")))
        table = self._statement.scope.find(schema, own)
        if table is None:
            self._statement.unknown_tables.append(entry)
            return Source(alias or own, position, entry, None)
        names = _renamed(tuple(column.name for column in table.columns), entry.args.get("alias"))
        renamed = isinstance(entry.args.get("alias"), exp.TableAlias) and entry.args["alias"].columns
        return Source(alias or own, position, entry, names, None if renamed else table)


def _renamed(names: Names, alias: object) -> Names:
    """Columns behind an alias with a column list: `AS t(a, b)`."""
    given = alias.columns if isinstance(alias, exp.TableAlias) else []
    if names is None or not given:
        return names
    if any(not isinstance(column, exp.Identifier) for column in given):
        return None
    return tuple(folded(column) or "" for column in given) + names[len(given) :]


def _output_names(level: Level) -> Names:
    names: list[str] = []
    for expression in level.select.expressions:
        found = _names_of(expression, level)
        if found is None:
            return None
        names += found
    return tuple(names)


def _names_of(expression: exp.Expr, level: Level) -> Names:
    if isinstance(expression, exp.Alias):
        return (folded(expression.args["alias"]) or "",)
    if isinstance(expression, exp.Star):
        return _all_names(level.sources) if not expression.args.get("except_") else None
    if not isinstance(expression, exp.Column):
        return None  # PostgreSQL names it after a function or a type; nobody should lean on that
    if not isinstance(expression.this, exp.Star):
        return (folded(expression.this) or "",)
    source = level.named(folded(expression.args.get("table")))
    return source.columns if source else None


def _all_names(sources: list[Source]) -> Names:
    names: list[str] = []
    for source in sources:
        if source.columns is None:
            return None
        names += source.columns
    return tuple(names)


def _reference(column: exp.Column, level: Level) -> Reference:
    if column.args.get("db") or column.args.get("catalog"):
        return Reference(column, level, State.OPAQUE)
    qualifier, name = folded(column.args.get("table")), folded(column.this) or ""
    state, home = _bind_qualified(qualifier, name, level) if qualifier else _bind_plain(column, name, level)
    if state is State.BOUND and home not in level.sources and not qualifier and _is_looked_among(column, level):
        return Reference(column, level, State.MISSING, outer=home)
    return Reference(column, level, state, home)


def _bind_qualified(qualifier: str, name: str, level: Level) -> tuple[State, Source | None]:
    for around in level.around():
        if around.opaque and around.named("") is not None:
            return State.OPAQUE, None
        if source := around.named(qualifier):
            if source.columns is None:
                return State.OPAQUE, source
            return (State.BOUND if source.has(name) else State.MISSING), source
    return State.MISSING, None


def _bind_plain(column: exp.Column, name: str, level: Level) -> tuple[State, Source | None]:
    place = _bare_place(column)
    if name in VALUE_WORDS:
        return State.OPAQUE, None
    if place is exp.Order and name in level.outputs():
        return State.OUTPUT, None
    for around in level.around():
        found = [source for source in around.sources if source.has(name)]
        if around.opaque and found:
            return State.OPAQUE, None
        if found:
            return (State.BOUND if len(found) == 1 or around.merges_columns else State.AMBIGUOUS), found[0]
        if around is level and place is exp.Group and name in level.outputs():
            return State.OUTPUT, None
        if whole_row := around.named(name):
            return State.OPAQUE, whole_row
    return State.MISSING, None


def _is_looked_among(column: exp.Column, level: Level) -> bool:
    """Whether it is all that `x IN (SELECT …)` looks among: one of the query around would be equal to itself."""
    select = level.select
    query: exp.Expr = select
    while isinstance(query.parent, exp.Subquery | exp.SetOperation):
        query = query.parent
    return isinstance(query.parent, exp.In) and bool(level.sources) and not level.opaque and _only(select) is column


def _only(select: exp.Select) -> exp.Expr | None:
    """The one expression that it gives."""
    return select.expressions[0].unalias() if len(select.expressions) == 1 else None


def _bare_place(column: exp.Column) -> type[exp.Expr] | None:
    """Order or Group where the column alone is the key; there PostgreSQL also looks among the output names."""
    parent = column.parent
    if isinstance(parent, exp.Ordered) and parent.parent and isinstance(parent.parent.parent, exp.Select):
        return exp.Order
    while isinstance(parent, exp.Tuple | exp.Paren | exp.Rollup | exp.Cube | exp.GroupingSets):
        parent = parent.parent
    if isinstance(parent, exp.Distinct):
        return exp.Order  # DISTINCT ON reads names as ORDER BY does
    return exp.Group if isinstance(parent, exp.Group) else None
