"""Which stored values a question is found to name, and which words are no values."""

from __future__ import annotations

from typing import Any

import pytest
from nl2sql_pg.asked import Asked
from nl2sql_pg.phrases import fold, likeness, phrases, singular, trigrams
from nl2sql_pg.values import MOST, MOST_OF_A_PHRASE, MOST_STORED, MOST_STORED_IN_ALL, find

Stored = dict[tuple[str, str], list[str]]


class Database:
    """A database whose statistics keep `frequent`, and whose value index answers with `indexed`."""

    def __init__(self, frequent: Stored, indexed: list[dict[str, Any]]) -> None:
        self.frequent, self.indexed, self.asked = frequent, indexed, list[list[Any]]()

    def rows(self, query: str, types: list[str], values: list[Any]) -> list[dict[str, Any]]:
        self.asked.append(values)
        if "_indexed_values" in query:
            return self.indexed
        found = {"schema_name": "s", "complete": True}
        return [
            found | {"table_name": table, "column_name": column, "found": values, "is_unique": column == "language"}
            for (table, column), values in self.frequent.items()
        ]


class Client:
    """A sidecar whose dictionary has these words, {word: meanings}."""

    def __init__(self, meanings: dict[str, list[str]]) -> None:
        self.meanings = meanings

    def post(self, path: str, body: dict[str, str], deadline: float) -> dict[str, Any]:
        assert path == "/v1/gloss"
        found = sorted((body["question"].find(word), len(word), meanings) for word, meanings in self.meanings.items())
        return {"words": [{"start": at, "end": at + size, "meanings": m} for at, size, m in found if at >= 0]}


class Context:
    deadline = 0.0

    def __init__(self, database: Database, meanings: dict[str, list[str]] | None = None) -> None:
        self.db, self.client = database, Client(meanings or {})


def named(
    question: str,
    stored: Stored,
    closed: Stored | None = None,
    indexed: list[dict[str, Any]] | None = None,
    meanings: dict[str, list[str]] | None = None,
) -> list[tuple[str, str, str, str]]:
    """(table, column, value, phrase) of what is found."""
    columns: dict[str, dict[str, list[str]]] = {}
    for (table, column), values in {**{key: [] for key in stored}, **(closed or {})}.items():
        columns.setdefault(table, {})[column] = list(values)
    tables = [
        {"schema": "s", "name": table, "columns": [{"name": n, "values": v} for n, v in of_table.items()]}
        for table, of_table in columns.items()
    ]
    context = Context(Database(stored, indexed or []), meanings)
    found = find(context, Asked(question), tables)  # type: ignore[arg-type]
    assert all(match["schema"] == "s" for match in found)
    return [(m["table"], m["column"], m["value"], m["phrase"]) for m in found]


LANGUAGES: Stored = {("spoken", "language"): ["French", "Español", "Low German", "中文"]}


@pytest.mark.parametrize(
    ("question", "value", "phrase"),
    [
        ("how many speak french?", "French", "french"),
        ("countries with ESPANOL", "Español", "ESPANOL"),
        ("who speaks low-german here", "Low German", "low-german"),
        ("who speaks low germans here", "Low German", "low germans"),
        ("who speaks Low Germann here", "Low German", "Low Germann"),
        ("讲中文的国家有几个", "中文", "中文"),
        ("讲French的国家有几个", "French", "French"),
    ],
)
def test_spellings(question: str, value: str, phrase: str) -> None:
    assert named(question, LANGUAGES) == [("spoken", "language", value, phrase)]


def test_the_longest_phrase_counts() -> None:
    stored: Stored = {("city", "name"): ["York", "New York", "New York City"], ("state", "name"): ["New York"]}
    assert named("people of New York City", stored) == [("city", "name", "New York City", "New York City")]


def test_quoted_values_of_many_words() -> None:
    title = "A very long title of a book that nobody has ever read to its end"
    assert named(f'who wrote "{title.upper()}"', {("book", "title"): [title]})[0][2] == title


def test_the_column_that_is_named_comes_first() -> None:
    stored: Stored = {("a", "first"): ["Rome"], ("b", "second"): ["Rome"], ("c", "city"): ["Rome"]}
    assert [place for place, *_ in named("which city is rome", stored)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("what are the names of all", "All"),
        ("is it in or out of stock", "OR"),
        ("show a table", "A"),
        ("list the products by price", "Product"),
        ("show 5 of them", "5"),
        ("taught in room A-212", "A-211"),
        ("how many are there", "how many"),
    ],
)
def test_no_values(question: str, value: str) -> None:
    assert named(question, {("product", "price"): [value]}) == []


@pytest.mark.parametrize("question", ["who got the grade A?", "who got 'a'?"])
def test_a_letter_that_is_meant(question: str) -> None:
    assert [value for _, _, value, _ in named(question, {("mark", "grade"): ["A", "A+", "B"]})] == ["A"]


def test_limits() -> None:
    many: Stored = {(f"t{n}", "c"): ["Rome", "Paris", "Cairo", "Quito"] for n in range(9)}
    found = named("from Rome to Paris to Cairo to Quito", many)
    assert len(found) == MOST
    assert all([phrase for *_, phrase in found].count(p) <= MOST_OF_A_PHRASE for p in ("Rome", "Paris", "Cairo"))


