"""What is no question for data, told by its words and those of the caller's tables, before any model is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nl2sql_pg.budget import stems
from nl2sql_pg.chatter import foreign_topic, is_chatter
from nl2sql_pg.errors import Refusal
from nl2sql_pg.following import points_back
from nl2sql_pg.message import Message, vocabulary
from nl2sql_pg.pasted import reading_statement, writing_statement
from nl2sql_pg.phrases import is_chinese
from nl2sql_pg.writing import wants_to_write

Items = dict[str, list[dict[str, Any]]]

LOOKED_AT = 1000  # characters; what comes later is looked at for statements only
LONGEST_NAME = 4  # words of a comment that is another name
_NOT_ASKED = "The model was not asked and nothing was run."
_QUANTITIES = ("int", "numeric", "real", "double", "bigint", "smallint", "money", "decimal")


def shown(told: Items) -> Iterator[str]:
    """All words that the caller's tables have, as far as the model would be told of them."""
    for table in told.get("tables", []):
        yield from (table["name"], table["comment"] or "")
        for column in table["columns"]:
            yield from (column["name"], column["comment"] or "", *column["values"], *column.get("samples", ()))
    yield from (item["value"] for item in told.get("values", []))
    yield from (item["term"] for item in told.get("terms", []))


def read(question: str, told: Items, meanings: list[str]) -> Message:
    """The question beside what the caller may read; `meanings`: of its Chinese words, in English."""
    tables = told.get("tables", [])
    named = [table["name"] for table in tables]
    columns = [column["name"] for table in tables for column in table["columns"]]
    return Message(
        text=question[:LOOKED_AT],
        known=vocabulary(" ".join(shown(told))),
        tables=vocabulary(" ".join([*named, *map(_short, tables)])),
        names=frozenset(name.lower() for name in [*named, *columns]),
        means=frozenset(stems(" ".join(meanings))),
    )


def _short(table: dict[str, Any]) -> str:
    """The comment of a table where it is another name for it, and not a sentence."""
    comment = table["comment"] or ""
    return comment if len(comment.split()) <= LONGEST_NAME else ""


def no_question(message: Message, tables: list[dict[str, Any]]) -> Refusal | None:
    """The refusal of what is no question for data; None for a question."""
    examples = _examples(tables, is_chinese(message.text))
    if writing_statement(message) or wants_to_write(message):
        return _only_select(examples)
    if reading_statement(message):
        return _statement()
    if is_chatter(message):
        return _no_data(examples)
    if topic := foreign_topic(message):
        return _foreign(topic, examples)
    return _follow_up(examples) if points_back(message) else None


def _only_select(examples: str) -> Refusal:
    return Refusal(
        "NL110",
        "this asks for a change, and nl2sql writes only SELECT",
        detail=f"{_NOT_ASKED} Nothing was changed.",
        hint=f"Ask what you want to know instead{examples or '.'} What changes data or tables is a statement of your "
        "own, for your client, under your own rights.",
    )


def _statement() -> Refusal:
    return Refusal(
        "NL111",
        "this is a statement in SQL, not a question",
        detail=f"{_NOT_ASKED} A question is in words; a name or a condition of SQL may stand in it.",
        hint="nl2sql.run(sql) runs one SELECT, read-only and within limits; nl2sql.check(sql) says what stands against "
        "one. Or say in words what you want to know.",
    )


def _no_data(examples: str) -> Refusal:
    return Refusal(
        "NL109",
        "this is no question about data",
        detail=f"nl2sql turns questions about the tables that you may read into SQL, and nothing else. {_NOT_ASKED}",
        hint=f"Ask about the data{examples or '.'}",
    )


def _foreign(topic: str, examples: str) -> Refusal:
    return Refusal(
        "NL409",
        f"no data was found about {topic}",
        detail=f"No table, column, comment or known value looked at has a word of it. {_NOT_ASKED}",
        hint=f"Ask about the data{examples or '.'}",
    )


def _follow_up(examples: str) -> Refusal:
    return Refusal(
        "NL112",
        "this points back to something that was not said with it",
        detail=f"Each question is answered by itself; earlier ones are not known. {_NOT_ASKED}",
        hint=f"Ask in full: name what is meant by words such as 'those' or 'it'{examples or '.'}",
    )


def _examples(tables: list[dict[str, Any]], chinese: bool) -> str:
    """Up to three questions in the names of the caller's tables; empty where there is none."""
    found = [*_of_keys(tables, chinese)][:1] + [*_of_quantities(tables, chinese)][:1]
    names = [table["name"] for table in tables]
    if names:
        found.insert(0, f"{names[0]} 有多少条？" if chinese else f"How many rows does {names[0]} have?")
    return ", for example: " + " ".join(found) if found else ""


def _of_keys(tables: list[dict[str, Any]], chinese: bool) -> Iterator[str]:
    for table in tables:
        for key in table["foreign_keys"]:
            one, other = key["table"], table["name"]
            if one != other:
                yield f"每个 {one} 有多少 {other}？" if chinese else f"Count the rows of {other} by {one}."


def _of_quantities(tables: list[dict[str, Any]], chinese: bool) -> Iterator[str]:
    for table in tables:
        keys = {*table["primary_key"], *(name for key in table["foreign_keys"] for name in key["columns"])}
        for column in table["columns"]:
            if column["type"].startswith(_QUANTITIES) and column["name"] not in keys:
                name, of = column["name"], table["name"]
                yield f"{of} 的 {name} 平均是多少？" if chinese else f"What is the average {name} in {of}?"
