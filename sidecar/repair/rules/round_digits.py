"""ROUND to a number of digits: PostgreSQL has that for numeric only, not for floats."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.Round, exp.Trunc):
        if node.args.get("decimals") is not None and kinds.kind(node.this, statement) == kinds.FLOAT:
            if isinstance(node.this, exp.Cast):
                continue  # sqlglot writes the cast itself
            node.set("this", exp.Cast(this=node.this.copy(), to=exp.DataType(this=exp.DataType.Type.DECIMAL)))
            return "digits are rounded on numeric"
    return None
