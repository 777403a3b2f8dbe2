"""A date kept as number or text: conditions in the column's own form, a date where one is asked for.

The name of such a column alone does not tell a model that `create_time` counts milliseconds: it compares it with dates,
takes its month, or divides it by the wrong number.
"""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.glossary.words import is_han
from sidecar.repair import kinds
from sidecar.repair.binding import Reference, State, Statement
from sidecar.repair.bounds import DAY, INSTANT, MONTH, Bound, read_bound
from sidecar.repair.comparing import COMPARISONS, in_range, mirrored, put
from sidecar.repair.forms import EPOCHS, Form, form_of
from sidecar.repair.moment_of import is_timestamp_cast, read_as_moment
from sidecar.repair.nodes import all_of, is_aggregate, words_in_order

_OF_MOMENTS = frozenset({"date_part", "age", "extract"})
_PARTS = (exp.Extract, exp.TimestampTrunc, exp.DateTrunc, exp.TimeToStr, exp.ToChar, exp.AtTimeZone)
_PATTERNS = (exp.Like, exp.ILike)
_SECONDS = (300_000_000, 4_200_000_000)  # a number of them in a literal: 1979 to 2103
_WHEN = re.compile(r"\b(?:when|date|dates|day|time|since)\b|时间|日期|何时|什么时候|哪[一]?天|几号|几时", re.I)
_WHEN_ONLY = re.compile("何时|什么时候|哪一?天|几号|几时")
_RAW = re.compile(r"\b(?:epoch|unix|raw|milliseconds?|microseconds?)\b|毫秒|微秒|时间戳|原始", re.I)


def mend(statement: Statement) -> str | None:
    """All in one call: a statement may compare such columns often."""
    notes = []
    for reference in statement.references:
        form = form_of(reference.column, statement)
        if form and _mend(reference, form, statement):
            notes.append(f"{reference.name} keeps dates as {form.name}")
    return "; ".join(dict.fromkeys(notes)) or None


def _mend(reference: Reference, form: Form, statement: Statement) -> bool:
    kept = _kept(reference.column)
    top, converted, as_date = read_as_moment(kept)
    if not converted and (text := _pattern_of_text(kept)) is not None:
        top = text
    condition = top.parent
    if condition is not None and _compares(condition, top):
        instead = _in_its_form(condition, top, kept, form, statement, converted)
        if instead is not None:
            if instead == condition:
                return False
            put(condition, instead)
            return True
    if converted and not form.is_plain_text:
        return _replaced(top, _cast(form.moment(kept.copy()), as_date and form.scale > 0))
    if not converted and _needs_moment(kept, form, statement):
        return _replaced(kept, form.moment(kept.copy()))
    return not converted and _is_shown(reference, kept, form, statement) and _show(kept, form)


def _pattern_of_text(kept: exp.Expr) -> exp.Expr | None:
    """CAST(n AS TEXT) before LIKE."""
    cast = kept.parent
    is_text = isinstance(cast, exp.Cast) and kinds.kind_of_cast(cast) == kinds.TEXT
    return cast if cast is not None and is_text and isinstance(cast.parent, _PATTERNS) else None


def _kept(column: exp.Expr) -> exp.Expr:
    """The column, or the least or greatest of its values."""
    parent = column.parent
    return parent if isinstance(parent, exp.Min | exp.Max) and parent.this is column else column


def _compares(condition: exp.Expr, top: exp.Expr) -> bool:
    if isinstance(condition, exp.Between | exp.In | exp.Like | exp.ILike):
        return condition.this is top
    return isinstance(condition, COMPARISONS)


def _in_its_form(
    condition: exp.Expr, top: exp.Expr, kept: exp.Expr, form: Form, statement: Statement, converted: bool
) -> exp.Expr | None:
    """The condition on the bare column; None where what it is compared with is no date of its own."""
    edges: list[tuple[type[exp.Expr], exp.Expr]]
    if isinstance(condition, exp.Between):
        edges = [(exp.GTE, condition.args["low"]), (exp.LTE, condition.args["high"])]
    elif isinstance(condition, exp.In):
        edges = [(exp.EQ, item) for item in condition.expressions]
    elif isinstance(condition, _PATTERNS):
        return _of_pattern(condition, kept, form)
    else:
        first = condition.this is top
        edges = [(mirrored(condition, first), condition.expression if first else condition.this)]
    if not edges:
        return None
    if not converted and all(_is_kept(value, form) for _, value in edges):
        return condition
    parts = [_compared(how, kept, value, form, converted) for how, value in edges]
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return None
    if not isinstance(condition, exp.In) or len(whole) == 1:
        return all_of(whole)
    either: exp.Expr = whole[0]
    for part in whole[1:]:
        either = exp.Or(this=either, expression=part)
    return either


def _is_kept(value: exp.Expr, form: Form) -> bool:
    """A literal that is one of the column's own already."""
    if not isinstance(value, exp.Literal):
        return False
    if form.scale:
        return not value.is_string and _in_unit(exp.EQ, value, form) is None and read_bound(value, numbers=True) is None
    bound = read_bound(value, numbers=form.number)
    unit = MONTH if form.of_months else DAY
    return bound is not None and bound.unit == unit and form.kept(bound.start) == value


