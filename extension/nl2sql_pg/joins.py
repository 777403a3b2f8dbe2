"""Keys that nobody declared: which column refers to which, by names, types, uniqueness and the statistics of values.

No rows are read for it. A score is that of the names, the share of such guesses that were right on databases whose keys
were known, times what uniqueness and statistics leave of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from nl2sql_pg.key_names import KEY_WORDS, Vocabulary, Words, is_generic, tails, words

LEAST_SCORE = 0.3  # below it is noise, not evidence

# how well a name fits: the share of such pairs that were right
SAME, TABLE, ROLE, SHORT, ROLE_TABLE = 0.95, 0.9, 0.85, 0.75, 0.7
COMPOSITE = 0.5
MOST_TARGETS = 20  # a name that so many keys have says nothing
COUNTS = frozenset("number no num nr count total".split())  # no_of_loans is a number, not a loan

Place = tuple[int, int]  # relation and number of a column


class Unique(Enum):
    """What is known about a column's values: none twice?"""

    PRIMARY = 1.0
    INDEX = 0.95
    STATISTICS = 0.8
    UNKNOWN = 0.6
    NO = 0.0


@dataclass(frozen=True)
class Statistics:
    """What ANALYZE found in a column; `samples` are its most common values and the bounds of its histogram."""

    distinct: float  # as pg_stats has it: negative is a share of the rows
    rows: float
    samples: tuple[str, ...]

    @property
    def values(self) -> float:
        return self.distinct if self.distinct > 0 else -self.distinct * self.rows

    @property
    def complete(self) -> bool:
        """Whether the samples are all the values there are."""
        return bool(self.samples) and len(self.samples) >= self.values


@dataclass(frozen=True)
class KeyColumn:
    """A column that can be a key or refer to one."""

    relation: int
    schema: str
    table: str
    number: int
    name: str
    kind: str  # columns of the same kind can be compared
    key_size: int = 0  # columns of the primary key that it belongs to
    unique: bool = False

    @property
    def primary(self) -> bool:
        """Whether it is the whole primary key."""
        return self.key_size == 1

    @property
    def place(self) -> Place:
        return self.relation, self.number


ReadStatistics = Callable[[set[Place]], Mapping[Place, Statistics]]
Ends = frozenset[tuple[int, tuple[int, ...]]]


@dataclass(frozen=True)
class Pairing:
    """Columns of one relation that refer to those of another."""

    relation: int
    columns: tuple[int, ...]
    target: int
    references: tuple[int, ...]

    @property
    def ends(self) -> Ends:
        return frozenset({(self.relation, self.columns), (self.target, self.references)})

    @property
    def tables(self) -> frozenset[int]:
        return frozenset({self.relation, self.target})


@dataclass(frozen=True)
class Known(Pairing):
    """A join that needs no guess."""

    origin: str  # declared, defined or denied
    names: tuple[str, ...] = ()
    reference_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Join(Pairing):
    """A join that was inferred."""

    score: float
    reason: str


@dataclass(frozen=True)
class Guess:
    """Two columns whose names fit, and how well."""

    source: KeyColumn
    target: KeyColumn
    fit: float
    reason: str

    def pairing(self) -> Pairing:
        return Pairing(self.source.relation, (self.source.number,), self.target.relation, (self.target.number,))


@dataclass
class Names:
    """Where a reference by a certain name may lead: keys by what refers to them, written together."""

    full: dict[tuple[str, str], list[KeyColumn]] = field(default_factory=dict)  # customerid
    table: dict[tuple[str, str], list[KeyColumn]] = field(default_factory=dict)  # customer
    vocabulary: dict[str, Vocabulary] = field(default_factory=dict)


def read_names(columns: list[KeyColumn]) -> Names:
    names = Names()
    tables: dict[str, set[Words]] = {}
    with_key = {column.relation for column in columns if column.key_size or column.unique}
    for column in columns:
        tables.setdefault(column.schema, set()).add(words(column.table))
        if _can_be_referred_to(column, with_key):
            _file(names, column)
    names.vocabulary = {schema: Vocabulary(found) for schema, found in tables.items()}
    return names


