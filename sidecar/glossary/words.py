"""The Chinese words of a text, with what each means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sidecar.glossary import dictionary

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]+")

# Words that say how is asked or counted, not about what.
FUNCTION_WORDS = frozenset(Path(__file__).with_name("function_words.txt").read_text(encoding="utf-8").split())


@dataclass(frozen=True)
class Word:
    """A word, where it stands in the text, and what it means in English, as the dictionary orders it."""

    text: str
    start: int
    end: int
    meanings: tuple[str, ...]


def is_han(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return _HAN.search(text) is not None


def gloss(text: str) -> list[Word]:
    """The words that the dictionary knows and that say what a question is about, in the text's order."""
    return list(_known(text))


def with_meanings(text: str, words: Iterable[Word]) -> str:
    """The text in a line, and in a second one all that its Chinese words may mean: for rules that look for English."""
    meanings = " ".join(dict.fromkeys(meaning for word in words for meaning in word.meanings))
    own = " ".join(text.split())
    return f"{own}\n{meanings}" if meanings else own


def _known(text: str) -> Iterator[Word]:
    for run in _HAN.finditer(text):
        start = run.start()
        for word in split(run.group()):
            found = () if word in FUNCTION_WORDS else dictionary.meanings(word)
            if found:
                yield Word(word, start, start + len(word), found)
            start += len(word)


def split(run: str) -> list[str]:
    """A run of Chinese characters as the fewest words of the dictionary, rather the first ones long than later ones."""
    counts, lengths = [0], list[int]()  # of the run's ends, the shortest first: words, and characters of the first one
    for start in range(len(run) - 1, -1, -1):
        most = min(dictionary.LONGEST, len(run) - start)
        sizes = [size for size in range(1, most + 1) if size == 1 or dictionary.is_word(run[start : start + size])]
        size = min(sizes, key=lambda size: (counts[-size], -size))
        counts.append(counts[-size] + 1)
        lengths.append(size)
    return list(_cut(run, lengths[::-1]))


def _cut(run: str, lengths: list[int]) -> Iterator[str]:
    start = 0
    while start < len(run):
        yield run[start : start + lengths[start]]
        start += lengths[start]
