"""A condition on a date as a range: from the first moment of what is asked up to the first one after it."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sidecar.repair.bounds import Bound
from sidecar.repair.nodes import all_of

Written = Callable[[exp.Expr], exp.Expr]  # a moment as the column has it
MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}
COMPARISONS = tuple(MIRRORED)


def in_range(how: type[exp.Expr], column: exp.Expr, bound: Bound, written: Written) -> exp.Expr:
    """The comparison `column how bound`, by days, months or years whole."""
    if bound.start == bound.end:
        later = bound.next_day if how in (exp.LTE, exp.GT) else None
        if later is None:
            return how(this=column.copy(), expression=written(bound.start))
        how, bound = (exp.LT if how is exp.LTE else exp.GTE), later
    start, end = written(bound.start), written(bound.end)
    if how in (exp.GTE, exp.LT):
        return how(this=column.copy(), expression=start)
    if how in (exp.GT, exp.LTE):
        return (exp.GTE if how is exp.GT else exp.LT)(this=column.copy(), expression=end)
    parts: list[exp.Expr] = [
        exp.GTE(this=column.copy(), expression=start),
        exp.LT(this=column.copy(), expression=end),
    ]
    return exp.Not(this=exp.Paren(this=all_of(parts))) if how is exp.NEQ else all_of(parts)


def put(condition: exp.Expr, instead: exp.Expr) -> None:
    """The new condition in the place of the old one, in brackets where it would fall apart without."""
    alone = isinstance(condition.parent, exp.And | exp.Where | exp.Having | exp.Paren)
    loose = isinstance(instead, exp.Or) or (isinstance(instead, exp.And) and not alone)
    if isinstance(instead, exp.Or) and isinstance(condition.parent, exp.Where | exp.Having | exp.Paren | exp.Or):
        loose = False
    condition.replace(exp.Paren(this=instead) if loose else instead)


def mirrored(condition: exp.Expr, column_first: bool) -> type[exp.Expr]:
    """The comparison as it reads with the column on the left."""
    return type(condition) if column_first else MIRRORED[type(condition)]
