import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.linear_model import LogisticRegression

from monitor.stats.probability_calibration import Calibrator, apply, check, learn


def classified(seed, n, shares, gap=1.5, temperature=1.0, bias=None):
    """True probabilities of n rows, those of a model that is over-confident and biased, and labels."""
    random = np.random.default_rng(seed)
    k = len(shares)
    label = random.choice(k, n, p=shares)
    votes = gap * random.normal(size=(n, k))
    votes[np.arange(n), label] += gap * gap
    votes = votes + np.log(shares)
    told = (votes - (0 if bias is None else bias)) * temperature
    return special.softmax(votes, axis=1), special.softmax(told, axis=1), label


class TestLearn:
    def test_temperature_and_bias_are_found(self):
        bias = np.array([0.5, 0.0, -0.5])
        _, told, label = classified(1, 50_000, [0.5, 0.3, 0.2], temperature=3.0, bias=bias)
        found = learn(told, label)
        assert found.temperature == pytest.approx(3.0, rel=0.04)
        np.testing.assert_allclose(found.bias, bias, atol=0.05)

    def test_of_two_classes_it_is_logistic_regression_on_the_logit(self):
        _, told, label = classified(2, 20_000, [0.8, 0.2], temperature=2.0)
        found = learn(told, label)
        logit = np.log(told[:, 1:] / told[:, :1])
        oracle = LogisticRegression(C=1e9, tol=1e-8).fit(logit, label)
        assert 1 / found.temperature == pytest.approx(oracle.coef_[0, 0], rel=5e-3)
        assert found.bias[1] - found.bias[0] == pytest.approx(oracle.intercept_[0], abs=5e-3)

    def test_calibrated_probabilities_stay(self):
        true, _, label = classified(3, 20_000, [0.6, 0.4])
        found = learn(true, label)
        assert found.temperature == pytest.approx(1, abs=0.05)
        np.testing.assert_allclose(apply(found, true), true, atol=0.02)

    def test_it_is_likelier_on_other_rows(self):
        _, told, label = classified(4, 2000, [0.5, 0.3, 0.2], temperature=3.0)
        _, others, held_out = classified(5, 5000, [0.5, 0.3, 0.2], temperature=3.0)
        found = apply(learn(told, label), others)
        rows = np.arange(len(held_out))
        assert np.log(found[rows, held_out]).mean() > np.log(others[rows, held_out]).mean() + 0.1

    def test_mean_probabilities_are_the_shares_of_labels(self):
        _, told, label = classified(6, 5000, [0.5, 0.3, 0.2], temperature=2.0)
        np.testing.assert_allclose(
            apply(learn(told, label), told).mean(axis=0), np.bincount(label) / 5000, atol=1e-3
        )

    def test_classes_in_another_order(self):
        _, told, label = classified(7, 1000, [0.5, 0.3, 0.2], temperature=2.0)
        order = np.array([2, 0, 1])
        one, other = learn(told, label), learn(told[:, order], np.argsort(order)[label])
        np.testing.assert_allclose(other.bias, one.bias[order], atol=1e-4)
        assert other.temperature == pytest.approx(one.temperature, rel=1e-4)

    def test_a_forests_zero_is_not_taken_at_its_word_but_a_networks_nearly_is(self):
        random = np.random.default_rng(8)
        share = np.repeat([0.02, 0.3, 0.7, 0.98], 2000)
        label = (random.random(8000) < share).astype(int)
        votes = np.round(np.repeat([0.0, 0.3, 0.7, 1.0], 2000), 2)
        found = apply(learn(np.stack([1 - votes, votes], axis=1), label), np.array([[1.0, 0.0], [0.3, 0.7]]))
        np.testing.assert_allclose(found[:, 1], [0.02, 0.7], atol=0.05)
        true, told, label = classified(9, 8000, [0.5, 0.5], gap=3.0, temperature=3.0)
        np.testing.assert_allclose(apply(learn(told, label), told), true, atol=0.06)

    @pytest.mark.parametrize("n", [0, 1, 3])
    def test_few_rows_leave_it_near_to_nothing(self, n):
        _, told, label = classified(10, n, [0.5, 0.5])
        found = learn(told, label)
        assert 0.2 < found.temperature < 5
        assert np.abs(found.bias).max() < 2

    def test_constant_probabilities_and_classes_without_labels(self):
        found = learn(np.full((1000, 4), 0.25), np.tile([0, 1], 500))
        assert found.temperature == pytest.approx(1, abs=1e-6)
        assert found.bias[2] == pytest.approx(found.bias[3], abs=1e-3)
        given = apply(found, np.full((1, 4), 0.25))[0]
        assert given[:2].sum() > 0.99
        assert given.min() > 0

    def test_fifty_classes(self):
        shares = np.full(50, 0.02)
        _, told, label = classified(11, 3000, shares, temperature=2.0)
        assert learn(told, label).temperature == pytest.approx(2, rel=0.15)

    @given(
        seed=st.integers(0, 99),
        n=st.integers(0, 40),
        k=st.integers(2, 6),
        spread=st.sampled_from([0, 1, 900]),
    )
    def test_rows_sum_to_one_whatever_they_are(self, seed, n, k, spread):
        random = np.random.default_rng(seed)
        told = special.softmax(spread * random.normal(size=(n, k)), axis=1)
        found = learn(told, random.integers(0, k, n))
        assert np.isfinite(found.temperature)
        np.testing.assert_allclose(apply(found, told).sum(axis=1), 1)
        assert (apply(found, np.eye(k)) > 0).all()

    @pytest.mark.parametrize(
        ("told", "label", "message"),
        [
            (np.zeros(3), [0, 1, 1], "must be"),
            (np.full((3, 1), 1.0), [0, 0, 0], "must be"),
            (np.full((3, 2), 0.5), [0, 1], "must be"),
            (np.full((2, 2), np.nan), [0, 1], "not finite"),
            (np.full((2, 2), 0.5), [0, 2], "of 2 classes"),
        ],
    )
    def test_what_is_refused(self, told, label, message):
        for function in (learn, check):
            with pytest.raises(ValueError, match=message):
                function(told, np.array(label))


