"""A statement as another database writes it, where PostgreSQL can't read it: `backticks`, [brackets], TOP 5, MINUS."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.oracle import Oracle
from sqlglot.dialects.sqlite import SQLite
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import SqlglotError

from sidecar.repair.nodes import identifier
from sidecar.repair.writing import PostgresAsItIs, write

# sqlglot's time doubles with each bracket within another where it sees two ways to read it, as in date(date(…)).
MAX_LENGTH = 8_000
MAX_DEPTH = {"(": 12, "[": 6}
_CLOSED = {")": "(", "]": "["}
_OTHERS: tuple[type[Dialect], ...] = (MySQL, SQLite, TSQL, Oracle)


def read(sql: str) -> tuple[exp.Expr | None, str | None]:
    """The tree of the one statement, and a note if it took another dialect to read it; nothing of one too intricate."""
    if len(sql) > MAX_LENGTH or _is_deep(sql):
        return None, None
    try:
        trees = PostgresAsItIs().parse(sql)
        return (trees[0] if len(trees) == 1 else None), None
    except SqlglotError:
        return _foreign(sql)


def _is_deep(sql: str) -> bool:
    """Brackets in a text literal count, too, which is no harm."""
    depth = dict.fromkeys(MAX_DEPTH, 0)
    for character in sql:
        if character in depth:
            depth[character] += 1
            if depth[character] > MAX_DEPTH[character]:
                return True
        elif opened := _CLOSED.get(character):
            depth[opened] -= 1
    return False


def _foreign(sql: str) -> tuple[exp.Expr | None, str | None]:
    for dialect in _OTHERS:
        try:
            trees = dialect().parse(sql)
            written = [write(tree) for tree in trees if isinstance(tree, exp.Query)]
            again = PostgresAsItIs().parse(written[0]) if len(written) == len(trees) == 1 else []
        except (SqlglotError, ValueError):
            continue
        if len(again) == 1 and again[0] is not None:
            return _plain(again[0]), f"written for {dialect.__name__}"
    return None, None


def _plain(tree: exp.Expr) -> exp.Expr:
    """Names without the quotes that they have to have there but not here: they fold as plain names do."""
    for node in list(tree.find_all(exp.Identifier)):
        if node.args.get("quoted"):
            node.replace(identifier(str(node.this).lower()) if str(node.this).isidentifier() else node.copy())
    for key in list(tree.find_all(exp.Ordered)):
        if key.args.get("nulls_first") is not None:
            key.set("nulls_first", bool(key.args.get("desc")))
    return tree
