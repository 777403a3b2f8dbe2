"""A tree as text, in PostgreSQL's own words: what sqlglot would write otherwise although PostgreSQL has it as it is."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.postgres import PostgresParser

# Kept as calls by name: sqlglot would make another function of them, with another type or other arguments.
_BY_NAME = ("DATE_PART", "GENERATE_SERIES", "MOD", "LOG10", "STARTS_WITH", "STRPOS")


def write(tree: exp.Expr) -> str:
    """The statement as text."""
    return tree.sql(dialect=PostgresAsItIs)


class PostgresAsItIs(Postgres):
    """PostgreSQL, neither translated from another database nor for one."""

    class Parser(PostgresParser):
        FUNCTIONS: ClassVar = {k: made for k, made in PostgresParser.FUNCTIONS.items() if k not in _BY_NAME}
        FUNCTION_PARSERS: ClassVar = {
            k: parse for k, parse in PostgresParser.FUNCTION_PARSERS.items() if k not in _BY_NAME
        }

    class Generator(PostgresGenerator):
        TRANSFORMS: ClassVar = {
            **PostgresGenerator.TRANSFORMS,
            # a cast of what is rounded is a rule's business, where the type asks for it
            exp.Round: lambda self, node: self.func("ROUND", node.this, node.args.get("decimals")),
            exp.TimestampTrunc: lambda self, node: self.func(
                "DATE_TRUNC", exp.Literal.string(node.text("unit").lower()), node.this, node.args.get("zone")
            ),
        }
