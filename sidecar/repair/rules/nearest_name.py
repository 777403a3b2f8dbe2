"""A column that is called almost like one in FROM: other case, a slip of a letter, a word left out or too many."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from sidecar.repair.binding import Reference, Source, State, Statement
from sidecar.repair.nodes import identifier

MIN_RATIO = 0.8
Fits = Callable[[str], bool]
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")


def mend_spelling(statement: Statement, problem: Reference) -> str | None:
    """The same letters: `pettype` for `pet_type`, `name` for `"Name"`."""
    return _mend(problem, lambda name: plain(name) == plain(problem.name))


def mend_words(statement: Statement, problem: Reference) -> str | None:
    """All words of one are in the other: `age` for `pet_age`."""
    return _mend(problem, lambda name: shares_words(name, problem.name))


def mend(statement: Statement, problem: Reference) -> str | None:
    """Nearly the same letters, where no table has the name as it stands."""
    if any(c.name == problem.name for table in statement.scope.tables for c in table.columns):
        return None
    return _mend(problem, lambda name: is_near(name, problem.name))


def plain(name: str) -> str:
    return name.replace("_", "").replace(" ", "").lower()


def shares_words(one: str, other: str) -> bool:
    first, second = ({word.lower() for word in _WORDS.findall(name)} for name in (one, other))
    return bool(first and second) and (first <= second or second <= first)


def is_near(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio() >= MIN_RATIO


def _mend(problem: Reference, fits: Fits) -> str | None:
    found = [] if problem.state is not State.MISSING or problem.level.opaque else _candidates(problem, fits)
    if len(found) != 1:
        return None
    source, name = found[0]
    before = problem.column.sql(dialect="postgres")
    problem.column.set("this", identifier(name))
    if len(problem.level.sources) > 1 or problem.qualifier:
        problem.column.set("table", identifier(source.name))
    return f"{before} is {problem.column.sql(dialect='postgres')}"


def _candidates(problem: Reference, fits: Fits) -> list[tuple[Source, str]]:
    """Columns that fit in the table it was written under; without one, in any table of FROM."""
    own = [problem.home] if problem.home in problem.level.sources else []
    for sources in (own, [s for s in problem.level.sources if s is not problem.other_side]):
        near = [(s, name) for s in sources if s and s.name for name in s.columns or () if fits(name)]
        found = [(source, name) for source, name in near if name != problem.name]
        if found:
            return found
    return []
