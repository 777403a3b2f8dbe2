"""A column compared with a subquery's column of another type: the foreign key between the two tables says which."""

from __future__ import annotations

import difflib

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Reference, State, Statement
from sidecar.repair.keys import Keys
from sidecar.repair.nodes import identifier


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.In, exp.EQ):
        subquery = node.args.get("query") if isinstance(node, exp.In) else node.expression
        inner = kinds.only_output(subquery) if isinstance(subquery, exp.Subquery) else None
        if inner is None or not _differ(node.this, inner, statement):
            continue
        outer_end, inner_end = (statement.bound.get(id(end)) for end in (node.this, inner))
        if outer_end and inner_end and (note := _mend(outer_end, inner_end, statement)):
            return note
    return None


def _differ(outer: exp.Expr, inner: exp.Expr, statement: Statement) -> bool:
    found = {kinds.kind(outer, statement), kinds.kind(inner, statement)}
    return kinds.TEXT in found and bool(found & (kinds.NUMBERS | kinds.MOMENTS))


def _mend(outer: Reference, inner: Reference, statement: Statement) -> str | None:
    """The end that is no part of a key gives way; among several keys the one most like what was written."""
    if outer.state is not State.BOUND or inner.state is not State.BOUND or not (outer.home and inner.home):
        return None
    start, end = outer.home.table, inner.home.table
    if start is None or end is None:
        return None
    pairs = [step.pairs[0] for step in Keys(statement.scope).between(start, end) if len(step.pairs) == 1]
    wrong_outer = [(outer, here) for here, there in pairs if there == inner.name]
    wrong_inner = [(inner, there) for here, there in pairs if here == outer.name]
    choices = wrong_outer or wrong_inner
    if not choices:
        return None
    reference, name = max(choices, key=lambda choice: difflib.SequenceMatcher(None, choice[0].name, choice[1]).ratio())
    before = reference.column.sql(dialect="postgres")
    reference.column.set("this", identifier(name))
    return f"{before} is {reference.column.sql(dialect='postgres')}, by the foreign key"
