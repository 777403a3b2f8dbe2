"""A value of a JSON document compared with a text or a number: `->` gives JSON, `->>` the text."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_PATTERNS = (exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpILike)
_AS_TEXT: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.JSONExtract: exp.JSONExtractScalar,
    exp.JSONBExtract: exp.JSONBExtractScalar,
}
_TEXTS = tuple(_AS_TEXT.values())


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(*_AS_TEXT, *_TEXTS):
        around = node.parent
        value = _value(around, node)
        if isinstance(node, tuple(_AS_TEXT)) and around is not None and value is not None and not _is_json(value):
            text = _AS_TEXT[type(node)](**dict(node.copy().args.items()))
            node.replace(_number(text) if _is_number(value, statement) else text)
            return f"{text.sql(dialect='postgres')} is compared as a text"
        summed = isinstance(around, exp.Sum | exp.Avg)
        if isinstance(node, _TEXTS) and (summed or (value is not None and _is_number(value, statement))):
            before = node.sql(dialect="postgres")
            node.replace(_number(node.copy()))
            return f"{before} is text: read as a number"
    return None


def _value(around: exp.Expr | None, node: exp.Expr) -> exp.Expr | None:
    """What it is compared with."""
    value: object = None
    if isinstance(around, _COMPARISONS):
        value = around.expression if around.this is node else around.this
    elif isinstance(around, exp.In) and around.this is node and around.expressions:
        value = around.expressions[0]
    elif isinstance(around, exp.Between) and around.this is node:
        value = around.args["low"]
    elif isinstance(around, _PATTERNS) and around.this is node:
        value = around.expression
    return value if isinstance(value, exp.Expr) else None


def _is_json(value: exp.Expr) -> bool:
    """A literal that JSON can be, such as '\"web\"', or nothing that tells."""
    if not isinstance(value, exp.Literal):
        return True
    return value.is_string and (value.this[:1] in ('"', "[", "{") or value.this in ("true", "false", "null"))


def _is_number(value: exp.Expr, statement: Statement) -> bool:
    return kinds.kind(value, statement) in kinds.NUMBERS


def _number(text: exp.Expr) -> exp.Expr:
    return exp.Cast(this=exp.Paren(this=text), to=exp.DataType(this=exp.DataType.Type.DECIMAL))
