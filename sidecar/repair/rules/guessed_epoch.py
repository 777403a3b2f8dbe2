"""A date that a model turned into a number of its own reckoning: the date that the question states stands for it.

`February 2026` became `>= 1677040000000 AND < 1680000000000`, which is some week of 2023.
"""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Statement
from sidecar.repair.bounds import Bound
from sidecar.repair.comparing import in_range
from sidecar.repair.forms import Form, form_of
from sidecar.repair.nodes import all_of, conjuncts
from sidecar.repair.stated import stated_date

_COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_RECKONED = (exp.Literal, exp.Add, exp.Sub, exp.Mul, exp.Paren)


def mend(statement: Statement) -> str | None:
    stated = stated_date(statement.question)
    if stated is None:
        return None
    for level in statement.levels:
        if note := _mend(level, stated, statement):
            return note
    return None


def _mend(level: Level, stated: Bound, statement: Statement) -> str | None:
    where = level.select.args.get("where")
    parts = conjuncts(where.this) if where else []
    guessed = [(part, form) for part in parts if (form := _guessed(part, statement)) is not None]
    if not guessed or len({part.this.sql() for part, _ in guessed}) > 1:
        return None
    (first, form), own = guessed[0], [part for part, _ in guessed]
    kept = [part.copy() for part in parts if not any(part is one for one in own)]
    column = first.this
    level.select.set("where", exp.Where(this=all_of([*kept, in_range(exp.EQ, column, stated, form.kept)])))
    return f"{column.sql(dialect='postgres')} is compared with the date of the question, not a reckoned number"


def _guessed(part: exp.Expr, statement: Statement) -> Form | None:
    """The form of an epoch that is compared with numbers alone."""
    if isinstance(part, exp.Between):
        numbers = [part.args["low"], part.args["high"]]
    elif isinstance(part, _COMPARISONS):
        numbers = [part.expression]
    else:
        return None
    form = form_of(part.this, statement)
    if form is None or not form.scale or not all(_is_reckoned(number) for number in numbers):
        return None
    return form


def _is_reckoned(node: exp.Expr) -> bool:
    literals = [part for part in node.walk() if isinstance(part, exp.Literal)]
    large = any(not part.is_string and len(str(part.this)) >= 9 for part in literals)
    return large and all(
        isinstance(part, _RECKONED) and not (isinstance(part, exp.Literal) and part.is_string) for part in node.walk()
    )
