"""Which of the dates that a statement reads a question about a period is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp

from sidecar.guard.scope import Table
from sidecar.periods import Period
from sidecar.repair import kinds
from sidecar.repair.binding import Level, Source, Statement
from sidecar.repair.nodes import identifier, words

# Dates of a row that events are seldom counted by.
_SELDOM_MEANT = frozenset({"birth", "born", "birthday", "dob", "updated", "modified", "changed", "expires", "expiry"})
_ASKED_WORDS = re.compile(r"[a-z]+")
_ENDINGS = re.compile(r"(?:ed|ing|es|e|s)$")


@dataclass(frozen=True)
class Moment:
    """A date that a level reads."""

    level: Level
    source: Source
    name: str
    kind: str

    def column(self) -> exp.Column:
        alone = len(self.level.sources) == 1
        return exp.Column(this=identifier(self.name), table=None if alone else identifier(self.source.name))

    def is_meant_by(self, column: exp.Column, statement: Statement) -> bool:
        return place_of(column, statement) == (self.source, self.name)


def meant_date(period: Period, levels: list[Level], statement: Statement) -> Moment | None:
    """The one date that the question is about, as far as its words, the tables' keys or the lack of others tell.

    Where a table has the period's unit as a column of its own, that may be meant.
    """
    sources = [(level, source) for level in levels for source in level.sources]
    if any(source.table is None or _has_unit(period, source.table) for _, source in sources):
        return None
    moments = [Moment(level, source, name, kind) for level, source in sources for name, kind in kinds.moments(source)]
    asked = [_stem(word) for word in _ASKED_WORDS.findall(statement.question.lower())]
    named = [moment for moment in moments if _is_asked(moment.name, asked)]
    if any(_is_chosen(moment, statement) for moment in named):
        return None  # the date itself is asked for, and the period may be of another
    found = named or [moment for moment in moments if not words(moment.name) & _SELDOM_MEANT]
    if len(found) > 1 and not named:
        found = [
            moment
            for moment in found
            if all(_refers(moment.source, other.source) for other in found if other is not moment)
        ]
    return found[0] if len(found) == 1 else None


def _has_unit(period: Period, table: Table) -> bool:
    numbers = [column for column in table.columns if kinds.kind_of_type(column.type) not in kinds.MOMENTS]
    return any(words(column.name) & {period.unit, "year"} for column in numbers)


def _is_chosen(moment: Moment, statement: Statement) -> bool:
    """Whether it stands in a SELECT list as it is."""
    chosen = [node.unalias() for node in moment.level.select.expressions]
    return any(isinstance(node, exp.Column) and moment.is_meant_by(node, statement) for node in chosen)


def _refers(source: Source, other: Source) -> bool:
    if source.table is None or other.table is None:
        return False
    return any((key.schema, key.table) == (other.table.schema, other.table.name) for key in source.table.foreign_keys)


def _is_asked(name: str, asked: list[str]) -> bool:
    """`signup_date` by "signed up", `hire_date` by "hired": a word of the name, or several of the question in one."""
    stems = {_stem(word) for word in words(name)} - {"dat", "tim", "day"}
    pairs = {first + second for first, second in pairwise(asked)}
    return any(stem in asked or stem in pairs for stem in stems if len(stem) > 2)


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word) if len(word) > 3 else word


def place_of(column: exp.Column, statement: Statement) -> tuple[object, str]:
    """The source and the name that a column binds to."""
    reference = statement.bound.get(id(column))
    return (reference.home, reference.name) if reference else (None, column.name)
