"""Which of the caller's tables the model gets to see. Whatever fits goes in whole; else the best ranked.

Candidates are looked up in SQL (nl2sql._candidates: vectors, stems of names and comments) under the caller's rights,
and ranked in ranking.py. Tables that the index does not know yet, or knows by an old text, are looked up by their live
text: a table made a second ago is found.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from nl2sql_pg import budget, known_values, labels, ranking, standing, traits, undeclared
from nl2sql_pg.asked import Asked
from nl2sql_pg.context import Context
from nl2sql_pg.embedding import embed
from nl2sql_pg.errors import Refusal
from nl2sql_pg.ranking import Candidate, Ranked

FRESH_TEXTS = 64  # most live texts embedded for one question
SEEDS = 8  # best ranked tables that others may connect
KNOWN_BY = 20  # best ranked tables whose neighbours count for their sake
MOST_UNRANKED = 500  # tables described where ranking is switched off
NEAR = 40  # next best ranked ones, looked at for connections that no key declares
BRIDGES = 3  # most tables that are taken because they connect

# Stops one past the limit: a large scope is never listed.
_FIRST = "select relid::bigint as relid from nl2sql._readable($1, $2, $3)"
_ALL = "select relid::bigint as relid from nl2sql._scope($1, $2) limit $3"
_DESCRIBE = "select nl2sql._describe($1::oid[])"
_TEXTS = """
    select d.relid::bigint as relid, c.relnamespace::bigint as namespace, d.document
    from nl2sql._documents($1::oid[]) as d join pg_catalog.pg_class as c on c.oid = d.relid
    where d.attnum = 0
"""
_POINTED_TO = "select nl2sql._pointed_to($1, $2, $3, $4, $5)"
_LINKS = "select relid, neighbour from nl2sql._links($1::oid[])"
_NEIGHBOURS = """
    select n.relid::bigint as relid, n.neighbour::bigint as neighbour from nl2sql._neighbours($1::oid[], $2, $3) as n
"""
_NOTHING_INDEXED = "select not exists (select from nl2sql._index)"


@dataclass
class Retrieved:
    """Described tables in a fixed order, how each was found, and what the user should know of that."""

    tables: list[dict[str, Any]]
    reasons: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def retrieve(context: Context, asked: Asked) -> Retrieved:
    """The tables for one question; raises NL201 if the caller can read none."""
    most = context.number("max_tables")
    first = _first(context, most + 1)
    if len(first) <= most:
        tables = _in_order(context, _describe(context, first))
        if sum(map(budget.estimate_tokens, tables)) <= context.number("prompt_tokens"):
            return Retrieved(tables, [_reason(table, None, "whole scope") for table in tables])
    if not context.preferences.retrieval:
        return _unranked(context)
    ranked, warnings = _rank(context, asked)
    kept, reasons = _best(context, asked, ranked)
    return Retrieved(_in_order(context, kept), reasons, warnings)


def _unranked(context: Context) -> Retrieved:
    """All tables, as far as there is room: what a prompt without retrieval would show."""
    place = [context.preferences.scope, context.schemas]
    rows = context.db.rows(_ALL, ["text", "name[]", "int"], [*place, MOST_UNRANKED])
    tables = _describe(context, [row["relid"] for row in rows])
    kept = budget.fit(tables, "", context.number("prompt_tokens"))
    return Retrieved(kept, [_reason(table, None, "not ranked") for table in kept])


def _best(context: Context, asked: Asked, ranked: list[Ranked]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first tables, those that connect them, and as many more as there is room for, best first."""
    links = _neighbours(context, [found.relid for found in ranked[:KNOWN_BY]])
    ranked = ranking.with_neighbours(ranked, links)
    order = [found.relid for found in ranked]
    near = order[SEEDS : SEEDS + NEAR]
    bridges = [*_bridges(order[:SEEDS], links), *undeclared.bridges(context.db, order[:SEEDS], near)][:BRIDGES]
    chosen = list(dict.fromkeys([*order[:SEEDS], *bridges, *order]))[: context.number("max_tables")]
    by_relid = {found.relid: found for found in ranked}
    tables = _describe(context, chosen)
    found = {_name(table): (relid, by_relid.get(relid)) for relid, table in zip(chosen, tables, strict=True)}
    kept = budget.fit(tables, asked.searched(context), context.number("prompt_tokens"))
    reasons = []
    for table in kept:
        relid, rank = found[_name(table)]
        reasons.append(_reason(table, rank, "connects others" if relid in bridges else "ranked"))
    return kept, reasons


def _name(table: dict[str, Any]) -> tuple[str, str]:
    return table["schema"], table["name"]


