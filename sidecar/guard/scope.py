"""What the caller may read, as one request states it: the guard's measure and the prompt's material."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

NEWEST = 180_000  # the server version whose grammar libpg_query has


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    not_null: bool = False
    comment: str | None = None
    values: tuple[str, ...] = ()  # all it can hold, by its type or a CHECK
    samples: tuple[str, ...] = ()  # a few that it does hold
    stored: tuple[str, ...] = ()  # all that it holds, as far as the caller's statistics know all; never for a prompt
    unique: bool = False  # the statistics know no value of it twice
    form: str | None = None  # of a date kept as number or text: an epoch's unit, or the pattern of to_char()
    deterministic: bool = True  # whether texts that are equal are the same


@dataclass(frozen=True)
class ForeignKey:
    columns: tuple[str, ...]
    schema: str
    table: str
    references: tuple[str, ...]
    score: float = 1.0  # 1: declared; less: inferred


@dataclass(frozen=True)
class Filter:
    """A standing condition: which rows of its table count, unless the question speaks of the others."""

    condition: str  # over the table's own columns, as PostgreSQL's grammar writes it
    note: str | None = None


@dataclass(frozen=True)
class Table:
    schema: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    comment: str | None = None
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    label: tuple[str, ...] = ()  # columns that name a row to people, in the order to show them
    filters: tuple[Filter, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Scope:
    """Tables by (schema, name), and the schemas in which a name without one is looked up, in order."""

    search_path: tuple[str, ...]
    tables: tuple[Table, ...] = field(default=())
    server_version: int = NEWEST  # as server_version_num

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Table]:
        return {(table.schema, table.name): table for table in self.tables}

    def find(self, schema: str | None, name: str) -> Table | None:
        """The table that PostgreSQL would take for this name, None if there is none in scope."""
        places = [schema] if schema else self.search_path
        return next((t for place in places if (t := self._by_name.get((place, name)))), None)

    def is_plain(self, table: Table) -> bool:
        """Whether the table's name alone leads to it."""
        return self.find(None, table.name) is table

    @cached_property
    def type_names(self) -> frozenset[str]:
        """Types that its columns have, unquoted and in lower case, so a cast to one of them tells nothing new."""
        written = {column.type for table in self.tables for column in table.columns}
        types = {name.split("(")[0].removesuffix("[]").replace('"', "").lower() for name in written}
        plain = {name for schema, _, name in (t.rpartition(".") for t in types) if schema in self.search_path}
        return frozenset(types | plain)
