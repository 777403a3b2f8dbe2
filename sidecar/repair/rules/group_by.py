"""A selected column that is neither aggregated nor grouped: it is added to GROUP BY."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sidecar.repair.binding import Level, Reference, Source, State, Statement
from sidecar.repair.nodes import is_aggregate, level_nodes

Key = tuple[Source, str]


def mend(statement: Statement) -> str | None:
    """One level a call."""
    for level in statement.levels:
        missing = _Grouping(level, statement.bound).missing()
        if not missing:
            continue
        group = level.select.args.get("group") or exp.Group(expressions=[])
        group.set("expressions", [*group.expressions, *(column.copy() for column in missing)])
        level.select.set("group", group)
        return "GROUP BY also has " + ", ".join(column.sql(dialect="postgres") for column in missing)
    return None


class _Grouping:
    """What one level groups by, and what its SELECT list needs."""

    def __init__(self, level: Level, bound: dict[int, Reference]) -> None:
        self._level, self._bound = level, bound
        self._group: exp.Group | None = level.select.args.get("group")
        self._keys: set[Key] = set()
        self._texts: set[str] = set()

    def missing(self) -> list[exp.Column]:
        """Columns to add; none where the level does not group, or groups in a way that one can't add to."""
        if not self._groups() or self._is_beyond_reach():
            return []
        for expression in self._group.expressions if self._group else []:
            self._add(self._level.behind(expression, self._bound))
        found: dict[Key, exp.Column] = {}
        for expression in [*self._level.select.expressions, *self._sorted_by()]:
            for column in self._loose(expression):
                key = self._key(column)
                if key and not self._is_grouped(key):
                    found.setdefault(key, column)
        return list(found.values())

    def _groups(self) -> bool:
        select = self._level.select
        if self._group or select.args.get("having"):
            return True
        parts = (p for e in [*select.expressions, *self._sorted_by()] for p in [e, *level_nodes(e)])
        return any(is_aggregate(p) and not _is_window(p) for p in parts)

    def _sorted_by(self) -> list[exp.Expr]:
        """Expressions of ORDER BY; one total alone has nothing to sort."""
        total = not self._group and all(is_aggregate(e.unalias()) for e in self._level.select.expressions)
        order = None if total else self._level.select.args.get("order")
        return [key.this for key in order.expressions] if order else []

    def _is_beyond_reach(self) -> bool:
        """Grouping sets, a star, or a column from something that can't be seen through."""
        nodes = [n for e in self._level.select.expressions for n in [e, *level_nodes(e)]]
        stars = any(isinstance(n, exp.Star) and not isinstance(n.parent, exp.Count) for n in nodes)
        kinds = exp.Rollup | exp.Cube | exp.GroupingSets
        sets = any(isinstance(n, kinds) for n in level_nodes(self._group)) if self._group else False
        plain = set(self._group.args) <= {"expressions"} if self._group else True
        filled = (
            not plain and any(v for k, v in self._group.args.items() if k != "expressions") if self._group else False
        )
        return stars or sets or filled or self._level.opaque

    def _add(self, expression: exp.Expr) -> None:
        parts = expression.expressions if isinstance(expression, exp.Tuple) else [expression]
        for part in parts:
            key = self._key(part)
            if key:
                self._keys.add(key)
            else:
                self._texts.add(self._text(part))

    def _key(self, node: exp.Expr) -> Key | None:
        """Source and name of a column of this level."""
        reference = self._bound.get(id(node))
        if reference is None or reference.state is not State.BOUND or reference.home not in self._level.sources:
            return None
        return (reference.home, reference.name) if reference.home else None

    def _text(self, node: exp.Expr) -> str:
        """The expression with every column under its table's alias, so that spelling does not count."""
        copy = node.copy()
        for own, new in zip(node.walk(), list(copy.walk()), strict=False):
            key = self._key(own)
            if key and isinstance(new, exp.Column):
                new.set("this", exp.to_identifier(key[1], quoted=True))
                new.set("table", exp.to_identifier(key[0].name, quoted=True))
        return copy.sql(dialect="postgres")

    def _loose(self, node: exp.Expr) -> Iterator[exp.Column]:
        """Columns outside aggregates and outside of what is grouped as a whole."""
        if isinstance(node, exp.Query) or (is_aggregate(node) and not _is_window(node)):
            return
        if isinstance(node, exp.Filter | exp.WithinGroup):
            return
        if self._texts and not isinstance(node, exp.Column | exp.Alias) and self._text(node) in self._texts:
            return
        if isinstance(node, exp.Column):
            yield node
            return
        for child in node.iter_expressions():
            yield from self._loose(child)

    def _is_grouped(self, key: Key) -> bool:
        """Itself, or by its table's whole primary key, on which PostgreSQL knows it to depend."""
        source = key[0]
        primary = source.table.primary_key if source.table else ()
        return key in self._keys or bool(primary and all((source, column) in self._keys for column in primary))


def _is_window(node: exp.Expr) -> bool:
    """A function over a window does not group."""
    parent = node.parent
    while isinstance(parent, exp.IgnoreNulls | exp.RespectNulls | exp.Filter | exp.WithinGroup):
        parent = parent.parent
    return isinstance(parent, exp.Window)
