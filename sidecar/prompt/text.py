"""Texts of others on their way into a prompt: what is given as one line stays one line."""

from __future__ import annotations

import re

# Controls and line separators, and marks that turn the direction of text or are not seen.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def one_line(text: str) -> str:
    """The text with a space for whatever could begin a new line or hide something."""
    return _UNSEEN.sub(" ", text)
