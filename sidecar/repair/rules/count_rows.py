"""COUNT(DISTINCT *) and COUNT(a, b): PostgreSQL counts rows with COUNT(*)."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Statement


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(exp.Count):
        inner = node.this
        stars = isinstance(inner, exp.Distinct) and any(isinstance(e, exp.Star) for e in inner.expressions)
        if stars or (not isinstance(inner, exp.Distinct) and node.expressions):
            before = node.sql(dialect="postgres")
            node.set("this", exp.Star())
            node.set("expressions", None)
            return f"{before} counts rows"
    return None
