"""A statement as another database writes it, where PostgreSQL can't read it: `backticks`, [brackets], TOP 5, MINUS."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.oracle import Oracle
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.sqlite import SQLite
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import SqlglotError

from sidecar.repair.nodes import identifier

MAX_LENGTH = 8_000  # what other readers may need minutes for is not worth it
_OTHERS: tuple[type[Dialect], ...] = (MySQL, SQLite, TSQL, Oracle)


def read(sql: str) -> tuple[exp.Expr | None, str | None]:
    """The tree of the one statement, and a note if it took another dialect to read it."""
    try:
        trees = Postgres().parse(sql)
        return (trees[0] if len(trees) == 1 else None), None
    except SqlglotError:
        return _foreign(sql)


def _foreign(sql: str) -> tuple[exp.Expr | None, str | None]:
    for dialect in _OTHERS if len(sql) <= MAX_LENGTH and sql.count("(") + sql.count("[") <= 100 else ():
        try:
            trees = dialect().parse(sql)
            written = [tree.sql(dialect="postgres") for tree in trees if isinstance(tree, exp.Query)]
            again = Postgres().parse(written[0]) if len(written) == len(trees) == 1 else []
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
