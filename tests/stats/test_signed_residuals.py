"""Mean and spread of residuals move where predictions become too high, too low or less sure."""

import numpy as np
import pytest
from scipy import stats

from monitor.stats import signed_residuals
from monitor.stats.signed_residuals import SignedReference, compare, learn, residuals

ROWS = 4_000


def drawn(seed, rows=ROWS, mean=0.0, spread=0.1):
    return np.random.default_rng(seed).normal(mean, spread, rows)


@pytest.fixture(scope="module")
def reference() -> SignedReference:
    return learn(drawn(0))


def test_residuals_are_clipped_at_the_scale():
    found = residuals(np.array([5.0, 5.0, 5.0]), np.array([4.0, 500.0, -500.0]), 2.0)
    assert found.tolist() == [0.5, -1.0, 1.0]


def test_moments_are_those_of_numpy(reference):
    values = drawn(0)
    assert reference.mean == values.mean()
    assert reference.spread == pytest.approx(values.std())
    assert reference.rows == ROWS


def test_the_variance_of_a_spread_is_that_of_many_samples(reference):
    spreads = [drawn(seed, 200).std() for seed in range(2_000)]
    assert np.var(spreads) * 200 == pytest.approx(reference.spread_variance, rel=0.1)


@pytest.mark.parametrize("moment", [0, 1])
def test_p_values_of_unchanged_windows_are_uniform(reference, moment):
    p = [compare(reference, drawn(seed, 300))[moment].p_value for seed in range(1, 400)]
    # the larger of two variances makes them a little too large
    assert stats.kstest(p, "uniform", alternative="greater").pvalue > 0.001
    assert np.mean(np.array(p) < 0.05) < 0.09


@pytest.mark.parametrize("mean", [-0.05, 0.05])
def test_a_mean_that_moves_either_way_is_seen_and_the_spread_is_not(reference, mean):
    moved, wider = compare(reference, drawn(5, 300, mean=mean))
    assert moved.p_value < 1e-6
    assert moved.moved == pytest.approx(mean, abs=0.02)
    assert wider.p_value > 0.01


def test_only_a_spread_that_rises_is_seen(reference):
    mean, wider = compare(reference, drawn(6, 300, spread=0.15))
    assert wider.p_value < 1e-6
    assert mean.p_value > 0.01
    assert compare(reference, drawn(6, 300, spread=0.05))[1].p_value > 0.99


@pytest.mark.parametrize("moment", [0, 1])
def test_the_line_is_where_the_p_value_is_the_level(reference, moment):
    found = compare(reference, drawn(7, 300))[moment]
    line = found.line(300, 0.01)
    tail = stats.t.sf(line / found.standard_error, 299) * (2 if found.two_sided else 1)
    assert tail == pytest.approx(0.01)


def test_residuals_that_are_all_alike_move_by_chance_of_few_rows_only():
    flat = learn(np.zeros(100))
    assert compare(flat, np.zeros(50))[0].p_value == 1.0
    assert compare(flat, np.full(50, 0.5))[0].p_value < 1e-6


def test_numbers_are_the_reference_again(reference):
    assert SignedReference.of_numbers(reference.numbers()) == reference
    assert signed_residuals.learn(drawn(0)) == reference