def _can_be_referred_to(column: KeyColumn, with_key: set[int]) -> bool:
    return column.primary or column.unique or (column.relation not in with_key and _is_at_home(column))


def _file(names: Names, column: KeyColumn) -> None:
    table, own = words(column.table), words(column.name)
    spellings = {"".join(own)} if not is_generic(own) else set()
    spellings |= {tail + "".join(own) for tail in tails(table)}
    for spelling in spellings:
        names.full.setdefault((column.schema, spelling), []).append(column)
    if column.primary or column.number == 1:
        for tail in tails(table) if is_generic(own) else ["".join(table)]:
            names.table.setdefault((column.schema, tail), []).append(column)


def guesses(columns: list[KeyColumn]) -> list[Guess]:
    """Pairs of columns whose names fit and whose values can be compared."""
    names = read_names(columns)
    found: dict[tuple[Place, Place], Guess] = {}
    for column in columns:
        for target, fit, reason in _targets(column, names):
            if target.place == column.place or target.kind != column.kind:
                continue
            if target.relation == column.relation and fit > ROLE:
                continue  # the name of a table's own key
            guess = Guess(column, target, fit, reason)
            pair = (column.place, target.place)
            if pair not in found or found[pair].fit < fit:
                found[pair] = guess
    return list(found.values())


def _targets(column: KeyColumn, names: Names) -> Iterator[tuple[KeyColumn, float, str]]:
    own = _without_number(words(column.name))
    if is_generic(own) or (own[0] in COUNTS and len(own) > 1):
        return
    yield from _named(column.schema, own, names, (SAME, ROLE, TABLE, ROLE_TABLE), "name")
    vocabulary = names.vocabulary[column.schema]
    for place, word in enumerate(own):
        for full in vocabulary.spelled_out(word):
            spelled = (*own[:place], full, *own[place + 1 :])
            yield from _named(column.schema, spelled, names, (SHORT, SHORT - 0.1, SHORT - 0.1, 0.5), "abbreviated name")


def _named(
    schema: str, own: Words, names: Names, fits: tuple[float, float, float, float], what: str
) -> Iterator[tuple[KeyColumn, float, str]]:
    full, role, table, role_table = fits
    bare = own[:-1] if own[-1] in KEY_WORDS else own
    for start, tail in enumerate(tails(own)):
        if is_generic(own[start:]):
            break
        targets = names.full.get((schema, tail), ())
        if len(targets) > MOST_TARGETS:
            continue
        for target in targets:
            yield target, role if start else full, what if not start else f"{what} with a role before it"
    for start, tail in enumerate(tails(bare)):
        for target in names.table.get((schema, tail), ())[:MOST_TARGETS]:
            yield target, role_table if start else table, f"{what} of the table"


def _without_number(name: Words) -> Words:
    """club_id_2 is another club_id."""
    return name[:-1] if len(name) > 1 and name[-1].isdigit() else name


def uniqueness(column: KeyColumn, statistics: Statistics | None) -> Unique:
    if column.primary:
        return Unique.PRIMARY
    if column.unique:
        return Unique.INDEX
    if statistics is None or statistics.rows < 2:
        return Unique.NO if column.key_size else Unique.UNKNOWN
    return Unique.STATISTICS if statistics.distinct == -1 else Unique.NO


def overlap(source: Statistics | None, target: Statistics | None, kind: str) -> float:
    """How far the values agree with a reference: 1 says nothing, less speaks against it."""
    if source is None or target is None or not source.samples or not target.samples:
        return 1.0
    if target.complete:
        known = set(target.samples)
        share = sum(value in known for value in source.samples) / len(source.samples)
        return 1.05 if share == 1 else max(0.1, share)
    if source.values > 1.2 * target.values:
        return 0.5
    if kind == "N":
        return _range_overlap([float(v) for v in source.samples], [float(v) for v in target.samples])
    return 1.0