def _compared(how: type[exp.Expr], kept: exp.Expr, value: exp.Expr, form: Form, converted: bool) -> exp.Expr | None:
    if form.scale and not converted and (scaled := _in_unit(how, value, form)):
        return scaled[0](this=kept.copy(), expression=scaled[1])
    bound = read_bound(value, numbers=not converted)
    if bound is None:
        return None
    if form.scale:
        return in_range(how, kept, bound, form.kept)
    if form.is_plain_text and isinstance(value, exp.Literal):
        return how(this=kept.copy(), expression=value.copy())
    return _by_days(how, kept, bound, form)


def _in_unit(how: type[exp.Expr], value: exp.Expr, form: Form) -> tuple[type[exp.Expr], exp.Expr] | None:
    """A literal that counts in another unit, in the column's; up to a second is up to its last millisecond."""
    if not isinstance(value, exp.Literal) or value.is_string or not value.is_int:
        return None
    number = int(value.this)
    scale = next((s for s in EPOCHS.values() if _SECONDS[0] * s <= number <= _SECONDS[1] * s), form.scale)
    if scale == form.scale:
        return None
    if scale < form.scale and how in (exp.LTE, exp.GT):
        how, number = (exp.LT if how is exp.LTE else exp.GTE), number + 1
    return how, exp.Literal.number(number * form.scale // scale)


def _by_days(how: type[exp.Expr], kept: exp.Expr, bound: Bound, form: Form) -> exp.Expr:
    """For columns that have whole days or months: what is as fine as that is compared as it is."""
    if form.of_months and bound.unit in (DAY, INSTANT):
        # before the middle of a month is until that month
        first = bound.day is None or bound.day.day == 1
        how = exp.LTE if how is exp.LT and not first else exp.GTE if how is exp.GT and not _is_last(bound) else how
        return how(this=kept.copy(), expression=form.kept(bound.start))
    if bound.unit in (DAY, INSTANT) or (form.of_months and bound.unit == MONTH):
        return how(this=kept.copy(), expression=form.kept(bound.start))
    return in_range(how, kept, bound, form.kept)


def _is_last(bound: Bound) -> bool:
    """The last day of a month."""
    return bound.day is not None and str(bound.end.this)[8:] == "01"


def _of_pattern(condition: exp.Expr, kept: exp.Expr, form: Form) -> exp.Expr | None:
    """LIKE '2026-02%'."""
    pattern = condition.expression
    text = str(pattern.this) if isinstance(pattern, exp.Literal) and pattern.is_string else ""
    if not text.endswith("%") or "%" in text[:-1] or "_" in text or (not form.number and "-" in form.name):
        return None
    bound = read_bound(exp.Literal.string(text.rstrip("%-")))
    digits = form.scale > 0 or "-" in text
    return in_range(exp.EQ, kept, bound, form.kept) if bound and digits and bound.unit != INSTANT else None


def _needs_moment(kept: exp.Expr, form: Form, statement: Statement) -> bool:
    """Whether it stands where PostgreSQL has a date, or where a text has no part of one."""
    parent = kept.parent
    if isinstance(parent, _PARTS):
        inner = parent.expression if isinstance(parent, exp.Extract) else parent.this
        return inner is kept and not form.is_plain_text  # which another rule reads
    if isinstance(parent, exp.Anonymous):
        return parent.name.lower() in _OF_MOMENTS
    if parent is not None and isinstance(parent, (exp.Add, exp.Sub, exp.Between, *COMPARISONS)):
        others = [part for part in parent.iter_expressions() if part is not kept]
        return any(isinstance(o, exp.Interval) or kinds.kind(o, statement) in kinds.MOMENTS for o in others)
    return False


def _is_shown(reference: Reference, kept: exp.Expr, form: Form, statement: Statement) -> bool:
    """Whether it is a column of the result, and the question wants to see a date."""
    output = kept.parent if isinstance(kept.parent, exp.Alias) else kept
    select = output.parent
    if select is not statement.tree or not isinstance(select, exp.Select) or output.arg_key != "expressions":
        return False
    if form.is_plain_text or form.of_months or _RAW.search(statement.question):
        return False
    if not form.scale and (not _WHEN.search(statement.question) or _is_called(reference, statement.question)):
        return False
    return not select.args.get("distinct") or not _orders_by(reference, statement)


def _is_called(reference: Reference, question: str) -> bool:
    """Whether the question asks for the column by its name: digits such as 20260131 are read as what they are.

    A Chinese word for a date may be that name, too.
    """
    if is_han(question) and not _WHEN_ONLY.search(question):
        return True
    name = " ".join(words_in_order(reference.name))
    return f" {name}" in f" {' '.join(words_in_order(question))}"


def _orders_by(reference: Reference, statement: Statement) -> bool:
    """With DISTINCT what stands in ORDER BY must be chosen, too."""
    return any(
        other.state is State.BOUND and other.name == reference.name and other.column.find_ancestor(exp.Order)
        for other in statement.references
        if other.level is reference.level
    )


def _show(kept: exp.Expr, form: Form) -> bool:
    shown = form.moment(kept.copy())
    if isinstance(kept.parent, exp.Alias) or is_aggregate(kept):
        kept.replace(shown)
    else:
        kept.replace(exp.Alias(this=shown, alias=kept.this.copy()))
    return True


def _cast(moment: exp.Expr, to_date: bool) -> exp.Expr:
    return exp.Cast(this=moment, to=exp.DataType(this=exp.DataType.Type.DATE)) if to_date else moment


def _replaced(node: exp.Expr, instead: exp.Expr) -> bool:
    if node == instead or (is_timestamp_cast(node) and node.this == instead):
        return False
    node.replace(instead)
    return True
