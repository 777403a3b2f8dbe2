"""How well each candidate table fits a question, from what nl2sql._candidates knows of it.

A table counts by itself (meaning, words of its name and comment, words of its columns) and by its company: tables of
one schema, or in a big schema those one foreign key away, that together cover the question, speak for one another. That
tells near-identical tables of different schemas apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

# Of a linear model that was fitted to questions over 138 schemas, halves tested on each other.
MEANING, TABLE_WORDS, COLUMN_WORDS, WHOLE_NAME = 6.5, 0.6, 2.8, 2.0
COMPANY_WORDS, COMPANY_MEANING = 6.6, 9.2
# Fitted to half of the 138 schemas, to the recall of their tables; the other half gained as much.
OWN_VALUES, COMPANY_VALUES = 1.3, 3.9
STEP = 3.0  # what a table one foreign key away from a better one is worth less than that one
COLUMN = 0.7  # worth of a word in a column's name beside one in the table's
CROWD = 40  # candidates of one schema from which on it says nothing; then foreign keys tell who belongs together


@dataclass(frozen=True)
class Candidate:
    """A table some signal points to. `words` as in nl2sql._candidates: {stem: (weight, in the table's name, share)}.

    `values`: words of the question that it has in a column, and how much each tells, up to 1.
    """

    relid: int
    namespace: int
    similarity: float | None
    words: Mapping[str, tuple[float, int, float]]
    values: Mapping[str, float] = field(default_factory=dict)

    def covered(self, word: str) -> float:
        weight, of_table, _ = self.words.get(word, (0.0, 0, 0.0))
        return weight if of_table else COLUMN * weight

    @cached_property
    def table_words(self) -> float:
        return sum(weight for weight, of_table, _ in self.words.values() if of_table)

    @cached_property
    def column_words(self) -> float:
        return sum(weight for weight, of_table, _ in self.words.values() if not of_table)


@dataclass(frozen=True)
class Ranked:
    """A table's score and its place by each signal, None where the signal says nothing."""

    relid: int
    score: float
    by_meaning: int | None = None
    by_name: int | None = None
    by_text: int | None = None
    by_value: int | None = None


def crowded(candidates: Iterable[Candidate]) -> list[int]:
    """Candidates whose schema has so many of them that keys must tell which belong together."""
    found = list(candidates)
    sizes = Counter(candidate.namespace for candidate in found)
    return [candidate.relid for candidate in found if sizes[candidate.namespace] > CROWD]


def rank(candidates: list[Candidate], links: Collection[tuple[int, int]]) -> list[Ranked]:
    """Best first. `links` are foreign keys among the crowded()."""
    total = sum(_weights(candidates).values()) or 1.0
    company = _company(candidates, links)
    # tables of one schema share their company, one list: it is weighed once
    companies = {id(members): members for members in company.values()}
    together = {key: _together(members, total) for key, members in companies.items()}
    scores = {table.relid: _alone(table, total) + together[id(company[table.relid])] for table in candidates}
    by_meaning = _places({c.relid: c.similarity for c in candidates if c.similarity is not None})
    by_name = _places({c.relid: c.table_words for c in candidates})
    by_text = _places({c.relid: c.column_words for c in candidates})
    by_value = _places({c.relid: sum(c.values.values()) for c in candidates})
    order = sorted(scores, key=lambda relid: (-scores[relid], relid))
    return [
        Ranked(
            relid,
            round(scores[relid], 3),
            by_meaning.get(relid),
            by_name.get(relid),
            by_text.get(relid),
            by_value.get(relid),
        )
        for relid in order
    ]


def with_neighbours(ranked: list[Ranked], links: Iterable[tuple[int, int]]) -> list[Ranked]:
    """Best first again, with tables that no signal points to but a key: (table, one of the ranked) for each link."""
    found = {table.relid: table for table in ranked}
    lifted: dict[int, float] = {}
    for relid, neighbour in links:
        lifted[relid] = max(lifted.get(relid, -math.inf), found[neighbour].score - STEP)
    for relid, score in lifted.items():
        table = found.setdefault(relid, Ranked(relid, score))
        if table.score < score:
            found[relid] = replace(table, score=score)
    return sorted(found.values(), key=lambda table: (-table.score, table.relid))


def _weights(candidates: Iterable[Candidate]) -> dict[str, float]:
    return {word: value[0] for candidate in candidates for word, value in candidate.words.items()}


def _alone(candidate: Candidate, total: float) -> float:
    return (
        MEANING * (candidate.similarity or 0.0)
        + TABLE_WORDS * candidate.table_words / total
        + COLUMN_WORDS * candidate.column_words / total
        + WHOLE_NAME * sum(share for _, _, share in candidate.words.values())
        + OWN_VALUES * sum(candidate.values.values())
    )


def _together(company: list[Candidate], total: float) -> float:
    best: dict[str, float] = {}
    for member in company:
        for word in member.words:
            best[word] = max(best.get(word, 0.0), member.covered(word))
    nearest = max((member.similarity or 0.0 for member in company), default=0.0)
    values: dict[str, float] = {}
    for member in company:
        for word, weight in member.values.items():
            values[word] = max(values.get(word, 0.0), weight)
    return (
        COMPANY_WORDS * sum(best.values()) / total + COMPANY_MEANING * nearest + COMPANY_VALUES * sum(values.values())
    )


def _company(candidates: list[Candidate], links: Collection[tuple[int, int]]) -> dict[int, list[Candidate]]:
    """Each table's company, itself included."""
    by_relid = {candidate.relid: candidate for candidate in candidates}
    in_crowd = set(crowded(candidates))
    schemas: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        schemas.setdefault(candidate.namespace, []).append(candidate)
    company = {c.relid: [c] if c.relid in in_crowd else schemas[c.namespace] for c in candidates}
    for one, other in links:
        company[one].append(by_relid[other])
        company[other].append(by_relid[one])
    return company


def _places(values: Mapping[int, float]) -> dict[int, int]:
    """{key: place} of what is above zero, the greatest first; equals share a place."""
    order = sorted((value for value in values.values() if value > 0), reverse=True)
    first: dict[float, int] = {}
    for place, value in enumerate(order, 1):
        first.setdefault(value, place)
    return {key: first[value] for key, value in values.items() if value > 0}


def candidate_from(row: list[Any]) -> Candidate:
    """From a row of nl2sql._candidates as JSON."""
    relid, namespace, distance, words = row
    found = {word: (float(value[0]), int(value[1]), float(value[2])) for word, value in words.items()}
    return Candidate(relid, namespace, None if distance is None else 1 - distance, found)
