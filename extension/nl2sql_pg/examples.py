"""Stored examples and terms for one question, as far as the caller may see them."""

from __future__ import annotations

import json
import re
from typing import Any

from nl2sql_pg.asked import Asked
from nl2sql_pg.context import Context
from nl2sql_pg.phrases import is_chinese

TERMS = 10  # most terms shown for one question

_LETTER = r"[^\W\u3400-\u9fff]"  # of a word that has an end

_KIND = "select nl2sql._examples_kind()"
_FIND = """
    select question, sql, note from nl2sql._find_examples($1, $2, $3, $4, $5, $6, $7)
"""
_TERMS = "select term, meaning from nl2sql._terms_in($1)"


def find(context: Context, asked: Asked, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stored examples most like the question that read nothing but these tables, the likest last.

    The last one stands next to the question in the prompt.
    """
    most = context.number("examples_shown")
    kind = context.db.value(_KIND) if most else "none"
    if kind == "none":
        return []
    # a question in Chinese is compared by its characters, see nl2sql._find_examples
    embedded = asked.embedded(context) if kind == "vectors" and not asked.chinese else None
    names = [{"schema": table["schema"], "name": table["name"]} for table in tables]
    rows = context.db.rows(
        _FIND,
        ["text", "text", "text", "name[]", "jsonb", "float8", "int"],
        [
            asked.text,
            str(embedded.vectors[0]) if embedded else None,
            embedded.embedder if embedded else None,
            context.schemas,
            json.dumps(names),
            context.number("examples_likeness") / 100,
            most,
        ],
    )
    return [dict(row) for row in reversed(rows)]


def terms(context: Context, asked: Asked) -> list[dict[str, Any]]:
    """Terms that the question has in it as words, longer ones first."""
    rows = context.db.rows(_TERMS, ["text"], [asked.text])
    return [dict(row) for row in rows if _occurs(row["term"], asked.text)][:TERMS]


def _occurs(term: str, question: str) -> bool:
    """Whether a term stands there as whole words, in any case and in the plural; Chinese has no gaps between words."""
    before = rf"(?<!{_LETTER})" if _is_word(term[0]) else ""
    after = rf"(?:e?s)?(?!{_LETTER})" if _is_word(term[-1]) else ""
    return re.search(before + re.escape(term.casefold()) + after, question.casefold()) is not None


def _is_word(character: str) -> bool:
    return character.isalnum() and not is_chinese(character)
