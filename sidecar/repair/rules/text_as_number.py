"""A text column where PostgreSQL needs a number: in SUM and AVG, in arithmetic, in ROUND, beside a number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_ORDERINGS = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_COMPARISONS = (exp.EQ, exp.NEQ, *_ORDERINGS)
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*")
# What can't be read as a number is NULL then, not an error in the middle of a query.
_LEADING_NUMBER = r"^\s*([+-]?\d+(?:\.\d+)?)"


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        for node in level.select.walk():
            if note := _mend(node, statement):
                return note
    return None


def _mend(node: exp.Expr, statement: Statement) -> str | None:
    for text in _numbers_wanted(node, statement):
        before = text.sql(dialect="postgres")
        text.replace(_as_number(text, statement))
        return f"{before} is text: read as a number"
    for text, literal in _compared_with_number(node, statement):
        codes = isinstance(node, exp.EQ | exp.NEQ | exp.In) and isinstance(text, exp.Column)
        if codes and isinstance(literal, exp.Literal):
            literal.replace(exp.Literal.string(literal.this))
            return f"{text.sql(dialect='postgres')} is text: compared with a text"
        before = text.sql(dialect="postgres")
        text.replace(_as_number(text, statement))
        return f"{before} is text: read as a number"
    return None


def _numbers_wanted(node: exp.Expr, statement: Statement) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Sum | exp.Avg | exp.Round):
        inner = node.this
        inner = inner.expressions[0] if isinstance(inner, exp.Distinct) and len(inner.expressions) == 1 else inner
        if kinds.kind(inner, statement) == kinds.TEXT:
            yield inner
    elif isinstance(node, _ARITHMETIC):
        sides = [node.this, node.expression]
        found = [kinds.kind(side, statement) for side in sides]
        # text + text may be meant as a concatenation
        if kinds.TEXT in found and any(k in kinds.NUMBERS for k in found):
            yield sides[found.index(kinds.TEXT)]
        elif found == [kinds.TEXT, kinds.TEXT] and not isinstance(node, exp.Add):
            yield sides[0]


def _compared_with_number(node: exp.Expr, statement: Statement) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """A text and the number beside it."""
    if isinstance(node, exp.In):
        pairs = [(node.this, item) for item in node.expressions]
    elif isinstance(node, exp.Between):
        pairs = [(node.this, node.args["low"]), (node.this, node.args["high"])]
    elif isinstance(node, _COMPARISONS):
        pairs = [(node.this, node.expression), (node.expression, node.this)]
    else:
        return
    for text, other in pairs:
        if isinstance(other, exp.Column | exp.Subquery):
            continue  # two columns that don't fit: one of them may be the wrong one
        if kinds.kind(other, statement) in kinds.NUMBERS and kinds.kind(text, statement) == kinds.TEXT:
            yield text, other


def _as_number(text: exp.Expr, statement: Statement) -> exp.Expr:
    if isinstance(text, exp.Min | exp.Max):
        return text.__class__(this=_as_number(text.this, statement))
    values = kinds.samples(text, statement)
    to = exp.DataType(this=exp.DataType.Type.DECIMAL)
    if values and all(_NUMBER.fullmatch(value) for value in values):
        return exp.Cast(this=text.copy(), to=to)
    number = exp.Substring(this=text.copy(), start=exp.Literal.string(_LEADING_NUMBER))
    return exp.Cast(this=number, to=to)
