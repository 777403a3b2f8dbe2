"""A number that refers to another table, compared with a text: the text names a row of that table."""

from __future__ import annotations

from sqlglot import exp

from sidecar.guard.scope import Column, ForeignKey, Table
from sidecar.repair import kinds
from sidecar.repair.binding import Statement
from sidecar.repair.nodes import NAMING_WORDS, identifier, words


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.EQ, exp.NEQ, exp.In):
        texts = node.expressions if isinstance(node, exp.In) else [node.expression]
        if not texts or not all(_is_no_number(text) for text in texts):
            continue
        found = _target(node.this, statement)
        if found is None:
            continue
        key, table, name = found
        note = f"{node.this.sql(dialect='postgres')} refers to {table.name}: looked up by {name.name}"
        node.replace(_looked_up(node, key, table, name, texts, statement))
        return note
    return None


def _is_no_number(node: exp.Expr) -> bool:
    """A text that PostgreSQL would refuse to read as an integer."""
    return isinstance(node, exp.Literal) and node.is_string and node.this.strip()[:1].isalpha()


def _target(node: exp.Expr, statement: Statement) -> tuple[ForeignKey, Table, Column] | None:
    """The table which the column refers to, and the column there that names its rows."""
    reference = statement.bound.get(id(node))
    if reference is None or kinds.kind(node, statement) != kinds.INTEGER:
        return None
    own = reference.home.table if reference.home else None
    keys = [key for key in own.foreign_keys if key.columns == (reference.name,)] if own else []
    table = statement.scope.find(keys[0].schema, keys[0].table) if len(keys) == 1 else None
    name = _naming(table, reference.name) if table else None
    return (keys[0], table, name) if table and name else None


def _naming(table: Table, key: str) -> Column | None:
    texts = [c for c in table.columns if kinds.kind_of_type(c.type) == kinds.TEXT]
    tests = (
        lambda c: c.name == key,
        lambda c: words(c.name) <= {*NAMING_WORDS, *words(table.name)} and words(c.name) & {*NAMING_WORDS},
        lambda c: words(c.name) & {*NAMING_WORDS},
        lambda c: True,
    )
    for test in tests:
        if found := [c for c in texts if test(c)]:
            return found[0] if len(found) == 1 else None
    return None


def _looked_up(
    node: exp.Expr, key: ForeignKey, table: Table, name: Column, texts: list[exp.Expr], statement: Statement
) -> exp.Expr:
    plain = statement.scope.is_plain(table)
    source = exp.Table(this=identifier(table.name), db=None if plain else identifier(table.schema))
    column = exp.Column(this=identifier(name.name))
    several = len(texts) > 1
    where = exp.In(this=column, expressions=texts) if several else exp.EQ(this=column, expression=texts[0])
    query = exp.Select(expressions=[exp.Column(this=identifier(key.references[0]))])
    query.set("from_", exp.From(this=source))
    query.set("where", exp.Where(this=where))
    found = exp.In(this=node.this.copy(), query=exp.Subquery(this=query))
    return exp.Not(this=found) if isinstance(node, exp.NEQ) else found
