"""A subquery in FROM without a name, which PostgreSQL before 16 refuses."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Statement
from sidecar.repair.nodes import identifier


def mend(statement: Statement) -> str | None:
    taken = {source.name for level in statement.levels for source in level.sources} | statement.cte_names
    for level in statement.levels:
        for source in level.sources:
            if isinstance(source.node, exp.Subquery) and not source.node.alias and source.columns is not None:
                name = next(name for n in range(1, 1000) if (name := f"sub_{n}") not in taken)
                source.node.set("alias", exp.TableAlias(this=identifier(name)))
                return f"a subquery in FROM is called {name}"
    return None