def _in_order(context: Context, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As in the search path, then by name, not by rank: the engine's prefix cache serves the next question, too."""
    places = {schema: place for place, schema in enumerate(context.schemas)}
    return sorted(tables, key=lambda table: (places.get(table["schema"], len(places)), *_name(table)))


def _reason(table: dict[str, Any], found: Ranked | None, why: str) -> dict[str, Any]:
    return {
        "table": ".".join(_name(table)),
        "by_meaning": found and found.by_meaning,
        "by_name": found and found.by_name,
        "by_text": found and found.by_text,
        "by_value": found and found.by_value,
        "score": found and found.score,
        "why": why,
    }


def _first(context: Context, most: int) -> list[int]:
    scope = context.preferences.scope
    rows = context.db.rows(_FIRST, ["text", "name[]", "int"], [scope, context.schemas, most])
    if rows:
        return [row["relid"] for row in rows]
    where = "in this database" if scope == "database" else f"in the search path ({context.search_path})"
    raise Refusal(
        "NL201",
        "there is no table you may read",
        detail=f"No table or view {where} has a column that this role may SELECT. The question was not asked.",
        hint="SET search_path to the schema with your tables, SET nl2sql.scope = 'database', or ask for GRANT SELECT.",
    )


def _describe(context: Context, relations: list[int]) -> list[dict[str, Any]]:
    """In the order of `relations`: undeclared keys, what columns hold, what names the rows, and which count."""
    tables: list[dict[str, Any]] = context.db.json(_DESCRIBE, ["bigint[]"], [relations])
    undeclared.add_to(context.db, relations, tables)
    traits.add_to(context.db, relations, tables)
    labels.add_to(context.db, relations, tables)
    standing.add_to(context.db, relations, tables, context.preferences.comment_filters)
    return tables


def _rank(context: Context, asked: Asked) -> tuple[list[Ranked], list[str]]:
    place = [context.preferences.scope, context.schemas]
    embedded = asked.embedded(context)
    vector, embedder = (str(embedded.vectors[0]), embedded.embedder) if embedded else (None, None)
    types = ["text", "name[]", "text", "text", "text"]
    found = context.db.json(_POINTED_TO, types, [*place, asked.searched(context), vector, embedder])
    stale = found["stale"]
    candidates = _with_fresh(context, asked, [ranking.candidate_from(row) for row in found["candidates"]], stale)
    if context.preferences.values:
        candidates = known_values.add_to(context, asked, candidates)
    warnings = []
    if stale and context.db.value(_NOTHING_INDEXED):
        warnings.append(
            "NL202: the schema index is empty; tables were ranked by their live texts. "
            "An administrator can run SELECT nl2sql.refresh_index()."
        )
    return ranking.rank(candidates, _links(context, candidates)), warnings


def _with_fresh(context: Context, asked: Asked, candidates: list[Candidate], stale: list[int]) -> list[Candidate]:
    """Candidates, with how near the live texts of tables are that the index does not know."""
    if not stale:
        return candidates
    rows = context.db.rows(_TEXTS, ["bigint[]"], [stale])
    stems = budget.stems(asked.searched(context))
    rows.sort(key=lambda row: -len(stems & budget.stems(row["document"])))
    rows = rows[:FRESH_TEXTS]
    similarities = _similarities(context, asked, [row["document"][:2000] for row in rows])
    known = {candidate.relid: candidate for candidate in candidates}
    for row, similarity in zip(rows, similarities, strict=True):
        candidate = known.get(row["relid"], Candidate(row["relid"], row["namespace"], None, {}))
        known[row["relid"]] = replace(candidate, similarity=similarity)
    return list(known.values())


def _similarities(context: Context, asked: Asked, texts: list[str]) -> list[float | None]:
    embedded = asked.embedded(context)
    if not embedded or not texts:
        return [None] * len(texts)
    question = embedded.vectors[0]
    vectors = embed(context, texts).vectors
    if len(vectors[0]) != len(question):
        return [None] * len(texts)
    return [sum(a * b for a, b in zip(question, vector, strict=True)) for vector in vectors]


def _links(context: Context, candidates: list[Candidate]) -> list[tuple[int, int]]:
    crowded = ranking.crowded(candidates)
    if not crowded:
        return []
    return [(row["relid"], row["neighbour"]) for row in context.db.rows(_LINKS, ["bigint[]"], [crowded])]


def _neighbours(context: Context, relations: list[int]) -> list[tuple[int, int]]:
    """(table in scope, the one of `relations` that it is one foreign key away from)."""
    place = [context.preferences.scope, context.schemas]
    rows = context.db.rows(_NEIGHBOURS, ["bigint[]", "text", "name[]"], [relations, *place])
    return [(row["relid"], row["neighbour"]) for row in rows]


def _bridges(seeds: list[int], links: list[tuple[int, int]]) -> list[int]:
    """Tables that connect two of the first ones: an answer may have to go through them. Best connected first."""
    counts = Counter(relid for relid, neighbour in links if neighbour in seeds and relid not in seeds)
    return sorted((relid for relid, count in counts.items() if count > 1), key=lambda relid: (-counts[relid], relid))
