"""Numbers of a report: shares with intervals, percentiles, calibration, paired comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054  # of 95 %
BINS = 10


@dataclass(frozen=True)
class Share:
    """`hits` of `total`, with the 95 % interval of Wilson."""

    hits: int
    total: int

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        if not self.total:
            return (math.nan, math.nan)
        p, n = self.hits / self.total, self.total
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return (100 * max(0.0, middle - half), 100 * min(1.0, middle + half))

    def __str__(self) -> str:
        return f"{self.percent:.1f}" if self.total else "–"

    @property
    def with_interval(self) -> str:
        low, high = self.interval
        return f"{self.percent:.1f} ({low:.1f} to {high:.1f})" if self.total else "–"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank)."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies between two tenths."""

    low: float
    high: float
    count: int
    confidence: float  # mean
    right: float  # share

    @property
    def gap(self) -> float:
        return abs(self.right - self.confidence)


def reliability(pairs: Sequence[tuple[float, bool]]) -> list[Bin]:
    """Ten bins of equal width over (confidence, right); empty ones are left out."""
    bins = []
    for number in range(BINS):
        inside = [(c, ok) for c, ok in pairs if min(int(c * BINS), BINS - 1) == number]
        if inside:
            mean = sum(c for c, _ in inside) / len(inside)
            share = sum(ok for _, ok in inside) / len(inside)
            bins.append(Bin(number / BINS, (number + 1) / BINS, len(inside), mean, share))
    return bins


def calibration_error(bins: Sequence[Bin]) -> float:
    """ECE: how far confidence is from the share of right answers, on average over the answers."""
    total = sum(b.count for b in bins)
    return sum(b.count * b.gap for b in bins) / total if total else math.nan


@dataclass(frozen=True)
class Coverage:
    """What is left when answers below a confidence are withheld."""

    threshold: float
    answered: Share  # of all questions
    right: Share  # of those answered


def coverage(pairs: Sequence[tuple[float, bool]], questions: int, thresholds: Sequence[float]) -> list[Coverage]:
    rows = []
    for threshold in thresholds:
        kept = [ok for c, ok in pairs if c >= threshold]
        rows.append(Coverage(threshold, Share(len(kept), questions), Share(sum(kept), len(kept))))
    return rows


@dataclass(frozen=True)
class Paired:
    """Two arms on the same questions: those that only one of them has right."""

    questions: int
    wins: int
    losses: int

    @property
    def difference(self) -> float:
        """Points gained."""
        return 100 * (self.wins - self.losses) / self.questions if self.questions else math.nan

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: how often chance alone would part them so far."""
        n, k = self.wins + self.losses, min(self.wins, self.losses)
        if n == 0:
            return 1.0
        tail = sum(math.comb(n, i) for i in range(k + 1))
        return min(1.0, 2 * tail / (1 << n))


def paired(base: dict[str, bool], other: dict[str, bool]) -> Paired:
    common = base.keys() & other.keys()
    wins = sum(other[key] and not base[key] for key in common)
    losses = sum(base[key] and not other[key] for key in common)
    return Paired(len(common), wins, losses)
