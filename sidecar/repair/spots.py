"""Where names stand in a text, and where the same words are key words: told by whether an operand is due.

No parser: PostgreSQL's own has the last word. This reads what that refuses, since a name lacks its quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from sidecar.guard.names import RESERVED
from sidecar.repair.tokens import Kind, Token

LONGEST_BRACKET = 10  # tokens of a name in [brackets]


class Place(Enum):
    TABLE = "table"  # in FROM
    COLUMN = "column"  # where an operand is due
    ALIAS = "alias"  # a name that the statement gives


@dataclass(eq=False)
class Spot:
    """A dotted name; `starred` where a star ends it."""

    parts: list[Token]
    place: Place
    starred: bool = False
    named: Spot | None = None  # the table that an alias in FROM is for


@dataclass
class _Frame:
    """What a bracket holds. Its clause: select, from, on or other of a query; expression, cast or array."""

    clause: str
    cases: int = 0
    table: Spot | None = None  # the last one, while an alias may follow


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Key words behind which an operand is due.
_OPENING = _words(
    """all and any array as asymmetric between both by case distinct else escape except fetch from having ilike in
    intersect join lateral leading like limit offset not on only or placing recursive returning select similar some
    symmetric then to trailing union using variadic when where with"""
)
# Those that may stand behind an operand: whatever comes next, or only before one of these.
_BEHIND_OPERAND = _words(
    """and as asc between collate desc distinct else except false fetch for from having ilike in intersect is isnull
    join like not notnull null on only or overlaps placing select similar tablesample then to true union when where
    window with"""
)
_BEFORE = {
    "group": ("by", "("),
    "order": ("by",),
    "left": ("join", "outer"),
    "right": ("join", "outer"),
    "full": ("join", "outer"),
    "inner": ("join",),
    "cross": ("join",),
    "natural": ("join", "left", "right", "full", "inner"),
    "outer": ("join",),
    "using": ("(",),
}
_COUNTING = ("limit", "offset")
# What stands in the text after a whole operand.
_AFTER_OPERAND = _words(
    """and as asc between collate cross desc else end except from full group having ilike in inner intersect is isnull
    join left like limit natural notnull offset on or order over right similar then union using when where window
    , ) . = < > + - / % | ; ] : ! ~ & ^"""
)
_SURELY_AFTER = _words("as from is , ) . = < >")
# Key words that may stand where an operand is due, after one of these; nothing is the begin of the text.
_AFTER = {
    "all": ("select", "union", "except", "intersect", "(", "limit"),
    "as": (")", "materialized"),
    "asymmetric": ("between",),
    "both": ("(",),
    "distinct": ("select", "(", "union", "except", "intersect"),
    "lateral": ("from", "join", ","),
    "leading": ("(",),
    "only": ("from", "join", ","),
    "symmetric": ("between",),
    "table": ("", "("),
    "trailing": ("(",),
    "variadic": ("(", ","),
    "when": ("case",),
    "where": ("(",),
    "with": ("", "(", "as"),
}
# After the first column of a SELECT list; FROM there may also be the end of an empty one.
_AFTER_FIRST = _words(", from as = < > + - * / % | :")
# Before and after the SELECT of a query; a minus or a star may begin its list.
_BEFORE_SELECT = ("", "(", "union", "all", "distinct", "except", "intersect")
_NOT_AFTER_SELECT = _words(", ) = < > . /")
_BEGINNING = _words("case not")  # anywhere
_VALUES = _words("null true false default")
_SESSION = _words(
    """current_catalog current_date current_role current_schema current_time current_timestamp current_user localtime
    localtimestamp session_user system_user user"""
)
_ENDING_FROM = _words("where group having order limit offset fetch window union intersect except")
_IN_FROM = ("from", "on")


def spots(tokens: Sequence[Token], names: Collection[str], odd: Callable[[int], Token | None]) -> list[Spot]:
    """The names of a text. `names`, in lower case, are those that may be key words, too; `odd(n)` is the name of
    several tokens that begins with the n-th."""
    return _Reader(tokens, names, odd).read()


@dataclass
class _Reader:
    tokens: Sequence[Token]
    names: Collection[str]
    odd: Callable[[int], Token | None]
    found: list[Spot] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=lambda: [_Frame("other")])
    due: bool = True  # whether an operand is due
    at: int = 0

    def read(self) -> list[Spot]:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if self.due and (self.odd(self.at) or self._bracketed(self.at)[0]):
                self._dotted()
            elif token.kind is Kind.SIGN:
                self._sign(token.value)
            elif token.kind in (Kind.NUMBER, Kind.TEXT):
                self.at, self.due = self.at + 1, False
            elif token.kind is Kind.WORD and self._is_key_word(token.value.lower()):
                self._key_word(token.value.lower())
            elif self.due:
                self._dotted()
            else:
                self._behind(token)
        return self.found

    @property
    def frame(self) -> _Frame:
        return self.frames[-1]

    def _token(self, steps: int) -> Token | None:
        place = self.at + steps
        return self.tokens[place] if 0 <= place < len(self.tokens) else None

    def _text(self, steps: int) -> str:
        """The token so many steps on, in lower case; nothing for a name in quotes, a literal or an end."""
        token = self._token(steps)
        return token.value.lower() if token and token.kind in (Kind.WORD, Kind.SIGN) else ""

    # signs

    def _sign(self, sign: str) -> None:
        self.at += 1
        if sign in "([":
            self.frames.append(_Frame(self._clause_inside(sign)))
            self.due = True
        elif sign in ")]":
            self.frames = self.frames[:-1] or [_Frame("other")]
            self.due = False
        elif sign == "*":
            self.due = not self.due
        elif sign == ":" and self._text(0) == ":":
            self.at += 1
            self._skip_type()
        else:
            self.due = True
            self._separate(sign)

    def _clause_inside(self, sign: str) -> str:
        if sign == "[":
            return "array"
        if self._text(0) in ("select", "with", "values"):
            return "other"
        if self._text(-2) == "cast":
            return "cast"
        return "from" if self.frame.clause == "from" and self.due else "expression"

    def _separate(self, sign: str) -> None:
        if sign == ",":
            self.frame.table = None
            if self.frame.clause == "on":
                self.frame.clause = "from"
        elif sign == ";":
            self.frames = [_Frame("other")]

    def _skip_type(self) -> None:
        token = self._token(0)
        self.at += 1 if token and token.is_name else 0
        self.due = False

    # key words

    def _is_key_word(self, word: str) -> bool:
        if word == "by":
            return self._text(-1) in ("group", "order", "partition")
        if word == "recursive":
            return self._text(-1) == "with"
        if word not in RESERVED:
            return False
        if word not in self.names:
            return True
        return self._text(1) != "." and (self._begins(word) if self.due else self._goes_on(word))

    def _goes_on(self, word: str) -> bool:
        """Whether the key word may stand behind an operand."""
        after = self._text(1)
        if word in _BEFORE:
            return after in _BEFORE[word]
        if word in _COUNTING:
            token = self._token(1)
            return token is not None and (token.kind is Kind.NUMBER or after in ("all", "(", "null", "$"))
        return self.frame.cases > 0 if word == "end" else word in _BEHIND_OPERAND

    def _begins(self, word: str) -> bool:
        """Whether the key word stands for itself where an operand is due."""
        before, after = self._text(-1), self._text(1)
        if word in _SESSION or word in _VALUES:
            return word in _VALUES and self.frame.clause != "from"
        if word in ("order", "group"):
            return after == "by"
        if word == "from":
            return self._is_distinct_from() or (before == "select" and after not in _AFTER_FIRST)
        if after == "(" and self.frame.clause != "from":
            return True  # a function, ANY (…), NOT (…)
        if word == "array":
            return after == "["
        if word == "select":
            return before in _BEFORE_SELECT and after not in _NOT_AFTER_SELECT
        if word in _BEGINNING or word in _AFTER:
            return (word in _BEGINNING or before in _AFTER[word]) and (
                "when" in (word, after) or not self._is_operand()
            )
        return False

    def _is_distinct_from(self) -> bool:
        return self._text(-1) == "distinct" and self._text(-2) in ("is", "not")

    def _is_operand(self) -> bool:
        """Whether the word is a whole operand: what follows is no operand, as `group` in `DISTINCT group, …`."""
        after = self._text(1)
        if after in self.names and self._text(2) in _SURELY_AFTER:
            return False
        return self._token(1) is None or after in _AFTER_OPERAND

    def _key_word(self, word: str) -> None:
        behind = not self.due
        self._enter(word)
        self.at += 1
        if word == "as":
            self._after_as()
        elif word in ("not", "distinct") and behind:
            self.due = False  # NOT IN, IS DISTINCT FROM
        else:
            self.due = word in _OPENING

    def _enter(self, word: str) -> None:
        """The clause that the key word begins."""
        frame = self.frame
        if word in ("case", "end"):
            frame.cases += 1 if word == "case" else -1
        elif word == "select":
            frame.clause = "select"
        elif word in ("from", "join") and frame.clause in ("select", *_IN_FROM) and not self._is_distinct_from():
            frame.clause, frame.table = "from", None
        elif word in ("on", "using") and frame.clause == "from":
            frame.clause = "on"
        elif word in _ENDING_FROM and frame.clause in ("select", *_IN_FROM):
            frame.clause = "other"

    def _after_as(self) -> None:
        """A type, the query of a CTE, or a name."""
        token = self._token(0)
        if self.frame.clause == "cast":
            self._skip_type()
        elif token is None or not token.is_name or token.is_word("not", "materialized"):
            self.due = True
        else:
            self._take([token], self.at + 1, Place.ALIAS)

    # names

    def _behind(self, token: Token) -> None:
        """A name behind an operand can only be an alias; a word may be a unit or the like."""
        may_be = self.frame.clause in ("select", "from") and self._text(1) != "("
        if token.kind is not Kind.WORD or token.value.lower() in self.names or may_be:
            self._take([token], self.at + 1, Place.ALIAS)
        else:
            self.at += 1

    def _dotted(self) -> None:
        parts: list[Token] = []
        part, place = self._part(self.at)
        starred = False
        while part is not None:
            parts.append(part)
            if not self._is_sign(place, "."):
                break
            starred = self._is_sign(place + 1, "*")
            part, after = (None, place + 2) if starred else self._part(place + 1)
            place = after if part or starred else place
        if self._is_call(parts, place):
            self.at, self.due = place, False
        else:
            self._take(parts, place, Place.ALIAS if self._is_query_name(place) else None, starred)

    def _part(self, place: int) -> tuple[Token | None, int]:
        """One part of a dotted name, and where it ends."""
        if odd := self.odd(place):
            while place < len(self.tokens) and self.tokens[place].start < odd.end:
                place += 1
            return odd, place
        token = self.tokens[place] if place < len(self.tokens) else None
        if token is None or token.is_sign("["):
            return self._bracketed(place)
        if token.kind is Kind.TEXT and place > self.at:
            return Token(Kind.FOREIGN, token.value[1:-1], token.start, token.end), place + 1
        return (token, place + 1) if token.is_name else (None, place)

    def _bracketed(self, place: int) -> tuple[Token | None, int]:
        """A name in [brackets], and where it ends."""
        opening = self.tokens[place : place + 1]
        before = self.tokens[place - 1] if place else None
        if not opening or not opening[0].is_sign("[") or (before and (before.is_word("array") or before.is_sign("["))):
            return None, place
        if self.frame.clause == "array":
            return None, place
        inside: list[Token] = []
        for token in self.tokens[place + 1 : place + 1 + LONGEST_BRACKET]:
            if token.is_sign("]") and inside:
                name = Token(Kind.FOREIGN, _joined(inside), opening[0].start, token.end)
                return name, place + len(inside) + 2
            if token.is_sign("[", "]", ",") or token.kind is Kind.TEXT:
                break
            inside.append(token)
        return None, place

    def _is_sign(self, place: int, sign: str) -> bool:
        return place < len(self.tokens) and self.tokens[place].is_sign(sign)

    def _is_call(self, parts: list[Token], place: int) -> bool:
        """A function, or a type with a literal: DATE '2026-01-01'."""
        literal = place < len(self.tokens) and self.tokens[place].kind is Kind.TEXT
        return self._is_sign(place, "(") or (literal and len(parts) == 1)

    def _is_query_name(self, place: int) -> bool:
        """The name of a CTE or a window."""
        after = [token.value.lower() for token in self.tokens[place : place + 2]]
        return after[:1] == ["as"] and after[1:] in (["("], ["not"], ["materialized"])

    def _take(self, parts: list[Token], place: int, kind: Place | None = None, starred: bool = False) -> None:
        where = kind or (Place.TABLE if self.frame.clause == "from" else Place.COLUMN)
        spot = Spot(parts, where, starred)
        if self.frame.clause == "from":
            spot.named, self.frame.table = (self.frame.table, None) if where is Place.ALIAS else (None, spot)
        self.found.append(spot)
        self.at, self.due = place, False


def _joined(inside: Sequence[Token]) -> str:
    gaps = [" " if before.end < after.start else "" for before, after in pairwise(inside)]
    return "".join(token.value + gap for token, gap in zip(inside, [*gaps, ""], strict=True))
