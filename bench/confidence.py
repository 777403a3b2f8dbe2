"""Weights for the confidence, from judged answers: python -m bench.confidence FILE… [--prior 0.5]

FILE: an arm's file of a report of bench.accuracy (`<arm>.jsonl`): each answer's signals, and whether it was right. The
weights are those of extension/nl2sql_pg/choosing.py moved by the answers: a logistic model with today's weights as its
prior, which stand where a signal says nothing new. Prints them, and the ECE before and after, the latter
cross-validated by database: the answers of one database are judged by weights that know only the others.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "extension"))

from nl2sql_pg.choosing import _WEIGHTS as TODAY

from bench.accuracy.figures import calibration_error, reliability

Weights = Mapping[str, float]
STEPS = 4000
RATE = 0.5
PRIOR = 0.5  # how far a weight may go from today's for little: the spread of its prior


@dataclass(frozen=True)
class Judged:
    """One answer: what its confidence was read from, and whether it was right."""

    database: str
    signals: Mapping[str, float]
    right: bool


def read(path: Path) -> Iterator[Judged]:
    with path.open(encoding="utf-8") as lines:
        for item in map(json.loads, lines):
            if item["signals"]:
                yield Judged(item["db"], item["signals"], item["result"] == "right")


def probability(weights: Weights, signals: Mapping[str, float]) -> float:
    return 1 / (1 + math.exp(-sum(weights.get(name, 0.0) * value for name, value in signals.items())))


def fit(answers: Sequence[Judged], start: Weights, spread: float) -> dict[str, float]:
    """Today's weights, moved towards what makes the answers likely."""
    names = sorted({name for answer in answers for name in answer.signals})
    weights = {name: start.get(name, 0.0) for name in names}
    for _ in range(STEPS):
        slope = {name: (start.get(name, 0.0) - weights[name]) / spread**2 for name in names}
        for answer in answers:
            missing = answer.right - probability(weights, answer.signals)
            for name, value in answer.signals.items():
                slope[name] += missing * value
        weights = {name: weights[name] + RATE * slope[name] / len(answers) for name in names}
    return weights


def crossed(answers: Sequence[Judged], start: Weights, spread: float) -> list[tuple[float, bool]]:
    """(confidence, right) of each answer, by weights that were fitted without its database."""
    pairs = []
    for database in sorted({answer.database for answer in answers}):
        weights = fit([answer for answer in answers if answer.database != database], start, spread)
        own = [answer for answer in answers if answer.database == database]
        pairs += [(probability(weights, answer.signals), answer.right) for answer in own]
    return pairs


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--prior", type=float, default=PRIOR, help="spread of the weights around today's")
    given = parser.parse_args()
    answers = [answer for path in given.files for answer in read(path)]
    today = [(probability(TODAY, answer.signals), answer.right) for answer in answers]
    after = crossed(answers, TODAY, given.prior)
    print(f"{len(answers)} answers, {sum(answer.right for answer in answers)} right")
    print(
        f"ECE today {calibration_error(reliability(today)):.3f},"
        f" refitted (by database) {calibration_error(reliability(after)):.3f}"
    )
    for name, weight in fit(answers, TODAY, given.prior).items():
        print(f'    "{name}": {weight:.2f},  # {TODAY.get(name, 0.0):g}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
