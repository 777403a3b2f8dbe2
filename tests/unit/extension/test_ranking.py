"""Scores of candidates: alone, and by the company that they keep."""

from __future__ import annotations

from dataclasses import replace

from nl2sql_pg.ranking import CROWD, Candidate, candidate_from, crowded, rank

RARE, COMMON = 6.0, 1.0


def candidate(relid: int, namespace: int = 1, similarity: float | None = 0.3, **words: tuple[int, float]) -> Candidate:
    """`words` as {word: (1 in the table's name, share of the name)}; `the_…` are common ones."""
    weights = {word: (COMMON if word.startswith("the_") else RARE, *found) for word, found in words.items()}
    return Candidate(relid, namespace, similarity, weights)


def order(*candidates: Candidate, links: tuple[tuple[int, int], ...] = ()) -> list[int]:
    return [found.relid for found in rank(list(candidates), links)]


def test_each_signal_alone() -> None:
    assert order(candidate(1, 1), candidate(2, 2, 0.5)) == [2, 1]
    assert order(candidate(1, 1), candidate(2, 2, wage=(1, 0.5))) == [2, 1]
    assert order(candidate(1, 1), candidate(2, 2, wage=(0, 0.0))) == [2, 1]


def test_a_rare_word_is_worth_more_than_a_common_one() -> None:
    assert order(candidate(1, 1, the_name=(0, 0.0)), candidate(2, 2, wage=(0, 0.0))) == [2, 1]


def test_the_whole_name_beats_a_part_of_it() -> None:
    assert order(candidate(1, 1, wage=(1, 0.25)), candidate(2, 2, wage=(1, 1.0))) == [2, 1]


def test_twins_are_told_apart_by_their_company() -> None:
    """Two tables named alike: the one whose schema has the question's other words comes first."""
    twins = candidate(1, 1, student=(1, 1.0)), candidate(2, 2, student=(1, 1.0))
    assert order(*twins) == [1, 2]
    assert order(*twins, candidate(3, 2, allergy=(1, 1.0)))[0] == 2


def test_values_speak_for_their_table_and_its_company() -> None:
    holder = replace(candidate(3, 2, 0.0), values={"zaphod beeblebrox": 1.0})
    twins = candidate(1, 1, student=(1, 1.0)), candidate(2, 2, student=(1, 1.0))
    assert order(*twins) == [1, 2]
    assert order(*twins, holder)[0] == 2
    assert order(candidate(1, 1), replace(candidate(2, 2), values={"french": 0.5})) == [2, 1]
    ranked = {found.relid: found.by_value for found in rank([*twins, holder], [])}
    assert ranked == {1: None, 2: None, 3: 1}


def test_in_a_crowded_schema_keys_tell_who_belongs_together() -> None:
    crowd = [candidate(n, 1, 0.1) for n in range(10, 11 + CROWD)]
    twins = candidate(1, 1, student=(1, 1.0)), candidate(2, 1, student=(1, 1.0))
    other = candidate(3, 1, allergy=(1, 1.0))
    everything = [*crowd, *twins, other]
    assert set(crowded(everything)) == {found.relid for found in everything}
    assert order(*everything)[:2] != [2, 1]
    assert order(*everything, links=((3, 2),)).index(2) < order(*everything, links=((3, 2),)).index(1)
    assert crowded(twins) == []


def test_what_is_not_known_counts_nothing() -> None:
    ranked = rank([candidate(1, 1, None), candidate(2, 2, 0.0)], [])
    assert [(found.score, found.by_meaning, found.by_name, found.by_text) for found in ranked] == [
        (0.0, None, None, None),
        (0.0, None, None, None),
    ]
    assert rank([], []) == []


def test_places() -> None:
    """Equals share one; a signal that says nothing gives none."""
    ranked = rank([candidate(1, 1, 0.5, wage=(1, 1.0)), candidate(2, 2, 0.5, wage=(0, 0.0)), candidate(3, 3, 0.2)], [])
    places = {found.relid: (found.by_meaning, found.by_name, found.by_text) for found in ranked}
    assert places == {1: (1, 1, None), 2: (1, None, 1), 3: (3, None, None)}


def test_a_row_of_the_server() -> None:
    found = candidate_from([7, 3, 0.25, {"wage": [6, 1, 0.5]}])
    assert found == Candidate(7, 3, 0.75, {"wage": (6.0, 1, 0.5)})
    assert candidate_from([7, 3, None, {}]) == replace(found, similarity=None, words={})
