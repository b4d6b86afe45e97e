"""Counts of windows add up in any order, and cells hold every row exactly once."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.stats.bins import (
    UNSEEN_NAMES,
    CategoricalBins,
    CategoricalCounts,
    CategoricalReference,
    NumericBins,
    NumericCounts,
    NumericReference,
    cells,
    present,
)

FEW = st.integers(0, 1000)
WHOLE = st.integers(-1000, 1000).map(float)
NUMERIC = st.builds(
    NumericCounts,
    arrays(np.int64, 5, elements=FEW),
    *[FEW] * 5,
    *[WHOLE] * 6,
)
NAMES = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), max_size=6)
CATEGORICAL = st.builds(CategoricalCounts, arrays(np.int64, 3, elements=FEW), FEW, FEW, FEW, NAMES)

NUMBERS = NumericBins(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0, 0, 1, 2, 2]), 0.0, 3.0, 1.5, 1.0)
CATEGORIES = CategoricalBins(("x", "y", "z"))


def same(a, b):
    return all(np.array_equal(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))


@given(NUMERIC, NUMERIC, NUMERIC)
def test_numeric_counts_add_in_any_order(a, b, c):
    assert same((a + b) + c, a + (b + c))
    assert same(a + b, b + a)
    assert (a + b).rows == a.rows + b.rows


@given(CATEGORICAL, CATEGORICAL, CATEGORICAL)
def test_categorical_counts_add_in_any_order(a, b, c):
    assert same((a + b) + c, a + (b + c))
    assert same(a + b, b + a)
    assert (a + b).rows == a.rows + b.rows


@given(NUMERIC)
def test_nothing_added_changes_nothing(a):
    assert same(a + NumericCounts(np.zeros(5, np.int64)), a)


def test_names_of_unseen_categories_are_bounded_and_the_most_frequent_stay():
    many = {f"c{number:03}": 1 for number in range(50)}
    a = CategoricalCounts(np.zeros(1, np.int64), unseen=50, unseen_names=many)
    b = CategoricalCounts(np.zeros(1, np.int64), unseen=9, unseen_names={"new": 9})
    both = a + b
    assert len(both.unseen_names) == UNSEEN_NAMES
    assert next(iter(both.unseen_names)) == "new"


@given(NUMERIC, NUMERIC)
def test_numeric_cells_hold_every_row_once_and_add_up(a, b):
    reference = NumericReference(NUMBERS, a)
    assert cells(reference, b).sum() == b.rows
    np.testing.assert_array_equal(cells(reference, a) + cells(reference, b), cells(reference, a + b))


@given(CATEGORICAL, CATEGORICAL)
def test_categorical_cells_hold_every_row_once_and_add_up(a, b):
    reference = CategoricalReference(CATEGORIES, a)
    assert cells(reference, b).sum() == b.rows
    np.testing.assert_array_equal(cells(reference, a) + cells(reference, b), cells(reference, a + b))


def test_fine_bins_fall_into_their_cells_then_missing_then_infinite():
    counts = NumericCounts(np.array([1, 2, 3, 4, 5]), null=6, nan=7, invalid=8, pos_inf=9, neg_inf=1)
    assert cells(NumericReference(NUMBERS, counts), counts).tolist() == [3, 3, 9, 21, 10]


def test_categories_then_rare_missing_unseen():
    counts = CategoricalCounts(np.array([5, 4, 3]), other=2, unseen=7, null=1)
    assert cells(CategoricalReference(CATEGORIES, counts), counts).tolist() == [5, 4, 3, 2, 1, 7]


def test_present_leaves_out_missing_unseen_and_infinite_rows():
    numbers = NumericCounts(np.array([1, 2, 3, 4, 5]), 6, 7, 8, 9, 1)
    categories = CategoricalCounts(np.array([5, 4, 3]), 2, 7, 1, {"new": 7})
    assert present(numbers).rows == numbers.observed
    assert present(categories).rows == 14
    assert not present(categories).unseen_names


def test_a_column_does_not_change_its_type():
    numbers, categories = NumericCounts(np.zeros(5, np.int64)), CategoricalCounts(np.zeros(3, np.int64))
    with pytest.raises(TypeError, match="numeric reference"):
        cells(NumericReference(NUMBERS, numbers), categories)
    with pytest.raises(TypeError, match="categorical reference"):
        cells(CategoricalReference(CATEGORIES, categories), numbers)
