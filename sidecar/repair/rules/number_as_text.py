"""A number or a date where PostgreSQL needs a text: LIKE, functions on texts, a text compared with a date."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement

_PATTERNS = (exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpILike, exp.SimilarTo)
_ON_TEXTS = (exp.Lower, exp.Upper, exp.Length, exp.Substring, exp.Trim, exp.Left, exp.Right, exp.StrPosition)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_NO_TEXTS = kinds.NUMBERS | kinds.MOMENTS | {kinds.BOOLEAN}


def mend(statement: Statement) -> str | None:
    return _argument(statement) or _comparison(statement)


def _comparison(statement: Statement) -> str | None:
    for node in statement.tree.find_all(*_COMPARISONS):
        for text, moment in ((node.this, node.expression), (node.expression, node.this)):
            if kinds.kind(moment, statement) in kinds.MOMENTS and kinds.kind(text, statement) == kinds.TEXT:
                before = moment.sql(dialect="postgres")
                moment.replace(_as_text(moment))
                return f"{before} is compared with a text: read as one"
    return None


def _argument(statement: Statement) -> str | None:
    for node in statement.tree.find_all(*_PATTERNS, *_ON_TEXTS):
        if kinds.kind(node.this, statement) in _NO_TEXTS:
            before = node.this.sql(dialect="postgres")
            node.set("this", _as_text(node.this))
            return f"{before} is no text: read as one"
        pattern = node.expression if isinstance(node, _PATTERNS) else None
        if isinstance(pattern, exp.Literal) and not pattern.is_string:
            pattern.replace(exp.Literal.string(pattern.this))
            return f"the pattern {pattern.this} is a text"
    return None


def _as_text(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node.copy(), to=exp.DataType(this=exp.DataType.Type.TEXT))