def test_closed_lists_come_before_statistics() -> None:
    column = ("orders", "status")
    assert named("orders that were Shipped", {column: ["SHIPPED"]}, {column: ["shipped"]}) == [
        ("orders", "status", "shipped", "Shipped")
    ]


def test_columns_learn_all_that_they_hold() -> None:
    stored = {
        ("spoken", "language"): ["French", "中文"],
        ("spoken", "long"): [f"value {n}" for n in range(MOST_STORED + 1)],
    }
    columns = [{"name": name, "values": []} for name in ("language", "long", "other")]
    columns.append({"name": "closed", "values": ["a"]})
    tables = [{"schema": "s", "name": "spoken", "columns": columns}]
    database = Database({**stored, ("spoken", "closed"): ["a"]}, [])
    find(Context(database), Asked("who speaks French?"), tables)  # type: ignore[arg-type]
    assert {column["name"]: column.get("stored") for column in columns} == {
        "language": ["French", "中文"],
        "long": None,
        "other": None,
        "closed": None,
    }
    assert [column["name"] for column in columns if "unique" in column] == ["language"]


def test_no_more_of_them_than_a_request_should_carry() -> None:
    stored = {("t", f"c{n}"): [f"value {m}" for m in range(MOST_STORED)] for n in range(9)}
    columns: list[dict[str, Any]] = [{"name": name, "values": []} for _, name in stored]
    find(Context(Database(stored, [])), Asked("?"), [{"schema": "s", "name": "t", "columns": columns}])  # type: ignore[arg-type]
    assert sum(len(column.get("stored", [])) for column in columns) == MOST_STORED_IN_ALL // MOST_STORED * MOST_STORED


def indexed(value: str, phrase: str, table: str = "t") -> dict[str, Any]:
    place = {"schema_name": "s", "table_name": table, "column_name": "c"}
    return {**place, "value": value, "phrase": phrase, "likeness": 0.7}


def test_indexed_values() -> None:
    rows = [indexed("Lisbon", "lisbon"), indexed("Reykjavík", "reykjawik"), indexed("Lisbon", "lisbon", "elsewhere")]
    assert named("from Lisbon to Reykjawik", {("t", "c"): []}, indexed=rows) == [
        ("t", "c", "Lisbon", "Lisbon"),
        ("t", "c", "Reykjavík", "Reykjawik"),
    ]


def test_what_the_value_index_is_asked_for() -> None:
    database = Database({}, [])
    tables = [{"schema": "s", "name": "t", "columns": [{"name": "c", "values": []}]}]
    find(Context(database), Asked("clients from Lissabon"), tables)  # type: ignore[arg-type]
    exact, near = database.asked[-1][2:]
    assert {"clients", "client", "lissabon", "clients from"} <= set(exact)
    assert near == ["lissabon", "clients"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [("cities", "city"), ("boxes", "box"), ("classes", "class"), ("bus", "bus"), ("glass", "glass"), ("cars", "car")],
)
def test_singular(key: str, expected: str) -> None:
    assert singular(key) == expected


def test_fold() -> None:
    assert fold("  O’Brien—São_Paulo ") == "o brien sao paulo"
    assert fold("ＡＢＣ") == "abc"


def test_likeness_is_that_of_trigrams() -> None:
    assert likeness(trigrams("word"), trigrams("word")) == 1.0
    assert likeness(trigrams("word"), trigrams("two words")) == pytest.approx(4 / 11)
    assert likeness(trigrams(""), trigrams("word")) == 0.0


def test_apostrophes_are_no_quotation_marks() -> None:
    assert not [phrase for phrase in phrases("Tom's and Ann's cars") if phrase.quoted]
    assert [phrase.text for phrase in phrases("cars of 'Ann's garage' here") if phrase.quoted] == ["Ann's garage"]


SPOKEN = {"法语": ["French"], "红": ["red", "popular"], "国家": ["country", "nation", "state"]}


def test_a_value_is_found_by_what_a_chinese_word_means() -> None:
    assert named("有多少国家讲法语？", LANGUAGES, meanings=SPOKEN) == [("spoken", "language", "French", "法语")]
    # the column's own name
    assert named("有多少国家讲法语？", {("spoken", "nation"): ["State"]}, meanings=SPOKEN) == []


def test_a_single_character_is_a_value_only_of_what_the_question_names() -> None:
    colours: Stored = {("cars", "colour"): ["Red", "Blue"]}
    assert named("红的有多少", colours, meanings=SPOKEN) == []
    assert named("红的有多少", colours, meanings=SPOKEN | {"有": ["cars"]}) == []
    named_both = SPOKEN | {"车": ["cars"], "颜色": ["colour"]}
    assert named("颜色为红的", {("cars", "colour"): ["BC"]}, meanings={"红": ["B.C."], "颜色": ["colour"]}) == []
    assert named("颜色为红的车有多少", colours, meanings=named_both) == [("cars", "colour", "Red", "红")]


def test_what_the_dictionary_says_is_not_looked_for_by_likeness() -> None:
    assert named("讲法语", {("spoken", "language"): ["Fremch"]}, meanings={"法语": ["French"]}) == []
