"""Amounts of type money beside numbers, or where PostgreSQL needs a number: read as numeric."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import State, Statement

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_SUMS = (exp.Add, exp.Sub, exp.Coalesce)
_OF_NUMBERS = (
    exp.Avg,
    exp.Round,
    exp.Abs,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.Floor,
    exp.Ceil,
)


def mend(statement: Statement) -> str | None:
    """All in one call."""
    found = [node for node in statement.tree.walk() if _is_money(node, statement) and _needs_number(node, statement)]
    for node in found:
        node.replace(exp.Cast(this=node.copy(), to=exp.DataType(this=exp.DataType.Type.DECIMAL)))
    names = ", ".join(dict.fromkeys(node.sql(dialect="postgres") for node in found))
    return f"{names} is money: read as a number" if names else None


def _is_money(node: exp.Expr, statement: Statement) -> bool:
    """A column of that type, or a sum or an extreme of one."""
    if isinstance(node, exp.Sum | exp.Min | exp.Max):
        return _is_money(node.this, statement)
    reference = statement.bound.get(id(node)) if isinstance(node, exp.Column) else None
    table = reference.home.table if reference and reference.home and reference.state is State.BOUND else None
    return table is not None and any(c.name == node.name and c.type == "money" for c in table.columns)


def _needs_number(node: exp.Expr, statement: Statement) -> bool:
    around = node.parent
    if isinstance(around, _OF_NUMBERS) and around.this is node:
        return True
    if isinstance(around, exp.Mul | exp.Div):
        return kinds.NUMERIC in {kinds.kind(other, statement) for other in _others(around, node)}
    if isinstance(around, exp.If | exp.Case):
        case = around.parent if isinstance(around, exp.If) else around
        return node.arg_key in ("true", "default") and _has_number(case, statement)
    if isinstance(around, (*_COMPARISONS, *_SUMS, exp.Between, exp.In)):
        return any(kinds.kind(other, statement) in kinds.NUMBERS for other in _others(around, node))
    return False


def _others(around: exp.Expr, node: exp.Expr) -> Iterator[exp.Expr]:
    return (other for other in around.iter_expressions() if other is not node)


def _has_number(case: exp.Expr | None, statement: Statement) -> bool:
    if not isinstance(case, exp.Case):
        return False
    results = [each.args.get("true") for each in case.args.get("ifs") or []] + [case.args.get("default")]
    return any(result is not None and kinds.kind(result, statement) in kinds.NUMBERS for result in results)
