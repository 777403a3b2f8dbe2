"""The words and signs of a statement, for texts that PostgreSQL's own scanner refuses: `backticks`, 2024_sales."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    WORD = "word"
    QUOTED = "quoted"  # in double quotes
    FOREIGN = "foreign"  # a name as another database quotes it
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"  # one character


@dataclass(frozen=True, slots=True)
class Token:
    """`value` is what the token says: a quoted name without its quotes."""

    kind: Kind
    value: str
    start: int
    end: int

    @property
    def folded(self) -> str:
        """As PostgreSQL reads the name: ASCII letters in lower case unless quoted."""
        return fold(self.value) if self.kind is Kind.WORD else self.value

    @property
    def is_name(self) -> bool:
        return self.kind in (Kind.WORD, Kind.QUOTED, Kind.FOREIGN)

    def is_sign(self, *signs: str) -> bool:
        return self.kind is Kind.SIGN and self.value in signs

    def is_word(self, *words: str) -> bool:
        return self.kind is Kind.WORD and self.value.lower() in words


class Unclosed(Exception):
    """A literal, a quoted name or a comment has no end."""


_UPPER = re.compile("[A-Z]+")
_WORD = "[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*"
_TAG = "[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*"
_TOKEN = re.compile(
    rf"""(?P<space>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    |(?P<text>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')
    |(?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    |(?P<foreign>`(?:[^`]|``)+`)
    |(?P<dollar>\$(?:{_TAG})?\$)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<word>{_WORD})
    |(?P<sign>.)""",
    re.X | re.S,
)
_COMMENT = re.compile(r"/\*|\*/")
_KINDS = {"word": Kind.WORD, "number": Kind.NUMBER, "text": Kind.TEXT, "escaped": Kind.TEXT, "sign": Kind.SIGN}


def fold(name: str) -> str:
    return _UPPER.sub(lambda found: found[0].lower(), name)


def tokens(sql: str) -> list[Token]:
    """Its tokens without comments; raises Unclosed."""
    found: list[Token] = []
    place = 0
    while match := _TOKEN.match(sql, place):
        kind, text, place = match.lastgroup or "", match.group(), match.end()
        if kind == "comment":
            place = _after_comment(sql, place)
        elif kind == "dollar":
            place = _after(sql, text, place)
            found.append(Token(Kind.TEXT, "", match.start(), place))
        elif kind == "quoted":
            found.append(Token(Kind.QUOTED, text[text.index('"') + 1 : -1].replace('""', '"'), match.start(), place))
        elif kind == "foreign":
            found.append(Token(Kind.FOREIGN, text[1:-1].replace("``", "`"), match.start(), place))
        elif kind != "space":
            if text in ("'", '"'):
                raise Unclosed
            found.append(Token(_KINDS[kind], text, match.start(), place))
    return found


def _after(sql: str, closing: str, place: int) -> int:
    end = sql.find(closing, place)
    if end < 0:
        raise Unclosed
    return end + len(closing)


def _after_comment(sql: str, place: int) -> int:
    """Comments nest."""
    depth = 1
    while depth:
        match = _COMMENT.search(sql, place)
        if match is None:
            raise Unclosed
        depth += 1 if match.group() == "/*" else -1
        place = match.end()
    return place
