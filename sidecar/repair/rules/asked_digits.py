"""Digits that the question asks for: a mean or a quotient "with two decimals", 保留一位小数, is rounded to them."""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement

_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4}
_DIGITS = re.compile(
    r"\b(?P<english>one|two|three|four|[1-4])\s+(?:decimals?|decimal\s+(?:places?|digits?)|digits?\s+after)\b"
    r"|(?P<chinese>[一两二三四1-4])位小数",
    re.I,
)
_BROKEN = (exp.Avg, exp.Div, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.PercentileCont)


def mend(statement: Statement) -> str | None:
    """All that the outermost query computes and does not round; nothing where different digits are asked for."""
    asked = {_number(found) for found in _DIGITS.finditer(statement.question)}
    if len(asked) != 1 or not isinstance(statement.tree, exp.Select):
        return None
    digits = asked.pop()
    computed = [output.unalias() for output in statement.tree.expressions if _is_broken(output.unalias(), statement)]
    for node in computed:
        numeric = exp.Cast(this=_closed(node.copy()), to=exp.DataType(this=exp.DataType.Type.DECIMAL))
        node.replace(exp.Round(this=numeric, decimals=exp.Literal.number(str(digits))))
    return f"rounded to {digits} decimals, as the question asks" if computed else None


def _number(found: re.Match[str]) -> int:
    text = (found["english"] or found["chinese"]).lower()
    return int(text) if text.isdecimal() else _NUMBERS[text]


def _is_broken(node: exp.Expr, statement: Statement) -> bool:
    """Whether it gives a number with a fraction, by a mean or a division, and has not been rounded."""
    if kinds.is_length(kinds.measured(node), statement):
        return False  # an interval, which has no digits
    if isinstance(node, exp.Query | exp.Predicate | exp.Case | exp.Cast) or node.find(exp.Round, exp.Trunc):
        return False
    return node.find(*_BROKEN) is not None


def _closed(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.Binary) else node
