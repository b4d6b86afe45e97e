"""A p-value of the nulls means what it says: on clean data it is small as rarely as it claims."""

import math

import numpy as np
import pytest
from scipy import stats

from monitor.stats import distances, monte_carlo, nulls

DECILES = np.full(10, 0.1)
TWELVE = np.concatenate([np.full(10, 0.098), [0.015, 0.005]])
HUNDRED = np.full(100, 0.01)
CELLS = [
    nulls.PSI,
    nulls.JENSEN_SHANNON,
    nulls.HELLINGER,
    nulls.CHI2,
    nulls.L0,
    nulls.L1,
    nulls.L2,
    nulls.LINF,
]


def name(statistic):
    return statistic.measure.__name__


def simulated(shares, m, n, windows, seed, references=20):
    """References with two cells that stay empty, each with its own live windows."""
    rng = np.random.default_rng(seed)
    for _ in range(references):
        reference = np.concatenate([rng.multinomial(m, shares), [0, 0]])
        live = rng.multinomial(n, shares, size=windows // references)
        yield reference, np.pad(live, ((0, 0), (0, 2)))


def rates(statistics, alpha, shares, n, windows, seed, m=20_000):
    """How often the p-value of clean windows is at most alpha, by statistic."""
    below = dict.fromkeys(statistics, 0)
    for reference, live in simulated(shares, m, n, windows, seed):
        for statistic in statistics:
            line = nulls.cell_null(statistic, reference, live[0]).isf(alpha)
            below[statistic] += int((statistic.measure(reference, live) >= line).sum())
    return {statistic: count / windows for statistic, count in below.items()}


def sampling_error(alpha, windows):
    return math.sqrt(alpha / windows)


@pytest.mark.parametrize(
    ("shares", "n"),
    [(DECILES, 180), (TWELVE, 180), (HUNDRED, 180), (DECILES, 2000)],
    ids=["deciles", "twelve", "categories", "many-rows"],
)
def test_small_p_values_are_as_rare_as_they_say(shares, n):
    windows, alpha = 20_000, 1e-3
    for statistic, found in rates(CELLS, alpha, shares, n, windows, seed=11).items():
        # three sampling errors, and a quarter for the reference's own noise, which its windows share
        assert found <= 1.25 * alpha + 3 * sampling_error(alpha, windows), name(statistic)
        if statistic is not nulls.L0:  # counts a few cells only, so its p-values come in steps
            assert found >= 0.75 * alpha - 3 * sampling_error(alpha, windows), name(statistic)


@pytest.mark.slow
def test_the_far_tail_of_psi_is_neither_too_light_nor_too_heavy():
    alpha = 1e-4
    found = rates([nulls.PSI], alpha, DECILES, 180, windows=400_000, seed=12)
    assert 0.6 * alpha < found[nulls.PSI] < 1.5 * alpha


@pytest.mark.parametrize("n", [180, 2000])
def test_ks_p_values_are_as_rare_as_they_say(n):
    rng = np.random.default_rng(13)
    windows, bins, m, alpha = 20_000, 256, 20_000, 1e-3
    below = 0
    for _ in range(20):
        reference = rng.multinomial(m, np.full(bins, 1 / bins))
        live = rng.multinomial(n, np.full(bins, 1 / bins), size=windows // 20)
        below += int((distances.ks(reference, live) >= nulls.Kolmogorov(m, n).isf(alpha)).sum())
    error = sampling_error(alpha, windows)
    assert 0.3 * alpha - 3 * error <= below / windows <= 1.1 * alpha + 3 * error


@pytest.mark.parametrize("statistic", CELLS, ids=name)
@pytest.mark.parametrize("n", [20, 180, 2000, 100_000])
@pytest.mark.parametrize("reference", [np.array([2000] * 10 + [0, 0]), np.array([19_980, 20, 0, 0])])
def test_the_value_and_its_probability_go_both_ways(statistic, n, reference):
    live = np.zeros_like(reference)
    live[0] = n
    null = nulls.cell_null(statistic, reference, live)
    levels = 10.0 ** -np.arange(0.5, 13)
    values = [null.isf(level) for level in levels]
    assert all(np.diff(values) > 0)
    np.testing.assert_allclose(np.log([null.sf(value) for value in values]), np.log(levels), rtol=1e-5)


@pytest.mark.parametrize("statistic", CELLS, ids=name)
def test_larger_values_are_never_more_probable_and_never_impossible(statistic):
    null = nulls.cell_null(statistic, np.array([2000] * 10), np.array([18] * 10))
    found = [null.sf(value) for value in np.concatenate([[0], np.geomspace(1e-6, 1e6, 500)])]
    assert found[0] == 1
    assert (np.diff(found) <= 0).all()
    assert found[-1] > 0


def test_psi_of_large_counts_has_its_chi_square_null():
    null = nulls.cell_null(nulls.PSI, np.full(10, 10_000), np.full(10, 1000))
    assert null.isf(0.01) == pytest.approx((1 / 10_000 + 1 / 100_000) * stats.chi2.isf(0.01, 9))
    assert null.sf(0.002) == pytest.approx(stats.chi2.sf(0.002 / (1 / 10_000 + 1 / 100_000), 9))


@pytest.mark.parametrize("statistic", CELLS[:4], ids=name)
def test_the_draws_meet_the_chi_square_law_where_both_hold(statistic):
    reference, live = np.full(10, 10_000), np.full(10, 100)
    exact = nulls.cell_null(statistic, reference, live)
    drawn = monte_carlo.cell_table(statistic.measure, statistic.growth, reference, 1000)
    for alpha in (0.1, 1e-2, 1e-4):
        assert drawn.isf(alpha) == pytest.approx(exact.isf(alpha), rel=0.06)


def test_the_same_question_has_the_same_answer_in_another_process_or_order():
    reference = np.array([2000, 3000, 5000, 0])
    first = monte_carlo.cell_table(distances.psi, 1.0, reference, 180)
    monte_carlo._cell_table.cache_clear()
    monte_carlo._draws.cache_clear()
    again = monte_carlo.cell_table(distances.psi, 1.0, reference[[3, 1, 0, 2]], 180)
    np.testing.assert_array_equal(first.values, again.values)
    assert first.isf(1e-3) == again.isf(1e-3)


def test_columns_with_equal_deciles_share_one_table():
    monte_carlo._cell_table.cache_clear()
    rng = np.random.default_rng(14)
    for _ in range(20):
        jitter = rng.integers(-20, 20, 10)
        monte_carlo.cell_table(distances.psi, 1.0, np.concatenate([2000 + jitter, [0, 0]]), 180)
    assert monte_carlo._cell_table.cache_info().misses <= 2


def test_rounded_sample_sizes_hardly_move_the_line():
    reference = np.full(10, 2000)
    lines = [monte_carlo.cell_table(distances.psi, 1.0, reference, n).isf(1e-3) for n in range(150, 220)]
    ideal = [stats.chi2.isf(1e-3, 9) * (1 / n + 1 / 20_000) for n in range(150, 220)]
    ratios = np.array(lines) / np.array(ideal)
    assert np.ptp(ratios) < 0.1


def test_a_single_new_row_is_rare_but_not_impossible():
    reference = np.array([20_000, 0, 0])
    live = np.array([999, 0, 1])
    null = nulls.cell_null(nulls.PSI, reference, live)
    assert null.sf(float(distances.psi(reference, live))) > 5e-3
    many = np.array([900, 0, 100])
    assert nulls.cell_null(nulls.PSI, reference, many).sf(float(distances.psi(reference, many))) < 1e-9


def test_a_column_of_one_cell_has_a_null():
    null = nulls.cell_null(nulls.PSI, np.array([500]), np.array([100]))
    assert null.sf(0.0) == 1
    assert 0 < null.sf(0.1) < 1e-6
    assert null.isf(1e-3) > 0


def test_no_rows_no_null():
    with pytest.raises(ValueError, match="0 live rows"):
        nulls.cell_null(nulls.PSI, np.array([500]), np.array([0]))


def test_a_share_is_tested_as_fisher_does():
    for k, m, x, n in [(3, 2000, 4, 180), (0, 500, 1, 100), (200, 2000, 40, 180), (1999, 2000, 180, 180)]:
        expected = stats.fisher_exact([[x, n - x], [k, m - k]], alternative="greater").pvalue
        assert nulls.share_null(k, m, n).sf(x / n) == pytest.approx(expected, rel=1e-6)


def test_large_counts_agree_with_the_exact_law():
    null = nulls.ShareNull(4_000_000, 20_001, 380_000)
    smaller = nulls.ShareNull(300_000, 20_001, 380_000)
    assert null._spread() > nulls.SPREAD > smaller._spread()
    a, b = smaller._matched()
    for share in (0.05, 0.051, 0.053):
        assert smaller.sf(share) == pytest.approx(stats.beta.sf(share, a, b), rel=0.2)
    assert null.sf(null.isf(1e-5)) == pytest.approx(1e-5, rel=1e-6)


@pytest.mark.parametrize(("k", "m", "n"), [(0, 20_000, 180), (50, 20_000, 5000), (7, 10, 3), (10, 10, 5)])
def test_the_line_of_a_share_keeps_its_level(k, m, n):
    null = nulls.share_null(k, m, n)
    for alpha in (0.5, 0.05, 1e-3, 1e-6):
        line = null.isf(alpha)
        assert null.sf(line) <= alpha * (1 + 1e-9) or line > 1
        below = line - 1 / n
        assert below <= 0 or below > 1 or null.sf(below) > alpha
    assert null.sf(0) == 1
    assert null.isf(1) == 0


def test_shares_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no share to test"):
        nulls.share_null(0, 0, 5)
    with pytest.raises(ValueError, match="no share to test"):
        nulls.share_null(0, 5, 0)


def test_missing_rows_alarm_as_rarely_as_they_say():
    rng = np.random.default_rng(15)
    before, now = rng.binomial(20_000, 0.01, 4000), rng.binomial(500, 0.01, 4000)
    pairs = zip(before.tolist(), now.tolist(), strict=True)
    p_values = np.array([nulls.share_null(k, 20_000, 500).sf(x / 500) for k, x in pairs])
    assert 0.003 < (p_values <= 0.01).mean() < 0.013


@pytest.mark.parametrize(
    "null", [nulls.Kolmogorov(100, 50), nulls.ScaledChiSquare(3, 0.1), nulls.ShareNull(10, 1, 5)], ids=repr
)
@pytest.mark.parametrize("alpha", [0, -1, 1.5, math.nan])
def test_a_level_is_a_probability(null, alpha):
    with pytest.raises(ValueError, match="alpha"):
        null.isf(alpha)


@pytest.mark.parametrize("value", [1e-9, 0.1, 0.5, 1.0])
def test_kolmogorov_is_a_probability_down_to_the_extremes(value):
    assert 0 < nulls.Kolmogorov(1_000_000, 1_000_000).sf(value) <= 1
    assert 0 < nulls.Kolmogorov(1, 1).sf(value) <= 1


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3, 1e-5, 1e-8])
def test_the_limit_law_of_large_samples_agrees_with_the_exact_one(alpha):
    null = nulls.Kolmogorov(2 * nulls.LARGE, 2 * nulls.LARGE)
    exact = stats.kstwo.isf(alpha, nulls.LARGE)
    assert null.size == nulls.LARGE
    assert null.sf(exact) == pytest.approx(alpha, rel=3e-3)
    assert null.isf(alpha) == pytest.approx(exact, rel=1e-3)
