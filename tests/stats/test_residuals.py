import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

from monitor.stats import residuals
from monitor.stats.error_groups import expected, group_of, learn_groups, learned_variance
from monitor.stats.residuals import (
    error_scale,
    expected_by_label,
    expected_by_prediction,
    from_bytes,
    learn,
    line,
    overall_test,
    rescale,
    residual,
    row_errors,
    to_bytes,
    window_test,
)

UNIT = st.floats(0, 1)


def scored(seed, n, *, low=0.0, high=1.0, flip=0.0):
    """Rows of a calibrated model with its threshold at 0.5; `flip` of the labels are turned around."""
    random = np.random.default_rng(seed)
    score = random.uniform(low, high, n)
    label = random.random(n) < score
    label ^= random.random(n) < flip
    predicted = (score > 0.5).astype(float)
    return row_errors("binary", label.astype(float), predicted), predicted, label.astype(float), score


@pytest.fixture(scope="module")
def reference():
    errors, predicted, label, score = scored(1, 8000)
    return learn(errors, predicted, label, score=score)


class TestRowErrors:
    def test_classes(self):
        label, predicted = np.array([0.0, 1, 2, np.nan, 1]), np.array([0.0, 2, 2, 1, np.nan])
        np.testing.assert_array_equal(row_errors("multiclass", label, predicted), [0, 1, 0, np.nan, np.nan])

    def test_regression_is_scaled_and_clipped(self):
        label, predicted = np.array([0.0, 10, 10, np.nan]), np.array([1.0, 2, -1e300, 1])
        np.testing.assert_array_equal(row_errors("regression", label, predicted, 4.0), [0.25, 1, 1, np.nan])

    def test_scale_is_the_99th_percentile(self):
        gaps = np.arange(1001.0)
        assert error_scale(gaps, np.zeros(1001)) == pytest.approx(990.0)

    @pytest.mark.parametrize(
        ("label", "predicted", "scale"),
        [
            (np.append(np.zeros(999), 7.0), np.zeros(1000), 7.0),
            (np.array([1.0, 3.0]), np.array([1.0, 3.0]), 1.0),
            (np.array([2.0, 2.0]), np.array([2.0, 2.0]), 1.0),
            (np.array([np.nan]), np.array([2.0]), 1.0),
        ],
        ids=["mostly right", "always right", "constant", "no label"],
    )
    def test_scale_is_never_zero(self, label, predicted, scale):
        assert error_scale(label, predicted) == scale


class TestExpected:
    def test_classes_have_their_own_mean(self):
        label = np.repeat([0.0, 1.0], [900, 100])
        errors = np.concatenate([np.repeat([1.0, 0.0], [90, 810]), np.repeat([1.0, 0.0], [60, 40])])
        learned = learn(errors, label, label)
        # one row of the overall mean (0.15) is mixed into each
        np.testing.assert_allclose(
            expected_by_label(learned, np.array([0.0, 1.0])), [90.15 / 901, 60.15 / 101]
        )

    def test_an_unseen_class_and_a_missing_one_have_the_overall_mean(self):
        learned = learn(np.array([0.0, 1, 1, 1]), np.array([0.0, 0, 1, 1]), np.array([0.0, 0, 1, 1]))
        np.testing.assert_allclose(expected_by_label(learned, np.array([5.0, -1.0, 0.5, np.nan])), 0.75)
        np.testing.assert_array_equal(
            group_of(learned.by_label, np.array([0.0, 1.0, 5.0, np.nan])), [0, 1, 2, 2]
        )

    def test_along_a_score_it_follows_the_calibration(self, reference):
        score = np.linspace(0.01, 0.99, 99)
        np.testing.assert_allclose(
            expected_by_prediction(reference, score), np.minimum(score, 1 - score), atol=0.06
        )

    def test_it_is_cut_where_the_decision_is(self):
        # a model that errs at 10 % below its threshold of 0.63 and at 60 % above it
        random = np.random.default_rng(2)
        score = random.random(20_000)
        predicted = (score > 0.63).astype(float)
        errors = (random.random(20_000) < np.where(predicted == 1, 0.6, 0.1)).astype(float)
        learned = learn(errors, predicted, predicted, score=score)
        np.testing.assert_allclose(
            expected_by_prediction(learned, np.array([0.62, 0.64])), [0.1, 0.6], atol=0.06
        )

    def test_beyond_the_references_range_it_stays(self, reference):
        inside = expected_by_prediction(reference, np.array([0.0, 1.0]))
        np.testing.assert_allclose(
            expected_by_prediction(reference, np.array([-9.0, np.inf])), inside, atol=1e-2
        )

    def test_regression_groups_by_deciles_of_both(self):
        random = np.random.default_rng(3)
        label = random.normal(size=5000)
        prediction = label + random.normal(size=5000) * np.where(label > 0, 0.5, 0.1)
        scale = error_scale(label, prediction)
        errors = row_errors("regression", label, prediction, scale)
        learned = learn(errors, prediction, label, classes=False, scale=scale)
        assert len(learned.by_prediction.edges) == len(learned.by_label.edges) == 10
        low, high = expected_by_label(learned, np.array([-1.0, 1.0]))
        assert high == pytest.approx(5 * low, rel=0.15)

    def test_a_constant_prediction_is_one_group(self):
        learned = learn(np.array([0.2, 0.4]), np.ones(2), np.arange(2.0), classes=False)
        np.testing.assert_allclose(expected_by_prediction(learned, np.array([1.0, 3.0])), 0.3)

    def test_scores_that_are_all_missing_leave_the_overall_mean(self):
        learned = learn(
            np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0]), score=np.full(2, np.nan)
        )
        np.testing.assert_allclose(expected_by_prediction(learned, np.array([0.3, np.nan])), 0.5)

    @given(
        errors=npst.arrays(float, st.integers(1, 60), elements=UNIT),
        seed=st.integers(0, 99),
        classes=st.booleans(),
    )
    def test_always_in_0_to_1_and_about_right_on_the_reference_itself(self, errors, seed, classes):
        random = np.random.default_rng(seed)
        values = (
            random.integers(0, 4, len(errors)).astype(float) if classes else random.normal(size=len(errors))
        )
        groups = learn_groups(errors, values, classes=classes)
        found = expected(groups, values)
        assert ((found >= 0) & (found <= 1)).all()
        # one row's weight per group
        assert abs((errors - found).sum()) <= len(groups.edges)

    @pytest.mark.parametrize("errors", [[], [1.5], [np.nan], [-0.1]])
    def test_bad_errors_are_refused(self, errors):
        with pytest.raises(ValueError, match=r"all in \[0, 1\]"):
            learn(np.array(errors), np.zeros(len(errors)), np.zeros(len(errors)))


