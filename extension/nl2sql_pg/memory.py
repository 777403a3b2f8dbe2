"""The last answers of this session, for feedback on them: by role, since a session may have several.

The only thing that outlives a call. It holds what the role was told itself and nothing of the database.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

KEPT = 64

_answers: OrderedDict[tuple[str, str], Answer] = OrderedDict()


@dataclass(frozen=True)
class Answer:
    question: str
    sql: str


def keep(role: str, request_id: str, answer: Answer) -> None:
    """Remember an answer; the oldest one goes."""
    _answers[role, request_id] = answer
    while len(_answers) > KEPT:
        _answers.popitem(last=False)


def recall(role: str, request_id: str) -> Answer | None:
    """The answer that this role got under this number in this session."""
    return _answers.get((role, request_id))
