"""What the server makes of one SELECT when it parses it: the functions that it calls, the tables and columns it reads.

The tree is taken before views in it are expanded: what stands inside of them was put there by their owners. The
server's own functions write it as text (as it keeps views); here it is only read.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.confinement import Unconfined, calling_server, symbol

_SELECT = 1  # CMD_SELECT, src/include/nodes/nodes.h
_LIST_LENGTH, _LIST_ELEMENTS = 4, 16  # offsets in struct List, src/include/nodes/pg_list.h
_QUERY_COMMAND = 4  # offset in struct Query
_SYSTEM_COLUMNS = 7  # a column's bit is its number and this; -FirstLowInvalidHeapAttributeNumber

_FUNCTION = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid) ([1-9]\d*)")
_OPERATORS = re.compile(r":opnos \(o((?: \d+)*)\)")  # of a comparison of rows
_RELATION = re.compile(r":relid ([1-9]\d*)")
_XML = re.compile(r"(?<!\\)\{(?:XMLEXPR|TABLEFUNC (?::functype 0 )?:ns_uris)|:resulttype 142 ")
# Braces in names and texts have a backslash before them.
_STEP = re.compile(r"(?<!\\)([{}])|:relid (\d+)|:selectedCols \(b((?: \d+)*)\)")


@dataclass(frozen=True)
class Tree:
    """One parsed SELECT, as the server writes it; empty for anything else."""

    text: str

    @property
    def functions(self) -> set[int]:
        """OIDs of the functions called, those of operators and aggregates among them."""
        return set(map(int, _FUNCTION.findall(self.text)))

    @property
    def operators(self) -> set[int]:
        """OIDs of operators whose functions the tree does not name."""
        return {int(oid) for found in _OPERATORS.findall(self.text) for oid in found.split()}

    @property
    def makes_xml(self) -> bool:
        """Whether it has XML of its own: parsing it can't be interrupted."""
        return bool(_XML.search(self.text))

    @property
    def relations(self) -> set[int]:
        """OIDs of tables and views read."""
        return set(map(int, _RELATION.findall(self.text)))

    def columns(self) -> set[tuple[int, int]]:
        """(relation, column) read, by OID and number; a whole row has no column of its own."""
        return {(relation, column) for relation, columns in self._read() for column in columns if column > 0}

    def _read(self) -> Iterator[tuple[int, list[int]]]:
        """A node's relation stands before its columns, perhaps with other nodes between them."""
        relations = [0]
        for brace, relation, columns in _STEP.findall(self.text):
            if brace == "{":
                relations.append(0)
            elif brace:
                relations.pop()
            elif relation:
                relations[-1] = int(relation)
            elif relations[-1]:
                yield relations[-1], [int(bit) - _SYSTEM_COLUMNS for bit in columns.split()]


def read_tree(sql: str) -> Tree:
    """The tree of a statement that the server has just parsed in this transaction: now nothing can go wrong.

    Should it even so, the session ends: the server's way out of an error would lead right through Python.
    """
    source = ctypes.create_string_buffer(sql.encode())
    with calling_server():
        statements = _called("pg_parse_query", source)
        if not statements or _int_at(statements + _LIST_LENGTH) != 1:
            return Tree("")
        first = _pointer_at(_pointer_at(statements + _LIST_ELEMENTS))
        query = _called(_analysis(), ctypes.c_void_p(first), source, None, 0, None)
        if not query or _int_at(query + _QUERY_COMMAND) != _SELECT:
            return Tree("")
        text = _called("nodeToString", ctypes.c_void_p(query))
        return Tree(ctypes.string_at(text).decode(errors="replace"))


def _analysis() -> str:
    """As it is called since PostgreSQL 15, or before."""
    try:
        symbol("parse_analyze_fixedparams")
    except Unconfined:
        return "parse_analyze"
    return "parse_analyze_fixedparams"


def _called(name: str, *arguments: Any) -> int:
    function = symbol(name)
    function.restype = ctypes.c_void_p
    return function(*arguments) or 0


def _int_at(address: int) -> int:
    return ctypes.c_int.from_address(address).value


def _pointer_at(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0
