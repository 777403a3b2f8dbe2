"""Figures against values worked out by hand or published."""

from __future__ import annotations

import math

import pytest

from bench.accuracy.figures import (
    Paired,
    Share,
    calibration_error,
    coverage,
    paired,
    percentile,
    reliability,
)


def test_wilson() -> None:
    low, high = Share(8, 10).interval
    assert (low, high) == (pytest.approx(49.02, abs=0.01), pytest.approx(94.33, abs=0.01))
    assert Share(0, 10).interval[0] == 0
    assert Share(10, 10).interval[1] == pytest.approx(100)
    assert str(Share(0, 0)) == "–"
    assert math.isnan(Share(0, 0).interval[0])


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(v) for v in range(100, 0, -1)]
    assert [percentile(values, p) for p in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7
    assert math.isnan(percentile([], 0.5))


def test_reliability_and_its_error() -> None:
    pairs = [(0.95, True)] * 9 + [(0.95, False)] + [(0.15, True), (0.15, False)]
    bins = reliability(pairs)
    assert [(b.low, b.count, b.right) for b in bins] == [(0.1, 2, 0.5), (0.9, 10, 0.9)]
    assert calibration_error(bins) == pytest.approx((10 * 0.05 + 2 * 0.35) / 12)
    assert math.isnan(calibration_error([]))


def test_full_confidence_is_in_the_last_bin() -> None:
    assert [(b.low, b.high) for b in reliability([(1.0, True)])] == [(0.9, 1.0)]


def test_coverage() -> None:
    rows = coverage([(0.9, True), (0.6, False), (0.3, True)], 4, [0.0, 0.5, 0.95])
    assert [(r.answered.hits, r.answered.total, r.right.hits) for r in rows] == [(3, 4, 2), (2, 4, 1), (0, 4, 0)]


def test_mcnemar() -> None:
    assert Paired(100, 9, 1).p_value == pytest.approx(2 * 11 / 1024)
    assert Paired(100, 5, 5).p_value == 1
    assert Paired(10, 0, 0).p_value == 1
    assert Paired(5000, 900, 700).p_value < 1e-5


def test_pairs_are_questions_that_both_answered() -> None:
    found = paired({"a": True, "b": False, "c": True}, {"a": True, "b": True, "d": False})
    assert (found.questions, found.wins, found.losses, found.difference) == (2, 1, 0, 50)
