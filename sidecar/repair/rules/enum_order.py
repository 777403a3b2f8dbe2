"""Grades of an enum type: "at least high" is `>= 'high'`, "most severe first" the type's order, not the alphabet's."""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.repair.binding import Reference, Statement
from sidecar.repair.closest import fold
from sidecar.repair.comparing import COMPARISONS, put
from sidecar.repair.enums import falls, is_graded, labels_of, spoken

_MORE = r"(?:higher|above|more|worse|greater|up|over|more \w+)"
_LESS = r"(?:lower|below|less|under|milder|better|less \w+)"
_OF = r"(?:(?:a|an|the|of|level|priority|severity|grade)\s+){0,3}"
# By the words around a label, which stands for {}.
_ASKED: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.GTE, rf"(?:at least|no (?:less|lower) than|minimum|not (?:below|under))\s+{_OF}{{}}\b"),
    (exp.GTE, rf"\b{{}}\s+(?:\w+\s+)?(?:or|and)\s+{_MORE}\b|至少为?是?{{}}|不低于{{}}|{{}}级?别?[及或和]?以上"),
    (exp.LTE, rf"(?:at most|no (?:more|higher) than|maximum|not above|up to)\s+{_OF}{{}}\b"),
    (exp.LTE, rf"\b{{}}\s+(?:\w+\s+)?(?:or|and)\s+{_LESS}\b|至多为?{{}}|不高于{{}}|不超过{{}}|{{}}级?别?[及或和]以下"),
    (
        exp.GT,
        rf"\b(?:above|over|exceeding|(?:higher|more|worse|greater|more \w+) than)\s+{_OF}{{}}\b|高于{{}}|超过{{}}",
    ),
    (exp.LT, rf"\b(?:below|under|(?:lower|less|milder|less \w+) than)\s+{_OF}{{}}\b|低于{{}}|{{}}以下"),
)
_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.LT: exp.GT,
}
_GREATEST_FIRST = re.compile(
    r"\b(?:most (?:severe|serious|critical|urgent|important)|severest|worst)(?:\s+\w+)?\s+first\b"
    r"|最(?:严重|紧急|重要|高)的?(?:\w{0,2})?(?:在前|排在?前|优先|在先|开始)|从(?:高到低|重到轻)"
)
_LEAST_FIRST = re.compile(
    r"\b(?:least (?:severe|serious|critical|urgent|important)|mildest)(?:\s+\w+)?\s+first\b|从(?:低到高|轻到重)"
)


def mend(statement: Statement) -> str | None:
    return _condition(statement) or _order(statement)


def _condition(statement: Statement) -> str | None:
    question = fold(statement.question)
    for reference in statement.references:
        labels = labels_of(reference)
        if not labels or not question:
            continue
        compared = _without_cast(reference.column)
        condition = compared.parent
        found = _asked(question, labels)
        if condition is None or found is None or not _names(condition, compared, found[1]):
            continue
        how = _TURNED[found[0]] if falls(labels) else found[0]
        instead = how(this=reference.column.copy(), expression=exp.Literal.string(found[1]))
        if instead != condition:
            put(condition, instead)
            return f"{reference.name} is compared by the order of its type"
    return None


def _asked(question: str, labels: tuple[str, ...]) -> tuple[type[exp.Expr], str] | None:
    """The comparison that the question makes with one of the labels."""
    found = [
        (how, label)
        for label in labels
        for how, pattern in _ASKED
        if re.search(pattern.replace("{}", re.escape(spoken(label))), question)
    ]
    # "or lower" is not "lower than": the first of one label counts, two labels are too many
    return found[0] if found and len({label for _, label in found}) == 1 else None


def _without_cast(column: exp.Expr) -> exp.Expr:
    parent = column.parent
    return parent if isinstance(parent, exp.Cast) and parent.this is column else column


def _names(condition: exp.Expr, compared: exp.Expr, label: str) -> bool:
    """Whether the condition compares it with the label, and with labels alone."""
    if isinstance(condition, exp.In) and condition.this is compared:
        values = list(condition.expressions)
    elif isinstance(condition, COMPARISONS) and not isinstance(condition, exp.NEQ) and condition.this is compared:
        values = [condition.expression]
    else:
        return False
    literals = [spoken(str(v.this)) for v in values if isinstance(v, exp.Literal) and v.is_string]
    return len(literals) == len(values) and spoken(label) in literals


def _order(statement: Statement) -> str | None:
    question = fold(statement.question)
    greatest, least = _GREATEST_FIRST.search(question), _LEAST_FIRST.search(question)
    select = statement.tree
    if bool(greatest) == bool(least) or not isinstance(select, exp.Select) or select.args.get("distinct"):
        return None
    graded = [r for r in statement.references if r.level.select is select and is_graded(labels_of(r))]
    graded = [reference for reference in graded if _is_shown(reference, select)]
    if len({(reference.home, reference.name) for reference in graded}) != 1:
        return None
    reference = graded[0]
    falling = bool(greatest) != falls(labels_of(reference))
    if _stands_first(select, reference, falling):
        return None
    key = exp.Ordered(this=reference.column.copy(), desc=falling or None, nulls_first=falling)
    select.set("order", exp.Order(expressions=[key]))
    return f"ordered by {reference.name}, by the order of its type"


def _is_shown(reference: Reference, select: exp.Select) -> bool:
    column = reference.column
    output = column.parent if isinstance(column.parent, exp.Alias) else column
    return output.parent is select and output.arg_key == "expressions"


def _stands_first(select: exp.Select, reference: Reference, falling: bool) -> bool:
    order = select.args.get("order")
    first = order.expressions[0] if order else None
    if not isinstance(first, exp.Ordered) or bool(first.args.get("desc")) != falling:
        return False
    key = first.this
    if isinstance(key, exp.Case):
        return True  # an order of its own
    number = 1 + [node.unalias() for node in select.expressions].index(reference.column)
    return (isinstance(key, exp.Column) and key.name == reference.name) or key == exp.Literal.number(number)
