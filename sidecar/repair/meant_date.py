"""Which of the dates that a statement reads a question about a period is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp

from sidecar.guard.scope import Scope, Table
from sidecar.periods import Period
from sidecar.repair import forms, kinds
from sidecar.repair.binding import Level, Source, Statement
from sidecar.repair.forms import Form, form_of_column
from sidecar.repair.nodes import words

# Dates of a row that events are seldom counted by.
_SELDOM_MEANT = frozenset(
    "birth born birthday dob update updated modify modified change changed expire expires expiry login seen accessed"
    " due deadline until valid".split()
)
# Of these names nothing is asked by a word for it.
_GENERIC = frozenset(
    "date time at on day timestamp ts dt ms millis epoch month created create creation added inserted recorded"
    " occurred".split()
)
# Words of a question that speak of the period itself.
_OF_PERIODS = frozenset(
    "last this current previous past today yesterday day days week weeks month months quarter quarters year years"
    " date".split()
)
_ASKED_WORDS = re.compile(r"[a-z]+")
_ENDINGS = re.compile(r"(?:ed|ing|es|e|s)$")
_NEW = re.compile(r"\b(?:new|joined|registered)\b|新", re.I)


@dataclass(frozen=True)
class Moment:
    """A date that a level reads."""

    level: Level
    source: Source
    name: str
    kind: str

    def column(self) -> exp.Column:
        return self.level.column(self.source, self.name)

    @property
    def form(self) -> Form | None:
        """Of a date that is kept as number or text."""
        columns = self.source.table.columns if self.source.table else ()
        return next((form_of_column(column) for column in columns if column.name == self.name), None)

    def is_meant_by(self, column: exp.Column, statement: Statement) -> bool:
        return place_of(column, statement) == (self.source, self.name)


def meant_date(period: Period, levels: list[Level], statement: Statement) -> Moment | None:
    """The one date that the question is about, as far as its words, the tables' keys or the lack of others tell.

    Where a table has the period's unit as a column of its own, that may be meant.
    """
    sources = [(level, source) for level in levels for source in level.sources]
    if any(source.table is None or _has_unit(period, source.table) for _, source in sources):
        return None
    moments = [
        Moment(level, source, name, kind)
        for level, source in sources
        for name, kind in forms.moments(source, has_months(period))
    ]
    usual = [moment for moment in moments if not words(moment.name) & _SELDOM_MEANT]
    asked = _named(statement.question, statement.scope)
    found = [moment for moment in moments if moment.name in asked]
    if not found:
        # a date that the question names, and no table here has
        return None if asked else _unnamed(period, usual, statement)
    if len(found) > 1 or len(asked) > 1 or _is_chosen(found[0], statement):
        return None
    return found[0] if len(usual) == 1 or _is_done_then(period, found[0], statement) else None


def _named(question: str, scope: Scope) -> set[str]:
    """Names of dates in the scope that the question has a word of."""
    asked = _stems(question)
    columns = [column for table in scope.tables for column in table.columns]
    dates = [c for c in columns if c.form or kinds.kind_of_type(c.type) in kinds.MOMENTS]
    return {c.name for c in dates if _is_asked(c.name, asked)}


def _is_done_then(period: Period, moment: Moment, statement: Statement) -> bool:
    """Of several dates, the one of what the question says was done then; the one it names, if it says nothing."""
    if period.done is None:
        return True
    return _is_asked(moment.name, _stems(period.done)) or _places(period.done, moment)


def _places(done: str, moment: Moment) -> bool:
    """Orders are placed, reviews are written: the verb says no more than the noun."""
    return (
        done.lower() in ("placed", "made", "written", "wrote", "received", "handled") and len(moment.level.sources) == 1
    )


def _unnamed(period: Period, usual: list[Moment], statement: Statement) -> Moment | None:
    """The only date, or that of the table which refers to the others'; of people it may not be what is counted."""
    found = [m for m in usual if all(_refers(m.source, other.source) for other in usual if other is not m)]
    if len(found) != 1 or (period.done and len(usual) > 1):
        return None
    table = found[0].source.table
    own = {*map(_stem, words(found[0].name) - _GENERIC)} - {*map(_stem, words(table.name if table else ""))}
    measured = statement.tree.find(exp.Sum, exp.Avg) is not None
    return found[0] if not own or measured or _NEW.search(statement.question) else None


def has_months(period: Period) -> bool:
    """Whether it is made of whole months."""
    return not period.length and period.unit in ("month", "quarter", "year")


def _has_unit(period: Period, table: Table) -> bool:
    numbers = [c for c in table.columns if not c.form and kinds.kind_of_type(c.type) not in kinds.MOMENTS]
    return any(words(column.name) & {period.unit, "year"} for column in numbers)


def _is_chosen(moment: Moment, statement: Statement) -> bool:
    """Whether it stands in a SELECT list as it is."""
    chosen = [node.unalias() for node in moment.level.select.expressions]
    columns = [_shown(node, moment.form) for node in chosen]
    return any(isinstance(node, exp.Column) and moment.is_meant_by(node, statement) for node in columns)


def _shown(node: exp.Expr, form: Form | None) -> exp.Expr | None:
    """The column that is shown as a date."""
    column = node.find(exp.Column) if form else node
    return column if column is node or (form and column and node == form.moment(column.copy())) else None


def _refers(source: Source, other: Source) -> bool:
    if source.table is None or other.table is None:
        return False
    return any((key.schema, key.table) == (other.table.schema, other.table.name) for key in source.table.foreign_keys)


def _stems(text: str) -> list[str]:
    """Of its words, and of two in a row as one: "signed up" is signup."""
    stems = [_stem(word) for word in _ASKED_WORDS.findall(text.lower()) if word not in _OF_PERIODS]
    return stems + [first + second for first, second in pairwise(stems)]


def _is_asked(name: str, asked: list[str]) -> bool:
    """`hire_date` by "hired"."""
    own = words(name) - _OF_PERIODS - _GENERIC
    return any(_stem(word) in asked for word in own if len(word) > 2)


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word) if len(word) > 3 else word


def place_of(column: exp.Column, statement: Statement) -> tuple[object, str]:
    """The source and the name that a column binds to."""
    reference = statement.bound.get(id(column))
    return (reference.home, reference.name) if reference else (None, column.name)
