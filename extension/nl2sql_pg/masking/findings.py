"""What the finders return."""

from __future__ import annotations

from typing import NamedTuple

# How sure a finder is; the surer one wins where two overlap.
CHECKED = 3  # a checksum or a valid address
SHAPED = 2  # an unmistakable shape
LABELLED = 1  # only the words before it say so


class Finding(NamedTuple):
    """A place in the text and what is shown instead."""

    start: int
    end: int
    kind: str
    certainty: int
    shown: str


def stars(text: str, first: int, last: int) -> str:
    """Letters and digits become stars, but for the first and the last ones; separators stay."""
    most = sum(map(str.isalnum, text)) - last
    shown, place = [], 0
    for character in text:
        if character.isalnum():
            place += 1
            shown.append("*" if first < place <= most else character)
        else:
            shown.append(character)
    return "".join(shown)
