"""Weighted draws are draws of the null: their moments and tails are those of the multinomial law."""

import numpy as np
import pytest
from scipy import stats

from monitor.stats import distances, monte_carlo


@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.98, 0.019, 0.001), tuple([0.02] * 50)])
def test_weighted_counts_have_the_moments_of_the_multinomial_law(shares):
    rng = np.random.Generator(np.random.SFC64(1))
    counts, weights = monte_carlo._weighted(rng, 200, np.array(shares), 20_000)
    expected = 200 * np.array(shares)
    assert weights.mean() == pytest.approx(1, abs=0.03)
    mean = np.average(counts, axis=0, weights=weights)
    np.testing.assert_allclose(mean, expected, rtol=0.05, atol=0.03)
    variance = np.average((counts - expected) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(variance, expected * (1 - np.array(shares)), rtol=0.25)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.002])
def test_the_tail_of_one_cell_is_binomial_far_out(share):
    rng = np.random.Generator(np.random.SFC64(2))
    counts, weights = monte_carlo._weighted(rng, 500, np.array([1 - share, share]), 24_000)
    for alpha in (1e-2, 1e-4, 1e-6):
        line = int(stats.binom.isf(alpha, 500, share)) + 1
        found = weights[counts[:, 1] >= line].sum() / weights.sum()
        assert found == pytest.approx(stats.binom.sf(line - 1, 500, share), rel=0.35)


def test_a_table_of_exponential_draws_goes_on_exponentially():
    values = np.random.default_rng(3).exponential(size=20_000)
    table = monte_carlo.tabulate(values, np.ones_like(values))
    for value in (0.5, 3.0, 10.0, 20.0):
        assert np.log(table.sf(value)) == pytest.approx(-value, rel=0.15)


def test_tables_are_small_and_rising():
    table = monte_carlo.cell_table(distances.psi, 1.0, np.full(12, 1000), 180)
    assert table.values.size <= monte_carlo.KNOTS + 3
    assert (np.diff(table.values) > 0).all()
    assert (np.diff(table.log_sf) < 0).all()
    assert table.log_sf[0] == 0


def test_many_cells_cost_fewer_draws():
    shares = tuple([1 / 500] * 500)
    before, now, weights = monte_carlo._draws(20_000, 180, (*shares, 0.0, 0.0), (*shares, 1e-6, 1e-6))
    assert before.shape == now.shape == (monte_carlo.FEWEST_DRAWS, 502)
    assert weights.shape == (monte_carlo.FEWEST_DRAWS,)
    assert (now.sum(axis=1) == 180).all()
    assert (before[:, -2:] == 0).all()


def test_new_categories_are_expected_where_they_are_foretold():
    reference = np.array([900, 80, 20, 0])
    without = monte_carlo.cell_table(distances.psi, 1.0, reference, 500)
    foretold = monte_carlo.cell_table(distances.psi, 1.0, reference, 500, np.array([900.0, 80, 20, 20]))
    value = float(distances.psi(reference, np.array([441, 39, 10, 10])))
    assert without.sf(value) < 1e-4
    assert foretold.sf(value) > 1e-2
