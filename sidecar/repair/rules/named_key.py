"""A key where the question asks who or which: what names its row, joined by the key, stands in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sidecar.glossary.words import is_han
from sidecar.guard.scope import Column, Table
from sidecar.repair import joins
from sidecar.repair.binding import Level, Reference, Source, State, Statement
from sidecar.repair.keys import Step
from sidecar.repair.nodes import NAMING_WORDS, column, folded, identifier, level_nodes, words
from sidecar.repair.wanted import Wanted, head_of, is_key, nouns_in, nouns_of

_NUMBERS = ("smallint", "integer", "bigint", "uuid")
_TEXTS = ("text", "character")
MAX_DEPTH = 8  # queries in FROM that a key comes through


@dataclass(frozen=True, eq=False)
class Shown:
    """A key in the SELECT list of the answer, and the thing that it stands for."""

    place: int  # in the SELECT list
    reference: Reference
    entity: Table
    key: str  # the entity's column that the key is equal to
    label: tuple[str, ...]  # columns of the entity that name it
    sure: bool  # by declared keys only
    nouns: frozenset[str]  # what the question may call it
    nullable: bool
    beside: bool  # the name stands beside the key, in the same table
    is_code: bool  # a text, which may be what people call the thing by

    @property
    def source(self) -> Source:
        assert self.reference.home is not None
        return self.reference.home


def mend(statement: Statement) -> str | None:
    """One key a call."""
    if isinstance(statement.tree, exp.SetOperation):
        return _name_set(statement)
    for shown in _asked(statement):
        if shown.label and (note := _put_name(statement, shown)):
            return note
    return None


def unnamed(statement: Statement) -> list[str]:
    """Keys that are shown where a name was asked for and none stands: who has none, or which has one out of reach."""
    who = Wanted(statement.question).somebody
    return [f"{shown.source.name}.{shown.reference.name}" for shown in _asked(statement) if shown.label or who]


def _name_set(statement: Statement) -> str | None:
    """For a set of keys, as of UNION or EXCEPT, the names of the rows whose key is among them."""
    tree = statement.tree
    sets = [node for node in (tree, *tree.find_all(exp.SetOperation)) if isinstance(node, exp.SetOperation)]
    parts = _parts(tree)
    levels = [level for level in statement.levels if any(level.select is part for part in parts)]
    found = [shown for level in levels for shown in _asked_in(statement, level) if shown.label and not shown.beside]
    ends = {(shown.entity.full_name, shown.key) for shown in found}
    single = all(len(level.select.expressions) == 1 for level in levels)
    plain = not any(node.args.get(name) for node in (tree, *parts) for name in ("with_", "order", "limit", "offset"))
    if (
        len(found) != len(parts)
        or len(ends) != 1
        or not single
        or not plain
        or not all(s.args.get("distinct") for s in sets)
    ):
        return None
    entity, key, label = found[0].entity, found[0].key, found[0].label
    columns = [exp.Column(this=identifier(name)) for name in label]
    among = exp.In(this=exp.Column(this=identifier(key)), query=exp.Subquery(this=tree))
    source = joins.table_node(statement, entity)
    statement.tree = exp.Select(expressions=columns, from_=exp.From(this=source), where=exp.Where(this=among))
    return f"{key} is a key: {', '.join(label)} of {entity.name} stands in its place"


def _parts(tree: exp.Expr) -> list[exp.Select]:
    """The queries that a set is made of; none where one of them is no plain one."""
    if isinstance(tree, exp.Select):
        return [tree]
    if isinstance(tree, exp.SetOperation):
        left, right = _parts(tree.this), _parts(tree.expression)
        return [*left, *right] if left and right else []
    return _parts(tree.this) if isinstance(tree, exp.Subquery) and not tree.args.get("alias") else []


def _asked(statement: Statement) -> list[Shown]:
    """Keys in the answer of which the question asks who or which."""
    levels = [level for level in statement.levels if any(level.select is part for part in _parts(statement.tree))]
    return [shown for level in levels for shown in _asked_in(statement, level)]


def _asked_in(statement: Statement, level: Level) -> list[Shown]:
    wanted = Wanted(statement.question)
    if not statement.question:
        return []
    found = [shown for shown in _shown(statement, level) if not wanted.keys_for(shown.nouns)]
    found = [shown for shown in found if not wanted.numbers_of(shown.nouns)]
    found = [shown for shown in found if not shown.is_code or wanted.somebody or wanted.in_words(shown.nouns)]
    if _lists_all(level):
        found = [shown for shown in found if not _is_meant(shown, wanted)]
    others = _other_words(statement)
    # who finds things by a set of keys may want the keys
    alone = level.select is statement.tree
    asked = [shown for shown in found if wanted.names(shown.nouns, others - shown.nouns, alone)]
    if not asked and len({shown.place for shown in found}) == 1 and not _names_something(statement, level):
        asked = found if wanted.somebody else [shown for shown in found if wanted.some_name_of(shown.nouns)]
    places = [shown.place for shown in asked]
    return [shown for shown in asked if places.count(shown.place) == 1]


def _lists_all(level: Level) -> bool:
    """Whether it picks, counts and orders nothing."""
    return not any(level.select.args.get(part) for part in ("where", "group", "order", "limit", "having", "joins"))


def _is_meant(shown: Shown, wanted: Wanted) -> bool:
    """Whether the column is called as the question says, and by no word for a key: what it holds is what is listed."""
    own = shown.reference.name
    if is_key(own) or is_han(own) or wanted.somebody:
        return False
    called = nouns_in(own)
    # what a Chinese question calls the column is told by a dictionary, if at all
    return (wanted.chinese or wanted.names(called, ())) and not wanted.which(called) and not wanted.in_words(called)


def _other_words(statement: Statement) -> set[str]:
    """Words for things of the scope. A verb is none: `which customers ordered` asks for customers."""
    tables = statement.scope.tables
    found = {noun for table in tables for noun in nouns_in(table.name)}
    found |= {head_of(column.name) for table in tables for column in table.columns}
    return {noun for noun in found if noun and not noun.endswith(("ed", "ing"))} - NAMING_WORDS


def _shown(statement: Statement, level: Level) -> Iterator[Shown]:
    """Bare keys in the SELECT list, unless what they stand for is named beside them."""
    if any(e.is_star for e in level.select.expressions):
        return
    for place, expression in enumerate(level.select.expressions):
        reference = statement.bound.get(id(expression.unalias()))
        if reference is None or reference.state is not State.BOUND or reference.home not in level.sources:
            continue
        origin = _origin(statement, reference)
        if origin is None or not _is_surrogate(*origin):
            continue
        called = _role(reference.name) | _role(expression.alias) | _role(origin[1])
        about, code = _column(*origin), _is_text(_column(*origin))
        for entity, key, sure in _entities(statement, *origin):
            nouns = frozenset(called | nouns_of(entity) | _role(key))
            beside = _beside(*origin) if not entity.label and reference.home.table else None
            label = (beside,) if beside else entity.label
            end = (origin[0], origin[1]) if beside else (entity, key)
            shown = Shown(place, reference, *end, label, sure, nouns, not about.not_null, bool(beside), code)
            if _is_surrogate(entity, key) and not _is_described(statement, level, shown):
                yield shown


def _role(name: str) -> set[str]:
    """`sender` of sender_id. Who asks for districts where the column is called district asks for what it holds."""
    return nouns_in(name) if is_key(name) or is_han(name) else set()


def _names_something(statement: Statement, level: Level) -> bool:
    """Whether the answer has a column that names rows."""
    found = (statement.bound.get(id(e.unalias())) for e in level.select.expressions)
    origins = [origin for reference in found if reference and (origin := _origin(statement, reference))]
    return any(name in table.label or words(name) & NAMING_WORDS for table, name in origins)


def _origin(statement: Statement, reference: Reference) -> tuple[Table, str] | None:
    """The column of a table that a reference shows, through queries in FROM."""
    for _ in range(MAX_DEPTH):
        home = reference.home
        if reference.state is not State.BOUND or home is None:
            return None
        if home.table is not None:
            return home.table, reference.name
        inner = _query_of(home)
        chosen = next((e for e in inner.expressions if e.alias_or_name == reference.name), None) if inner else None
        found = statement.bound.get(id(chosen.unalias())) if chosen else None
        if found is None:
            return None
        reference = found
    return None


def _query_of(source: Source) -> exp.Select | None:
    """The query behind a source: in brackets, or of a WITH."""
    alias = source.node.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.columns:
        return None
    if isinstance(source.node, exp.Subquery):
        return source.node.this if isinstance(source.node.this, exp.Select) else None
    above = source.node.parent
    while above is not None:
        around = above.args.get("with_")
        for cte in around.expressions if isinstance(around, exp.With) else ():
            if folded(cte.args["alias"].this) == folded(source.node.this) and not cte.args["alias"].columns:
                return cte.this if isinstance(cte.this, exp.Select) else None
        above = above.parent
    return None


def _column(table: Table, name: str) -> Column:
    return next((column for column in table.columns if column.name == name), Column(name, ""))


def _is_surrogate(table: Table, name: str) -> bool:
    """A key that says nothing to people: a number, or a text that its name calls a code."""
    own = _column(table, name)
    return name not in table.label and (own.type.startswith(_NUMBERS) or (_is_text(own) and is_key(name)))


def _beside(table: Table, name: str) -> str | None:
    """customer_name beside customer_id, as views have it."""
    called = nouns_in(name)
    found = (c.name for c in table.columns if _is_text(c) and words(c.name) & NAMING_WORDS)
    return next((other for other in found if called and nouns_in(other) - NAMING_WORDS == called), None)


def _is_text(column: Column) -> bool:
    return column.type.startswith(_TEXTS)


def _entities(
    statement: Statement, table: Table, name: str, seen: tuple[tuple[str, str], ...] = ()
) -> list[tuple[Table, str, bool]]:
    """What a column is the key of: its own table, or those that it refers to, through the keys of others if need be.

    A table without keys, such as a view, has one if it is called after the table, or after a name beside it.
    """
    place = (table.full_name, name)
    if place in seen:
        return []
    if table.primary_key == (name,) and table.label:
        return [(table, name, True)]
    found: dict[str, tuple[Table, str, bool]] = {}
    for key in table.foreign_keys:
        target = statement.scope.find(key.schema, key.table)
        if name not in key.columns or target is None:
            continue
        there = key.references[key.columns.index(name)]
        further = _entities(statement, target, there, (*seen, place))
        if not further and len(key.columns) == 1 and target.label and _column(target, there).unique:
            further = [(target, there, True)]
        for entity, own, sure in further:
            found.setdefault(entity.full_name, (entity, own, sure and key.score == 1))
    is_own = table.primary_key == (name,) or (not seen and not table.primary_key and _is_own(table, name))
    return list(found.values()) or ([(table, name, True)] if is_own or (not seen and _beside(table, name)) else [])


def _is_own(table: Table, name: str) -> bool:
    return is_key(name) and nouns_in(name) <= nouns_of(table)


def _is_described(statement: Statement, level: Level, shown: Shown) -> bool:
    """Whether the answer has a text of the same row already."""
    for expression in level.select.expressions:
        for node in (expression.unalias(), *level_nodes(expression.unalias())):
            reference = statement.bound.get(id(node))
            origin = _origin(statement, reference) if reference else None
            if reference is None or origin is None or origin[0] is not shown.entity or not reference.home:
                continue
            same = reference.home is shown.source or _is_joined(statement, level, reference.home, shown)
            if same and (origin[1] in shown.label or (not shown.beside and _is_text(_column(*origin)))):
                return True
    return False


def _put_name(statement: Statement, shown: Shown) -> str | None:
    level = shown.reference.level
    if not _can_change(level):
        return None
    alias = _source_of_name(statement, level, shown)
    if alias is None:
        return None
    alone = len(level.sources) == 1 and not level.joins
    columns = (column(alias, name) for name in shown.label)
    label = [exp.Column(this=each.this) if alone else each for each in columns]
    _group(level, statement, level.select.expressions[shown.place], label)
    _replace(level, shown.place, label)
    names = ", ".join(shown.label)
    return f"{shown.reference.name} is a key: {names} of {shown.entity.name} stands in its place"


def _can_change(level: Level) -> bool:
    """Not where a GROUP BY makes several groupings, or DISTINCT tells apart what is no column."""
    group, distinct = level.select.args.get("group"), level.select.args.get("distinct")
    if group and (any(v for k, v in group.args.items() if k != "expressions") or group.find(exp.Rollup, exp.Cube)):
        return False
    if not distinct:
        return True
    plain = all(isinstance(e.unalias(), exp.Column) for e in level.select.expressions)
    return not distinct.args.get("on") and plain and group is None and not level.select.args.get("having")


def _source_of_name(statement: Statement, level: Level, shown: Shown) -> str | None:
    """The alias under which the row that the key stands for is read: it may be there; else it is joined."""
    if shown.source.table is shown.entity and shown.reference.name == shown.key:
        return shown.source.name
    for source in level.sources:
        if source.table is shown.entity and _is_joined(statement, level, source, shown):
            return source.name
    start = shown.source.table or shown.entity
    step = Step(start, shown.entity, ((shown.reference.name, shown.key),), True)
    # a group of nobody is no answer to who; in a list of other things no row is lost
    kept = not shown.sure or (shown.nullable and not level.select.args.get("group"))
    return joins.add(statement, level, shown.source, (step,), outer=kept)


def _is_joined(statement: Statement, level: Level, source: Source, shown: Shown) -> bool:
    """Whether a condition of the level holds the row's key equal to the one shown."""
    ends = {(source, shown.key), (shown.source, shown.reference.name)}
    for node in level_nodes(level.select):
        if isinstance(node, exp.EQ) and _is_certain(node, level):
            sides = [statement.bound.get(id(side)) for side in (node.this, node.expression)]
            if {(side.home, side.name) for side in sides if side} == ends:
                return True
    return False


