"""A statement held to the standing conditions of its tables: each stands wherever such a table is read.

A condition stands behind WHERE; of a table whose columns an outer join may fill with NULL in the ON of that join, so
that the rows of the other side stay; and where neither would do, in a subquery in the table's place.

Rows that are part of another table's row (its key is in theirs: lines of an order) count with it or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from sidecar.filters.conditions import bare, conjuncts_of, fact
from sidecar.guard.scope import Filter, ForeignKey, Scope, Table
from sidecar.repair.binding import Level, Source, Statement, bind
from sidecar.repair.closest import fold, singular_words
from sidecar.repair.meaning import understood
from sidecar.repair.nodes import all_of, conjuncts, folded, identifier, words
from sidecar.repair.nodes import column as qualified
from sidecar.repair.reading import read
from sidecar.repair.writing import write

State = Literal["added", "present", "asked", "unread"]

_TRUTHS = frozenset({"null", "set", "true", "false"})  # one meaning, however they are written


@dataclass(frozen=True)
class Found:
    """A standing condition, and what became of it.

    `added`: it had to be put in somewhere; `present`: it stood everywhere; `asked`: the question speaks of the rows
    that it leaves out, by `word`; `unread`: the statement can't be read so well that it could be put in.
    """

    table: str
    condition: str
    state: State
    word: str | None = None


@dataclass(frozen=True)
class Held:
    """A statement, and the standing conditions of the tables that it reads."""

    sql: str
    found: tuple[Found, ...] = ()


def hold(sql: str, scope: Scope, tables: Sequence[str], question: str = "") -> Held:
    """The statement with the conditions of those of the tables (full names) that have any; never raises.

    With the question also those of a table that it names, and of which the statement reads only parts.
    """
    filtered = [table for table in scope.tables if table.filters and table.full_name in tables]
    try:
        return _hold(sql, scope, filtered, question)
    # the statement is still there as it was, and what it lacks is said of it
    except Exception:
        return unread(sql, filtered)


def unread(sql: str, filtered: Sequence[Table]) -> Held:
    """The statement as it is, and none of the conditions in it."""
    found = (Found(table.full_name, each.condition, "unread") for table in filtered for each in table.filters)
    return Held(sql, tuple(found))


def _hold(sql: str, scope: Scope, filtered: Sequence[Table], question: str) -> Held:
    tree, foreign = read(sql)
    if tree is None or foreign or not understood(sql, write(tree)):
        return unread(sql, filtered)
    statement = bind(tree, scope)
    changed: set[tuple[str, str]] = set()
    met: set[str] = set()
    for place in [*_places(statement)]:
        met.add(place.table.full_name)
        for each in place.table.filters:
            if _put(place, each, statement):
                changed.add((place.table.full_name, each.condition))
    found = [
        Found(table.full_name, each.condition, _state(table, each, met, changed))
        for table in filtered
        for each in table.filters
    ]
    for owner in _put_owners(statement, question, {table.full_name for table in filtered}):
        found += [Found(owner.full_name, each.condition, "added") for each in owner.filters]
        changed |= {(owner.full_name, each.condition) for each in owner.filters}
    return Held(write(tree) if changed else sql, tuple(found))


def _put_owners(statement: Statement, question: str, read: set[str]) -> list[Table]:
    """Where parts of rows are read, and what they are parts of is not but for the question's words: only parts of rows
    that count."""
    asked, found = set(singular_words(fold(question))), dict[str, Table]()
    for level in list(statement.levels):
        for source in list(level.sources):
            target = _target(level, source, statement) if source.table else None
            for key in _keys_of_parts(source.table) if source.table and target is not None else ():
                owner = statement.scope.find(key.schema, key.table)
                if not owner or not owner.filters or owner.full_name in read or not target:
                    continue
                if set(singular_words(" ".join(words(owner.name)))) <= asked:
                    _add(target, _exists(statement.scope, owner, source, key))
                    found[owner.full_name] = owner
    return list(found.values())


def _keys_of_parts(table: Table) -> list[ForeignKey]:
    """Declared keys that are in the table's own: its rows are parts of the other one's."""
    own = set(table.primary_key)
    return [key for key in table.foreign_keys if key.score == 1 and key.columns and set(key.columns) <= own]


def _exists(scope: Scope, owner: Table, part: Source, key: ForeignKey) -> exp.Expr:
    alias = owner.name if owner.name != part.name else f"{owner.name[:55]}_1"
    table = exp.Table(this=identifier(owner.name), db=None if scope.is_plain(owner) else identifier(owner.schema))
    if alias != owner.name:
        table.set("alias", exp.TableAlias(this=identifier(alias)))
    pairs = zip(key.references, key.columns, strict=True)
    conditions: list[exp.Expr] = [
        exp.EQ(this=qualified(alias, there), expression=qualified(part.name, here)) for there, here in pairs
    ]
    for each in owner.filters:
        for condition in conjuncts_of(each.condition) or ():
            conditions.append(_named(condition, alias))
    select = exp.Select(
        expressions=[exp.Literal.number(1)], from_=exp.From(this=table), where=exp.Where(this=all_of(conditions))
    )
    return exp.Exists(this=select)


def _named(condition: exp.Expr, alias: str) -> exp.Expr:
    whole = exp.Paren(this=bare(condition))
    for column in list(whole.find_all(exp.Column)):
        column.replace(qualified(alias, folded(column.this) or ""))
    return whole.unnest()


def _state(table: Table, each: Filter, met: set[str], changed: set[tuple[str, str]]) -> State:
    if table.full_name not in met or conjuncts_of(each.condition) is None:
        return "unread"
    return "added" if (table.full_name, each.condition) in changed else "present"


@dataclass(eq=False)
class _Place:
    """One reading of a table; without a source it stands where nothing else can be put beside it."""

    table: Table
    node: exp.Table
    level: Level | None = None
    source: Source | None = None
    inner: list[exp.Expr] = field(default_factory=list)  # conditions that have to go into a subquery


def _places(statement: Statement) -> Iterator[_Place]:
    seen: set[int] = set()
    for level in statement.levels:
        for source in level.sources:
            if isinstance(source.node, exp.Table) and not source.node.args.get("joins"):
                known = source.table is not None or _is_cte(source.node, statement)
                seen |= {id(source.node)} if known else set()
                if source.table and source.table.filters:
                    yield _Place(source.table, source.node, level, source)
    for node in list(statement.tree.find_all(exp.Table)):
        if id(node) not in seen and isinstance(node.this, exp.Identifier) and not _is_cte(node, statement):
            table = statement.scope.find(folded(node.args.get("db")), folded(node.this) or "")
            if table and table.filters:
                yield _Place(table, node)


def _is_cte(node: exp.Table, statement: Statement) -> bool:
    return node.args.get("db") is None and folded(node.this) in statement.cte_names


def _put(place: _Place, each: Filter, statement: Statement) -> bool:
    """See to it that the condition stands there; whether anything had to be changed."""
    wanted = conjuncts_of(each.condition) or ()
    return sum(_put_one(place, condition, statement) for condition in wanted) > 0


def _put_one(place: _Place, condition: exp.Expr, statement: Statement) -> bool:
    if place.level is None or place.source is None:
        _wrap(place, condition)
        return True
    target = _target(place.level, place.source, statement)
    stands, changed = False, False
    for holder, part in list(_tries(place.level, place.source, condition, statement)):
        if not stands and _is_there(holder, target, place.level) and _says(part, condition):
            stands = True
        elif _remove(holder, part):
            changed = True
    if stands:
        return changed
    if target is None:
        _wrap(place, condition)
    else:
        _add(target, _qualified(condition, place.level, place.source))
    return True


def _target(level: Level, source: Source, statement: Statement) -> exp.Select | exp.Join | None:
    """Where a condition on a source alone has to stand: in WHERE, or in a join's ON; None where neither will do."""
    joins = level.joins
    own = joins[source.position - 1] if source.position else None
    if own is not None and own.side == "LEFT" and _joins_parts(own, level, source, statement):
        own = None  # each part has its row, so that nothing is filled with NULL
    if own is not None and own.side == "LEFT":
        return own if own.args.get("on") is not None else None
    if own is not None and own.side == "FULL":
        return None
    filled = next((join for join in joins[source.position :] if join.side in ("RIGHT", "FULL")), None)
    if filled is None:
        return level.select
    return filled if filled.side == "RIGHT" and filled.args.get("on") is not None else None


