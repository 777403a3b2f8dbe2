"""What a gold statement looks like: the groups by which a report parts the questions."""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import expressions as exp

MANY = 4
# The order in which a report lists them.
SHAPES = (
    "1 table",
    "2 tables",
    "3 tables",
    "4+ tables",
    "join",
    "aggregate",
    "group by",
    "having",
    "order by",
    "limit",
    "nested",
    "set operation",
    "distinct",
    "plain select",
)
NODES: dict[str, tuple[type[exp.Expr], ...]] = {
    "join": (exp.Join,),
    "aggregate": (exp.AggFunc,),
    "group by": (exp.Group,),
    "having": (exp.Having,),
    "order by": (exp.Order,),
    "limit": (exp.Limit, exp.Fetch),
    "set operation": (exp.SetOperation,),
    "distinct": (exp.Distinct,),
}


@cache
def shapes(gold: str) -> tuple[str, ...]:
    """The groups a statement belongs to; one of the numbers of tables, and any of the others."""
    tree = sqlglot.parse_one(gold, read="postgres")
    tables = len({table.sql().lower().split(" as ")[0] for table in tree.find_all(exp.Table)})
    found = {f"{MANY}+ tables" if tables >= MANY else f"{tables} table{'s' if tables > 1 else ''}"}
    parts = {name for name, nodes in NODES.items() if tree.find(*nodes)}
    if _nested(tree):
        parts.add("nested")
    found |= parts or {"plain select"}
    return tuple(shape for shape in SHAPES if shape in found)


def _nested(tree: exp.Expr) -> bool:
    """Whether a SELECT stands inside another one; the sides of a set operation at the top don't."""
    return any(node.find_ancestor(exp.Select) for node in tree.find_all(exp.Select))


def is_ordered(statement: str) -> bool:
    """Whether the statement as a whole asks for an order."""
    tree = sqlglot.parse_one(statement, read="postgres")
    return isinstance(tree, exp.Query) and tree.args.get("order") is not None
