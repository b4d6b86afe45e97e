"""The inverse covariance, against scikit-learn's shrinkage and against regressions on the other columns."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from monitor.stats.whitening import OWN, Whitening, whitening


def correlated(windows=500, columns=6, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(windows, columns)) + 0.9 * random.normal(size=(windows, 1))


def test_the_covariance_is_that_of_ledoit_and_wolf_with_own_variances():
    scores = correlated()
    shrunk = LedoitWolf().fit(scores).covariance_
    expected = (1 - OWN) * shrunk + OWN * np.diag((scores**2).mean(axis=0))
    np.testing.assert_allclose(np.linalg.inv(whitening(scores).inverse), expected, atol=1e-10)


def test_distances_of_independent_columns_are_sums_of_squares():
    scores = correlated()
    np.testing.assert_allclose(Whitening(np.eye(6)).distance(scores), (scores**2).sum(axis=1))


def test_distances_are_those_of_mahalanobis():
    scores = correlated()
    how = whitening(scores)
    root = np.linalg.cholesky(how.inverse)
    np.testing.assert_allclose(how.distance(scores), ((scores @ root) ** 2).sum(axis=1))
    assert how.distance(scores).mean() == pytest.approx(6, rel=0.15)


def test_adjusted_scores_are_residuals_of_regressions_on_the_others():
    scores = correlated()
    covariance = scores.T @ scores / len(scores)
    found = Whitening(np.linalg.inv(covariance)).adjusted(scores)
    for column in range(6):
        others = np.delete(scores, column, axis=1)
        slopes, *_ = np.linalg.lstsq(others, scores[:, column])
        residual = scores[:, column] - others @ slopes
        np.testing.assert_allclose(found[:, column], residual / residual.std(mean=0), rtol=1e-6)


def test_a_column_that_leaves_the_others_stands_out_though_it_is_not_far():
    scores = correlated(columns=8)
    how = whitening(scores)
    together, alone = np.full((1, 8), 2.0), np.full((1, 8), 2.0)
    alone[0, 3] = -2.0
    assert how.distance(alone) > 2 * how.distance(together)
    assert np.abs(how.adjusted(alone)).argmax() == 3


@pytest.mark.parametrize("columns", [1, 40])
def test_fewer_windows_than_columns_have_a_tame_inverse(columns):
    found = whitening(correlated(windows=20, columns=columns))
    assert np.isfinite(found.inverse).all()
    assert (np.linalg.eigvalsh(found.inverse) > 0).all()
