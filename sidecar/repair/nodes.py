"""Small helpers on sqlglot's tree: names as PostgreSQL reads them, and the nodes that belong to one query level."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from sidecar.guard.names import quote

# Words of a column that names the rows of its table.
NAMING_WORDS = frozenset({"name", "title", "label"})
# What sqlglot reads as a column and PostgreSQL as a value.
VALUE_WORDS = frozenset({"current_catalog", "current_schema", "localtime", "localtimestamp"})
# What an expression counted from today has in it.
TODAY = (exp.CurrentDate, exp.CurrentTimestamp)
# Aggregates that sqlglot doesn't count among its own.
_MORE_AGGREGATES = frozenset("bool_and bool_or every jsonb_agg mode range_agg range_intersect_agg".split())

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")


def words(name: str) -> set[str]:
    """The words of a name: `pet_age` and `petAge` have pet and age."""
    return set(words_in_order(name))


def words_in_order(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]


def folded(identifier: object) -> str | None:
    """A name as PostgreSQL reads it: lower case unless quoted."""
    if not isinstance(identifier, exp.Identifier):
        return None
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else name.lower()


def identifier(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=quote(name) != name)


def column(qualifier: str, name: str) -> exp.Column:
    return exp.Column(this=identifier(name), table=identifier(qualifier))


def part_of(unit: str, moment: exp.Expr) -> exp.Extract:
    """EXTRACT(unit FROM moment)."""
    return exp.Extract(this=exp.Var(this=unit.upper()), expression=moment)


def all_of(conditions: list[exp.Expr]) -> exp.Expr:
    """The conditions joined by AND; an OR among several keeps to itself."""
    closed = [exp.Paren(this=c) if isinstance(c, exp.Or) and len(conditions) > 1 else c for c in conditions]
    whole: exp.Expr = closed[0]
    for condition in closed[1:]:
        whole = exp.And(this=whole, expression=condition)
    return whole


def conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    """What a condition joins by AND."""
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def level_nodes(root: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes below `root` in the order of the text; nested queries are given, but not entered."""
    stack = _children(root)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, exp.Query):
            stack += _children(node)


def _children(node: exp.Expr) -> list[exp.Expr]:
    found = [child for child in node.iter_expressions() if not isinstance(child, exp.With)]
    return found[::-1]


def columns_of(root: exp.Expr) -> Iterator[exp.Column]:
    """Columns named on this level, stars left out."""
    nodes = [root] if isinstance(root, exp.Column) else level_nodes(root)
    return (node for node in nodes if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star))


def is_aggregate(node: exp.Expr) -> bool:
    if isinstance(node, exp.AggFunc):
        return True
    return isinstance(node, exp.Anonymous) and node.name.lower() in _MORE_AGGREGATES


def inside(node: exp.Expr, kind: type[exp.Expr], top: exp.Expr) -> exp.Expr | None:
    """The nearest node of this kind around `node`, below `top`."""
    parent = node.parent
    while parent is not None and parent is not top:
        if isinstance(parent, kind):
            return parent
        parent = parent.parent
    return None
