"""Missing: the share that is exported, tested exactly, and only for the worse."""

import numpy as np
import pytest
from scipy import stats


def test_the_value_is_the_share_of_missing_rows(columns):
    reference = columns.numeric(np.arange(1000.0))
    value, p = columns.measure("missing", reference, [1.0, np.nan, 3.0, np.nan])
    assert value == 0.5
    assert p < 1e-4


def test_it_is_fishers_exact_test(columns):
    reference = columns.categorical(["a"] * 990 + [None] * 10)
    _, p = columns.measure("missing", reference, ["a"] * 95 + [None] * 5)
    assert p == pytest.approx(stats.fisher_exact([[5, 95], [10, 990]], alternative="greater").pvalue)


def test_fewer_missing_rows_are_no_drift(columns):
    reference = columns.categorical(["a"] * 500 + [None] * 500)
    assert columns.measure("missing", reference, ["a"] * 100) == (0, 1)


def test_one_missing_row_after_none_in_the_reference_is_no_drift(columns):
    reference = columns.numeric(np.arange(20_000.0))
    _, p = columns.measure("missing", reference, [*np.arange(999.0), np.nan])
    assert p > 0.01


def test_a_jump_of_missing_values_moves_psi_too(columns, normal):
    reference = columns.numeric(normal)
    live = np.concatenate([np.random.default_rng(1).normal(size=1400), np.full(600, np.nan)])
    for token in ("missing", "psi"):
        assert columns.measure(token, reference, live)[1] < 1e-9
    assert columns.measure("ks", reference, live)[1] > 1e-4
