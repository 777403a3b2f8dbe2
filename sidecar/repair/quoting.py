"""Names that a text writes without the quotes that they need: key words, other letters' case, blanks and signs.

PostgreSQL reads `FROM user` as the function of that name and `displayName` as `displayname`. What stands where a name
is due and is one of the scope gets its quotes, if the text then says more to PostgreSQL than before: by its grammar,
and by how many of its names the scope has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, pairwise

from sidecar.guard.names import RESERVED, quote
from sidecar.guard.scope import Scope, Table
from sidecar.repair.spots import Place, Spot, spots
from sidecar.repair.tokens import Kind, Token, Unclosed, tokens
from sidecar.repair.unbound import unbound

MAX_LENGTH = 8_000  # characters; of a longer text nothing is mended anyhow
MAX_TOKENS = 1_500
_QUOTE = re.compile(r"[\"'`]")
MAX_TRIES = 24  # readings of one text


@dataclass(frozen=True)
class Quoted:
    """A text with quotes where its names need them, and a note if there were any to add."""

    sql: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: str
    sure: bool = True  # no key word and no operator may have been meant
    exact: bool = False  # the very letters of a name, where the text as it stands means another


def quoted(sql: str, scope: Scope) -> Quoted:
    """The text with its names as PostgreSQL has to read them; as it was given where it needs none of that."""
    if len(sql) > MAX_LENGTH:
        return Quoted(sql)
    text, doubled = _with_doubled_quotes(sql, scope)
    try:
        found = tokens(text)
    except Unclosed:
        return Quoted(sql)
    edits = _Names(text, found, scope).edits() if len(found) <= MAX_TOKENS else []
    if not edits and not doubled:
        return Quoted(sql)
    least = unbound(sql, scope)
    if least is not None:
        least += sum(edit.exact for edit in edits)
    chosen = _best(text, edits, scope, least)
    if chosen is None:
        return Quoted(sql)
    names = ", ".join(dict.fromkeys([*doubled, *(edit.text for edit in chosen)]))
    return Quoted(_applied(text, chosen), (f"written as the schema has it: {names[:200]}",))


def _with_doubled_quotes(sql: str, scope: Scope) -> tuple[str, list[str]]:
    """Names that hold a quote, in quotes: until they are, nobody can tell where a literal begins."""
    found = []
    for name in sorted({name for table in scope.tables for name in _names_of(table)}, key=len, reverse=True):
        if not _QUOTE.search(name) or name.casefold() not in sql.casefold():
            continue
        again = _bare(name).sub(quote(name).replace("\\", r"\\"), sql)
        found += [quote(name)] if again != sql else []
        sql = again
    return sql, found


def _bare(name: str) -> re.Pattern[str]:
    """The name without quotes, or within a pair of them that does not do."""
    plain = re.escape(name)
    ways = [rf"`{plain}`", rf'(?<![\w"`]){plain}(?![\w"`])']
    if '"' in name:
        ways.insert(0, rf'(?<![\w"])"{plain}"(?!")')
    return re.compile("|".join(ways), re.I)


def _best(sql: str, edits: Sequence[_Edit], scope: Scope, least: int | None) -> Sequence[_Edit] | None:
    """Of all edits, or all but a few doubtful ones, those that leave least unbound; None without a gain."""
    best: Sequence[_Edit] | None = None
    for chosen in _choices(edits):
        left = unbound(_applied(sql, chosen), scope)
        if left is not None and (least is None or left < least):
            best, least = chosen, left
        if least == 0:
            break
    return best


def _choices(edits: Sequence[_Edit]) -> Iterator[Sequence[_Edit]]:
    doubtful = [edit for edit in edits if not edit.sure]
    tries = 0
    for count in range(min(len(doubtful), 3) + 1):
        for without in combinations(doubtful, count):
            if tries == MAX_TRIES:
                return
            tries += 1
            yield [edit for edit in edits if edit not in without]


def _applied(sql: str, edits: Sequence[_Edit]) -> str:
    parts, place = [], 0
    for edit in sorted(edits, key=lambda each: each.start):
        parts += [sql[place : edit.start], edit.text]
        place = edit.end
    return "".join(parts) + sql[place:]


@dataclass
class _Names:
    """The names of one text, and which of the scope each means."""

    sql: str
    tokens: Sequence[Token]
    scope: Scope
    given: set[str] = field(default_factory=set)  # names that the statement makes
    sources: dict[str, Table | None] = field(default_factory=dict)  # by what columns are qualified with
    read: list[Table] = field(default_factory=list)

    def edits(self) -> list[_Edit]:
        if not self.tokens:
            return []
        found = spots(self.tokens, self._key_words, self._odd)
        self.given = {spot.parts[0].folded for spot in found if spot.place is Place.ALIAS}
        tables = {spot: self._table_of(spot) for spot in found if spot.place is Place.TABLE}
        for spot, table in tables.items():
            self.sources[table.name if table else spot.parts[-1].folded] = table
        for spot in found:
            if spot.named is not None:
                self.sources[spot.parts[0].folded] = tables[spot.named]
        self.read = [table for table in tables.values() if table]
        return [edit for spot in found for edit in self._edits_of(spot, tables.get(spot))]

    # what the scope has

    @cached_property
    def _names(self) -> set[str]:
        """Of tables and columns."""
        return {name for table in self.scope.tables for name in _names_of(table)}

    @cached_property
    def _folded(self) -> set[str]:
        return {name.casefold() for name in self._names}

    @cached_property
    def _key_words(self) -> set[str]:
        """Names that are key words, and those that the statement gives."""
        given = {
            after.value.lower() for before, after in pairwise(self.tokens) if before.is_word("as") and after.is_name
        }
        return {lower for name in self._names if (lower := name.lower()) in RESERVED} | (given & RESERVED)

    @cached_property
    def _odd_names(self) -> dict[str, list[tuple[list[Token], str]]]:
        """Names of several tokens by the first of them, the longest first."""
        found: dict[str, list[tuple[list[Token], str]]] = {}
        for name in sorted(self._names, key=len, reverse=True):
            if name.isidentifier() or len(parts := _tokens_of(name)) < 2:
                continue
            found.setdefault(parts[0].value.casefold(), []).append((parts, name))
        return found

    def _odd(self, place: int) -> Token | None:
        """The name of several tokens that begins here."""
        if not self._odd_names or place >= len(self.tokens):
            return None
        for parts, name in self._odd_names.get(self.tokens[place].value.casefold(), ()):
            here = self.tokens[place : place + len(parts)]
            if _is_written(parts, here) and self._ends(place + len(parts), here[-1]):
                return Token(Kind.FOREIGN, name, here[0].start, here[-1].end)
        return None

    def _ends(self, place: int, last: Token) -> bool:
        """Whether a name that ends with a word does so in the text."""
        following = self.tokens[place] if place < len(self.tokens) else None
        joined = following is not None and following.start == last.end
        return not (joined and last.kind is not Kind.SIGN and following and following.kind in (Kind.WORD, Kind.NUMBER))

    # tables

    def _table_of(self, spot: Spot) -> Table | None:
        name = spot.parts[-1]
        if len(spot.parts) == 1:
            whole = None if name.kind is Kind.WORD else self._split_table(name.value)
            return whole or self._table(None, name)
        return self._table(spot.parts[-2], name)

    def _table(self, schema: Token | None, name: Token) -> Table | None:
        """The very name, then as PostgreSQL folds it, then the only one that differs in case alone."""
        place = schema.folded if schema else None
        if (
            place is None
            and name.kind is Kind.WORD
            and name.folded in self.given
            and not self.scope.find(None, name.value)
        ):
            return None
        for spelt in dict.fromkeys((name.value, name.folded)):
            for where in dict.fromkeys((schema.value if schema else None, place)):
                if table := self.scope.find(where, spelt):
                    return table
        near = [t for t in self.scope.tables if t.name.casefold() == name.value.casefold()]
        if place is not None:
            near = [t for t in near if t.schema.casefold() == place.casefold()]
        else:
            near = [t for t in near if self.scope.is_plain(t)] or near
        return near[0] if len(near) == 1 else None

    def _is_whole_path(self, name: Token, table: Table) -> bool:
        """Whether the name has to become schema.table: it says both, or it would find another table, or none."""
        if name.kind is not Kind.WORD and self._split_table(name.value):
            return True
        return not self.scope.is_plain(table) and _needs(name, table.name)

    def _split_table(self, path: str) -> Table | None:
        """schema.table within one pair of quotes."""
        schema, dot, name = path.partition(".")
        if not dot or path.casefold() in self._folded:
            return None
        near = [t for t in self.scope.tables if t.full_name.casefold() == f"{schema}.{name}".casefold()]
        return near[0] if len(near) == 1 else None

    # edits

    def _edits_of(self, spot: Spot, table: Table | None) -> Iterator[_Edit]:
        if spot.place is Place.ALIAS:
            yield from self._of_alias(spot.parts[0])
        elif spot.place is Place.TABLE:
            yield from self._of_table(spot, table)
        elif len(spot.parts) == 1 and not spot.starred:
            yield from self._of_column(spot.parts[0])
        else:
            yield from self._of_path(spot)

    def _of_alias(self, name: Token) -> Iterator[_Edit]:
        if name.kind is Kind.FOREIGN or (name.kind is Kind.WORD and name.folded in RESERVED):
            yield self._edit(name, name.folded, sure=name.kind is not Kind.WORD)

    def _of_table(self, spot: Spot, table: Table | None) -> Iterator[_Edit]:
        first, last = spot.parts[0], spot.parts[-1]
        if table is None:
            yield from (self._edit(part, _plain(part)) for part in spot.parts if part.kind is Kind.FOREIGN)
        elif len(spot.parts) == 1 and self._is_whole_path(last, table):
            yield _Edit(last.start, last.end, f"{quote(table.schema)}.{quote(table.name)}")
        else:
            yield from self._put(last, table.name, len(spot.parts) > 1)
            if len(spot.parts) > 1:
                yield from self._put(spot.parts[-2], table.schema, first is not spot.parts[-2])

    def _of_column(self, name: Token) -> Iterator[_Edit]:
        if name.kind is not Kind.WORD and (path := self._split_path(name.value)):
            yield _Edit(name.start, name.end, path)
            return
        columns = {column.name for table in self.read for column in table.columns}
        meant = self._meant(name, columns)
        if meant is None:  # of a table that is still to be joined
            meant = self._meant(name, {column.name for table in self.scope.tables for column in table.columns})
        if meant is not None:
            yield from self._put(name, meant)
        elif name.kind is Kind.FOREIGN:
            yield self._edit(name, _plain(name))

    def _of_path(self, spot: Spot) -> Iterator[_Edit]:
        """alias.column, table.column, schema.table.column, alias.*"""
        *qualifiers, last = spot.parts if not spot.starred else [*spot.parts, spot.parts[-1]]
        qualifier = qualifiers[-1]
        name, table = self._source(qualifier)
        if name is not None:
            yield from self._put(qualifier, name, behind=len(qualifiers) > 1)
        elif qualifier.kind is not Kind.WORD and len(qualifiers) == 1 and (whole := self._split_table(qualifier.value)):
            table = whole
            yield _Edit(qualifier.start, qualifier.end, f"{quote(whole.schema)}.{quote(whole.name)}")
        elif qualifier.kind is Kind.FOREIGN:
            yield self._edit(qualifier, _plain(qualifier))
        if len(qualifiers) > 1 and table is not None:
            yield from self._put(qualifiers[-2], table.schema)
        if spot.starred:
            return
        known = [table] if table else self.read
        meant = self._meant(last, {c.name for t in known for c in t.columns}, behind=True)
        if meant is not None:
            yield from self._put(last, meant, behind=True)
        elif last.kind is Kind.FOREIGN:
            yield self._edit(last, _plain(last))

    def _source(self, qualifier: Token) -> tuple[str | None, Table | None]:
        """What the qualifier is called in FROM, and the table behind it."""
        for spelt in (qualifier.value, qualifier.folded):
            if spelt in self.sources:
                return spelt, self.sources[spelt]
        near = [name for name in self.sources if name.casefold() == qualifier.value.casefold()]
        return (near[0], self.sources[near[0]]) if len(near) == 1 else (None, None)

    def _meant(self, name: Token, columns: set[str], behind: bool = False) -> str | None:
        """The column, or the name that the statement gives, that is written so."""
        if name.value in columns:
            return name.value
        if name.folded in columns:
            return name.folded
        if not behind and (name.folded in self.given or name.folded in self.sources):
            return name.folded
        folded = name.value.casefold()
        near = {known for known in columns if known.casefold() == folded}
        if not near and not behind:
            near = {known for known in self.given if known.casefold() == folded}
        return near.pop() if len(near) == 1 else None

    def _split_path(self, path: str) -> str | None:
        """alias.column, table.column or schema.table.column within one pair of quotes."""
        if "." not in path or path.casefold() in self._folded or path in self.given:
            return None
        *before, last = path.split(".")
        name, table = self._source(Token(Kind.QUOTED, before[-1], 0, 0))
        column = self._meant(Token(Kind.FOREIGN, last, 0, 0), {c.name for c in table.columns}, True) if table else None
        if name is None or column is None or table is None:
            return None
        return ".".join(map(quote, [*([table.schema] if len(before) > 1 else []), name, column]))

    def _put(self, token: Token, name: str, behind: bool = False) -> Iterator[_Edit]:
        """The name in the token's place, if the token does not say it already."""
        if _needs(token, name):
            yield self._edit(token, name, sure=self._is_sure(token, behind), exact=name == token.value != token.folded)

    def _is_sure(self, token: Token, behind: bool) -> bool:
        if token.kind is Kind.WORD:
            return behind or token.folded not in RESERVED
        return token.kind is Kind.QUOTED or self.sql[token.start] in "`["

    def _edit(self, token: Token, name: str, sure: bool = True, exact: bool = False) -> _Edit:
        return _Edit(token.start, token.end, quote(name), sure, exact)


def _names_of(table: Table) -> Iterable[str]:
    yield table.schema
    yield table.name
    for column in table.columns:
        yield column.name


def _tokens_of(name: str) -> list[Token]:
    try:
        return tokens(name)
    except Unclosed:
        return []


def _is_written(parts: Sequence[Token], here: Sequence[Token]) -> bool:
    """Whether the tokens are these, with blanks between them where these have some."""
    if [p.value.casefold() for p in parts] != [h.value.casefold() for h in here]:
        return False
    gaps = [[one.end < other.start for one, other in pairwise(each)] for each in (parts, here)]
    return gaps[0] == gaps[1]


def _needs(token: Token, name: str) -> bool:
    """Whether the token has to be written otherwise to be read as the name."""
    if token.kind is Kind.FOREIGN:
        return True
    return token.folded != name or (token.kind is Kind.WORD and name in RESERVED)


def _plain(token: Token) -> str:
    """A name that the scope does not have, without the quotes of another database."""
    return token.value.lower() if token.value.isidentifier() else token.value
