"""What a statement takes for the moment that a number or a text stands for: to_timestamp(n / 1000), n::date."""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.repair import kinds

_TO_MOMENT = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ)
_POWER = re.compile(r"10{2,6}(?:\.0*)?|1e[36]|0?\.0{2,5}1")
_BY_NAME = frozenset({"from_unixtime", "to_timestamp", "to_datetime"})


def read_as_moment(kept: exp.Expr) -> tuple[exp.Expr, bool, bool]:
    """What the statement takes for the moment: the outermost node, whether it converts, and whether to a date."""
    top, node, converted, as_date = kept, kept, False, False
    while (parent := node.parent) is not None:
        if not converted and _is_epoch_plus(parent, node):
            node = top = parent.parent if isinstance(parent, exp.Mul) and parent.parent else parent
            converted = True
        elif isinstance(parent, exp.Date) or _is_cast(parent, exp.DataType.Type.DATE):
            node = top = parent
            converted = as_date = True
        elif _converts(parent, node) or (_is_cast(parent, *_TO_MOMENT) and not as_date):
            node = top = parent
            converted, as_date = True, as_date or isinstance(parent, exp.StrToDate)
        elif isinstance(parent, exp.Paren) or (not converted and _is_arithmetic(parent, node)):
            node = parent
            top = parent if converted else top
        else:
            break
    return top, converted, as_date


def is_timestamp_cast(node: exp.Expr) -> bool:
    return _is_cast(node, *_TO_MOMENT)


def _is_cast(node: exp.Expr, *to: exp.DType) -> bool:
    return isinstance(node, exp.Cast) and node.to.this in to


def _converts(parent: exp.Expr, node: exp.Expr) -> bool:
    if isinstance(parent, exp.UnixToTime | exp.StrToTime | exp.StrToDate):
        return parent.this is node
    return isinstance(parent, exp.Anonymous) and parent.name.lower() in _BY_NAME and len(parent.expressions) == 1


def _is_arithmetic(parent: exp.Expr, node: exp.Expr) -> bool:
    """What changes the unit or the type alone."""
    if isinstance(parent, exp.Div):
        return parent.this is node and _is_power_of_ten(parent.expression)
    if isinstance(parent, exp.Mul):
        return _is_power_of_ten(parent.expression if parent.this is node else parent.this)
    return isinstance(parent, exp.Cast) and (
        kinds.kind_of_cast(parent) in kinds.NUMBERS or kinds.kind_of_cast(parent) == kinds.TEXT
    )


def _is_power_of_ten(node: exp.Expr) -> bool:
    if isinstance(node, exp.Paren | exp.Cast):
        return _is_power_of_ten(node.this)
    return isinstance(node, exp.Literal) and bool(_POWER.fullmatch(str(node.this).lower()))


def _is_epoch_plus(parent: exp.Expr, node: exp.Expr) -> bool:
    """TIMESTAMP 'epoch' + n * INTERVAL '1 second'."""
    if not isinstance(parent, exp.Mul):
        return False
    other = parent.expression if parent.this is node else parent.this
    around = parent.parent
    if not isinstance(other, exp.Interval) or not isinstance(around, exp.Add):
        return False
    start = around.this if around.expression is parent else around.expression
    return isinstance(start, exp.Cast) and str(start.this.this)[:10] in ("epoch", "1970-01-01")
