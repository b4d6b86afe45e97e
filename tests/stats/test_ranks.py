"""Normal scores of reference ranks are standard normal on the reference, whatever its distribution."""

import numpy as np
import pytest

from monitor.stats.bins import NumericBins, NumericCounts, NumericReference
from monitor.stats.ranks import moments, normal_scores, quantile


def test_scores_of_many_equal_bins_are_standard_normal():
    counts = np.full(1000, 20)
    mean, deviation = moments(normal_scores(counts), counts)
    assert mean == pytest.approx(0, abs=1e-9)
    assert deviation == pytest.approx(1, abs=0.01)


def test_scores_rise_and_are_finite_even_for_empty_end_bins():
    scores = normal_scores(np.array([0, 100, 0, 100, 0]))
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 0).all()
    np.testing.assert_allclose(scores, -scores[::-1])


def test_a_quantile_lies_within_the_values_seen():
    bins = NumericBins(np.array([0.0, 10.0]), np.array([0, 0, 1]), 0.0, 10.0, 5.0, 1.0)
    counts = NumericCounts(np.array([0, 4, 4]), low=6.0, high=30.0)
    reference = NumericReference(bins, counts)
    assert quantile(reference, counts, 0.0) == 6.0
    assert quantile(reference, counts, 0.5) == 10.0
    assert quantile(reference, counts, 0.75) == 20.0
    assert quantile(reference, counts, 1.0) == 30.0


def test_no_value_no_quantile():
    bins = NumericBins(np.array([0.0]), np.array([0, 0]), 0.0, 0.0, 0.0, 0.0)
    counts = NumericCounts(np.array([0, 0]))
    with pytest.raises(ValueError, match="no quantile"):
        quantile(NumericReference(bins, counts), counts, 0.5)
