import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stats.over_identification import fit, merged, over_identification

CELLS = np.arange(20)
MEAN = 0.02 + np.stack(
    [np.exp(-CELLS / 5), np.exp(CELLS / 5 - 4), np.exp(-(((CELLS - 10) / 4) ** 2))], axis=1
)
MEAN = MEAN / MEAN.sum(axis=0)
PRIOR = np.array([0.6, 0.3, 0.1])


def counted(seed, mean=MEAN, shares=PRIOR, n=2000, reference=3000):
    random = np.random.default_rng(seed)
    rows = random.multinomial(reference, PRIOR)
    cells = np.stack([random.multinomial(each, MEAN[:, c]) for c, each in enumerate(rows)], axis=1)
    return cells, random.multinomial(n, mean @ shares), rows / rows.sum()


def p_values(simulations, **how):
    return np.array([over_identification(*counted(seed, **how)).p_value for seed in range(simulations)])


class TestSize:
    """Three standard errors of 80 simulations are 7 points at 5 %."""

    @pytest.mark.parametrize("shares", [PRIOR, [0.1, 0.2, 0.7], [0.0, 1.0, 0.0]])
    @pytest.mark.parametrize(("n", "reference"), [(200, 1000), (5000, 1000)])
    def test_under_label_shift(self, shares, n, reference):
        found = p_values(80, shares=np.array(shares), n=n, reference=reference)
        assert np.mean(found < 0.05) < 0.12
        assert np.mean(found < 0.5) > 0.25

    def test_the_statistic_is_about_one(self):
        found = [over_identification(*counted(seed)) for seed in range(60)]
        assert np.mean([each.statistic for each in found]) == pytest.approx(1, abs=0.15)
        assert np.median([each.degrees for each in found]) == pytest.approx(17, abs=0.1)


class TestPower:
    def test_other_distributions_given_the_label(self):
        moved = np.stack([np.roll(MEAN[:, 0], 2), MEAN[:, 1], MEAN[:, 2]], axis=1)
        assert np.mean(p_values(50, mean=moved) < 0.01) > 0.8

    def test_more_rows_more_power(self):
        moved = MEAN * (1 + 0.12 * (-1.0) ** CELLS)[:, None]
        moved = moved / moved.sum(axis=0)
        few, many = (p_values(30, mean=moved, n=n, reference=20_000) for n in (300, 20_000))
        assert np.mean(many < 0.01) > 0.9 > np.mean(few < 0.01)

    def test_dispersion_divides_j(self):
        rows = counted(1, mean=np.roll(MEAN, 3, axis=0))
        plain, forgiving = over_identification(*rows), over_identification(*rows, dispersion=1e3)
        assert plain.statistic == forgiving.statistic
        assert plain.p_value < 1e-3 < forgiving.p_value
        assert over_identification(*rows, dispersion=0.1) == plain


class TestNoTest:
    def test_as_many_cells_as_classes(self):
        found = over_identification(np.array([[90, 10], [20, 80]]), np.array([5, 95]), np.array([0.5, 0.5]))
        assert (found.statistic, found.degrees, found.p_value) == (None, 0, None)

    def test_too_few_rows_for_cells(self):
        assert over_identification(*counted(2, n=12)).p_value is None

    def test_a_class_without_labels_explains_what_the_others_do_not(self):
        cells, counts, _ = counted(3, n=500)
        cells = np.column_stack([cells[:, :2], np.zeros(20, int)])
        found = over_identification(cells, counts, cells.sum(axis=0) / cells.sum())
        assert found.p_value > 0.01


class TestFit:
    def test_shares_are_found(self):
        shares = np.array([0.2, 0.2, 0.6])
        cells, counts, prior = counted(4, shares=shares, n=50_000, reference=50_000)
        features, found = fit(cells, counts, prior)
        np.testing.assert_allclose(found, shares, atol=0.02)
        np.testing.assert_allclose(features.mean, MEAN, atol=0.01)

    @given(seed=st.integers(0, 300), b=st.integers(2, 12), k=st.integers(2, 5), n=st.integers(1, 500))
    def test_whatever_the_counts(self, seed, b, k, n):
        random = np.random.default_rng(seed)
        cells = random.poisson(random.choice([0.2, 2.0, 200.0], (b, k)))
        cells[0, 0] += 1
        counts = random.multinomial(n, random.dirichlet(np.full(b, 0.3)))
        prior = cells.sum(axis=0) / cells.sum()
        features, shares = fit(cells, counts, prior)
        assert shares.sum() == pytest.approx(1)
        np.testing.assert_allclose(features.mean.sum(axis=0), 1)
        found = over_identification(cells, counts, prior)
        assert found.p_value is None or 0 <= found.p_value <= 1


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30))
def test_merged_groups_are_runs_of_enough_rows(rows):
    found = merged(np.array(rows))
    assert found[0] == 0
    assert set(np.diff(found)) <= {0, 1}
    if found[-1]:
        assert np.bincount(found, rows).min() >= 5
