"""Which of the caller's tables the model gets to see. Whatever fits goes in whole; else the best ranked.

Ranking runs in SQL (nl2sql._rank: pgvector, pg_trgm, full text) under the caller's rights. Tables that the index does
not know yet, or knows by an old text, are ranked here from their live text: a table made a second ago is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from nl2sql_pg.context import Context
from nl2sql_pg.embedding import Embedded, embed
from nl2sql_pg.errors import Refusal

RANK_CONSTANT = 60  # of reciprocal rank fusion, as in nl2sql._rank
FRESH_TEXTS = 64  # most live texts embedded for one question
SEEDS = 8  # best ranked tables that others may connect

_SCOPE = "select relid::bigint as relid from nl2sql._scope($1, $2)"
_DESCRIBE = "select nl2sql._describe($1::oid[])"
_STALE = "select stale::bigint as relid from nl2sql._index_stale($1::oid[]) as stale"
_TEXTS = "select relid::bigint as relid, document from nl2sql._documents($1::oid[]) where attnum = 0"
_RANK = "select relid::bigint as relid, score from nl2sql._rank($1::oid[], $2, $3, $4)"
_BRIDGES = "select bridge::bigint as relid from nl2sql._bridges($1::oid[], $2::oid[]) as bridge"


@dataclass
class Retrieved:
    """Described tables in the order of their use, and what the user should know about how they were found."""

    tables: list[dict[str, Any]]
    warnings: list[str] = field(default_factory=list)


def retrieve(context: Context, question: str) -> Retrieved:
    """The tables for one question; raises NL201 if the caller can read none."""
    relations = _scope(context)
    if len(relations) <= context.number("max_tables"):
        tables = _describe(context, relations)
        if sum(map(estimate_tokens, tables)) <= context.number("prompt_tokens"):
            return Retrieved(tables)
    ranked, warnings = _rank(context, question, relations)
    chosen = _with_bridges(context, ranked, relations)[: context.number("max_tables")]
    return Retrieved(_within_budget(context, _describe(context, chosen)), warnings)


def _scope(context: Context) -> list[int]:
    rows = context.db.rows(_SCOPE, ["text", "name[]"], [context.scope, context.schemas])
    if rows:
        return [row["relid"] for row in rows]
    where = "in this database" if context.scope == "database" else f"in the search path ({context.search_path})"
    raise Refusal(
        "NL201",
        "there is no table you may read",
        detail=f"No table or view {where} has a column that this role may SELECT. The question was not asked.",
        hint="SET search_path to the schema with your tables, SET nl2sql.scope = 'database', or ask for GRANT SELECT.",
    )


def _describe(context: Context, relations: list[int]) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = context.db.json(_DESCRIBE, ["bigint[]"], [relations])
    return tables


def _rank(context: Context, question: str, relations: list[int]) -> tuple[list[int], list[str]]:
    stale = {row["relid"] for row in context.db.rows(_STALE, ["bigint[]"], [relations])}
    texts = _fresh_texts(context, question, stale)
    embedding, warnings = _embed(context, [question, *texts.values()])
    vector = str(embedding.vectors[0]) if embedding else None
    rows = context.db.rows(
        _RANK,
        ["bigint[]", "text", "text", "text"],
        [relations, question, vector, embedding.embedder if embedding else None],
    )
    scores = {row["relid"]: float(row["score"]) for row in rows}
    for relid, score in _fresh_scores(question, texts, embedding).items():
        scores[relid] = max(scores.get(relid, 0.0), score)
    if len(stale) == len(relations):
        warnings.append(
            "NL202: the schema index is empty; tables were ranked by their names alone. "
            "An administrator can run SELECT nl2sql.refresh_index()."
        )
    return sorted(scores, key=lambda relid: (-scores[relid], relid)), warnings


def _embed(context: Context, texts: list[str]) -> tuple[Embedded | None, list[str]]:
    """Vectors of texts; without an embedder ranking goes on by words alone."""
    try:
        return embed(context, texts), []
    except Refusal as refusal:
        if refusal.sqlstate != "NL310":
            raise
        return None, [f"NL310: {refusal.message}; tables were ranked by words alone. {refusal.hint}"]


def _fresh_texts(context: Context, question: str, stale: set[int]) -> dict[int, str]:
    """Live texts of the tables the index does not know, those that share most words with the question first."""
    if not stale:
        return {}
    rows = context.db.rows(_TEXTS, ["bigint[]"], [sorted(stale)])
    rows.sort(key=lambda row: -_shared_words(question, row["document"]))
    return {row["relid"]: row["document"][:2000] for row in rows[:FRESH_TEXTS]}


def _fresh_scores(question: str, texts: dict[int, str], embedding: Embedded | None) -> dict[int, float]:
    """Scores on the scale of nl2sql._rank for live texts: by meaning and by words, fused."""
    scores: dict[int, float] = dict.fromkeys(texts, 0.0)
    signals = [{relid: float(_shared_words(question, text)) for relid, text in texts.items()}]
    if embedding:
        asked = embedding.vectors[0]
        vectors = dict(zip(texts, embedding.vectors[1:], strict=True))
        signals.append({relid: _dot(asked, vector) for relid, vector in vectors.items()})
    for signal in signals:
        useful = [relid for relid in sorted(signal, key=lambda r: -signal[r]) if signal[relid] > 0]
        for place, relid in enumerate(useful, 1):
            scores[relid] += 1 / (RANK_CONSTANT + place)
    return scores


def _shared_words(question: str, text: str) -> int:
    return len(_stems(question) & _stems(text))


def _stems(text: str) -> set[str]:
    """Words cut to five letters: enough for plural and tense. Chinese text gives its pairs of characters."""
    words = {word[:5] for word in re.findall(r"[a-z0-9]{3,}", text.lower())}
    return words | {run[i : i + 2] for run in re.findall(r"[\u4e00-\u9fff]{2,}", text) for i in range(len(run) - 1)}


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _with_bridges(context: Context, ranked: list[int], relations: list[int]) -> list[int]:
    """The ranking, with tables that connect two of its first ones right behind these."""
    seeds = ranked[:SEEDS]
    rows = context.db.rows(_BRIDGES, ["bigint[]", "bigint[]"], [seeds, relations])
    return list(dict.fromkeys([*seeds, *(row["relid"] for row in rows), *ranked]))


def _within_budget(context: Context, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many first tables as the prompt has room for, at least one; in a fixed order, for the prefix cache."""
    kept: list[dict[str, Any]] = []
    left = context.number("prompt_tokens")
    for table in tables:
        left -= estimate_tokens(table)
        if kept and left < 0:
            break
        kept.append(table)
    return sorted(kept, key=lambda table: (table["schema"], table["name"]))


def estimate_tokens(table: dict[str, Any]) -> int:
    """Tokens that a table will take in a prompt, roughly: 3.5 ASCII characters or one other character each."""
    parts = [table["name"], table["comment"] or ""]
    for column in table["columns"]:
        parts += [column["name"], column["type"], column["comment"] or "", *column["values"]]
    text = "  ".join(parts)
    ascii_characters = sum(map(str.isascii, text))
    return int(ascii_characters / 3.5 + len(text) - ascii_characters) + 8 * (1 + len(table["foreign_keys"]))
