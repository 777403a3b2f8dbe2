"""A column that is called almost like one in FROM: other case, a slip of a letter, a word left out or too many."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from sidecar.repair.binding import Reference, Source, State, Statement
from sidecar.repair.nodes import identifier, words

MIN_RATIO = 0.8
Fits = Callable[[str], bool]
# Words that name the same thing in most databases.
_ALIKE = (
    ("name", "title"),
    ("sex", "gender"),
    ("salary", "wage", "pay"),
    ("cost", "price"),
    ("phone", "telephone", "mobile"),
    ("mail", "email"),
    ("description", "details", "detail", "desc"),
    ("nation", "country", "nationality"),
    ("number", "num", "no", "nr"),
    ("amount", "sum"),
    ("quantity", "qty"),
    ("address", "street"),
    ("firstname", "fname"),
    ("lastname", "surname", "lname"),
)
_CLASS = {word: words[0] for words in _ALIKE for word in words}


def mend_spelling(statement: Statement, problem: Reference) -> str | None:
    """The same letters: `pettype` for `pet_type`, `name` for `"Name"`."""
    return _mend(problem, lambda name: plain(name) == plain(problem.name))


def mend_words(statement: Statement, problem: Reference) -> str | None:
    """All words of one are in the other: `age` for `pet_age`."""
    return _mend(problem, lambda name: _is_prefixed(problem, name)) or _mend(
        problem, lambda name: shares_words(name, problem.name)
    )


def mend_meaning(statement: Statement, problem: Reference) -> str | None:
    """Another word for the same: `name` for `title`."""
    return _mend(problem, lambda name: bool(_gist(name)) and _gist(name) == _gist(problem.name))


def mend_bare(statement: Statement, problem: Reference) -> str | None:
    """The table's name in front of the column's: `dorm_capacity` for `student_capacity`."""
    return _mend(problem, lambda name: _is_part(_bare(problem), name))


def mend(statement: Statement, problem: Reference) -> str | None:
    """Nearly the same letters, where no table has the name as it stands."""
    if statement.knows(problem.name):
        return None
    return _mend(problem, lambda name: is_near(name, problem.name)) or _mend(
        problem, lambda name: _one_of(name) == _one_of(problem.name)
    )


def plain(name: str) -> str:
    return name.replace("_", "").replace(" ", "").lower()


def shares_words(one: str, other: str) -> bool:
    first, second = words(one), words(other)
    return bool(first and second) and (first <= second or second <= first)


def _is_prefixed(problem: Reference, name: str) -> bool:
    """`id` for `albumid` of album, without anything between the words."""
    tables = [source.table.name for source in problem.level.sources if source.table and source.has(name)]
    wanted = plain(problem.name)
    return any(plain(name) in (plain(table) + wanted, plain(table).removesuffix("s") + wanted) for table in tables)


def _one_of(name: str) -> str:
    """The singular, as far as letters tell."""
    plural = plain(name)
    return plural[:-3] + "y" if plural.endswith("ies") else plural.removesuffix("s")


def _gist(name: str) -> set[str]:
    return {_CLASS.get(word, word) for word in words(name)}


def _bare(problem: Reference) -> set[str]:
    """The words of the name without those of its table."""
    tables = [source.table.name for source in problem.level.sources if source.table]
    own = {form for table in tables for word in words(table) for form in (word, word.removesuffix("s"))}
    return words(problem.name) - own


def _is_part(bare: set[str], name: str) -> bool:
    return bool(bare - {"id"}) and bare <= words(name)


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
