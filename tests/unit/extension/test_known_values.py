"""What of a question may name a value, and what a value tells of the tables that have it."""

from __future__ import annotations

from nl2sql_pg.known_values import PLAIN, sought, weigh
from nl2sql_pg.phrases import meant, phrases


def weights(question: str, **holders: set[int]) -> dict[int, dict[str, float]]:
    return weigh(sought(phrases(question)), {key.replace("_", " "): tables for key, tables in holders.items()})


def test_what_is_looked_for() -> None:
    keys = {phrase.key for phrase in sought(phrases("Who of the 12 pupils at Saint Mary lives in UK?"))}
    assert {"saint mary", "mary", "pupils", "lives in uk"} <= keys
    assert not {"who", "the", "12", "in", "uk", "who of the 12 pupils"} & keys
    assert "a b c d e" in {phrase.key for phrase in sought(phrases('where is "a b c d e"'))}
    assert {"北京", "北京大"} <= {phrase.key for phrase in sought(phrases("北京大学"))}


def test_what_a_chinese_word_means_is_looked_for_but_not_what_a_single_character_may() -> None:
    given = [meant("法国", 0, "France"), meant("村", 4, "village")]
    assert {phrase.key for phrase in sought(given)} == {"france"}
    assert weigh(sought(given), {"france": {1}, "village": {2}}) == {1: {"france": 1.0}}


def test_names_tell_more_than_plain_words() -> None:
    assert weights("the Mary", mary={1}) == {1: {"mary": 1.0}}
    assert weights("the french", french={1}) == {1: {"french": PLAIN}}
    assert weights("is it 'french'", french={1}) == {1: {"french": 1.0}}


def test_what_many_tables_have_tells_little() -> None:
    one, many = weights("Mary", mary={1})[1]["mary"], weights("Mary", mary=set(range(1, 21)))[1]["mary"]
    assert one > many > 0
    assert weights("Mary", mary=set(range(1, 2000)))[1]["mary"] == 0


def test_a_part_of_a_longer_value_is_none() -> None:
    assert weights("at Saint Mary", mary={1}, saint_mary={2}) == {2: {"saint mary": 1.0}}


def test_either_number() -> None:
    found = weights("all Koreans", korean={1}, koreans={2})
    assert found[1].keys() == found[2].keys() == {"koreans"}