def _is_certain(condition: exp.Expr, level: Level) -> bool:
    """Whether it holds for every row: only AND stands above it, up to ON or WHERE."""
    above = condition.parent
    while isinstance(above, exp.And | exp.Paren):
        above = above.parent
    return isinstance(above, exp.Where | exp.Join)


def _group(level: Level, statement: Statement, shown: exp.Expr, label: list[exp.Column]) -> None:
    """The key still tells the groups apart, for two of the same name; the label goes with it."""
    select, key = level.select, shown.unalias()
    group = select.args.get("group")
    if select.args.get("distinct"):
        select.set("distinct", None)
        keys = [e.unalias() for e in select.expressions]
    elif group:
        keys = [key if level.behind(each, statement.bound) is key else each for each in group.expressions]
    else:
        return
    known = {each.sql() for each in keys}
    keys += [each for each in label if each.sql() not in known]
    select.set("group", exp.Group(expressions=[each.copy() for each in keys]))


def _replace(level: Level, place: int, label: list[exp.Column]) -> None:
    """The label for the key; ordinals behind it move where it has several columns."""
    shown = level.select.expressions
    alias = shown[place].args.get("alias") if isinstance(shown[place], exp.Alias) else None
    kept = alias if len(label) == 1 and alias is not None and not is_key(alias.name) else None
    new = [exp.Alias(this=label[0], alias=kept)] if kept else label
    level.select.set("expressions", [*shown[:place], *new, *shown[place + 1 :]])
    for ordinal in _ordinals(level):
        if int(ordinal.this) > place + 1:
            ordinal.set("this", str(int(ordinal.this) + len(label) - 1))


def _ordinals(level: Level) -> Iterator[exp.Literal]:
    group, order = level.select.args.get("group"), level.select.args.get("order")
    keys = [*(group.expressions if group else ()), *(key.this for key in (order.expressions if order else ()))]
    return (key for key in keys if isinstance(key, exp.Literal) and key.is_int)
