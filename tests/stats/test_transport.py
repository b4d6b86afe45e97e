"""Wasserstein from fine bins agrees with scipy on the values, and one outlier changes nothing."""

import numpy as np
import pytest
from scipy import stats

from monitor.stats.binning import bins_of
from monitor.stats.bins import NumericCounts, NumericReference
from monitor.stats.transport import fences, wasserstein, wasserstein_null


def counted(bins, values):
    place = np.searchsorted(bins.edges, values, side="left")
    ends = [float(values[place == end].sum()) for end in (0, bins.edges.size)]
    return NumericCounts(
        np.bincount(place, minlength=bins.edges.size + 1),
        low=float(values.min()),
        high=float(values.max()),
        low_sum=ends[0],
        high_sum=ends[1],
    )


def numbers(values):
    bins = bins_of(values, float(values.min()), float(values.max()))
    return NumericReference(bins, counted(bins, values))


def measured(reference, live):
    return wasserstein(reference.bins, reference.counts, counted(reference.bins, live))


RNG = np.random.default_rng(31)
SHAPES = {
    "normal": RNG.normal(5, 2, 20_000),
    "uniform": RNG.uniform(-1, 1, 20_000),
    "exponential": RNG.exponential(3, 20_000),
    "whole": RNG.integers(0, 20, 20_000).astype(float),
}


def fresh():
    """A generator of its own for each test, so that none depends on another."""
    return np.random.default_rng(32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", ["shift", "spread", "far", "back"])
def test_agrees_with_scipy_within_a_hundredth(shape, change):
    values = SHAPES[shape]
    reference = numbers(values)
    live = {
        "shift": lambda x: x + 1.0,
        "spread": lambda x: (x - x.mean()) * 1.3 + x.mean(),
        "far": lambda x: x + 50.0,
        "back": lambda x: x - 10 * reference.bins.scale,
    }[change](fresh().choice(values, 5000))
    if shape == "whole":
        live = live.round()
    expected = stats.wasserstein_distance(values, live) / reference.bins.scale
    assert measured(reference, live) == pytest.approx(expected, rel=0.01, abs=0.003)


def test_the_same_rows_are_at_no_distance():
    assert measured(numbers(SHAPES["normal"]), SHAPES["normal"]) == 0


def test_one_outlier_in_the_window_moves_it_by_less_than_its_noise():
    reference = numbers(SHAPES["normal"])
    for n in (180, 2000, 20_000):
        live = fresh().normal(5, 2, n)
        change = measured(reference, np.append(live, 1e6)) - measured(reference, live)
        assert abs(change) < 0.5 / np.sqrt(n)


def test_one_outlier_in_the_reference_does_not_hide_a_shift():
    values = np.append(SHAPES["normal"], 1e9)
    assert measured(numbers(values), fresh().normal(6, 2, 5000)) == pytest.approx(0.5, abs=0.05)


def test_fences_are_far_out_and_unmoved_by_outliers():
    clean, dirty = (
        numbers(values) for values in (SHAPES["normal"], np.append(SHAPES["normal"], [1e9, -1e9]))
    )
    low, high = fences(clean.bins, clean.counts)
    assert low < 5 - 2 * 6 < 5 + 2 * 6 < high
    assert fences(dirty.bins, dirty.counts) == pytest.approx((low, high), abs=0.5)


@pytest.mark.parametrize("shape", ["normal", "whole"])
@pytest.mark.parametrize("n", [180, 2000])
def test_p_values_are_as_rare_as_they_say(shape, n):
    reference = numbers(SHAPES[shape])
    null = wasserstein_null(reference, n)
    rng = fresh()
    draw = {"normal": lambda: rng.normal(5, 2, n), "whole": lambda: rng.integers(0, 20, n).astype(float)}
    found = np.array([measured(reference, draw[shape]()) for _ in range(1500)])
    assert 0.06 < (found >= null.isf(0.1)).mean() < 0.14
    assert (found >= null.isf(0.01)).mean() < 0.025


def test_constant_and_empty_columns_are_refused():
    constant = numbers(np.full(100, 3.0))
    with pytest.raises(ValueError, match="constant"):
        measured(constant, np.full(10, 3.0))
    reference = numbers(SHAPES["normal"])
    nothing = NumericCounts(np.zeros(reference.bins.edges.size + 1, np.int64))
    with pytest.raises(ValueError, match="no finite value"):
        wasserstein(reference.bins, reference.counts, nothing)
    with pytest.raises(ValueError, match="no finite value"):
        fences(reference.bins, nothing)
