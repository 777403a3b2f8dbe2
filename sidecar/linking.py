"""Schema linking: what a question names of the schema, and what of it a statement reads.

Where a model's proposals disagree, the one that leaves out what the question names, or reads tables that the question
does not speak of, is rather not the one that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from sidecar.glossary.words import Word, is_han, split
from sidecar.guard.grammar import NotSql, TooDeep, parsed, statements
from sidecar.guard.nodes import Node, constant, walk
from sidecar.guard.scope import Scope, Table
from sidecar.repair.closest import fold, is_short_for, singular_words
from sidecar.repair.nodes import words

Meaning = frozenset[str]  # the words of one thing that a word of the question may mean, in the singular

_VOWELS = re.compile("[aeiou]")
LONGEST_CODE = 2  # letters of a name that tell nothing
MEANINGS = 6  # of a Chinese word; rarer ones name what nobody asked for

# Words that ask, count or connect: parts of many a name, too (`date_of_birth`, `lives_in`), but they point to none.
FUNCTION_WORDS = frozenset(
    "a about above after all also am among an and any are as at be been before below between both but by can could did"
    " do does done each either ever every few find first for from get give had has have having he her here his how i if"
    " in into is it its last least less list many me more most much my name names no nor not number of off on one only"
    " or other our out over own per please same select she should show so some such sum tell than that the their them"
    " then there these they this those to too total under until up us very was we were what when where which while who"
    " whom whose why will with within without would you your".split()
)


@dataclass(frozen=True)
class Linking:
    """`missed`: words of the question that name something in the schema, of which the statement reads nothing.
    `unasked`: tables it reads whose names and comments share no word with the question.
    `unread`: the share, 0 to 1, of all words of the question that tell something and stand for nothing it reads."""

    missed: int
    unasked: int
    unread: float


class Linker:
    """One question, with its Chinese words, beside one scope; statements are compared with it one by one.

    To read a long question takes a moment; to compare takes as long as to parse.
    """

    def __init__(self, question: str, chinese: Iterable[Word], scope: Scope) -> None:
        known = frozenset(chain(chain.from_iterable(map(_in_name, _names(scope))), _in_comments(scope)))
        told = (found for found in map(_telling, _meanings(question, chinese)) if found)
        meanings = [[*found, *_shortened(found, known)] for found in told]
        self._scope = scope
        self._asked = frozenset(chain.from_iterable(chain.from_iterable(meanings)))
        self._told = meanings
        self._links = [found for found in (_pointing(meaning, known) for meaning in meanings) if found]

    def link(self, sql: str) -> Linking | None:
        """What the statement has of the question; None where it can't be read. It has passed the guard."""
        try:
            nodes = [node for statement in statements(parsed(sql)) for node in walk(statement)]
        except (NotSql, TooDeep):
            return None
        if not nodes:
            return None
        tables = _tables(nodes, self._scope)
        named = [frozenset(_in_name(table.name)).union(_in_text(table.comment)) for table in tables]
        read = frozenset(chain(*named, _read_words(nodes, tables)))
        missed = _unlike(self._links, read)
        unasked = sum(not own & self._asked for own in named)
        return Linking(missed, unasked, round(_unlike(self._told, read) / max(1, len(self._told)), 3))


def _unlike(words_asked: list[list[Meaning]], read: Meaning) -> int:
    """How many of the words mean nothing that was read."""
    return sum(not any(meaning & read for meaning in meanings) for meanings in words_asked)


def _meanings(question: str, chinese: Iterable[Word]) -> Iterator[list[Meaning]]:
    for word in chinese:
        # a single character has too many meanings to tell one
        english = word.meanings[:MEANINGS] if len(word.text) > 1 else ()
        yield [frozenset({word.text}), *(frozenset(singular_words(fold(meaning))) for meaning in english)]
    for text in dict.fromkeys(singular_words(fold(question))):
        if not is_han(text[0]):
            yield [frozenset({text})]


def _telling(meanings: list[Meaning]) -> list[Meaning]:
    """Without what names nothing: function words, numbers, single letters."""
    kept = (frozenset(w for w in m - FUNCTION_WORDS if not w.isdigit() and (len(w) > 1 or is_han(w))) for m in meanings)
    return [meaning for meaning in kept if meaning]


def _shortened(meanings: list[Meaning], known: Meaning) -> Iterator[Meaning]:
    """What names have instead of a word that none has: `shpt` for a shipment."""
    if any(meaning & known for meaning in meanings):
        return
    for word in frozenset(chain.from_iterable(meanings)):
        yield from (frozenset({name}) for name in known if _is_short(name) and is_short_for(name, word))


def _is_short(name: str) -> bool:
    """Whether it can be no word of its own: `shpt`, `qty`; `cost` is not short for consumption."""
    return not _VOWELS.search(name[1:])


def _pointing(meanings: list[Meaning], known: Meaning) -> list[Meaning]:
    """Those all of whose words stand in names; else those with one that does."""
    return [m for m in meanings if m <= known] or [m for m in meanings if m & known]


def _names(scope: Scope) -> Iterator[str]:
    for table in scope.tables:
        yield table.name
        yield from (column.name for column in table.columns)


def _in_comments(scope: Scope) -> Iterator[str]:
    """Words of the comments of columns such as `f319`, of which these alone say what it is."""
    columns = (column for table in scope.tables for column in table.columns)
    return chain.from_iterable(_in_text(column.comment) for column in columns if not _tells(column.name))


def _tells(name: str) -> bool:
    return is_han(name) or any(len(word) > LONGEST_CODE and word.isalpha() for word in words(name))


def _tables(nodes: list[Node], scope: Scope) -> list[Table]:
    relations = (node.fields for node in nodes if node.kind == "RangeVar")
    found = (scope.find(fields.get("schemaname"), fields["relname"]) for fields in relations)
    return list({table.full_name: table for table in found if table}.values())


def _read_words(nodes: list[Node], tables: list[Table]) -> Iterator[str]:
    """Words of literals, and of the columns that do more than join tables."""
    references = [node for node in nodes if node.kind == "ColumnRef" and not _joins(node)]
    columns = {names[-1] for node in references if (names := node.names("fields"))}
    if any("A_Star" in part for node in references for part in node.fields["fields"]):
        columns |= {column.name for table in tables for column in table.columns}
    comments = (column.comment for table in tables for column in table.columns if column.name in columns)
    literals = (text for node in nodes if isinstance(text := constant({node.kind: node.fields}), str))
    return chain.from_iterable(chain(map(_in_name, columns), map(_in_text, comments), map(_in_text, literals)))


def _joins(column: Node) -> bool:
    """Whether it stands in the condition of a JOIN."""
    below = column
    for above in column.ancestors():
        if above.kind == "JoinExpr" and below.place == "quals":
            return True
        below = above
    return False


def _in_name(name: str) -> Iterator[str]:
    return _in_text(" ".join(words(name)))


def _in_text(text: str | None) -> Iterator[str]:
    """Words in the singular; of Chinese those of the dictionary."""
    for word in singular_words(fold(text or "")):
        yield from split(word) if is_han(word[0]) else (word,)
