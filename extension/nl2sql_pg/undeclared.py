"""Undeclared keys among some tables: reads what joins.py weighs, and puts the result into their descriptions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.bridge import Database
from nl2sql_pg.joins import KeyColumn, Known, Pairing, Place, Statistics, infer

CONNECTS = 0.5  # least score of a join by which retrieval finds a table, without statistics
SHOWN = 0.6  # least score of a join that a prompt shows and a repair uses

_COLUMNS = "select * from nl2sql._key_columns($1::oid[])"
_KNOWN = "select * from nl2sql._known_joins($1::oid[])"
_SCHEMAS = """
    select c.oid::bigint as relid, c.relnamespace::bigint as namespace
    from pg_catalog.pg_class as c where c.oid = any ($1::oid[])
"""
_STATISTICS = "select * from nl2sql._key_statistics($1::oid[], $2::int2[])"


@dataclass(frozen=True)
class Key:
    """A join by the names of its columns."""

    pairing: Pairing
    columns: tuple[str, ...]
    references: tuple[str, ...]
    score: float

    def described(self, schema: str, table: str) -> dict[str, Any]:
        """As docs/protocol.md has a foreign key."""
        return {
            "columns": list(self.columns),
            "schema": schema,
            "table": table,
            "references": list(self.references),
            "score": self.score,
        }


_REASONS = {
    "declared": "foreign key",
    "defined": "nl2sql.define_join()",
    "denied": "nl2sql.define_join()",
}


def add_to(db: Database, relations: list[int], tables: list[dict[str, Any]]) -> None:
    """Give described tables the foreign keys among them that a DBA defined or that are inferred, the surest first."""
    described = {(table["schema"], table["name"]): table for table in tables}
    columns = _columns(db, relations)
    homes = {column.relation: (column.schema, column.table) for column in columns}
    for key in _keys(db, relations, columns):
        start, end = homes.get(key.pairing.relation), homes.get(key.pairing.target)
        if start in described and end in described:
            described[start]["foreign_keys"].append(key.described(*end))


def _keys(db: Database, relations: list[int], columns: list[KeyColumn]) -> list[Key]:
    known = _known(db, relations)
    names = {column.place: column.name for column in columns}
    defined = [Key(join, join.names, join.reference_names, 1.0) for join in known if join.origin == "defined"]
    inferred = infer(columns, known, lambda places: _statistics(db, places))
    return defined + [
        Key(
            join,
            tuple(names[join.relation, number] for number in join.columns),
            tuple(names[join.target, number] for number in join.references),
            join.score,
        )
        for join in inferred
        if join.score >= SHOWN
    ]


def bridges(db: Database, seeds: list[int], others: list[int]) -> list[int]:
    """Those of the others that undeclared keys connect with at least two of the seeds, best connected first."""
    if len(seeds) < 2 or not others:
        return []
    relations = [*seeds, *others]
    known = _known(db, relations)
    joins: list[Pairing] = [join for join in known if join.origin == "defined"]
    if not joins:
        relations = _may_connect(db, seeds, others)
    columns = _columns(db, relations) if relations else []
    joins += [join for join in infer(columns, known, lambda _: {}) if join.score >= CONNECTS]
    neighbours: dict[int, set[int]] = {}
    for join in joins:
        for table, other in ((join.relation, join.target), (join.target, join.relation)):
            if table in others and other in seeds:
                neighbours.setdefault(table, set()).add(other)
    connecting = [table for table in others if len(neighbours.get(table, ())) > 1]
    return sorted(connecting, key=lambda table: -len(neighbours[table]))


def _may_connect(db: Database, seeds: list[int], others: list[int]) -> list[int]:
    """Without those of schemas that have fewer than two of the seeds: what is inferred stays within a schema."""
    rows = db.rows(_SCHEMAS, ["bigint[]"], [[*seeds, *others]])
    homes = {row["relid"]: row["namespace"] for row in rows}
    count = Counter(homes.get(seed) for seed in seeds)
    kept = [table for table in (*seeds, *others) if count[homes.get(table)] > 1]
    return kept if any(table in kept for table in others) else []


def all_of(db: Database, relations: list[int]) -> list[dict[str, Any]]:
    """Rows of nl2sql._join_list(): every join among the relations, whatever says so."""
    known = _known(db, relations)
    rows = [_row(join, join.origin, 0.0 if join.origin == "denied" else 1.0, _REASONS[join.origin]) for join in known]
    inferred = infer(_columns(db, relations), known, lambda places: _statistics(db, places))
    return rows + [_row(join, "inferred", join.score, join.reason) for join in inferred]


def _columns(db: Database, relations: list[int]) -> list[KeyColumn]:
    return [KeyColumn(**row) for row in db.rows(_COLUMNS, ["bigint[]"], [relations])]


def _known(db: Database, relations: list[int]) -> list[Known]:
    return [
        Known(
            row["relation"],
            tuple(row["numbers"]),
            row["target"],
            tuple(row["target_numbers"]),
            row["origin"],
            tuple(row["names"] or ()),
            tuple(row["target_names"] or ()),
        )
        for row in db.rows(_KNOWN, ["bigint[]"], [relations])
    ]


def _statistics(db: Database, places: Collection[Place]) -> dict[Place, Statistics]:
    if not places:
        return {}
    relations, numbers = zip(*sorted(places), strict=True)
    rows = db.rows(_STATISTICS, ["bigint[]", "int[]"], [list(relations), list(numbers)])
    return {
        (row["relation"], row["number"]): Statistics(row["distinct_values"], row["row_estimate"], tuple(row["samples"]))
        for row in rows
    }


def _row(join: Pairing, origin: str, score: float, reason: str) -> dict[str, Any]:
    return {
        "from_table": join.relation,
        "from_numbers": list(join.columns),
        "to_table": join.target,
        "to_numbers": list(join.references),
        "origin": origin,
        "score": score,
        "reason": reason,
    }
