"""Stored values that a question names: "french" is 'French' in countrylanguage.language.

What is looked through: labels of enums and CHECK lists, what the server's statistics keep (nl2sql._frequent_values),
and the columns a DBA has indexed (nl2sql._indexed_values). All of it as the caller; nothing is scanned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from nl2sql_pg.asked import Asked
from nl2sql_pg.context import Context
from nl2sql_pg.meanings import Meanings
from nl2sql_pg.phrases import STOP_WORDS, Phrase, fold, likeness, singular, trigrams

MOST = 8
MOST_OF_A_PHRASE = 3
MIN_LIKENESS = 0.6  # also the threshold that nl2sql._indexed_values sets
MIN_SCORE = 0.6
AGAINST_CHARACTER = -0.55  # a single Chinese character has many meanings: its column must be named, too
NEAR_PHRASES = 12  # most runs of words that are looked up by likeness
SHORTEST_NEAR = 5  # characters; a slip in a shorter word makes another word
LONGEST_VALUE = 200
WORD_BY_WORD = 0.8  # score of a value whose words are those that Chinese words mean
MOST_STORED = 300  # values of one column that go along whole, for literals to be held against
MOST_STORED_IN_ALL = 2000

_FREQUENT = """
    select schema_name, table_name, column_name, found, complete, is_unique from nl2sql._frequent_values($1, $2)
    union all
    select schema_name, table_name, column_name, found, complete, is_unique
    from nl2sql._masked_frequent_values(current_user, $1, $2)
"""
_INDEXED = """
    select schema_name, table_name, column_name, value, phrase, likeness
    from nl2sql._indexed_values($1, $2, $3, $4)
"""

Place = tuple[str, str, str]  # schema, table, column


@dataclass(frozen=True)
class Known:
    """Values that a column holds, known without an index; whether these are all, and none stands there twice."""

    place: Place
    values: list[str]
    complete: bool
    unique: bool = False


@dataclass(frozen=True)
class Match:
    """A stored value, the words that name it, and how good that is."""

    place: Place
    value: str
    phrase: Phrase
    score: float
    whole: bool = True  # found as a whole, not word by word: that is for the model to see, not for repair to write

    def body(self, complete: bool) -> dict[str, Any]:
        """As docs/protocol.md has it."""
        schema, table, column = self.place
        place = {"schema": schema, "table": table, "column": column}
        return {**place, "value": self.value, "phrase": self.phrase.text, "complete": complete and self.whole}


def find(context: Context, asked: Asked, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The values of these tables that the question names, best first.

    Columns of these tables learn what the statistics know of them (`stored`, `unique`).
    """
    question = Question(asked.phrases(context), tables, Meanings(asked.text, asked.words(context)))
    known = {one.place: one for one in _known(context, tables) if one.place in question.places}
    _tell(tables, known)
    stored = {place: one.values for place, one in known.items()}
    complete = {place for place, one in known.items() if one.complete}
    matches = [m for place, values in stored.items() for m in question.named(place, values)]
    rows = _rows(context, question, tables)
    matches += question.named_in(rows)
    near = question.near_phrases([match.phrase for match in matches])
    matches += [m for place, values in stored.items() for m in question.resembling(place, values, near)]
    matches += question.resembling_in(rows, near)
    return [match.body(match.place in complete) for match in _best(matches)]


def _known(context: Context, tables: list[dict[str, Any]]) -> Iterator[Known]:
    """What closed lists and statistics know."""
    closed = set()
    for table in tables:
        for column in table["columns"]:
            if column["values"]:
                closed.add((table["schema"], table["name"], column["name"]))
                yield Known((table["schema"], table["name"], column["name"]), column["values"], complete=True)
    for row in context.db.rows(_FREQUENT, ["name[]", "name[]"], _names(tables)):
        place = (row["schema_name"], row["table_name"], row["column_name"])
        if place not in closed:
            yield Known(place, row["found"], bool(row["complete"]), bool(row["is_unique"]))


