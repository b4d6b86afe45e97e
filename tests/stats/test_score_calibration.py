import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.isotonic import IsotonicRegression

from monitor.stats.score_calibration import (
    BINS,
    KNOTS,
    CalibrationError,
    ScoreCalibrator,
    apply,
    check,
    learn,
)


def two(score):
    return np.column_stack([1 - score, score])


def proud(seed, n, level=-1.0):
    """Scores whose log odds are 1.6 times too large, and the true probability and label of each row."""
    random = np.random.default_rng(seed)
    odds = 1.5 * random.normal(size=n) + level
    truth = special.expit(odds)
    return special.expit(1.6 * odds + 0.4), truth, (random.random(n) < truth).astype(int)


def several(seed, n, shares):
    random = np.random.default_rng(seed)
    votes = 1.2 * random.normal(size=(n, len(shares))) + np.log(shares)
    truth = special.softmax(votes, axis=1)
    labels = (truth.cumsum(axis=1) > random.random(n)[:, None]).argmax(axis=1)
    shown = truth**1.5 * np.linspace(1, 1.5, len(shares))
    return shown / shown.sum(axis=1, keepdims=True), truth, labels


class TestLearn:
    def test_the_true_probability_is_found(self):
        score, _, labels = proud(1, 20_000)
        fresh, truth, _ = proud(2, 5_000)
        found = apply(learn(two(score), labels), two(fresh))[:, 1]
        assert np.abs(found - truth).mean() < 0.012
        assert np.abs(fresh - truth).mean() > 0.06

    def test_a_bent_relation_is_followed(self):
        random = np.random.default_rng(3)
        score = random.random(30_000)
        truth = np.where(score < 0.5, 0.1, 0.8)
        labels = (random.random(len(score)) < truth).astype(int)
        found = apply(learn(two(score), labels), two(score))[:, 1]
        assert np.abs(found - truth).mean() < 0.03

    def test_calls_of_a_rare_class_are_judged_better_than_by_isotonic_regression(self):
        ours, isotonic = [], []
        for seed in range(8):
            score, _, labels = proud(seed, 2_000, level=-4.2)
            fresh, truth, _ = proud(100 + seed, 20_000, level=-4.2)
            called = fresh > 0.5
            found = apply(learn(two(score), labels), two(fresh))[called, 1].mean()
            stepped = IsotonicRegression(out_of_bounds="clip").fit(score, labels).predict(fresh[called])
            ours.append(abs(found - truth[called].mean()))
            isotonic.append(abs(stepped.mean() - truth[called].mean()))
        assert np.mean(ours) < 0.7 * np.mean(isotonic)

    def test_many_classes(self):
        shares = np.array([0.5, 0.3, 0.15, 0.05])
        shown, _, labels = several(4, 20_000, shares)
        fresh, truth, _ = several(5, 5_000, shares)
        found = apply(learn(shown, labels), fresh)
        assert np.abs(found - truth).mean() < 0.015
        assert np.abs(fresh - truth).mean() > 0.045

    def test_more_rows_than_points_change_little(self):
        score, _, labels = proud(6, 30_000)
        rounded = np.round(score, 3)
        fresh = np.linspace(0.01, 0.99, 50)
        many, few = (apply(learn(two(each), labels), two(fresh))[:, 1] for each in (score, rounded))
        np.testing.assert_allclose(many, few, atol=0.02)

    def test_weights_are_rows_that_occur_more_often(self):
        score, _, labels = proud(7, 3_000)
        weights = np.where(np.arange(3_000) % 2, 2.0, 1.0)
        weighted = learn(two(score), labels, weights)
        repeated = np.repeat(np.arange(3_000), weights.astype(int))
        doubled = learn(two(score[repeated]), labels[repeated])
        fresh = two(np.linspace(0.05, 0.95, 40))
        np.testing.assert_allclose(apply(weighted, fresh), apply(doubled, fresh), atol=0.02)

    def test_weights_move_the_calibration_to_the_rows_that_matter(self):
        random = np.random.default_rng(8)
        group = random.random(20_000) < 0.5
        score = random.random(20_000)
        truth = np.where(group, score, score / 2)
        labels = (random.random(20_000) < truth).astype(int)
        found = apply(learn(two(score), labels, np.where(group, 1.0, 1e-3)), two(score[group]))[:, 1]
        assert np.abs(found - score[group]).mean() < 0.02

    def test_without_rows_probabilities_stay_what_they_are(self):
        given_ones = np.array([[0.2, 0.8], [0.7, 0.3]])
        nothing = learn(np.empty((0, 2)), np.empty(0, int))
        np.testing.assert_allclose(apply(nothing, given_ones), given_ones, atol=1e-6)
        many = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
        np.testing.assert_allclose(apply(learn(np.empty((0, 3)), np.empty(0, int)), many), many, atol=1e-5)

    def test_constant_probabilities_lead_to_the_share_of_the_labels(self):
        labels = (np.arange(500) % 5 == 0).astype(int)
        found = apply(learn(np.full((500, 2), 0.5), labels), np.full((3, 2), 0.5))
        np.testing.assert_allclose(found[:, 1], 0.2, atol=0.01)

    def test_a_class_without_labels_gets_next_to_nothing(self):
        shown, _, labels = several(9, 2_000, np.array([0.5, 0.3, 0.2]))
        kept = labels < 2
        found = apply(learn(shown[kept], labels[kept]), shown)
        assert 0 < found[:, 2].max() < 0.02

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_rows_without_a_finite_probability(self, bad):
        score, _, labels = proud(10, 2_000)
        broken = two(score)
        broken[:100, 1] = bad
        calibrator = learn(broken, labels)
        reference = learn(two(score)[100:], labels[100:])
        np.testing.assert_array_equal(apply(calibrator, two(score)), apply(reference, two(score)))
        found = apply(calibrator, broken)
        np.testing.assert_allclose(found[:100, 1], labels[100:].mean(), atol=1e-3)
        np.testing.assert_array_equal(found[100:], apply(calibrator, two(score))[100:])

    @settings(max_examples=60)
    @given(
        seed=st.integers(0, 10_000),
        n=st.integers(0, 40),
        k=st.integers(2, 5),
        digits=st.sampled_from([0, 1, 17]),
        broken=st.booleans(),
    )
    def test_whatever_the_rows_are_rows_sum_to_one(self, seed, n, k, digits, broken):
        random = np.random.default_rng(seed)
        shown = np.round(random.dirichlet(np.full(k, 0.3), n), digits)
        labels = random.integers(0, int(random.integers(1, k + 1)), n)
        if broken and n:
            shown[random.integers(n), random.integers(k)] = random.choice([np.nan, np.inf, -1.0])
        calibrator = learn(shown, labels, random.random(n) if seed % 2 else None)
        found = apply(calibrator, shown)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        error = check(calibrator, shown, labels)
        assert np.isfinite(error.variances(2)).all()
        assert (error.variances(2) >= 0).all()

    @settings(max_examples=20)
    @given(seed=st.integers(0, 1_000))
    def test_the_order_of_rows_does_not_matter(self, seed):
        score, _, labels = proud(seed, 400)
        order = np.random.default_rng(seed).permutation(400)
        fresh = two(np.linspace(0.01, 0.99, 20))
        one, other = learn(two(score), labels), learn(two(score[order]), labels[order])
        np.testing.assert_allclose(apply(one, fresh), apply(other, fresh), atol=1e-3)

    @pytest.mark.parametrize(
        ("shown", "labels", "weights", "message"),
        [
            (np.full((3, 2), 0.5), np.array([0, 1, 2]), None, "class codes"),
            (np.full((3, 2), 0.5), np.array([0, -1, 1]), None, "class codes"),
            (np.full((3, 2), 0.5), np.array([0, 1]), None, "labels"),
            (np.full((3, 1), 0.5), np.array([0, 0, 0]), None, "two classes"),
            (np.full(3, 0.5), np.array([0, 0, 0]), None, "probabilities"),
            (np.full((2, 2), 0.5), np.array([0, 1]), np.array([1.0, -1.0]), "negative"),
            (np.full((2, 2), 0.5), np.array([0, 1]), np.ones(3), "weights"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, shown, labels, weights, message):
        with pytest.raises(ValueError, match=message):
            learn(shown, labels, weights)

    def test_another_number_of_classes_is_refused(self):
        with pytest.raises(ValueError, match="the calibrator has 2 classes"):
            apply(learn(np.full((3, 2), 0.5), np.array([0, 1, 1])), np.full((1, 3), 1 / 3))


class TestCheck:
    def test_the_error_of_a_fitted_calibrator_is_that_of_its_rows(self):
        factors = []
        for seed in range(30):
            score, _, labels = proud(seed, 2_000)
            fresh, _, seen = proud(500 + seed, 4_000)
            factors.append(check(learn(two(score), labels), two(fresh), seen).factor)
        # the hold-out half is twice as large: a bin of it varies half as much as one of the fitted half
        assert np.min(factors) == pytest.approx(2.0, rel=0.01)
        assert np.mean(factors) < 2.6

    def test_a_wrong_calibrator_has_a_large_error(self):
        score, _, _ = proud(11, 4_000)
        fresh, _, seen = proud(12, 4_000)
        identity = learn(two(score), (np.random.default_rng(0).random(4_000) < score).astype(int))
        assert check(identity, two(fresh), seen).factor.min() > 5

    def test_bins_are_narrow_where_the_rare_class_is(self):
        score, _, labels = proud(13, 5_000, level=-4.2)
        error = check(learn(two(score), labels), two(score), labels)
        rows = np.bincount(error.bins_of(score), minlength=BINS)
        assert rows.sum() == 5_000
        assert rows[np.isfinite(error.edges[1]).sum()] < 100

    def test_nan_is_in_a_bin(self):
        score, _, labels = proud(14, 500)
        error = check(learn(two(score), labels), two(score), labels)
        assert error.bins_of(np.array([np.nan]))[0] < BINS
        assert error.bins_of(np.full((1, 2), np.nan)).tolist() == [[BINS - 1, 2 * BINS - 1]]

    def test_without_rows_the_shares_may_be_anything(self):
        nothing = np.empty((0, 2)), np.empty(0, int)
        error = check(learn(*nothing), *nothing)
        assert error.variances(1).tolist() == [0.25] * BINS


class TestArrays:
    @pytest.mark.parametrize("k", [2, 4])
    def test_there_and_back(self, k):
        shown, _, labels = several(15, 1_000, np.full(k, 1 / k))
        calibrator = learn(shown, labels)
        error = check(calibrator, shown, labels)
        again = ScoreCalibrator.from_arrays(calibrator.to_arrays())
        np.testing.assert_array_equal(apply(again, shown), apply(calibrator, shown))
        restored = CalibrationError.from_arrays(error.to_arrays())
        np.testing.assert_array_equal(restored.variances(2), error.variances(2))
        np.testing.assert_array_equal(restored.bins_of(shown), error.bins_of(shown))
        assert calibrator.knots.shape == (k, KNOTS)

    def test_what_lacks_or_does_not_fit_is_refused(self):
        shown, _, labels = several(16, 300, np.full(3, 1 / 3))
        arrays = learn(shown, labels).to_arrays()
        without = {name: each for name, each in arrays.items() if name != "heights"}
        for wrong in (without, {}, {**arrays, "labels": np.ones(4)}, {**arrays, "lines": np.ones((3, 3))}):
            with pytest.raises(ValueError, match="do not have the shapes"):
                ScoreCalibrator.from_arrays(wrong)
        with pytest.raises(ValueError, match="do not have the shapes"):
            CalibrationError.from_arrays(arrays)
