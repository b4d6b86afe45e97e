"""Summaries of a column: scores that the reference fixes, and cells with mass enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.stats.bins import CategoricalCounts, NumericCounts
from monitor.stats.distributions import LOCATION, SCALE, layout_of, summaries_of, values_of
from monitor.stats.summaries import (
    CELLS,
    MOST_CATEGORIES,
    equal_mass,
    summarize,
    summarizer,
)
from tests.stats.panels import categorical_reference, numeric_reference

BINS = arrays(np.int64, st.integers(1, 80), elements=st.integers(0, 1000))
EVEN = np.full(200, 50)


@given(BINS, st.integers(1, 30))
def test_cells_are_neighbours_and_none_but_the_first_is_nearly_empty(bins, cells):
    found = equal_mass(bins, cells)
    assert found[0] == 0
    assert set(np.diff(found).tolist()) <= {0, 1}
    mass = np.bincount(found, weights=bins)
    need = max(bins.sum() / cells, 1)
    assert (mass[1:] >= need / 4 - 1e-6).all()
    assert mass.sum() == bins.sum()


def test_even_bins_make_even_cells():
    assert np.bincount(equal_mass(EVEN, CELLS)).tolist() == [10] * CELLS


def test_a_value_with_much_mass_has_a_cell_of_its_own():
    bins = EVEN.copy()
    bins[100] = 10_000
    found = equal_mass(bins, CELLS)
    assert (found == found[100]).sum() == 1


@given(BINS.filter(lambda bins: bins.sum() > 0))
def test_the_reference_scores_nothing_and_its_variances_are_its_own(bins):
    reference = numeric_reference(bins)
    how = summarizer(reference)
    found = summarize(how, reference.counts)
    assert found.observed == bins.sum()
    assert found.location == pytest.approx(0, abs=1e-9)
    assert found.scale == pytest.approx(0, abs=1e-9)
    share = bins / bins.sum()
    assert how.variances == pytest.approx((share @ how.location**2, share @ how.scale**2))
    assert found.cells.sum() == bins.sum()


def test_scores_of_many_even_bins_are_standard_normal_and_their_squares():
    assert summarizer(numeric_reference(EVEN)).variances == pytest.approx((1, 2), rel=0.08)


def test_rows_further_up_have_a_higher_location_and_wider_ones_a_higher_scale():
    how = summarizer(numeric_reference(EVEN))
    up, wide = EVEN.copy(), EVEN.copy()
    up[150:] *= 2
    wide[:20] *= 2
    wide[-20:] *= 2
    assert summarize(how, NumericCounts(up)).location > 0.1
    assert summarize(how, NumericCounts(wide)).scale > 0.1
    assert summarize(how, NumericCounts(wide)).location == pytest.approx(0, abs=1e-9)


def test_an_empty_window_has_no_location():
    how = summarizer(numeric_reference(EVEN))
    found = summarize(how, NumericCounts(np.zeros(200, np.int64), null=7))
    assert found.observed == 0
    assert np.isnan(found.location)
    assert np.isnan(found.scale)
    assert not found.cells.any()


def test_frequent_categories_have_cells_and_the_rare_ones_share_the_last():
    counts = np.array([500, 3, 400, 90])
    how = summarizer(categorical_reference(counts, other=2))
    assert how.location is None
    assert how.cell_of.tolist() == [0, 3, 1, 2, 3]
    found = summarize(how, CategoricalCounts(np.array([1, 2, 3, 4]), other=5, unseen=9, null=1))
    assert found.cells.tolist() == [1, 3, 4, 7]
    assert found.observed == 15


def test_no_more_categories_than_so_many_have_cells():
    how = summarizer(categorical_reference(np.full(100, 10)))
    assert how.cells == MOST_CATEGORIES + 1


def test_values_of_a_window_lie_as_the_layout_says():
    numbers, levels = numeric_reference(EVEN), categorical_reference(np.array([60, 40]))
    how = [summarizer(each) for each in (levels, numbers, numbers)]
    layout = layout_of(how)
    assert layout.column.tolist() == [1, 2, 1, 2]
    assert layout.group.tolist() == [LOCATION, LOCATION, SCALE, SCALE]
    assert layout.largest.tolist() == [True, False, False]
    assert layout.sizes.tolist() == [how[0].cells, CELLS, CELLS]
    up = EVEN.copy()
    up[150:] *= 2
    window = [CategoricalCounts(np.array([30, 10])), NumericCounts(up), NumericCounts(EVEN * 0)]
    rows, values = values_of(how, summaries_of(how, window))
    assert rows.tolist() == [40, up.sum(), 0]
    assert len(values) == layout.value_column.size
    assert np.isnan(values[layout.value_column == 2]).all()
    assert values[0] == summarize(how[1], window[1]).location
    assert values[layout.contrasts : layout.contrasts + 2].tolist() == [0.75, 0.25]
    shares = values[layout.contrasts :][layout.cell_block == 1]
    assert shares.sum() == pytest.approx(1)
