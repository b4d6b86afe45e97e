"""Distances agree with scipy and closed forms, and keep the axioms that they claim."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitor.stats import distances

ALL = [
    distances.psi,
    distances.jensen_shannon,
    distances.hellinger,
    distances.chi2,
    distances.total_variation,
    distances.l0,
    distances.l1,
    distances.l2,
    distances.linf,
    distances.ks,
]
METRICS = [
    distances.jensen_shannon,
    distances.hellinger,
    distances.l1,
    distances.l2,
    distances.linf,
    distances.ks,
]
COUNTS = st.integers(2, 12).flatmap(
    lambda cells: st.tuples(*[arrays(np.int64, cells, elements=st.integers(0, 10_000))] * 3)
)
BEFORE = np.array([120, 80, 40, 300, 60])
NOW = np.array([50, 90, 10, 200, 150])


def shares(counts):
    return counts / counts.sum()


def some_rows(*sides):
    assume(all(side.sum() > 0 for side in sides))


@pytest.mark.parametrize("measure", ALL)
@settings(max_examples=30)
@given(counts=COUNTS, factor=st.integers(1, 5))
def test_equal_counts_have_no_distance(measure, counts, factor):
    some_rows(counts[0])
    assert measure(counts[0], counts[0]) == pytest.approx(0, abs=1e-12)
    if measure is not distances.psi:  # half a row weighs more in the smaller window
        assert measure(counts[0], factor * counts[0]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("measure", ALL)
@settings(max_examples=30)
@given(counts=COUNTS)
def test_finite_not_negative_and_symmetric(measure, counts):
    some_rows(*counts[:2])
    found = measure(counts[0], counts[1])
    assert np.isfinite(found)
    assert found >= 0
    assert found == pytest.approx(float(measure(counts[1], counts[0])), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("measure", [each for each in ALL if each is not distances.ks])
@settings(max_examples=30)
@given(counts=COUNTS, seed=st.integers(0, 100))
def test_the_order_of_cells_does_not_matter(measure, counts, seed):
    some_rows(*counts[:2])
    order = np.random.default_rng(seed).permutation(counts[0].size)
    expected = float(measure(counts[0], counts[1]))
    assert measure(counts[0][order], counts[1][order]) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("measure", METRICS)
@settings(max_examples=30)
@given(counts=COUNTS)
def test_metrics_keep_the_triangle_inequality(measure, counts):
    some_rows(*counts)
    a, b, c = counts
    assert measure(a, c) <= measure(a, b) + measure(b, c) + 1e-9


@pytest.mark.parametrize("measure", ALL)
def test_cells_that_both_sides_leave_empty_do_not_count(measure):
    padded = [np.concatenate([side, [0, 0]]) for side in (BEFORE, NOW)]
    assert measure(*padded) == pytest.approx(float(measure(BEFORE, NOW)), rel=1e-12)


@pytest.mark.parametrize("measure", ALL)
def test_many_windows_at_once_are_as_one_by_one(measure):
    windows = np.random.default_rng(2).multinomial(300, shares(BEFORE), size=20)
    together = measure(BEFORE, windows)
    assert together.shape == (20,)
    np.testing.assert_allclose(together, [measure(BEFORE, each) for each in windows])


@pytest.mark.parametrize("measure", ALL)
def test_a_side_without_rows_or_with_broken_counts_is_refused(measure):
    with pytest.raises(ValueError, match="live side has no rows"):
        measure([1, 2], [0, 0])
    with pytest.raises(ValueError, match="reference side has no rows"):
        measure([0, 0], [1, 2])
    with pytest.raises(ValueError, match="not negative"):
        measure([1, 2], [-1, 2])


def test_psi_is_jeffreys_divergence_of_the_smoothed_shares():
    q, p = (BEFORE + 0.5) / (600 + 2.5), (NOW + 0.5) / (500 + 2.5)
    assert distances.psi(BEFORE, NOW) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))


def test_psi_of_an_empty_cell_is_bounded():
    found = float(distances.psi([1000, 0], [999, 1]))
    assert 0 < found < 0.01


def test_psi_without_drift_is_about_its_noise():
    rng = np.random.default_rng(3)
    windows = rng.multinomial(1000, np.full(10, 0.1), size=(2, 2000))
    found = distances.psi(windows[0], windows[1])
    assert found.mean() == pytest.approx(9 * 2 / 1000, rel=0.05)
    assert found.max() < 0.08


def test_jensen_shannon_agrees_with_scipy():
    assert distances.jensen_shannon(BEFORE, NOW) == pytest.approx(jensenshannon(BEFORE, NOW, base=2))


def test_hellinger_agrees_with_its_closed_form():
    coefficient = np.sqrt(shares(BEFORE) * shares(NOW)).sum()
    assert distances.hellinger(BEFORE, NOW) == pytest.approx(np.sqrt(1 - coefficient))


def test_chi2_agrees_with_scipy():
    expected = stats.chi2_contingency([BEFORE, NOW], correction=False).statistic
    assert distances.chi2(BEFORE, NOW) == pytest.approx(expected)


def test_chi2_is_the_likelihood_ratio_where_counts_are_small():
    before, now = np.array([50, 30, 2]), np.array([20, 10, 5])
    expected = stats.chi2_contingency([before, now], correction=False, lambda_="log-likelihood").statistic
    assert distances.chi2(before, now) == pytest.approx(expected)


def test_one_new_row_in_a_thousand_weighs_little_in_chi2():
    # Pearson gives 20, the likelihood ratio 6
    assert distances.chi2([20_000, 0], [999, 1]) < 8


def test_norm_distances_are_norms_of_the_difference_of_shares():
    difference = shares(NOW) - shares(BEFORE)
    assert distances.l1(BEFORE, NOW) == pytest.approx(np.abs(difference).sum())
    assert distances.total_variation(BEFORE, NOW) == pytest.approx(np.abs(difference).sum() / 2)
    assert distances.l2(BEFORE, NOW) == pytest.approx(np.linalg.norm(difference))
    assert distances.linf(BEFORE, NOW) == pytest.approx(np.abs(difference).max())


def test_l0_counts_the_cells_that_moved():
    before = np.array([1000, 1000, 1000, 1000])
    assert distances.l0(before, [1000, 1010, 990, 1000]) == 0
    assert distances.l0(before, [1000, 1300, 700, 1000]) == 2


def test_standard_scores_are_standard_normal_without_drift():
    windows = np.random.default_rng(4).multinomial(1000, [0.7, 0.25, 0.05], size=5000)
    scores = distances.standard_scores(np.array([700_000, 250_000, 50_000]), windows)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=0.05)


def test_standard_scores_of_rare_cells_do_not_explode():
    one, three = (distances.standard_scores([20_000, 0], [180 - k, k])[1] for k in (1, 3))
    assert one == pytest.approx(2.2, abs=0.1)
    assert three == pytest.approx(3.5, abs=0.2)


def test_ks_agrees_with_scipy_on_the_binned_values():
    rng = np.random.default_rng(5)
    a, b = rng.poisson(8, 400), rng.poisson(9, 300)
    counts = [np.bincount(side, minlength=40) for side in (a, b)]
    assert distances.ks(*counts) == pytest.approx(stats.ks_2samp(a, b).statistic)
