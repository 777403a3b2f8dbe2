"""Which of several proposals is the answer, and how likely it is right.

Proposals that give the same rows, or that were not run and read the same, vote together. The weights of the logistic
model behind `confidence` were fitted on questions of the Spider training set and of three business databases
(docs/accuracy.md); no question, name or value of them is in them.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.attempts import Attempt
from nl2sql_pg.phrases import is_chinese

GREEDY_VOTES = 1.25  # the model's own first choice is right more often than a sample
MENDED_VOTES = 0.5
EMPTY_VOTES = 0.3  # nobody asks for nothing
DOUBTFUL_VOTES = 0.3  # it counts rows that are not to be counted, as far as can be seen
STEEPNESS = 4.0  # of a vote in the log-probability
# Of a vote in what the statement leaves out of the question, and in tables that the question does not speak of.
MISSED, UNASKED = 0.8, 0.5
MOST_LINKS = 4  # of either that count
MOST_DOUBTS = 2
PLAIN_LENGTH = 12  # words of a question
HAN_IN_A_WORD = 1.6
RETOLD = 2.0  # how much of it in that of the question told back; more misled the 0.5B

SURE = -0.13  # mean log-probability a token from which one answer is enough; with -0.1 more were asked, none better
AGREED = 0.6  # of all votes from which on several answers are enough
UNTOLD = -4.0  # log-probability a token of the question where it was not told back: of few votes, or no engine could
UNKNOWN_LOGPROB = -0.15  # taken where the engine gives none

_HAN = re.compile(r"[\u3400-\u9fff]")
_WEIGHTS = {
    "first": 7.73,  # log-probability of the first proposal
    "share": 1.9,  # of all proposals, those that agree with the answer
    "empty": -1.17,
    "settled": 0.48,  # the first was enough
    "majority": 1.18,  # of all votes, where there were several
    "chinese": -0.1,
    "long": -1.4,
    "joined": -0.2,  # of each table beside the first
    "unasked": -0.28,
    "unread": -0.27,
    # Set by hand: few answers to fit them on have any, and what they say is against the statement.
    "doubts": -0.5,
    "missed": -0.4,
}


@dataclass(frozen=True)
class Choice:
    """The answer, the probability that it is right, the figures which that was read from, and what the others
    amounted to."""

    attempt: Attempt
    confidence: float
    signals: dict[str, float]
    votes: float
    all_votes: float
    runner_up: Attempt | None

    def told(self) -> dict[str, Any]:
        """For people: the figures behind the choice."""
        return {
            "sql": self.attempt.sql,
            "confidence": self.confidence,
            "votes": self.votes,
            "all_votes": self.all_votes,
            "runner_up": self.runner_up and self.runner_up.sql,
        }


def is_settled(attempts: list[Attempt]) -> bool:
    """Whether the first answer is good enough to ask for no more, or, of several, enough of them agree."""
    if len(attempts) > 1:
        choice = choose(attempts)
        return choice is not None and choice.votes >= AGREED * choice.all_votes
    return _is_enough(attempts[0])


def _is_enough(first: Attempt) -> bool:
    return first.usable and not (first.repairs or first.empty or first.doubtful) and _logprob(first) >= SURE


def choose(attempts: list[Attempt], question: str = "") -> Choice | None:
    """The best of the usable attempts for a question; None if there is none."""
    ranked = sorted(rivals(attempts), key=_standing, reverse=True)
    if not ranked:
        return None
    chosen = max(ranked[0], key=lambda attempt: (not attempt.repairs, attempt.greedy, _logprob(attempt)))
    votes, all_votes = _votes(ranked[0]), sum(map(_votes, ranked))
    lonely = len(attempts) == 1
    signals = {
        "first": _logprob(attempts[0]),
        "share": len(ranked[0]) / len(attempts),
        "empty": float(chosen.empty),
        "settled": float(lonely and _is_enough(attempts[0])),
        "majority": 0.0 if lonely else votes / all_votes,
        "chinese": float(is_chinese(question)),
        "long": _length(question),
        "joined": float(min(max(0, len(chosen.tables) - 1), MOST_LINKS)),
        "doubts": float(min(len(chosen.doubts), MOST_DOUBTS)),
        "mended": float(bool(chosen.repairs)),
        "missed": float(min(chosen.missed, MOST_LINKS)),
        "unasked": float(min(chosen.unasked, MOST_LINKS)),
        "unread": chosen.unread,
    }
    runner_up = ranked[1][0] if len(ranked) > 1 else None
    return Choice(chosen, _probability(signals), signals, votes, all_votes, runner_up)


def _length(question: str) -> float:
    """How much longer it is than a plain one, as a logarithm; Chinese has fewer characters than words have letters."""
    words = len(_HAN.findall(question)) / HAN_IN_A_WORD + len(_HAN.sub(" ", question).split())
    return math.log(max(1.0, words / PLAIN_LENGTH))


def rivals(attempts: list[Attempt]) -> list[list[Attempt]]:
    """The usable attempts by what they agree on, those with most votes first, in each the likeliest first."""
    groups: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in sorted(attempts, key=_logprob, reverse=True):
        if attempt.usable:
            groups[attempt.rows or attempt.sql or ""].append(attempt)
    return sorted(groups.values(), key=lambda group: (-_votes(group), -_best(group)))


def _standing(group: list[Attempt]) -> tuple[float, float]:
    """Votes, weighed by how likely the statement makes the question; the likeliest proposal decides among equals."""
    retold = group[0].retold
    return _votes(group) * math.exp(RETOLD * (UNTOLD if retold is None else retold)), _best(group)


def _votes(group: list[Attempt]) -> float:
    return sum(map(_vote, group))


def _vote(attempt: Attempt) -> float:
    vote = GREEDY_VOTES if attempt.greedy else 1.0
    vote *= (MENDED_VOTES if attempt.repairs else 1.0) * (EMPTY_VOTES if attempt.empty else 1.0)
    vote *= DOUBTFUL_VOTES if attempt.doubtful else 1.0
    unlike = MISSED * min(attempt.missed, MOST_LINKS) + UNASKED * min(attempt.unasked, MOST_LINKS)
    return vote * math.exp(STEEPNESS * _logprob(attempt) - unlike)


def _best(group: list[Attempt]) -> float:
    return max(map(_logprob, group))


def _logprob(attempt: Attempt) -> float:
    return UNKNOWN_LOGPROB if attempt.logprob is None else min(0.0, attempt.logprob)


def _probability(signals: dict[str, float]) -> float:
    return round(1 / (1 + math.exp(-sum(weight * signals[name] for name, weight in _WEIGHTS.items()))), 3)
