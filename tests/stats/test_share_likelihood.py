import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from monitor.stats.share_likelihood import BINS, MOST_ROWS, compress, likelihood, maximum_likelihood
from monitor.stats.shift_reference import learn


def probabilities(seed, n, shares, live=None, gap=1.5):
    """Calibrated probabilities under `shares` of n rows whose labels have the shares `live`."""
    random = np.random.default_rng(seed)
    k = len(shares)
    label = random.choice(k, n, p=shares if live is None else live)
    votes = gap * random.normal(size=(n, k))
    votes[np.arange(n), label] += gap * gap
    return special.softmax(votes + np.log(shares), axis=1), label


def expectation_maximisation(ratios, steps=5000):
    """Saerens, Latinne and Decaestecker (2002), as they wrote it."""
    shares = np.full(ratios.shape[1], 1 / ratios.shape[1])
    for _ in range(steps):
        joint = ratios * shares
        shares = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


class TestLikelihood:
    @pytest.mark.parametrize(
        ("shares", "live"), [([0.8, 0.2], [0.3, 0.7]), ([0.5, 0.3, 0.2], [0.1, 0.1, 0.8]), ([0.25] * 4, None)]
    )
    def test_it_is_the_fixed_point_of_em(self, shares, live):
        ratios = probabilities(1, 2000, shares, live)[0] / shares
        found, scores, _ = likelihood(ratios, np.full(2000, 1 / 2000), np.array(shares), 2000)
        np.testing.assert_allclose(found, expectation_maximisation(ratios), atol=1e-3)
        np.testing.assert_allclose(scores.mean(axis=0), 1, atol=2e-3)

    def test_a_class_that_is_not_there_has_no_share(self):
        ratios = probabilities(2, 500, [0.4, 0.3, 0.3], [0.6, 0.4, 0.0], gap=3.0)[0] / [0.4, 0.3, 0.3]
        found, _, _ = likelihood(ratios, np.full(500, 1 / 500), np.array([0.4, 0.3, 0.3]), 500)
        assert found[2] == pytest.approx(0, abs=1e-9)
        np.testing.assert_allclose(found, expectation_maximisation(ratios), atol=1e-3)

    def test_the_prior_decides_where_rows_say_nothing(self):
        found, _, _ = likelihood(np.ones((50, 3)), np.full(50, 0.02), np.array([0.7, 0.2, 0.1]), 50)
        np.testing.assert_allclose(found, [0.7, 0.2, 0.1], atol=1e-6)

    @given(
        seed=st.integers(0, 300),
        n=st.integers(1, 60),
        k=st.integers(2, 6),
        spread=st.sampled_from([0.0, 1.0, 30.0]),
    )
    def test_shares_lie_on_the_simplex(self, seed, n, k, spread):
        random = np.random.default_rng(seed)
        ratios = np.maximum(special.softmax(spread * random.normal(size=(n, k)), axis=1), 1e-9) / 1e-3
        found, scores, gain = likelihood(ratios, np.full(n, 1 / n), random.dirichlet(np.full(k, 0.3)), n)
        assert found.sum() == pytest.approx(1)
        assert found.min() >= 0
        assert np.isfinite(scores).all()
        assert np.isfinite(gain).all()

    def test_classes_in_another_order(self):
        ratios, order = probabilities(3, 300, [0.5, 0.3, 0.2])[0], np.array([2, 0, 1])
        prior, weights = np.array([0.5, 0.3, 0.2]), np.full(300, 1 / 300)
        one, other = (
            likelihood(ratios, weights, prior, 300)[0],
            likelihood(ratios[:, order], weights, prior[order], 300)[0],
        )
        np.testing.assert_allclose(other, one[order], atol=1e-5)


class TestCompress:
    def test_few_rows_stay(self):
        given, _ = probabilities(4, 100, [0.5, 0.5])
        rows, weights, n = compress(given)
        np.testing.assert_array_equal(rows, given)
        assert (weights.sum(), n) == (pytest.approx(1), 100)

    def test_of_two_classes_bins_keep_the_mean_and_the_answer(self):
        given, _ = probabilities(5, 50_000, [0.9, 0.1], [0.6, 0.4])
        rows, weights, n = compress(given)
        assert len(rows) <= BINS
        assert n == 50_000
        np.testing.assert_allclose(weights @ rows, given.mean(axis=0))
        prior = np.array([0.9, 0.1])
        binned = likelihood(rows / prior, weights, prior, n)[0]
        exact = likelihood(given / prior, np.full(50_000, 1 / 50_000), prior, n)[0]
        np.testing.assert_allclose(binned, exact, atol=1e-4)

    def test_of_more_classes_every_other_row_is_taken(self):
        given, _ = probabilities(6, MOST_ROWS + 2, [0.5, 0.3, 0.2])
        rows, weights, n = compress(given)
        np.testing.assert_array_equal(rows, given[::2])
        assert n == len(rows) == len(weights)


class TestErrors:
    @pytest.mark.parametrize(
        ("shares", "live"), [([0.8, 0.2], [0.5, 0.5]), ([0.5, 0.3, 0.2], [0.2, 0.2, 0.6])]
    )
    def test_of_the_live_rows(self, shares, live):
        calibrated, label = probabilities(7, 100_000, shares)
        reference = learn(calibrated.argmax(axis=1), calibrated, label, calibration_rows=0)
        found = [
            maximum_likelihood(
                reference.scores, probabilities(100 + seed, 400, shares, live)[0], reference.prior
            )
            for seed in range(150)
        ]
        said = np.sqrt([(each.square * each.share).sum(axis=1) / 400 for each in found]).mean(axis=0)
        np.testing.assert_allclose(np.std([each.share for each in found], axis=0), said, rtol=0.2)

    def test_of_the_reference(self):
        shares, live = np.array([0.8, 0.2]), np.array([0.5, 0.5])
        window, _ = probabilities(8, 20_000, shares, live)
        found = []
        for seed in range(150):
            calibrated, label = probabilities(300 + seed, 300, shares)
            reference = learn(calibrated.argmax(axis=1), calibrated, label, calibration_rows=0)
            found.append(maximum_likelihood(reference.scores, window, shares))
        said = np.sqrt([each.fixed for each in found]).mean(axis=0)
        np.testing.assert_allclose(np.std([each.share for each in found], axis=0), said, rtol=0.2)

    def test_a_calibrator_of_few_rows_adds_to_it(self):
        calibrated, label = probabilities(9, 1000, [0.8, 0.2])
        fixed = [
            maximum_likelihood(
                learn(label, calibrated, label, calibration_rows=rows).scores,
                calibrated,
                np.array([0.8, 0.2]),
            ).fixed[0]
            for rows in (0, 1_000_000, 1000, 50)
        ]
        assert fixed == sorted(fixed)
        assert fixed[1] == pytest.approx(fixed[0], rel=0.05)
        assert fixed[3] > 2 * fixed[0]
