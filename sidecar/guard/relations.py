"""Which tables a statement reads: each must be one of the scope, or be made by the statement itself."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from sidecar.errors import SidecarError
from sidecar.guard.names import quote
from sidecar.guard.nodes import Node
from sidecar.guard.scope import Scope, Table


def resolve(nodes: Sequence[Node], scope: Scope) -> tuple[str, ...]:
    """Full names of the tables read, in order of their names; raises NL402 for one outside the scope."""
    found: set[str] = set()
    for node in nodes:
        if node.kind != "RangeVar" or (not node.fields.get("schemaname") and _is_cte(node)):
            continue
        table = _find(node, scope)
        if table is None:
            raise _outside(node, scope)
        found.add(table.full_name)
    return tuple(sorted(found))


def _find(node: Node, scope: Scope) -> Table | None:
    if node.fields.get("catalogname"):
        return None
    return scope.find(node.fields.get("schemaname"), node.fields["relname"])


def _is_cte(node: Node) -> bool:
    """Whether a WITH around the node makes its name there, by PostgreSQL's rules of what sees what.

    A name that is a CTE in one place is a table in another: `WITH t AS (SELECT * FROM t)` reads the table.
    """
    name = node.fields["relname"]
    below: Node = node
    for parent in node.ancestors():
        if parent.kind == "WithClause":
            # a CTE sees those before it, and with RECURSIVE all of them
            ctes = parent.fields["ctes"]
            own = next(place for place, cte in enumerate(ctes) if cte["CommonTableExpr"] is below.fields)
            if name in _names(ctes if parent.fields.get("recursive") else ctes[:own]):
                return True
        elif below.kind != "WithClause" and name in _names(parent.fields.get("withClause", {}).get("ctes", ())):
            return True
        below = parent
    return False


def _names(ctes: Sequence[dict[str, dict[str, str]]]) -> set[str]:
    return {cte["CommonTableExpr"]["ctename"] for cte in ctes}


def _outside(node: Node, scope: Scope) -> SidecarError:
    parts = [node.fields[name] for name in ("catalogname", "schemaname", "relname") if node.fields.get(name)]
    known = sorted({table.name for table in scope.tables})
    near = difflib.get_close_matches(parts[-1].lower(), known, n=3, cutoff=0.5)
    told = f"Near names in scope: {', '.join(map(quote, near))}." if near else "No table in scope has a name like it."
    return SidecarError(
        "NL402",
        f"relation {'.'.join(map(quote, parts))[:130]} is outside the scope",
        detail=f"{told} Nothing was run.",
        hint="Name the table as it is called in the database, or widen the scope: SET nl2sql.scope = 'database'.",
    )
