"""All that the model is told for one question besides the question: tables, values, examples, terms."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from nl2sql_pg import examples, standing, values
from nl2sql_pg.asked import Asked
from nl2sql_pg.context import Context
from nl2sql_pg.retrieval import retrieve

Items = list[dict[str, Any]]


@dataclass
class Knowledge:
    """Items as docs/protocol.md has them; `reasons` says of each table how it was found."""

    tables: Items
    reasons: Items = field(default_factory=list)
    values: Items = field(default_factory=list)
    examples: Items = field(default_factory=list)
    terms: Items = field(default_factory=list)
    unheld: Items = field(default_factory=list)  # standing conditions that can't hold for the caller

    def items(self) -> dict[str, Items]:
        """All of it, by kind."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def gather(context: Context, asked: Asked) -> Knowledge:
    """What the caller may read of it; raises NL201 if that is no table at all."""
    found = retrieve(context, asked)
    asked.warnings += found.warnings
    knowledge = Knowledge(found.tables, found.reasons, unheld=standing.unheld(found.tables))
    if context.preferences.values:
        knowledge.values = values.find(context, asked, found.tables)
    else:
        _forget_samples(found.tables)
    if context.preferences.examples:
        knowledge.examples = examples.find(context, asked, found.tables)
        knowledge.terms = examples.terms(context, asked)
    return knowledge


def _forget_samples(tables: Items) -> None:
    for table in tables:
        for column in table["columns"]:
            column["samples"] = []
