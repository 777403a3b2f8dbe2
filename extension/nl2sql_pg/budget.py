"""What of the chosen tables fits the prompt: the best tables first, of wide ones the useful columns."""

from __future__ import annotations

import re
from typing import Any

WIDE = 12  # columns that a table may always show


def estimate_tokens(table: dict[str, Any]) -> int:
    """Tokens that a table will take in a prompt, roughly: 3.5 ASCII characters or one other character each."""
    parts = [table["name"], table["comment"] or ""]
    for column in table["columns"]:
        parts += [
            column["name"],
            column["type"],
            column["comment"] or "",
            *column["values"],
            *column.get("samples", ()),
        ]
    text = "  ".join(parts)
    ascii_characters = sum(map(str.isascii, text))
    return int(ascii_characters / 3.5 + len(text) - ascii_characters) + 8 * (1 + len(table["foreign_keys"]))


def fit(tables: list[dict[str, Any]], question: str, tokens: int) -> list[dict[str, Any]]:
    """As many first tables as there is room for, at least one; wide ones lose columns where not all goes in."""
    if sum(map(estimate_tokens, tables)) > tokens:
        used = _referred_to(tables)
        asked = stems(question)
        tables = [_narrowed(table, asked, used) for table in tables]
    kept: list[dict[str, Any]] = []
    left = tokens
    for table in tables:
        left -= estimate_tokens(table)
        if kept and left < 0:
            break
        kept.append(table)
    return kept


def stems(text: str) -> set[str]:
    """Words cut to five letters: enough for plural and tense. Chinese text gives its pairs of characters."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text).lower()
    words = {re.sub(r"(?<=[^s]{3})s$", "", word)[:5] for word in re.findall(r"[a-z0-9]{3,}", spaced)}
    return words | {run[i : i + 2] for run in re.findall(r"[\u4e00-\u9fff]{2,}", text) for i in range(len(run) - 1)}


def _referred_to(tables: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {
        (key["schema"], key["table"], column)
        for table in tables
        for key in table["foreign_keys"]
        for column in key["references"]
    }


def _narrowed(table: dict[str, Any], asked: set[str], used: set[tuple[str, str, str]]) -> dict[str, Any]:
    """A wide table with its keys, the columns of its standing conditions, those that share words with the question,
    and the first of the others."""
    columns = table["columns"]
    if len(columns) <= WIDE:
        return table
    keys = {*table["primary_key"], *(name for key in table["foreign_keys"] for name in key["columns"])}
    keys |= {column["name"] for column in columns if (table["schema"], table["name"], column["name"]) in used}
    keys |= {c["name"] for c in columns if any(c["name"] in each["condition"] for each in table.get("filters", ()))}
    order = sorted(range(len(columns)), key=lambda place: (-_usefulness(columns[place], asked, keys), place))
    useful = sum(_usefulness(column, asked, keys) > 0 for column in columns)
    kept = set(order[: max(WIDE, useful)])
    return {**table, "columns": [column for place, column in enumerate(columns) if place in kept]}


def _usefulness(column: dict[str, Any], asked: set[str], keys: set[str]) -> float:
    if column["name"] in keys:
        return 100.0
    described = " ".join([column["comment"] or "", *column["values"], *column.get("samples", ())])
    return len(asked & stems(column["name"])) * 2.0 + len(asked & stems(described))
