import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from monitor.stats.share_estimators import (
    Features,
    cell_features,
    interval,
    moments,
    nearest,
    residual_covariance,
    soft_features,
    tangent,
)

CONFUSION = np.array([[9000, 600, 100], [700, 7000, 300], [300, 400, 4000]])


class TestFeatures:
    def test_means_are_columns_of_the_confusion_matrix(self):
        found = cell_features(CONFUSION)
        np.testing.assert_allclose(found.mean, CONFUSION / CONFUSION.sum(axis=0), atol=1e-4)
        np.testing.assert_allclose(found.mean.sum(axis=0), 1)

    def test_a_class_without_labels_looks_like_all_together(self):
        found = cell_features(np.array([[30, 0], [10, 0]]))
        np.testing.assert_allclose(found.mean[:, 1], [0.75, 0.25], atol=0.01)
        assert found.mean.min() > 0

    def test_covariances_are_those_of_a_simulation(self):
        random, shares, n = np.random.default_rng(1), np.array([0.2, 0.5, 0.3]), 400
        counts = CONFUSION // 100
        features = cell_features(counts)
        mean = features.mean
        gaps = []
        for _ in range(4000):
            learned = np.stack(
                [random.multinomial(rows, mean[:, each]) / rows for each, rows in RUNS], axis=1
            )
            gaps.append(random.multinomial(n, mean @ shares) / n - learned @ shares)
        np.testing.assert_allclose(
            np.cov(np.transpose(gaps)), residual_covariance(features, shares, n), atol=1.5e-4, rtol=0.05
        )

    def test_indicators_as_soft_features_are_cells(self):
        counts = CONFUSION.sum(axis=0)
        cells = cell_features(CONFUSION)
        mean = CONFUSION / counts
        soft = soft_features(mean, np.stack([np.diag(each) for each in mean.T]), counts)
        gain, shares = np.arange(9.0).reshape(3, 3), np.array([0.2, 0.5, 0.3])
        np.testing.assert_allclose(soft.mean, cells.mean, atol=1e-4)
        np.testing.assert_allclose(soft.covariance(shares), cells.covariance(shares), atol=1e-4)
        np.testing.assert_allclose(soft.learned(shares), cells.learned(shares), atol=1e-6)
        np.testing.assert_allclose(soft.squares(gain), cells.squares(gain), rtol=1e-3)


RUNS = list(enumerate((CONFUSION // 100).sum(axis=0)))


class TestMoments:
    @pytest.mark.parametrize("shares", [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    def test_a_good_confusion_matrix_is_solved_directly(self, shares):
        features = cell_features(CONFUSION)
        observed = np.random.default_rng(2).multinomial(5000, features.mean @ shares) / 5000
        found = moments(features, observed, 5000, CONFUSION.sum(axis=0) / CONFUSION.sum())
        np.testing.assert_allclose(found.share, np.linalg.solve(features.mean, observed), atol=1e-3)
        np.testing.assert_allclose(found.center, found.share)

    def test_errors_are_the_delta_methods(self):
        features, shares = cell_features(CONFUSION // 100), np.array([0.3, 0.4, 0.3])
        found = moments(features, features.mean @ shares, 300, np.full(3, 1 / 3))
        inverse = np.linalg.inv(features.mean)
        oracle = inverse @ residual_covariance(features, shares, 300) @ inverse.T
        np.testing.assert_allclose(interval(found, np.ones(3))[2], np.sqrt(np.diag(oracle)), rtol=0.01)

    def test_a_singular_matrix_says_nothing(self):
        features = cell_features(np.full((3, 3), 1000))
        found = moments(features, np.array([0.4, 0.3, 0.3]), 1000, np.array([0.5, 0.3, 0.2]))
        np.testing.assert_allclose(found.share, [0.5, 0.3, 0.2], atol=0.01)
        lower, upper, _ = interval(found, np.ones(3))
        assert lower.max() == 0
        assert upper.min() == 1

    @given(seed=st.integers(0, 500), k=st.integers(2, 6), extra=st.integers(0, 5), n=st.integers(1, 2000))
    def test_shares_lie_on_the_simplex_and_ends_around_them(self, seed, k, extra, n):
        random = np.random.default_rng(seed)
        counts = random.poisson(random.choice([0.3, 3.0, 300.0], (k + extra, k)))
        counts[0, 0] += 1
        observed = random.multinomial(n, random.dirichlet(np.full(k + extra, 0.3))) / n
        found = moments(cell_features(counts), observed, n, counts.sum(axis=0) / counts.sum())
        lower, upper, error = interval(found, np.ones(k))
        assert found.share.sum() == pytest.approx(1)
        assert found.share.min() >= 0
        assert ((lower >= 0) & (lower <= found.share) & (found.share <= upper) & (upper <= 1 + 1e-12)).all()
        assert np.isfinite(error).all()

    def test_classes_in_another_order(self):
        order, observed = np.array([2, 0, 1]), np.array([0.2, 0.1, 0.7])
        prior = CONFUSION.sum(axis=0) / CONFUSION.sum()
        one = moments(cell_features(CONFUSION), observed, 500, prior)
        other = moments(cell_features(CONFUSION[np.ix_(order, order)]), observed[order], 500, prior[order])
        np.testing.assert_allclose(other.share, one.share[order], atol=1e-9)
        for mine, theirs in zip(interval(one, np.ones(3)), interval(other, np.ones(3)), strict=True):
            np.testing.assert_allclose(theirs, mine[order], atol=1e-9)


class TestInterval:
    @pytest.mark.parametrize("count", [0, 3, 50])
    def test_of_perfect_predictions_it_is_wilsons(self, count):
        n, z = 100, 1.959963984540054
        perfect = Features(np.eye(2), None, np.full(2, 1e12))
        found = moments(perfect, np.array([1 - count / n, count / n]), n, np.array([0.5, 0.5]))
        lower, upper, _ = interval(found, np.ones(2))
        middle = (count + z * z / 2) / (n + z * z)
        reach = z / (n + z * z) * np.sqrt(count * (n - count) / n + z * z / 4)
        assert [lower[1], upper[1]] == pytest.approx([middle - reach, middle + reach], abs=1e-3)

    def test_dispersion_widens_by_its_square_root(self):
        features = cell_features(CONFUSION)
        found = moments(features, features.mean @ [0.3, 0.3, 0.4], 1e4, np.full(3, 1 / 3))
        one, four = interval(found, np.ones(3))[2], interval(found, np.full(3, 4.0))[2]
        np.testing.assert_allclose(four, 2 * one, rtol=1e-3)


@given(seed=st.integers(0, 300), k=st.integers(2, 6))
def test_nearest_is_the_constrained_minimum(seed, k):
    random = np.random.default_rng(seed)
    root = random.normal(size=(k - 1, k - 1)) + 2 * np.eye(k - 1)
    precision = root.T @ root
    center = random.dirichlet(np.ones(k)) + tangent(k) @ random.normal(size=k - 1) * 0.5

    def loss(at):
        step = tangent(k).T @ (at - center)
        return step @ precision @ step

    oracle = optimize.minimize(
        loss,
        np.full(k, 1 / k),
        bounds=[(0, 1)] * k,
        constraints={"type": "eq", "fun": lambda at: at.sum() - 1},
        options={"ftol": 1e-12},
    )
    found = nearest(center, precision)
    assert found.sum() == pytest.approx(1)
    assert found.min() >= 0
    assert loss(found) <= loss(oracle.x) + 1e-5
