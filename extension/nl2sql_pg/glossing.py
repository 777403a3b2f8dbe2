"""What the Chinese words of a question mean in English, from the sidecar's dictionary, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nl2sql_pg.client import malformed
from nl2sql_pg.context import Context

MOST_MEANINGS = 16  # of a word
LONGEST_MEANING = 100


@dataclass(frozen=True)
class Word:
    """A word of the question, where it stands in it, and its meanings, as the dictionary orders them."""

    text: str
    start: int
    end: int
    meanings: tuple[str, ...]


def gloss(context: Context, question: str) -> list[Word]:
    """The words that the dictionary knows, in the question's order; raises NL005 for nonsense."""
    found = context.client.post("/v1/gloss", {"question": question}, context.deadline).get("words")
    if not isinstance(found, list):
        raise malformed("it lacks the words asked for")
    words: list[Word] = []
    for entry in found:
        word = _word(entry, question)
        if word is None or word.start < (words[-1].end if words else 0):
            raise malformed("its words are not those of the question")
        words.append(word)
    return words


def _word(entry: Any, question: str) -> Word | None:
    if not isinstance(entry, dict):
        return None
    start, end, meanings = entry.get("start"), entry.get("end"), entry.get("meanings")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(question):
        return None
    if not isinstance(meanings, list) or len(meanings) > MOST_MEANINGS:
        return None
    if not all(isinstance(meaning, str) and len(meaning) <= LONGEST_MEANING for meaning in meanings):
        return None
    return Word(question[start:end], start, end, tuple(meanings))
