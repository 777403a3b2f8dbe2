"""A part of a date asked of a text or a number: `EXTRACT(YEAR FROM opened)` where opened is text."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement

_YEAR_IN_TEXT = r"\d{4}"


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.Extract, exp.TimestampTrunc, exp.DateTrunc, exp.ToChar, exp.TimeToStr):
        inner = node.expression if isinstance(node, exp.Extract) else node.this
        unit = _unit(node)
        of = kinds.kind(inner, statement)
        literal = isinstance(inner, exp.Literal) and inner.is_string and isinstance(node, exp.Extract)
        before = inner.sql(dialect="postgres")
        if unit == "YEAR" and of == kinds.INTEGER and isinstance(node, exp.Extract):
            node.replace(inner.copy())
            return f"{before} is a year already"
        if unit == "YEAR" and of == kinds.TEXT and isinstance(node, exp.Extract):
            year = exp.Substring(this=inner.copy(), start=exp.Literal.string(_YEAR_IN_TEXT))
            node.replace(exp.Cast(this=year, to=exp.DataType(this=exp.DataType.Type.INT)))
            return f"{before} is text: its year is read from it"
        if of == kinds.TEXT or literal:
            inner.replace(exp.Cast(this=inner.copy(), to=exp.DataType(this=exp.DataType.Type.DATE)))
            return f"{before} is text: read as a date"
    return None


def _unit(node: exp.Expr) -> str:
    unit = node.this if isinstance(node, exp.Extract) else node.args.get("unit")
    return unit.name.upper() if isinstance(unit, exp.Expr) else ""
