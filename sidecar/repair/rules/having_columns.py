"""A condition in HAVING on plain columns: it belongs into WHERE."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, State, Statement
from sidecar.repair.nodes import all_of, columns_of, conjuncts, is_aggregate, level_nodes


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        having = level.select.args.get("having")
        if having is None or level.opaque:
            continue
        parts = conjuncts(having.this)
        moved = [part for part in parts if _is_loose(part, level, statement)]
        if moved:
            return _move(level, parts, moved)
    return None


def _is_loose(part: exp.Expr, level: Level, statement: Statement) -> bool:
    """No aggregate, and a column that is not grouped: PostgreSQL refuses it in HAVING."""
    if any(is_aggregate(node) for node in [part, *level_nodes(part)]) or part.find(exp.Subquery):
        return False
    group = level.select.args.get("group")
    if group and any(not isinstance(key, exp.Column) for key in group.expressions):
        return False
    keys = {_key(key, statement) for key in (group.expressions if group else [])}
    return any(_key(column, statement) not in keys for column in columns_of(part)) and not _has_primary(keys)


def _key(node: exp.Expr, statement: Statement) -> tuple[object, str]:
    reference = statement.bound.get(id(node))
    known = reference is not None and reference.state is State.BOUND
    return (reference.home, reference.name) if reference and known else (None, str(id(node)))


def _has_primary(keys: set[tuple[object, str]]) -> bool:
    """A primary key decides all columns of its table."""
    tables = {home for home, _ in keys}
    return any(
        (table := getattr(home, "table", None)) and table.primary_key and {(home, c) for c in table.primary_key} <= keys
        for home in tables
    )


def _move(level: Level, parts: list[exp.Expr], moved: list[exp.Expr]) -> str:
    rest = [part for part in parts if part not in moved]
    level.select.set("having", exp.Having(this=all_of(rest)) if rest else None)
    where = level.select.args.get("where")
    level.select.set("where", exp.Where(this=all_of([*([where.this] if where else []), *moved])))
    return "a condition in HAVING is on single rows: it belongs into WHERE"