class TestResiduals:
    @given(errors=npst.arrays(float, 20, elements=UNIT), wanted=npst.arrays(float, 20, elements=UNIT))
    def test_range_and_order(self, errors, wanted):
        left = residual(errors, wanted)
        assert (np.abs(left) <= 1).all()
        streamed = rescale(left)
        assert ((streamed >= 0) & (streamed <= 1)).all()
        np.testing.assert_allclose(streamed, (left + 1) / 2)

    @pytest.mark.parametrize(("low", "high"), [(0.3, 0.7), (0.0, 0.2), (0.55, 0.8)])
    def test_other_inputs_leave_the_mean_residual_at_zero(self, reference, low, high):
        errors, _, _, score = scored(4, 20_000, low=low, high=high)
        assert abs(errors.mean() - reference.mean) > 0.05
        assert abs((errors - expected_by_prediction(reference, score)).mean()) < 0.02

    def test_other_class_shares_leave_the_mean_residual_at_zero(self):
        random = np.random.default_rng(5)

        def rows(n, share):
            label = (random.random(n) < share).astype(float)
            return (random.random(n) < np.where(label == 1, 0.5, 0.1)).astype(float), label

        errors, label = rows(8000, 0.5)
        learned = learn(errors, label, label)
        errors, label = rows(20_000, 0.1)
        assert abs((errors - expected_by_label(learned, label)).mean()) < 0.015
        assert errors.mean() < learned.mean - 0.1


