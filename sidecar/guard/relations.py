"""Which tables a statement reads: each must be one of the scope, or be made by the statement itself."""

from __future__ import annotations

import difflib

from sqlglot import exp

from sidecar.errors import SidecarError
from sidecar.guard.scope import Scope, Table


def resolve(tree: exp.Expression, scope: Scope) -> tuple[str, ...]:
    """Full names of the tables read, in order of their names; raises NL402 for one outside the scope.

    A name that fits a table but for its case is rewritten, quoted, to the table's own.
    """
    found: set[str] = set()
    for node in tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier):
            continue  # a function in FROM; guard.functions has looked at it
        schema = _folded(node.args.get("db"))
        if schema is None and _is_cte(node):
            continue
        table = _find(node, schema, scope)
        if table is None:
            raise _outside(node, scope)
        found.add(table.full_name)
    return tuple(sorted(found))


def _is_cte(node: exp.Table) -> bool:
    """Whether a WITH around the node makes its name there, by PostgreSQL's rules of what sees what.

    A name that is a CTE in one place is a table in another: `WITH t AS (SELECT * FROM t)` reads the table.
    """
    name = _folded(node.this)
    child: exp.Expr = node
    while (parent := child.parent) is not None:
        child = parent
        if isinstance(around := parent.args.get("with_"), exp.With) and name in _cte_names(around.expressions):
            return True
        if isinstance(parent, exp.CTE) and isinstance(around := parent.parent, exp.With):
            # a CTE sees those before it, and with RECURSIVE all of them; then go on outside the query of this WITH
            seen = around.expressions if around.recursive else around.expressions[: parent.index]
            if name in _cte_names(seen):
                return True
            child = around.parent or around
    return False


def _cte_names(ctes: list[exp.Expr]) -> set[str | None]:
    return {_folded(cte.args["alias"].this) for cte in ctes}


def _folded(identifier: exp.Expression | None) -> str | None:
    """A name as PostgreSQL reads it: lower case unless quoted."""
    if not isinstance(identifier, exp.Identifier):
        return None
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else name.lower()


def _find(node: exp.Table, schema: str | None, scope: Scope) -> Table | None:
    if node.args.get("catalog"):
        return None
    name = _folded(node.this) or ""
    return scope.find(schema, name) or _find_other_case(node, schema, scope)


def _find_other_case(node: exp.Table, schema: str | None, scope: Scope) -> Table | None:
    """The one table whose name differs in case only; the node then gets that name."""
    wanted = str(node.this.this).lower()
    alike = [t for t in scope.tables if t.name.lower() == wanted and schema in (None, t.schema)]
    if len(alike) != 1 or not (schema or scope.is_plain(alike[0])):
        return None
    alias = node.alias or node.name
    node.set("this", exp.to_identifier(alike[0].name, quoted=True))
    if not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
    return alike[0]


def _outside(node: exp.Table, scope: Scope) -> SidecarError:
    name = node.sql(dialect="postgres", comments=False).split(" ")[0][:130]
    near = difflib.get_close_matches(node.name.lower(), sorted({t.name for t in scope.tables}), n=3, cutoff=0.5)
    known = f"Near names in scope: {', '.join(near)}." if near else "No table in scope has a name like it."
    return SidecarError(
        "NL402",
        f"relation {name} is outside the scope of the question",
        detail=f"{known} The proposal was dropped.",
        hint="Name the table as it is called in the database, or widen the scope: SET nl2sql.scope = 'database'.",
    )
