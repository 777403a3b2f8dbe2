"""A length of time that the question wants in minutes, hours or days, or that is compared with a bare number.

The difference of two timestamps is an interval: `avg(ended - began)` shows `02:30:00`, and `> 7` does not run.
"""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement

_UNITS = {
    "minute": (60, re.compile(r"\bminutes?\b|\bmins?\b|分钟", re.I)),
    "hour": (3600, re.compile(r"\bhours?\b|\bhrs?\b|小时|钟头", re.I)),
    "day": (86400, re.compile(r"\bdays?\b|天(?![津安])", re.I)),
}
_COMPARED = (exp.GT, exp.GTE, exp.LT, exp.LTE)


def mend(statement: Statement) -> str | None:
    """All of them in one call; nothing where the question names no unit, or several."""
    asked = [unit for unit, (_, words) in _UNITS.items() if words.search(statement.question)]
    if len(asked) != 1:
        return None
    notes = [note for note in (_compare(statement, asked[0]), _show(statement, asked[0])) if note]
    return "; ".join(notes) or None


def _compare(statement: Statement, unit: str) -> str | None:
    """`arrived - planned > 7` as `> INTERVAL '7 days'`."""
    changed = False
    for node in statement.tree.find_all(*_COMPARED):
        number = node.expression
        if kinds.is_length(node.this, statement) and isinstance(number, exp.Literal) and not number.is_string:
            length = exp.Interval(this=exp.Literal.string(str(number.this)), unit=exp.Var(this=f"{unit.upper()}S"))
            node.set("expression", length)
            changed = True
    return f"a length of time is compared with {unit}s" if changed else None


def _show(statement: Statement, unit: str) -> str | None:
    """The lengths that the outermost query shows, as numbers."""
    outer = statement.levels[0].select if statement.levels else None
    if outer is None or outer is not statement.tree:
        return None
    shown = [
        length
        for output in outer.expressions
        for length in [_shown(output.unalias())]
        if kinds.is_length(length, statement)
    ]
    for length in shown:
        seconds = exp.Extract(this=exp.Var(this="EPOCH"), expression=length.copy())
        numeric = exp.Cast(this=seconds, to=exp.DataType(this=exp.DataType.Type.DECIMAL))
        length.replace(exp.Div(this=numeric, expression=exp.Literal.number(str(_UNITS[unit][0]))))
    return f"a length of time is shown in {unit}s" if shown else None


def _shown(output: exp.Expr) -> exp.Expr:
    return kinds.measured(output.this if isinstance(output, exp.Round) else output)