def _joins_parts(join: exp.Join, level: Level, source: Source, statement: Statement) -> bool:
    """Whether it adds to parts the rows that they are parts of, by their key."""
    if join.args.get("on") is None or source.table is None:
        return False
    equal = set()
    for part in conjuncts(join.args["on"].unnest()):
        if isinstance(part, exp.EQ) and isinstance(part.this, exp.Column) and isinstance(part.expression, exp.Column):
            ends = [statement.bound.get(id(column)) for column in (part.this, part.expression)]
            equal |= {(one.home, one.name, other.name) for one, other in (ends, ends[::-1]) if one and other}
    first = level.sources[0]
    keys = _keys_of_parts(first.table) if first.table and source.position == 1 else []
    return any(
        statement.scope.find(key.schema, key.table) is source.table
        and all((first, here, there) in equal for here, there in zip(key.columns, key.references, strict=True))
        for key in keys
    )


def _tries(
    level: Level, source: Source, condition: exp.Expr, statement: Statement
) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """What the statement has of the condition, or of its opposite, and where: in WHERE, or in a join."""
    meant = fact(condition).loose
    against = meant.opposite.loose if meant.opposite else None
    where = level.select.args.get("where")
    holders: list[exp.Expr] = [level.select] if where else []
    holders += [join for join in level.joins if join.args.get("on") is not None]
    for holder in holders:
        for part in conjuncts(_condition_of(holder)):
            if fact(part).loose in (meant, against) and _is_of(part, source, statement):
                yield holder, part


