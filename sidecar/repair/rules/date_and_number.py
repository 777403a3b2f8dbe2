"""A date compared with a bare number: a year is compared with the date's year."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement
from sidecar.repair.nodes import part_of

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(*_COMPARISONS):
        for moment in (node.this, node.expression) if isinstance(node, exp.Binary) else (node.this,):
            others = _others(node, moment)
            if kinds.kind(moment, statement) in kinds.MOMENTS and others and all(_is_year(o) for o in others):
                before = moment.sql(dialect="postgres")
                moment.replace(part_of("year", moment.copy()))
                return f"{before} is a date: its year is compared"
    return None


def _others(node: exp.Expr, moment: exp.Expr) -> list[exp.Expr]:
    """What the date is compared with."""
    if isinstance(node, exp.In):
        return list(node.expressions)
    if isinstance(node, exp.Between):
        return [node.args["low"], node.args["high"]]
    return [node.expression if node.this is moment else node.this]


def _is_year(node: exp.Expr) -> bool:
    if isinstance(node, exp.Literal):
        return node.is_int and 1000 <= int(node.this) <= 2999
    return isinstance(node, exp.Extract) and node.this.name.upper() == "YEAR"
