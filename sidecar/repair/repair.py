"""Bind, let the rules put right what can't bind, bind again, until every name has a place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from sidecar.guard.grammar import same
from sidecar.guard.scope import Scope
from sidecar.periods import Period
from sidecar.repair.binding import Reference, Statement, StoredValue, bind
from sidecar.repair.dating import Placed, place
from sidecar.repair.doubts import doubts
from sidecar.repair.meaning import readable, understood
from sidecar.repair.reading import read
from sidecar.repair.rules import (
    abandoned_join,
    aggregate_in_where,
    array_member,
    asked_digits,
    bridge_table,
    code_of_text,
    constant_group,
    count_rows,
    date_and_number,
    date_from_text,
    date_part,
    day_in_range,
    distinct_order,
    duplicate_alias,
    duration_unit,
    either_way,
    enum_as_text,
    enum_order,
    foreign_function,
    group_by,
    guessed_epoch,
    half_key,
    having_columns,
    join_key,
    join_order,
    json_as_text,
    key_value,
    loose_text,
    missing_join,
    money_as_number,
    named_key,
    namesake,
    nearest_name,
    nearest_table,
    nested_aggregate,
    nulls_last,
    number_as_text,
    output_alias,
    pointless_count,
    quoted_text,
    repeated_amount,
    round_digits,
    set_order,
    set_types,
    stated_dates,
    stored_date,
    subquery_alias,
    subquery_columns,
    subquery_key,
    text_as_number,
    truth_value,
    two_keys,
    value_spelling,
    whole_days,
    whole_division,
    wrong_qualifier,
    wrong_table,
)
from sidecar.repair.writing import write

SPELLING = "written as PostgreSQL has it"
MAX_REPAIRS = 12  # a statement with more wrong in it is not worth mending
MAX_PROBLEMS = 40  # names; one more table may mend several

# What has to be right before names can be looked at.
_OF_THE_FORM: tuple[Callable[[Statement], str | None], ...] = (
    foreign_function.mend,
    count_rows.mend,
    subquery_alias.mend,
    duplicate_alias.mend,
)
# What changes least comes first: a spelling, a place, a join condition, then tables that were not there.
_OF_ONE_NAME: tuple[Callable[[Statement, Reference], str | None], ...] = (
    quoted_text.mend,
    output_alias.mend,
    nearest_name.mend_spelling,
    join_key.mend,
    wrong_qualifier.mend,
    bridge_table.mend,
    nearest_name.mend_meaning,
    missing_join.mend_lookup,
    nearest_name.mend_words,
    nearest_name.mend_bare,
    namesake.mend,
    date_part.mend,
    wrong_table.mend_several,
    missing_join.mend_neighbour,
    wrong_table.mend,
    missing_join.mend,
    nearest_name.mend,
)
# Where all names bind; a name that is gone must not be asked for its type, so what removes comes first.
_OF_THE_WHOLE: tuple[Callable[[Statement], str | None], ...] = (
    namesake.mend_asked,
    abandoned_join.mend,
    join_order.mend,
    join_key.mend_types,
    half_key.mend,
    two_keys.mend,
    subquery_columns.mend,
    subquery_key.mend,
    key_value.mend,
    guessed_epoch.mend,
    stated_dates.mend,  # before what is stated is put into the form of a date that is kept as a number
    stored_date.mend,
    array_member.mend,
    day_in_range.mend,
    json_as_text.mend,
    enum_order.mend,
    enum_as_text.mend,
    loose_text.mend,
    money_as_number.mend,
    text_as_number.mend,
    date_from_text.mend,
    number_as_text.mend,
    date_and_number.mend,
    whole_days.mend,
    truth_value.mend,
    round_digits.mend,
    aggregate_in_where.mend,
    having_columns.mend,
    nested_aggregate.mend,
    pointless_count.mend,
    constant_group.mend,
    group_by.mend,
    distinct_order.mend,
    set_order.mend,
    set_types.mend,
    value_spelling.mend,
    repeated_amount.mend,
    code_of_text.mend,
    either_way.mend,
    whole_division.mend,
    named_key.mend,
    duration_unit.mend,
    asked_digits.mend,
    nulls_last.mend,
)
# What these change says the same in the form in which it is stored or asked for: no sign that the model went astray.
_REFINING = frozenset({stored_date.mend, named_key.mend, duration_unit.mend, asked_digits.mend, nulls_last.mend})


@dataclass(frozen=True)
class Repaired:
    """A statement, and what was put right in it.

    `refined`: what was not wrong, but is told in the form that the question asks for; `period`: where it has the period
    that its question names; `doubts`: what makes it doubtful though PostgreSQL would take it.
    """

    sql: str
    notes: tuple[str, ...] = ()
    refined: tuple[str, ...] = ()
    period: Placed | None = None
    doubts: tuple[str, ...] = ()


def repair(
    sql: str,
    scope: Scope,
    values: Sequence[StoredValue] = (),
    question: str = "",
    period: Period | None = None,
    told: bool = True,
    refused: bool = False,
) -> Repaired:
    """The statement with every name bound; as it was given, without notes, if nothing is wrong or it can't be mended.

    What sqlglot does not read as PostgreSQL does is left as it is. If the guard `refused` it, it may be for another
    database's spelling: then PostgreSQL's own is a repair, too.
    `values` are stored ones that the question names: a literal that is spelt otherwise is put right, too.
    With the question a table that it names can be told from others that would do. To the period, which the question
    counts from today, the statement is held, whether the model was `told` of it or not.
    The guard has to check the result.
    """
    try:
        repaired = _repair(sql, scope, values, question, refused)
    # the proposal is still there as the model wrote it, and the server will say what is wrong with it
    except Exception:
        return Repaired(sql)
    if repaired is None:
        return Repaired(sql)
    try:
        return _dated(repaired, period, told) if period else repaired[0]
    except Exception:
        return repaired[0]


def _repair(
    sql: str, scope: Scope, values: Sequence[StoredValue], question: str, refused: bool
) -> tuple[Repaired, Statement] | None:
    """What was made of it, and its binding."""
    tree, notes = _read(sql, refused)
    refined: list[str] = []
    while tree is not None and len(notes) + len(refined) <= MAX_REPAIRS:
        statement = bind(tree, scope, values, question)
        note, refines = _mend(statement)
        if note:
            (refined if refines else notes).append(note)
        elif statement.problems() or statement.unknown_tables:
            return None
        else:
            changed = write(tree) if notes or refined else sql
            return Repaired(changed, tuple(notes), tuple(refined), doubts=doubts(statement)), statement
        tree = statement.tree
    return None


def _read(sql: str, refused: bool) -> tuple[exp.Expr | None, list[str]]:
    """Its tree, and what reading it has put right; no tree where PostgreSQL reads another statement."""
    tree, foreign = read(sql)
    if tree is None or foreign:
        return tree, [foreign] if foreign else []
    again = write(tree)
    if readable(sql):
        if not understood(sql, again):
            return None, []
        if not refused or same(sql, again):
            return tree, []
    elif not readable(again):
        return tree, []  # a rule may make it so
    return read(again)[0], [SPELLING]


def _dated(found: tuple[Repaired, Statement], period: Period, told: bool) -> Repaired:
    repaired, statement = found
    placed = place(period, statement, told)
    changed = write(statement.tree) if placed and placed.changed else repaired.sql
    return replace(repaired, sql=changed, period=placed)


def _mend(statement: Statement) -> tuple[str | None, bool]:
    """The first repair that a rule has to offer, and whether it only refines."""
    note = _bound(statement)
    if not note:
        statement.take_outer()
    if note or statement.unknown_tables or statement.problems():
        return note, False
    found = ((note, rule) for rule in _OF_THE_WHOLE if (note := rule(statement)))
    note, rule = next(found, (None, None))
    return note, rule in _REFINING


def _bound(statement: Statement) -> str | None:
    """What brings a name closer to its place."""
    for form in _OF_THE_FORM:
        if note := form(statement):
            return note
    if statement.unknown_tables:
        return namesake.mend_unknown(statement) or nearest_table.mend(statement)
    problems = statement.problems()
    for problem in problems if len(problems) <= MAX_PROBLEMS else ():
        for rule in _OF_ONE_NAME:
            if note := rule(statement, problem):
                return note
    return None
