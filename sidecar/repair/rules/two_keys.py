"""A table that two keys lead to, as of a letter to its sender and its recipient: each key has an entry of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sidecar.repair.binding import Level, Source, Statement
from sidecar.repair.closest import fold
from sidecar.repair.equalities import Equalities, equalities
from sidecar.repair.keys import Keys
from sidecar.repair.nodes import column as _column
from sidecar.repair.nodes import identifier, words

SHORTEST = 3  # letters that two words must begin with to be of one root: sent and sender
_ITSELF = re.compile(r"\b(?:\w*self|\w*selves|own)\b|自己|本人", re.I)
_WORD = re.compile(r"[^\W\d_]+")
_TELL_NOTHING = {"id", "no", "key", "code", "nr", "num", "number", "by", "to", "from", "of"}


@dataclass(frozen=True)
class _Use:
    """An entry of FROM that a key of one column leads to, and the column that has it."""

    level: Level
    start: Source
    end: Source
    column: str
    reference: str
    node: exp.EQ
    keys: dict[str, frozenset[str]]  # of all columns that lead there: the words that tell each from the others

    @property
    def words(self) -> frozenset[str]:
        return self.keys[self.column]

    @property
    def others(self) -> list[str]:
        return [name for name in self.keys if name != self.column]


def mend(statement: Statement) -> str | None:
    keys = Keys(statement.scope)
    for level in statement.levels:
        if level.opaque:
            continue
        uses = list(_uses(level, equalities(statement, level), keys))
        for use in uses:
            if note := _both_at_once(statement, uses, use) or _twice(uses, use) or _misnamed(uses, use):
                return note
    return None


def _uses(level: Level, made: Equalities, keys: Keys) -> Iterator[_Use]:
    """Of tables that more than one key of another leads to."""
    for each in made.found:
        for (start, here), (end, there) in ((each.one, each.other), (each.other, each.one)):
            columns = _columns(keys, start, end, there)
            if isinstance(each.node, exp.EQ) and here in columns and len(columns) > 1 and end in level.sources:
                yield _Use(level, start, end, here, there, each.node, _telling(columns))


def _columns(keys: Keys, start: Source, end: Source, reference: str) -> list[str]:
    steps = keys.between(start.table, end.table) if start.table and end.table else []
    pairs = [step.pairs[0] for step in steps if step.outward and len(step.pairs) == 1]
    return list(dict.fromkeys(here for here, there in pairs if there == reference))


def _telling(columns: list[str]) -> dict[str, frozenset[str]]:
    found = {}
    for column in columns:
        shared = {word for other in columns if other != column for word in words(other)}
        found[column] = frozenset(words(column) - shared - _TELL_NOTHING)
    return found


def _both_at_once(statement: Statement, uses: list[_Use], use: _Use) -> str | None:
    """One entry that is both: only a letter to oneself has one. The question says which, or the columns shown do."""
    same = [u for u in uses if u.end is use.end and u.start is use.start]
    if len({u.column for u in same}) != 2 or len(same) != 2 or same[0] is not use or _ITSELF.search(statement.question):
        return None
    asked = [each for each in same if _place(each.words, statement.question) >= 0]
    if len(asked) != 1:
        return _split(statement, same)
    return f"{use.end.name} is joined by {asked[0].column} alone" if _leave_only(asked[0], same) else None


def _leave_only(kept: _Use, same: list[_Use]) -> bool:
    dropped = next(each for each in same if each is not kept)
    chain = dropped.node.parent
    if not isinstance(chain, exp.And):
        return False
    chain.replace((chain.expression if chain.this is dropped.node else chain.this).copy())
    return True


def _split(statement: Statement, same: list[_Use]) -> str | None:
    """A second entry, if what is asked of the first is two columns of the SELECT list, and no more."""
    level, end = same[0].level, same[0].end
    conditions = {id(node) for use in same for node in use.node.walk()}
    used = [r for r in statement.references if r.home is end and id(r.column) not in conditions]
    shown = [column for column in level.select.expressions if column.unalias() in [r.column for r in used]]
    join = level.joins[end.position - 1] if end.position else None
    if len(used) != 2 or len(shown) != 2 or join is None or join.args.get("on") is None:
        return None
    if (
        any(isinstance(node, exp.Or) for node in join.args["on"].walk())
        or same[1].node.find_ancestor(exp.Join) is not join
    ):
        return None
    first, second = _in_order(same, shown, statement.question)
    name = f"{end.name}_{min(second.words, default='other')}"
    if not _leave_only(first, same):
        return None
    copy = join.this.copy()
    copy.set("alias", exp.TableAlias(this=identifier(name)))
    on = exp.EQ(this=_column(name, second.reference), expression=_column(second.start.name, second.column))
    place = end.position
    added = exp.Join(this=copy, on=on, side=join.side or None, kind=join.kind or None)
    level.select.set("joins", [*level.joins[:place], added, *level.joins[place:]])
    shown[1].unalias().set("table", identifier(name))
    return f"{end.name} is joined once for {first.column} and once for {second.column}"


def _in_order(same: list[_Use], shown: list[exp.Expr], question: str) -> tuple[_Use, _Use]:
    """The key that the first column is about, then the other: by the columns' names, or as the question names them."""
    first, second = same
    labels = [column.alias for column in shown]
    told = [_place(first.words, labels[0]) >= 0, _place(second.words, labels[1]) >= 0]
    crossed = [_place(second.words, labels[0]) >= 0, _place(first.words, labels[1]) >= 0]
    if any(told) or any(crossed):
        return (first, second) if sum(told) >= sum(crossed) else (second, first)
    places = [_place(use.words, question) for use in same]
    return (second, first) if places[0] > places[1] >= 0 else (first, second)


def _twice(uses: list[_Use], use: _Use) -> str | None:
    """Two entries by one key are the same row twice: the second is for the other key."""
    same = [u for u in uses if u.start is use.start and u.column == use.column and u.end.table is use.end.table]
    if len(use.others) != 1 or len(same) != 2 or same[0] is not use or same[0].end is same[1].end:
        return None
    other = use.others[0]
    if any(u.column == other and u.start is use.start for u in uses):
        return None
    named = [each for each in same if _is_named_after(each.end, each.keys[other])]
    return _use_key(named[0] if len(named) == 1 else same[1], other)


def _misnamed(uses: list[_Use], use: _Use) -> str | None:
    """An entry that is called after another key than the one it is joined by."""
    fitting = [name for name in use.others if _is_named_after(use.end, use.keys[name])]
    if len(fitting) != 1 or _is_named_after(use.end, use.words):
        return None
    if any((u.end is use.end) != (u is use) or (u.start is use.start and u.column == fitting[0]) for u in uses):
        return None
    return _use_key(use, fitting[0])


def _use_key(use: _Use, key: str) -> str:
    use.node.replace(exp.EQ(this=_column(use.end.name, use.reference), expression=_column(use.start.name, key)))
    return f"{use.end.name} is joined by {key}"


def _is_named_after(source: Source, telling: frozenset[str]) -> bool:
    own = words(source.table.name) if source.table else set()
    return any(_is_root(a, b) for a in words(source.name) - own for b in telling)


def _place(telling: frozenset[str], text: str) -> int:
    """Where the text first has a word of the same root; -1 where it has none."""
    found = [m.start() for m in _WORD.finditer(fold(text)) if any(_is_root(m[0], word) for word in telling)]
    return min(found, default=-1)


def _is_root(one: str, other: str) -> bool:
    return len(one) >= SHORTEST and len(other) >= SHORTEST and one[:SHORTEST] == other[:SHORTEST]
