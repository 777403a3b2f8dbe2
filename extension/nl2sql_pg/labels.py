"""What names the rows of a table: the columns an answer shows where somebody asks who or which, not the key.

No rows are read for it: names, types, keys and comments tell. What a DBA said with nl2sql.set_label() stands above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nl2sql_pg.bridge import Database
from nl2sql_pg.key_names import KEY_WORDS, is_short_for, stem, words

_COLUMNS = "select * from nl2sql._label_columns($1::oid[])"

# How surely a column names its row. A person's two names stand between a name and what may be a job's title.
OWN, NAME, PERSON, TITLE, COMMENT, TEXT = 6, 5, 4, 3, 2, 1
FEW = 4  # columns of a table that a description may name; in a wider one it is prose

_NAMES = frozenset({"name", "nm", "nam"})
_TITLES = frozenset({"title", "label", "caption"})
_TEXTS = frozenset({"txt"})
_DESCRIPTIONS = frozenset({"desc", "descr", "description"})
_PROSE = frozenset("note remark comment body message memo".split())
_WHOLE = frozenset({"full", "display", "complete", "common"})
_FIRST = frozenset("first given fore f firstname fname forename givenname 名".split())
_LAST = frozenset("last family sur l lastname lname surname familyname 姓".split())
# They tell one row from the others, but nobody says them for it.
_ADDRESSES = frozenset("email mail phone tel telephone fax url uri path token hash password slug iban".split())
_HAN_NAME = re.compile("^(.*?)(?:名称|姓名|全称|名字|全名|标题|名)$")
_NAME_IN_COMMENT = re.compile(r"^(?:the |full |display |complete )*(?:([a-z]+)(?:'s)? )?(name|title|designation)\b")
_HAN_NAME_IN_COMMENT = re.compile("^[\u3400-\u9fff]{0,6}(?:名称|姓名|名字|全称)")
# Where the thing that a comment speaks of ends and what is said of it begins.
_AFTER_HEAD = re.compile(
    r"[,;:.(]|\b(?:who|that|which|with|of|for|by|per|in|on|at|from|to|one|and|or)\b", re.IGNORECASE
)
_HAN = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True)
class LabelColumn:
    """A column that the caller may read, and what speaks for it."""

    relation: int
    schema: str
    table: str
    about: str | None  # the table's comment
    number: int
    name: str
    comment: str | None
    textual: bool  # free text that is shown to the caller as it is
    unique: bool  # by an index of its own
    key_size: int  # columns of the primary key that it belongs to
    refers: bool  # to another table
    declared: int | None  # its place in what nl2sql.set_label() said; 0: the table has no label


def add_to(db: Database, relations: list[int], tables: list[dict[str, Any]]) -> None:
    """Give described tables their labels, as docs/protocol.md has them."""
    described = {(table["schema"], table["name"]): table for table in tables}
    for columns in _by_relation(db, relations):
        table = described.get((columns[0].schema, columns[0].table))
        names = [column.name for column in label(columns)]
        if table is not None and names:
            table["label"] = names


def all_of(db: Database, relations: list[int]) -> list[dict[str, Any]]:
    """Rows of nl2sql._label_list(): the label of every relation that has one."""
    rows = []
    for columns in _by_relation(db, relations):
        source = "inferred" if _declared(columns) is None else "declared"
        found = label(columns)
        if found or source == "declared":
            numbers = [column.number for column in found]
            rows.append({"relation": columns[0].relation, "numbers": numbers, "source": source})
    return rows


def _by_relation(db: Database, relations: list[int]) -> Iterator[list[LabelColumn]]:
    found = [LabelColumn(**row) for row in db.rows(_COLUMNS, ["bigint[]"], [relations])]
    for _, columns in groupby(found, key=lambda column: column.relation):
        yield list(columns)


def label(columns: list[LabelColumn]) -> list[LabelColumn]:
    """The columns of one table that name its rows, in the order to show them; none where nothing tells."""
    declared = _declared(columns)
    return infer(columns) if declared is None else declared


def _declared(columns: list[LabelColumn]) -> list[LabelColumn] | None:
    if all(column.declared is None for column in columns):
        return None
    return sorted((c for c in columns if c.declared), key=lambda column: column.declared or 0)


def infer(columns: list[LabelColumn]) -> list[LabelColumn]:
    """What names, keys and comments say of one table."""
    own = _own_words(columns)
    free = [column for column in columns if column.textual and not column.refers]
    marked = [(_mark(column, own, columns), column) for column in free]
    best = max((mark for mark, _ in marked), default=0)
    person = _person(free, own)
    if person and best < NAME:
        return person
    if best:
        return [next(column for mark, column in marked if mark == best)]
    return _only_one(free, columns)


def _own_words(columns: list[LabelColumn]) -> set[str]:
    """Words for what a row of the table is: of its name, its comment and its key."""
    first = columns[0]
    found = {*words(first.table), *_head(first.about)}
    keys = [column for column in columns if column.key_size == 1]
    return found | {word for key in keys for word in words(key.name) if word not in KEY_WORDS}


def _head(comment: str | None) -> Iterator[str]:
    """`staff of the shop floor` speaks of staff, `客户 (customers)` of both."""
    parts = re.split(r"[()（）]", comment or "")
    for part in parts:
        head = _AFTER_HEAD.split(part.strip(), maxsplit=1)[0]
        yield from words(head) if len(head) <= 40 else ()


def _mark(column: LabelColumn, own: set[str], columns: list[LabelColumn]) -> int:
    """How surely it names the row; 0: nothing says so."""
    found = words(column.name)
    if _is_own_noun(column, found):
        return OWN
    rest = [word for word in found if word not in _NAMES]
    if len(rest) < len(found) and _is_of(rest, own, columns):
        return NAME
    if _says_name(found, own, column.name):
        return NAME
    rest = [word for word in found if word not in _TITLES]
    if (len(rest) < len(found) and _is_of(rest, own, columns)) or found in (("username",), ("user", "name")):
        return TITLE
    if _commented_as_name(column, own):
        return COMMENT
    texts = _TEXTS | _DESCRIPTIONS if len(columns) <= FEW else _TEXTS
    rest = [word for word in found if word not in texts]
    return TEXT if 0 < len(rest) < len(found) and _is_of(rest, own, columns) else 0


def _is_own_noun(column: LabelColumn, found: Iterable[str]) -> bool:
    """city.city, sys_account.account: the word that the table itself ends in; a key of that name is a code."""
    table = words(column.table)
    return column.key_size != 1 and tuple(found) in (table, table[-1:]) and not KEY_WORDS.issuperset(found)


def _is_of(rest: list[str], own: set[str], columns: list[LabelColumn]) -> bool:
    """Whether what is said besides `name` is the row itself, not what it refers to: supplier_name of a delivery."""
    meant = [word for word in rest if word not in _WHOLE and not word.isdigit()]
    if not all(_is_own(word, own) for word in meant):
        return False
    others = [column for column in columns if column.key_size != 1]
    referred = (set(words(c.name)) - KEY_WORDS for c in others if set(words(c.name)) & KEY_WORDS - {"name"})
    return not meant or set(meant) not in list(referred)


def _is_own(word: str, own: set[str]) -> bool:
    return word in own or any(is_short_for(word, other) for other in own)


def _says_name(found: tuple[str, ...], own: set[str], name: str) -> bool:
    """In one word: fullname, username, custname, dname of a department; 企业名称."""
    if (han := _HAN_NAME.match(name)) and _HAN.search(name):
        rest = han[1].strip("_ ")
        return not rest or any(rest in word for word in own if _HAN.search(word))
    if len(found) != 1 or not found[0].endswith("name") or found[0] in _FIRST | _LAST:
        return False
    rest = found[0].removesuffix("name")
    return rest in _WHOLE or any(word.startswith(rest) for word in own)


def _commented_as_name(column: LabelColumn, own: set[str]) -> bool:
    """`name of the plant`, `plant name`, `工厂名称 (plant name)`; not `name of the responsible engineer`."""
    comment = (column.comment or "").strip().lower()
    for part in re.split(r"[()（）]", comment):
        part = part.strip()
        if han := _HAN_NAME_IN_COMMENT.match(part):
            meant = re.sub("(?:名称|姓名|名字|全称)$", "", han[0])
            if not meant or any(meant in word for word in own):
                return True
        named = _NAME_IN_COMMENT.match(part)
        if named and (named[1] is None or _is_own(stem(named[1]), own)):
            owner = re.match(r"\s+of\s+(?:(?:the|a|an|each|this)\s+)?([a-z]+)", part[named.end() :])
            if named[1] is not None or owner is None or _is_own(stem(owner[1]), own):
                return True
    return False


def _person(free: list[LabelColumn], own: set[str]) -> list[LabelColumn]:
    """First and last name."""
    first, last = (_part_of_name(free, meant, own) for meant in (_FIRST, _LAST))
    return [first, last] if first and last else []


def _part_of_name(free: list[LabelColumn], meant: frozenset[str], own: set[str]) -> LabelColumn | None:
    for column in free:
        found = [word for word in words(column.name) if word not in _NAMES]
        if found and found[-1] in meant and all(_is_own(word, own) for word in found[:-1]):
            return column
    return None


def _only_one(free: list[LabelColumn], columns: list[LabelColumn]) -> list[LabelColumn]:
    """The only text that no two rows share; or the only column besides the key."""
    unique = [column for column in free if column.unique and column.key_size == 0]
    plain = [column for column in unique if not set(words(column.name)) & _ADDRESSES]
    if len(plain or unique) == 1:
        return plain or unique
    key = [column for column in columns if column.key_size == 1]
    others = [column for column in free if column not in key]
    lookup = len(columns) == 2 and len(key) == len(others) == 1
    return others if lookup and not set(words(others[0].name)) & _PROSE else []
