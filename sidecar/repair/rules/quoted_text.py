"""A text in double quotes, as other databases take it: `status = "paid"`."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Reference, State, Statement
from sidecar.repair.rules.nearest_name import plain

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike)


def mend(statement: Statement, problem: Reference) -> str | None:
    column = problem.column
    if problem.state is not State.MISSING or problem.qualifier or not column.this.args.get("quoted"):
        return None
    if not _is_compared(column) or _is_column(statement, problem):
        return None
    column.replace(exp.Literal.string(column.name))
    return f'"{column.name}" is no column: taken as a text'


def _is_compared(column: exp.Column) -> bool:
    """On the far side of a comparison, or in a list of values."""
    parent = column.parent
    if isinstance(parent, exp.In):
        return parent.this is not column
    if isinstance(parent, exp.Between):
        return parent.this is not column
    return isinstance(parent, _COMPARISONS) and parent.expression is column


def _is_column(statement: Statement, problem: Reference) -> bool:
    """Almost the name of a column that FROM has."""
    wanted = plain(problem.name)
    return any(plain(name) == wanted for source in problem.level.sources for name in source.columns or ())