class TestCheck:
    @pytest.mark.parametrize("shares", [[0.9, 0.1], [0.5, 0.3, 0.2]])
    def test_p_values_of_calibrated_probabilities_are_seldom_small(self, shares):
        found = []
        for seed in range(200):
            true, _, label = classified(100 + seed, 500, shares)
            found.append(check(true, label, calibration_rows=0).p_value)
        assert np.mean(np.array(found) < 0.05) < 0.1  # 0.05 and three standard errors

    def test_so_are_those_after_calibration_as_its_own_error_is_known(self):
        found = []
        for seed in range(80):
            _, told, label = classified(300 + seed, 1000, [0.7, 0.2, 0.1], temperature=3.0)
            found.append(check(apply(learn(told[:500], label[:500]), told[500:]), label[500:]).p_value)
        assert np.mean(np.array(found) < 0.05) < 0.13

    def test_over_confidence_is_found(self):
        _, told, label = classified(12, 2000, [0.5, 0.5], temperature=2.0)
        found = check(told, label)
        assert found.p_value < 1e-3
        assert found.gap > 0.04
        assert found.gap == found.by_class.max()

    def test_the_gap_is_observed_minus_expected(self):
        told = np.tile([0.75, 0.25], (1000, 1))
        found = check(told, np.tile([0, 1], 500))
        assert found.by_class == pytest.approx([0.25, 0.25])
        alone = check(told[:20], np.tile([0, 1], 10), calibration_rows=0)
        assert alone.p_value == pytest.approx(special.chdtrc(1, (10 - 5) ** 2 / 3.75))

    def test_nothing_to_test(self):
        assert check(np.zeros((0, 2)), np.zeros(0, int)).p_value is None
        assert check(np.full((4, 2), 0.5), np.array([0, 1, 0, 1])).p_value is None
        assert check(np.eye(2)[[0, 1] * 50], np.tile([0, 1], 50)).gap == 0

    def test_a_calibrator_is_checked_on_disjoint_rows(self):
        _, told, label = classified(14, 4000, [0.7, 0.2, 0.1], temperature=3.0)
        found = check(apply(learn(told[:2000], label[:2000]), told[2000:]), label[2000:])
        assert found.p_value > 0.01
        assert check(told[2000:], label[2000:]).p_value < 1e-6

    def test_a_calibrator_that_does_nothing(self):
        told = np.array([[0.2, 0.8], [1.0, 0.0]])
        np.testing.assert_allclose(apply(Calibrator(1.0, np.zeros(2)), told), told, atol=1e-9)
