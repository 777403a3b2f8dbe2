"""A column of an enum type used as a text: its labels compared as they are, patterns on their text."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Statement
from sidecar.repair.enums import label_for, labels_of

_PATTERNS = (exp.Like, exp.ILike)
_CASES = (exp.Lower, exp.Upper)
_ON_TEXTS = (*_PATTERNS, exp.RegexpLike, exp.RegexpILike, exp.Length, exp.Substring, exp.Trim, exp.StrPosition)


def mend(statement: Statement) -> str | None:
    for reference in statement.references:
        labels = labels_of(reference)
        if labels and (note := _mend(reference.column, labels)):
            return f"{reference.name} {note}"
    return None


def _mend(column: exp.Expr, labels: tuple[str, ...]) -> str | None:
    around = column.parent
    wrapped = around if isinstance(around, _CASES) or _is_text(around) else None
    compared = wrapped if wrapped is not None else column
    condition = compared.parent
    if condition is not None and (isinstance(condition, _PATTERNS) or wrapped is not None):
        meant = _meant(condition, compared, labels)
        if meant is not None:
            condition.replace(meant(column))
            return "has labels: compared with one"
    if wrapped is not None and _is_text(wrapped) and isinstance(condition, exp.Ordered):
        wrapped.replace(column.copy())
        return "is ordered by its type"
    if isinstance(around, (*_ON_TEXTS, *_CASES)) and around.this is column:
        column.replace(exp.Cast(this=column.copy(), to=exp.DataType(this=exp.DataType.Type.TEXT)))
        return "is an enum: read as text"
    return None


def _is_text(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Cast) and kinds.kind_of_cast(node) == kinds.TEXT


class _Comparison:
    """A condition on labels, to be made for the column itself."""

    def __init__(self, how: type[exp.Expr], labels: list[str]) -> None:
        self._how, self._labels = how, [exp.Literal.string(label) for label in labels]

    def __call__(self, column: exp.Expr) -> exp.Expr:
        if self._how is exp.In:
            return exp.In(this=column.copy(), expressions=self._labels)
        return self._how(this=column.copy(), expression=self._labels[0])


def _meant(condition: exp.Expr, compared: exp.Expr, labels: tuple[str, ...]) -> _Comparison | None:
    """None where a literal is no label."""
    if isinstance(condition, exp.In) and condition.this is compared:
        how, values = type(condition), list(condition.expressions)
    elif isinstance(condition, (*_PATTERNS, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)):
        if condition.this is not compared:
            return None
        how = exp.EQ if isinstance(condition, _PATTERNS) else type(condition)  # type: ignore[assignment]
        values = [condition.expression]
    else:
        return None
    texts = [_without_case(value) for value in values]
    found = [label_for(text, labels) if text else None for text in texts]
    sure = [label for label in found if label]
    if sure == texts and how in (exp.EQ, exp.NEQ, exp.In) and _is_text(compared):
        return None  # as good
    return _Comparison(how, sure) if sure and len(sure) == len(values) else None


def _without_case(value: exp.Expr) -> str | None:
    if isinstance(value, _CASES):
        return _without_case(value.this)
    return str(value.this) if isinstance(value, exp.Literal) and value.is_string else None