def _is_of(part: exp.Expr, source: Source, statement: Statement) -> bool:
    """Whether it speaks of this source alone."""
    if part.find(exp.Query):
        return False
    homes = [statement.bound[id(column)].home for column in part.find_all(exp.Column) if id(column) in statement.bound]
    return bool(homes) and all(home is source for home in homes)


def _says(part: exp.Expr, condition: exp.Expr) -> bool:
    """Whether it is the condition, and not its opposite or one that takes NULL otherwise."""
    if write(bare(part)) == write(bare(condition)):
        return True
    plain = not part.find(exp.Coalesce) and not condition.find(exp.Coalesce)
    return plain and fact(part) == fact(condition) and fact(part).kind in _TRUTHS


def _is_there(holder: exp.Expr, target: exp.Expr | None, level: Level) -> bool:
    """Whether a condition in one place is as good as in the other: an inner join's ON is, where WHERE would do."""
    inner = isinstance(holder, exp.Join) and not holder.side
    return holder is target or (target is level.select and inner)


def _condition_of(holder: exp.Expr) -> exp.Expr:
    whole: exp.Expr = holder.args["where"].this if isinstance(holder, exp.Select) else holder.args["on"]
    return whole.unnest()


def _remove(holder: exp.Expr, part: exp.Expr) -> bool:
    """Take it out; a join keeps at least one condition."""
    left = [condition for condition in conjuncts(_condition_of(holder)) if condition is not part]
    if isinstance(holder, exp.Select):
        holder.set("where", exp.Where(this=all_of(left)) if left else None)
    elif left:
        holder.set("on", all_of(left))
    return bool(left) or isinstance(holder, exp.Select)


def _add(target: exp.Select | exp.Join, condition: exp.Expr) -> None:
    if isinstance(target, exp.Join):
        target.set("on", all_of([*conjuncts(target.args["on"]), condition]))
        return
    where = target.args.get("where")
    target.set("where", exp.Where(this=all_of([*(conjuncts(where.this) if where else []), condition])))


def _qualified(condition: exp.Expr, level: Level, source: Source) -> exp.Expr:
    whole = exp.Paren(this=bare(condition))  # a lone column has something to be replaced in
    for column in list(whole.find_all(exp.Column)):
        name = folded(column.this) or ""
        named = level.outer is not None or bool(source.node.args.get("alias"))
        column.replace(qualified(source.name, name) if named else level.column(source, name))
    return whole.unnest()


def _wrap(place: _Place, condition: exp.Expr) -> None:
    """(SELECT * FROM table WHERE …) AS table, once for all conditions."""
    place.inner.append(bare(condition))
    if len(place.inner) > 1:
        select = place.node.find_ancestor(exp.Select)
        if select is not None:
            select.set("where", exp.Where(this=all_of(place.inner)))
        return
    alias = place.node.args.get("alias") or exp.TableAlias(this=identifier(folded(place.node.this) or ""))
    joins = place.node.args.get("joins")
    inner = exp.Select(expressions=[exp.Star()], where=exp.Where(this=all_of(place.inner)))
    outer = exp.Subquery(this=inner, alias=alias.copy(), joins=joins)
    place.node.replace(outer)
    place.node.set("alias", None)
    place.node.set("joins", None)
    inner.set("from_", exp.From(this=place.node))
