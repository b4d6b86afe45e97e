"""Out of range: how many rows lie beyond the reference's extremes, against how many must."""

import numpy as np
import pytest


def test_the_value_counts_both_ends_and_infinities(columns):
    reference = columns.numeric(np.arange(101.0))
    live = [50.0] * 6 + [-1.0, 101.0, np.inf, -np.inf]
    assert columns.measure("out_of_range", reference, live)[0] == pytest.approx(0.4)


def test_the_extremes_themselves_are_in_range(columns):
    reference = columns.numeric(np.arange(101.0))
    assert columns.measure("out_of_range", reference, [0.0, 100.0]) == (0, 1)


def test_clean_rows_exceed_the_extremes_as_often_as_expected(columns):
    rng = np.random.default_rng(91)
    p_values = [
        columns.measure("out_of_range", columns.numeric(rng.normal(size=500)), rng.normal(size=500))[1]
        for _ in range(300)
    ]
    assert np.mean(np.array(p_values) <= 0.1) < 0.14
    assert min(p_values) > 1e-5


def test_infinities_of_the_reference_are_normal(columns):
    reference = columns.numeric(np.concatenate([np.arange(900.0), np.full(100, np.inf)]))
    live = np.concatenate([np.arange(90.0), np.full(10, np.inf)])
    assert columns.measure("out_of_range", reference, live)[1] > 0.1
