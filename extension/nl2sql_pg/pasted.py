"""SQL instead of a question. By its shape: the server's parser takes "show sales" for a statement, too."""

from __future__ import annotations

import re

from nl2sql_pg.message import Message

_COMMENT = re.compile(r"/\*.*?\*/|^\s*--+|^\s*(?:sql|query)\s*:", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```\s*(?:sql|postgres\w*)?|`", re.IGNORECASE)
_IN_DOUBLE = re.compile(
    (
        r"\"[^\"]*\b(?:select|drop|delete|insert|update|truncate|alter|create|grant)\s[^\"]*\"|"
        r"“[^”]*”|「[^」]*」|«[^»]*»"
    ),
    re.I,
)
_OUTER = re.compile(r"\s*([\"'])([^\"]*)\1\s*")
_LITERAL = re.compile(r"(?<!\w)'(?:[^']|'')*'(?!\w)")

_NAME = r"[\w$\"]+(?:\.[\w$\"*]+)*"
_THING = (
    r"(?:table|view|materialized view|index|schema|database|role|user|function|procedure|sequence|"
    r"trigger|type|domain|extension|policy|column|constraint)s?"
)
# What writes, or steers the session. A name after it that is an article makes it English.
_NOT_SQL = r"(?!the\b|all\b|every\b|each\b|any\b|an?\b|this\b|that\b|these\b|those\b|our\b|my\b|your\b|which\b)"
_WRITES = re.compile(
    "|".join(
        (
            rf"\binsert\s+into\s+{_NOT_SQL}{_NAME}\s*(?:\(|values\b|select\b|default\s+values)",
            rf"\bupdate\s+(?:only\s+)?{_NOT_SQL}{_NAME}(?:\s+(?:as\s+)?\w+)?\s+set\s+{_NAME}\s*=",
            rf"\bdelete\s+from\s+(?:only\s+)?{_NOT_SQL}{_NAME}\s*(?:;|$|where\b|using\b|returning\b|as\b)",
            rf"\b(?:drop|alter)\s+{_THING}\s+(?:if\s+exists\s+|concurrently\s+)?{_NOT_SQL}{_NAME}\s*(?:;|,|$|"
            rf"cascade\b|restrict\b|add\b|drop\b|rename\b|owner\b|alter\b|enable\b|disable\b|set\b)",
            rf"\btruncate\s+(?:table\s+)?(?:only\s+)?{_NOT_SQL}{_NAME}\s*(?:;|,|$|cascade\b|restart\b)",
            rf"\bcreate\s+(?:or\s+replace\s+)?(?:unique\s+|temp\s+|temporary\s+|"
            rf"unlogged\s+)?{_THING}\s+(?:if\s+not\s+exists\s+)?{_NAME}\s*(?:\(|as\s+(?:select|\()|;|$|with\b|"
            rf"owner\b|authorization\b|on\b|password\b|login\b|superuser\b)",
            rf"\b(?:grant|revoke)\s+[\w,\s]+?\s+(?:on\s+[\w\s.\"]+?\s+)?(?:to|"
            rf"from)\s+{_NOT_SQL}{_NAME}\s*(?:;|$|with\b|cascade\b)",
            rf"\bmerge\s+into\s+{_NAME}\s+.*\busing\b",
            rf"\bcopy\s+(?:{_NAME}|\(.*\))\s+(?:\([^)]*\)\s*)?(?:from|to)\s+(?:program\b|stdin\b|stdout\b|‹value›)",
            rf"^\s*(?:vacuum|reindex|cluster|analyze|checkpoint|discard\s+all|reset\s+all|"
            rf"lock\s+table\s+{_NAME})\s*(?:full\b|;|$|{_NAME}\s*;)",
            r"^\s*(?:begin|commit|rollback|start\s+transaction)\s*(?:;|$|transaction\b)",
            r"^\s*do\s+\$|^\s*call\s+\w[\w.]*\(",
            rf"^\s*set\s+(?:local\s+|session\s+)?{_NAME}\s*(?:=|to\s+\S+\s*;)|^\s*set\s+(?:role|"
            rf"session\s+authorization)\s+\w+\s*;?$",
        )
    ),
    re.IGNORECASE,
)

_SELECT = re.compile(r"\bselect\s+(?:distinct\s+(?:on\s*\([^()]*\)\s*)?|all\s+)?", re.IGNORECASE)
_FROM = re.compile(rf"\s+from\s+(?P<table>\(|{_NOT_SQL}{_NAME})(?P<rest>[^;]*;?)", re.IGNORECASE)
_ITEM = re.compile(
    (
        r"(?:\*|[\w$\".]+\.\*|[\w$\".]+\s?\(.*|[\w$\".]+(?:::\w+)?(?:\s+as\s+[\w$\"]+)?|‹value›.*|"
        r"[\w$\".]+\s*[-+*/|].*|case\b.*)"
    ),
    re.I | re.S,
)
_SELECT_ALONE = re.compile(
    rf"^\s*\(?select\s+(?:\w[\w.]*\(.*\)|‹value›|\d+|current_\w+|{_NAME}\s*::)[^a-z]*;?\s*$", re.I
)
_WITH = re.compile(
    (
        r"^\s*with\s+(?:recursive\s+)?[\w\"]+\s*(?:\([^)]*\)\s*)?as\s+(?:not\s+)?(?:materialized\s+)?\(\s*(?:select|"
        r"insert|update|delete|values)\b"
    ),
    re.I,
)
_OTHER_READS = re.compile(
    r"^\s*(?:explain\b[\w\s(),]*\bselect\b|values\s*\(|table\s+\w+\s*;|show\s+\w+\s*;|fetch\s+\w+)", re.I
)
_SIGN = re.compile(r"[*;=<>()\"]|::|\w\.\w")
_CONDITION = re.compile(
    r"[=<>;)]|\bwhere\s+\w+\s+(?:in|like|between|is)\b|\b(?:union|intersect|except|join)\b", re.IGNORECASE
)
_COMPARES = re.compile(r"\bwhere\s+[\w.\"]+\s*(?:=|<|>|!=|in\s*\()", re.IGNORECASE)
_SHOUTED = re.compile(r"\bSELECT\s.*\sFROM\s", re.DOTALL)
_CLAUSE = re.compile(
    (
        r"^\s*(?:;?\s*$|(?:limit\s+\d+|order\s+by\s+\w+|group\s+by\s+\w+)(?:\s+(?:asc|"
        r"desc))?(?:\s+limit\s+\d+)?\s*;?\s*$)"
    ),
    re.I,
)


def writing_statement(message: Message) -> bool:
    """Whether it holds a statement that writes, or steers the session or its rights."""
    return bool(_WRITES.search(_stripped(message.text)))


def reading_statement(message: Message) -> bool:
    """Whether it is, or holds, a whole SELECT; a piece of one, such as a condition, is part of a question."""
    text = _stripped(message.text)
    if _WITH.match(text) or _SELECT_ALONE.match(text) or _OTHER_READS.match(text):
        return True
    return any(_is_select(*found, message) for found in _selects(text))


def _selects(text: str) -> list[tuple[str, str, str]]:
    """What each SELECT lists, the table it names first, and the rest up to a semicolon."""
    found = []
    for start in _SELECT.finditer(text):
        if source := _FROM.search(text, start.end()):
            found.append((text[start.end() : source.start()].strip(), source["table"], source["rest"]))
    return found


def _is_select(listed: str, first_table: str, rest: str, message: Message) -> bool:
    items = [item.strip() for item in listed.split(",")]
    if "(" not in listed and not all(map(_ITEM.fullmatch, items)):
        return False
    if not _ITEM.fullmatch(items[0]):
        return False
    if _SIGN.search(listed) or first_table == "(" or _COMPARES.search(rest) or _SHOUTED.search(message.text):
        return True
    table = first_table.replace('"', "").lower().split(".")[-1]
    if table not in message.names:
        return False
    if _CONDITION.search(rest):
        return True
    return bool(_CLAUSE.match(rest)) and all(item.replace('"', "").lower() in message.names for item in items)


def _stripped(text: str) -> str:
    """Without comments, fences and what is quoted: SQL in quotation marks is a value that is asked for."""
    text = _COMMENT.sub(" ", _FENCE.sub(" ", text))
    if (outer := _OUTER.fullmatch(text)) and outer[1] not in outer[2]:
        text = outer[2]
    return _IN_DOUBLE.sub("‹value›", _LITERAL.sub("‹value›", text))
