"""A boolean compared with a number, or added up: 1 is TRUE, 0 is FALSE."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.EQ, exp.NEQ, exp.Sum, exp.Avg):
        if isinstance(node, exp.Sum | exp.Avg):
            if kinds.kind(node.this, statement) == kinds.BOOLEAN:
                node.set("this", exp.Cast(this=node.this.copy(), to=exp.DataType(this=exp.DataType.Type.INT)))
                return f"{node.this.this.sql(dialect='postgres')} is a boolean: counted as 1 and 0"
            continue
        for flag, number in ((node.this, node.expression), (node.expression, node.this)):
            if kinds.kind(flag, statement) == kinds.BOOLEAN and _is_bit(number):
                number.replace(exp.Boolean(this=number.this == "1"))
                return f"{flag.sql(dialect='postgres')} is a boolean"
    return None


def _is_bit(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.this in ("0", "1")
