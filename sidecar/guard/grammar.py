"""PostgreSQL's own grammar, from libpg_query: a text as the server would read it, and the text of what was read.

The tree is the JSON of libpg_query, not its protobuf: protobuf's reader for Python ends at a hundred levels, which an
expression of fifty terms has. From tree to text it goes in C alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import postgast
from postgast.native import lib

Fields = dict[str, Any]

# Where a node stands in the text, and nothing of what it means; with the comma before it, or the one behind.
_PLACE = rb'"(?:[a-z]+_)?(?:location|stmt_len|list_start|list_end)":-?\d+'
_PLACES = re.compile(rb"," + _PLACE + rb"|" + _PLACE + rb",?")
# Numbers as PostgreSQL 16 and later write them: 1_000, 0x1F. Before, 0x1F is 0 AS x1f, or an error.
_NEW_NUMBER = re.compile(r"\d_\d|0[xXoObB][0-9a-fA-F]")
_NEW_NUMBERS = 160_000


class NotSql(Exception):
    """PostgreSQL's grammar does not take the text; the message is PostgreSQL's."""


class TooDeep(Exception):
    """Nested beyond what any reader here follows."""


def refuse_newer(sql: str, server_version: int) -> None:
    """Raise NotSql for what the grammar here reads otherwise than that of an older server."""
    if server_version >= _NEW_NUMBERS or not _NEW_NUMBER.search(sql):
        return
    text = sql.encode()
    try:
        tokens = postgast.scan(sql).tokens
    except postgast.PgQueryError as error:
        raise NotSql(str(error)) from None
    for token in tokens:
        number = text[token.start : token.end].decode()
        if number[:1].isdigit() and _NEW_NUMBER.search(number):
            raise NotSql(f'trailing junk after numeric literal at or near "{number}"')


def parsed(sql: str) -> bytes:
    """The tree of the text, as JSON; raises NotSql."""
    with _result(lib.pg_query_parse, lib.pg_query_free_parse_result, sql.encode()) as found:
        return bytes(found.parse_tree)


def meaning(tree: bytes) -> bytes:
    """The tree without the places of its nodes: equal for texts that PostgreSQL reads alike."""
    return _PLACES.sub(b"", tree)


def same(one: str, other: str) -> bool:
    """Whether two texts are the same tree to PostgreSQL; raises NotSql where one is none."""
    return one == other or meaning(parsed(one)) == meaning(parsed(other))


def statements(tree: bytes) -> list[Fields]:
    """What it has, each {node type: its fields}; raises TooDeep."""
    try:
        found = json.loads(tree)["stmts"]
    except RecursionError:
        raise TooDeep from None
    return [each.get("stmt", {}) for each in found]


def written(sql: str) -> str:
    """The text as PostgreSQL's grammar writes it: no comment, one spelling; the same tree. Raises NotSql.

    Only for what is known not to be nested too deeply.
    """
    with (
        _result(lib.pg_query_parse_protobuf, lib.pg_query_free_protobuf_parse_result, sql.encode()) as found,
        _result(lib.pg_query_deparse_protobuf, lib.pg_query_free_deparse_result, found.parse_tree) as text,
    ):
        return str(text.query.decode())


@contextmanager
def _result(call: Callable[[Any], Any], free: Callable[[Any], None], argument: Any) -> Iterator[Any]:
    found = call(argument)
    try:
        if found.error:
            raise NotSql(found.error.contents.message.decode(errors="replace"))
        yield found
    finally:
        free(found)