class TestWindowTest:
    def test_a_changed_relation_is_found_by_both(self, reference):
        errors, _, label, score = scored(6, 500, flip=0.3)
        for groups, values in ((reference.by_prediction, score), (reference.by_label, label)):
            found = window_test(groups, values, errors)
            assert found.p_value < 1e-6
            assert found.mean == pytest.approx(0.15, abs=0.05)

    def test_other_inputs_are_explained_by_the_prediction_only(self, reference):
        errors, _, label, score = scored(7, 2000, low=0.3, high=0.7)
        assert window_test(reference.by_prediction, score, errors).p_value > 0.01
        assert window_test(reference.by_label, label, errors).p_value < 1e-6

    def test_a_change_for_the_better_is_not_found(self, reference):
        _, _, _, score = scored(8, 500)
        assert window_test(reference.by_prediction, score, np.zeros(500)).p_value > 0.999

    def test_with_a_large_reference_it_is_the_t_test(self):
        random = np.random.default_rng(9)
        errors = np.linspace(0, 1, 200_001)
        groups = learn_groups(errors, np.zeros(200_001), classes=True)
        window = np.clip(random.random(80) * 1.2, 0, 1)
        found = window_test(groups, np.zeros(80), window)
        oracle = stats.ttest_1samp(window, 0.5, alternative="greater")
        assert found.p_value == pytest.approx(oracle.pvalue, rel=0.02)

    def test_a_small_reference_widens_it(self):
        errors, _, label, score = scored(10, 300)
        small = learn(errors, label, label, score=score).by_prediction
        errors, _, label, score = scored(11, 30_000)
        large = learn(errors, label, label, score=score).by_prediction
        narrow = np.full(500, 0.5)
        window = (np.arange(500) % 2).astype(float)
        assert window_test(small, narrow, window).standard_error > (
            1.5 * window_test(large, narrow, window).standard_error
        )

    def test_variance_of_what_was_learned_is_that_of_repeated_references(self):
        random = np.random.default_rng(12)
        at = np.array([0.52, 0.55, 0.9])
        means, variances = [], []
        for _ in range(400):
            score = random.random(1500)
            errors = (random.random(1500) < 0.1 + 0.3 * score).astype(float)
            groups = learn_groups(errors, score, classes=False)
            means.append(expected(groups, at).mean())
            variances.append(learned_variance(groups, at))
        assert np.mean(variances) == pytest.approx(np.var(means), rel=0.25)

    @pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.95])
    @pytest.mark.parametrize("n", [50, 200])
    def test_false_alarms_are_no_more_than_the_level(self, rate, n):
        random = np.random.default_rng(int(1000 * rate) + n)
        levels = np.array([0.05, 0.01, 0.001])
        found = []
        for _ in range(40):
            groups = learn_groups(
                (random.random(1000) < rate).astype(float), random.random(1000), classes=False
            )
            found += [
                window_test(groups, random.random(n), (random.random(n) < rate).astype(float)).p_value
                for _ in range(50)
            ]
        shares = (np.array(found)[:, None] <= levels).mean(axis=0)
        assert (shares <= levels + 3 * np.sqrt(levels / len(found))).all()

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_a_reference_without_variance_is_not_certain(self, value):
        groups = learn_groups(np.full(500, value), np.zeros(500), classes=True)
        same = window_test(groups, np.zeros(20), np.full(20, value))
        assert same.p_value == pytest.approx(0.5)
        assert same.standard_error > 0
        one_error = window_test(groups, np.zeros(20), np.append(np.full(19, 0.0), 1.0))
        assert one_error.p_value > 0.01

    def test_one_row_is_enough_none_is_not(self, reference):
        assert 0 < window_test(reference.by_prediction, np.array([0.4]), np.array([1.0])).p_value < 1
        with pytest.raises(ValueError, match="without labelled rows"):
            window_test(reference.by_prediction, np.empty(0), np.empty(0))

    def test_unseen_classes_count_with_full_uncertainty(self):
        groups = learn_groups(np.tile([0.0, 0, 0, 1], 1000), np.zeros(4000), classes=True)
        window = np.ones(100)
        assert window_test(groups, np.zeros(100), window).p_value < 1e-12
        assert window_test(groups, np.full(100, 7.0), window).p_value > 0.01


class TestOverallTest:
    def test_it_is_the_two_sample_test_with_the_larger_variance(self, reference):
        window = (np.arange(400) % 5 < 2).astype(float)
        found = overall_test(reference, window)
        assert found.mean == pytest.approx(0.4 - reference.mean)
        variance = max(reference.variance, window.var(ddof=1))
        assert found.standard_error == pytest.approx(
            np.sqrt(variance / 400 + reference.variance / reference.rows)
        )
        assert found.p_value == pytest.approx(stats.t.sf(found.mean / found.standard_error, 399))

    def test_other_inputs_move_it(self, reference):
        errors, _, _, _ = scored(13, 2000, low=0.3, high=0.7)
        assert overall_test(reference, errors).p_value < 1e-6

    def test_without_rows_it_is_refused(self, reference):
        with pytest.raises(ValueError, match="without labelled rows"):
            overall_test(reference, np.empty(0))


@given(alpha=st.floats(1e-9, 0.4), n=st.integers(2, 5000))
def test_on_the_line_the_p_value_is_alpha(alpha, n):
    at = line(residuals.ResidualTest(0.1, 0.02, 0.5), n, alpha)
    assert stats.t.sf(at / 0.02, n - 1) == pytest.approx(alpha, rel=1e-6)


class TestBytes:
    def test_round_trip(self, reference):
        again = from_bytes(to_bytes(reference))
        assert to_bytes(again) == to_bytes(reference)
        assert (again.rows, again.mean, again.variance, again.scale) == (
            reference.rows,
            reference.mean,
            reference.variance,
            reference.scale,
        )
        score = np.linspace(-0.1, 1.1, 50)
        np.testing.assert_array_equal(
            expected_by_prediction(again, score), expected_by_prediction(reference, score)
        )
        assert again.by_label.classes
        assert not again.by_prediction.classes

    def test_another_format_is_refused(self, reference, monkeypatch):
        content = to_bytes(reference)
        monkeypatch.setattr(residuals, "FORMAT", 3)
        with pytest.raises(ValueError, match="format 2, not 3; learn it again"):
            from_bytes(content)

    def test_nothing_is_unpickled(self):
        buffer = io.BytesIO()
        np.savez(buffer, format=np.array([{"a": 1}], dtype=object))
        with pytest.raises(ValueError, match="allow_pickle=False"):
            from_bytes(buffer.getvalue())
