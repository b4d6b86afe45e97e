"""Rows outside of the reference's range: a summer is not far outside, a sentinel is."""

import numpy as np
import pytest

from monitor.stats.bins import NumericBins, NumericCounts, NumericReference
from monitor.stats.outside import far_outside, out_of_range

BINS = NumericBins(np.array([0.0, 5.0, 10.0]), np.array([0, 0, 1, 1]), 0.0, 10.0, 5.0, 2.0)
REFERENCE = NumericReference(BINS, NumericCounts(np.array([0, 50, 50, 0])))


def live(below=0, above=0, low_sum=0.0, high_sum=0.0, infinite=0) -> NumericCounts:
    return NumericCounts(
        np.array([below, 50, 50, above]), pos_inf=infinite, low_sum=low_sum, high_sum=high_sum
    )


def test_end_bins_and_infinite_rows_are_out_of_range():
    assert out_of_range(live(below=3, above=2, infinite=1)) == 6


@pytest.mark.parametrize(
    ("counts", "far"),
    [
        (live(), False),
        (live(above=10, high_sum=10 * 12.0), False),
        (live(above=10, high_sum=10 * 16.0), True),
        (live(below=10, low_sum=10 * -4.0), False),
        (live(below=1, low_sum=-999.0), True),
        (live(infinite=1), True),
    ],
)
def test_far_is_half_the_width_of_the_range(counts, far):
    assert far_outside(REFERENCE, counts) is far