def _range_overlap(source: list[float], target: list[float]) -> float:
    low, high = min(target), max(target)
    inside = sum(low <= value <= high for value in source) / len(source)
    return 1.0 if inside > 0.9 else max(0.1, inside)


def infer(columns: list[KeyColumn], known: Iterable[Known], read_statistics: ReadStatistics) -> list[Join]:
    """The joins that the evidence speaks for, the strongest first, none between tables that are joined already."""
    known = list(known)
    denied = {join.ends for join in known if join.origin == "denied"}
    joined = {frozenset({join.relation, join.target}) for join in known if join.origin != "denied"}
    taken = {(join.relation, join.columns) for join in known if join.origin != "denied"}

    def is_open(join: Pairing) -> bool:
        return not (join.tables in joined or (join.relation, join.columns) in taken or join.ends in denied)

    single = [guess for guess in guesses(columns) if is_open(guess.pairing())]
    statistics = read_statistics({place for g in single for place in (g.source.place, g.target.place)})
    scored = [(_score(guess, statistics), guess) for guess in single]
    found = _best(scored)
    found += [join for join in _composite(columns) if is_open(join) and not _is_explained(join, found)]
    return sorted(found, key=lambda join: (-join.score, join.relation, join.columns, join.target))


def _score(guess: Guess, statistics: Mapping[Place, Statistics]) -> float:
    source, target = guess.source, guess.target
    known = statistics.get(target.place)
    score = guess.fit * uniqueness(target, known).value
    return score if score < LEAST_SCORE else score * overlap(statistics.get(source.place), known, source.kind)


def _is_at_home(column: KeyColumn) -> bool:
    """Whether the column looks like its table's own key: in the first place, or named after the table."""
    table, own = words(column.table), words(column.name)
    return column.number == 1 or own[0][:3] == table[-1][:3]


def _best(scored: list[tuple[float, Guess]]) -> list[Join]:
    """A column refers to one other at most, and is referred to by it at most in one direction."""
    by_source: dict[Place, list[tuple[float, Guess]]] = {}
    for score, guess in scored:
        if score >= LEAST_SCORE:
            by_source.setdefault(guess.source.place, []).append((score, guess))
    joins: dict[frozenset[Place], Join] = {}
    for found in by_source.values():
        top = max(score for score, _ in found)
        for score, guess in found:
            pair = frozenset({guess.source.place, guess.target.place})
            if score == top and (pair not in joins or joins[pair].score < score):
                joins[pair] = _join(guess, score)
    return list(joins.values())


def _join(guess: Guess, score: float) -> Join:
    source, target = guess.source, guess.target
    return Join(
        source.relation, (source.number,), target.relation, (target.number,), round(min(score, 0.99), 2), guess.reason
    )


def _composite(columns: list[KeyColumn]) -> list[Join]:
    """References to a primary key of several columns, by the same names in another table."""
    keys: dict[int, list[KeyColumn]] = {}
    holders: dict[tuple[str, str, str], list[KeyColumn]] = {}
    for column in columns:
        holders.setdefault((column.schema, column.name, column.kind), []).append(column)
        if column.key_size > 1:
            keys.setdefault(column.relation, []).append(column)
    joins: dict[Ends, Join] = {}
    for key in keys.values():
        if len(key) == key[0].key_size:
            for join in _references(key, holders):
                joins.setdefault(join.ends, join)
    return list(joins.values())


def _references(key: list[KeyColumn], holders: dict[tuple[str, str, str], list[KeyColumn]]) -> Iterator[Join]:
    places = [{c.relation: c.number for c in holders[part.schema, part.name, part.kind]} for part in key]
    for relation in min(places, key=len):
        if relation != key[0].relation and all(relation in place for place in places):
            own, target = tuple(place[relation] for place in places), tuple(part.number for part in key)
            yield Join(relation, own, key[0].relation, target, COMPOSITE, "names of a whole key")


def _is_explained(join: Join, found: list[Join]) -> bool:
    """Two tables that both connect the same others, each column to one, need not refer to each other."""
    single = {(other.relation, *other.columns) for other in found}
    return all((join.relation, column) in single for column in join.columns)