def _tell(tables: list[dict[str, Any]], known: dict[Place, Known]) -> None:
    """For repair, not for the prompt: which literals match nothing, and which counts are always 1."""
    left = MOST_STORED_IN_ALL
    for table in tables:
        for column in table["columns"]:
            one = known.get((table["schema"], table["name"], column["name"]))
            if one is None or column["values"]:
                continue
            if one.unique:
                column["unique"] = True
            if one.complete and one.values and len(one.values) <= min(MOST_STORED, left):
                column["stored"] = one.values
                left -= len(one.values)


def _rows(context: Context, question: Question, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    exact = sorted({key for phrase in question.phrases for key in _spellings(phrase.key)})
    near = [phrase.key for phrase in question.near_phrases([])]
    return context.db.rows(_INDEXED, ["name[]", "name[]", "text[]", "text[]"], [*_names(tables), exact, near])


def _names(tables: list[dict[str, Any]]) -> list[list[str]]:
    return [sorted({table[name] for table in tables}) for name in ("schema", "name")]


def _spellings(key: str) -> set[str]:
    """The key as it is, and in the other number."""
    return {key, singular(key), key + "s"}


class Question:
    """The question's runs of words against values, with the names of what it may be about."""

    def __init__(self, phrases: list[Phrase], tables: list[dict[str, Any]], meanings: Meanings) -> None:
        self.phrases, self.meanings = phrases, meanings
        self.places = {(t["schema"], t["name"], c["name"]) for t in tables for c in t["columns"]}
        self._words = {singular(phrase.key) for phrase in self.phrases if phrase.words == 1}
        self._names = {word for place in self.places for name in place[1:] for word in _name_words(name)}
        # a word that names a column by one of its meanings is no value by another
        self._naming = {(p.start, p.end) for p in self.phrases if p.meant and self._names_something(p)}
        self._by_key: dict[str, Phrase] = {}
        self._by_singular: dict[str, Phrase] = {}
        for phrase in sorted(self.phrases, key=_certainty):
            self._by_key[phrase.key] = phrase
            self._by_singular[singular(phrase.key)] = phrase

    def named(self, place: Place, values: Iterable[str]) -> Iterator[Match]:
        """Values that stand in the question, case, accents and number aside."""
        for value in values:
            key = fold(value)
            phrase = self._by_key.get(key) or self._by_singular.get(singular(key))
            if len(value) > LONGEST_VALUE:
                continue
            if phrase:
                yield self._match(place, value, phrase, 1.0 if phrase.key == key else 0.95)
            elif phrase := self.meanings.named(key):
                yield replace(self._match(place, value, phrase, WORD_BY_WORD), whole=False)

    def named_in(self, rows: list[dict[str, Any]]) -> Iterator[Match]:
        """The same of what the value index has found."""
        for row in rows:
            if (place := _place(row)) in self.places:
                yield from self.named(place, [row["value"]])

    def resembling_in(self, rows: list[dict[str, Any]], near: list[Phrase]) -> Iterator[Match]:
        """Values that the value index has found for a phrase that they resemble."""
        for row in rows:
            phrase = next((p for p in near if p.key == row["phrase"]), None)
            key = fold(row["value"])
            if phrase and _place(row) in self.places and _numbers(key) == _numbers(phrase.key):
                yield self._match(_place(row), row["value"], phrase, float(row["likeness"]))

    def near_phrases(self, taken: list[Phrase]) -> list[Phrase]:
        """Runs of words that a misspelt value may be: beside what was found as it stands."""
        quoted = [phrase for phrase in self.phrases if phrase.quoted]
        own = [p for p in self.phrases if not p.meant and len(p.key) >= SHORTEST_NEAR]  # a dictionary makes no slips
        free = [p for p in own if not any(_overlap(p, other) for other in taken)]
        free = [p for p in free if p.quoted or not any(_overlap(p, other) for other in quoted)]
        found = [p for p in free if p.words <= 4 and self._is_name(p)]
        return sorted(found, key=lambda p: (not p.quoted, not p.capital, p.words > 2, -len(p.key)))[:NEAR_PHRASES]

    def resembling(self, place: Place, values: Iterable[str], near: list[Phrase]) -> Iterator[Match]:
        """Values that are spelt a little differently."""
        cut = {phrase.key: trigrams(phrase.key) for phrase in near}
        starts = {key[:2] for key in cut}
        for value in values:
            key = fold(value[:LONGEST_VALUE])
            if key[:2] not in starts:
                continue
            own = trigrams(key)
            score, phrase = max(((likeness(own, cut[p.key]), p) for p in near), key=lambda pair: pair[0])
            if score >= MIN_LIKENESS and _numbers(key) == _numbers(phrase.key):
                yield self._match(place, value, phrase, score)

    def _is_name(self, phrase: Phrase) -> bool:
        """Whether it has no stop word, or begins with a capital, and not all of it names tables or columns."""
        words = phrase.key.split()
        if phrase.quoted:
            return True
        stops = {words[0], words[-1]} if phrase.capital else set(words)
        return not stops & STOP_WORDS and not self._names_something(phrase)

    def _names_something(self, phrase: Phrase) -> bool:
        return {singular(word) for word in phrase.key.split()} <= self._names

    def _match(self, place: Place, value: str, phrase: Phrase, score: float) -> Match:
        return Match(place, value, phrase, score + self._for_place(place) + self._against(phrase, value))

    def _for_place(self, place: Place) -> float:
        """A column or table that the question also names is the likelier one."""
        _, table, column = place
        named = (bool(_name_words(name) & self._words) for name in (column, table))
        return sum(weight for weight, is_named in zip((0.2, 0.1), named, strict=True) if is_named)

    def _against(self, phrase: Phrase, value: str) -> float:
        """Words that are probably not meant as a value."""
        as_written = phrase.text == value
        if phrase.meant and (phrase.start, phrase.end) in self._naming:
            return -0.75
        if phrase.meant and len(phrase.text) == 1:
            return -1.0 if phrase.short else AGAINST_CHARACTER
        if phrase.quoted:
            return -1.0 if phrase.short and phrase.text.lower() != value.lower() else 0.1
        name = phrase.capital and as_written
        if phrase.key in STOP_WORDS or phrase.short:
            return 0.0 if name and phrase.key != "i" else -1.0
        if phrase.key.isdecimal():
            return -0.3
        if {singular(word) for word in phrase.key.split()} <= self._names | STOP_WORDS:
            return 0.0 if name else -0.75
        return 0.05 if as_written else 0.0


def _certainty(phrase: Phrase) -> tuple[bool, ...]:
    """The question's own words before what they mean, and words before single characters."""
    return not phrase.meant, len(phrase.text) > 1, phrase.quoted, phrase.capital


def _place(row: dict[str, Any]) -> Place:
    return row["schema_name"], row["table_name"], row["column_name"]


def _numbers(key: str) -> list[str]:
    """A slip in a number makes another number."""
    return re.findall(r"\d+", key)


def _name_words(name: str) -> set[str]:
    return {singular(word) for word in fold(name).split()}


def _best(matches: list[Match]) -> list[Match]:
    """The best of each phrase, without parts of a longer phrase that was found."""
    matches = sorted(matches, key=lambda m: (-m.score, m.place, m.value))
    good = [match for match in matches if match.score >= MIN_SCORE]
    chosen: list[Match] = []
    for match in good:
        same = [other for other in chosen if _same_words(other.phrase, match.phrase)]
        doubled = any(other.place == match.place and other.value == match.value for other in chosen)
        inside = any(_covers(other.phrase, match.phrase) for other in good)
        if not doubled and not inside and len(same) < MOST_OF_A_PHRASE:
            chosen.append(match)
    return chosen[:MOST]


def _overlap(one: Phrase, other: Phrase) -> bool:
    return one.start < other.end and other.start < one.end


def _same_words(one: Phrase, other: Phrase) -> bool:
    return one.key == other.key or (one.start, one.end) == (other.start, other.end)


def _covers(longer: Phrase, phrase: Phrase) -> bool:
    return phrase.part_of(longer) and longer.words > phrase.words
