import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from monitor.stats import performance
from monitor.stats.performance import bad_probabilities, binary, confusion, multiclass, regression
from monitor.types import Reason


def named(found):
    return {each.name: each for each in found}


def values(found):
    return {each.name: each.value for each in found}


def reasons(found):
    return {each.name: each.reason for each in found if each.reason is not None}


def two_classes(seed, n, share=0.3, ties=False):
    random = np.random.default_rng(seed)
    label = random.random(n) < share
    score = 1 / (1 + np.exp(-(random.normal(size=n) + 1.5 * label - 0.7)))
    score = np.round(score, 1) if ties else score
    return label, score > 0.5, score


def several_classes(seed, n, shares, gap=1.5):
    random = np.random.default_rng(seed)
    k = len(shares)
    label = random.choice(k, n, p=shares)
    votes = random.normal(size=(n, k))
    votes[np.arange(n), label] += gap
    probabilities = np.exp(votes) / np.exp(votes).sum(axis=1, keepdims=True)
    return label, probabilities.argmax(axis=1), probabilities, k


class TestBinary:
    @pytest.mark.parametrize("ties", [False, True])
    @pytest.mark.parametrize("n", [40, 5000])
    def test_values_are_scikit_learns(self, n, ties):
        label, predicted, score = two_classes(1, n, ties=ties)
        assert values(binary(label, predicted, score)) == pytest.approx(
            {
                "accuracy": sklearn.accuracy_score(label, predicted),
                "error_rate": sklearn.zero_one_loss(label, predicted),
                "precision": sklearn.precision_score(label, predicted),
                "recall": sklearn.recall_score(label, predicted),
                "f1": sklearn.f1_score(label, predicted),
                "roc_auc": sklearn.roc_auc_score(label, score),
                "log_loss": sklearn.log_loss(label, score),
                "brier": sklearn.brier_score_loss(label, score),
            }
        )

    @given(n=st.integers(1, 60), seed=st.integers(0, 99), share=st.floats(0, 1))
    def test_a_value_or_a_reason_and_the_value_inside_its_interval(self, n, seed, share):
        for each in binary(*two_classes(seed, n, share)):
            assert (each.value is None) is (each.reason is not None)
            if each.lower is not None:
                assert each.lower - 1e-8 <= each.value <= each.upper + 1e-8
                assert each.lower >= 0
            assert all(end is None or math.isfinite(end) for end in (each.value, each.lower, each.upper))

    def test_a_confident_mistake_costs_much_but_not_everything(self):
        loss = named(binary(np.array([True, False]), None, np.array([0.0, 0.0])))["log_loss"]
        assert loss.value == pytest.approx(-math.log(np.finfo(float).eps) / 2, rel=1e-6)

    def test_one_class_only(self):
        only_negative = binary(np.zeros(9, bool), np.zeros(9, bool), np.full(9, 0.2))
        assert reasons(only_negative) == {
            "precision": "undefined",
            "recall": "one_class",
            "f1": "one_class",
            "roc_auc": "one_class",
        }
        assert values(only_negative)["accuracy"] == 1.0
        assert values(only_negative)["brier"] == pytest.approx(0.04)

    def test_nothing_called_positive(self):
        found = binary(np.array([True, False]), np.array([False, False]), None)
        assert reasons(found)["precision"] == "undefined"
        assert (values(found)["recall"], values(found)["f1"]) == (0.0, 0.0)

    @pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan, math.inf])
    def test_a_bad_probability_leaves_the_classes_metrics(self, bad):
        label, predicted, score = two_classes(2, 50)
        good = binary(label, predicted, score)
        score[7] = bad
        found = binary(label, predicted, score)
        assert reasons(found) == dict.fromkeys(("roc_auc", "log_loss", "brier"), "bad_probability")
        assert found[:5] == good[:5]
        assert bad_probabilities(score) == 1

    def test_no_probability_and_no_prediction_are_told(self):
        label, predicted, score = two_classes(3, 50)
        assert set(reasons(binary(label, predicted, None)).values()) == {"no_probability"}
        assert set(reasons(binary(label, None, score)).values()) == {"no_prediction"}
        assert values(binary(label, None, score))["roc_auc"] is not None

    def test_no_rows(self):
        found = binary(np.zeros(0, bool), np.zeros(0, bool), np.zeros(0))
        assert len(found) == 8
        assert set(reasons(found).values()) == {"no_labels"}

    def test_one_row_has_values_without_an_interval_of_means(self):
        found = named(binary(np.array([True]), np.array([True]), np.array([0.9])))
        assert found["log_loss"].value == pytest.approx(-math.log(0.9))
        assert found["log_loss"].lower is None
        assert found["accuracy"].lower == pytest.approx(0.025)

    def test_intervals_shrink_with_rows(self):
        def width(n):
            return [each.upper - each.lower for each in binary(*two_classes(4, n))]

        assert all(large < small / 5 for small, large in zip(width(200), width(20_000), strict=True))


class TestMulticlass:
    @pytest.mark.parametrize(("n", "shares"), [(300, [0.5, 0.3, 0.2]), (4000, [0.4, 0.3, 0.2, 0.05, 0.05])])
    def test_values_are_scikit_learns(self, n, shares):
        label, predicted, probabilities, k = several_classes(5, n, shares)
        one_hot = np.eye(k)[label]
        assert values(multiclass(label, predicted, probabilities, k)) == pytest.approx(
            {
                "accuracy": sklearn.accuracy_score(label, predicted),
                "error_rate": sklearn.zero_one_loss(label, predicted),
                "precision": sklearn.precision_score(label, predicted, average="macro"),
                "recall": sklearn.recall_score(label, predicted, average="macro"),
                "f1": sklearn.f1_score(label, predicted, average="macro"),
                "roc_auc": sklearn.roc_auc_score(label, probabilities, multi_class="ovr", average="macro"),
                "log_loss": sklearn.log_loss(label, probabilities, labels=np.arange(k)),
                "brier": ((probabilities - one_hot) ** 2).sum(axis=1).mean(),
            }
        )

    @given(label=st.lists(st.integers(0, 4), min_size=1, max_size=30), seed=st.integers(0, 20))
    def test_macro_averages_are_scikit_learns_where_classes_lack(self, label, seed):
        predicted = np.random.default_rng(seed).integers(0, 5, len(label))
        found = values(multiclass(np.array(label), predicted, None, 6))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in ("precision", "recall", "f1"):
                oracle = getattr(sklearn, f"{name}_score")(label, predicted, average="macro", zero_division=0)
                assert found[name] == pytest.approx(oracle)

    def test_two_classes_have_the_area_of_binary(self):
        label, predicted, score = two_classes(6, 500)
        two = multiclass(label.astype(int), predicted.astype(int), np.stack([1 - score, score], axis=1), 2)
        one = named(binary(label, predicted, score))["roc_auc"]
        assert named(two)["roc_auc"].value == pytest.approx(one.value)
        assert named(two)["roc_auc"].lower == pytest.approx(one.lower)

    def test_the_area_is_over_the_classes_that_have_labels(self):
        label, predicted, probabilities, k = several_classes(7, 400, [0.5, 0.5, 0.0])
        found = named(multiclass(label, predicted, probabilities, k))["roc_auc"]
        parts = [sklearn.roc_auc_score(label == c, probabilities[:, c]) for c in (0, 1)]
        assert found.value == pytest.approx(np.mean(parts))

    def test_one_class_has_no_area(self):
        found = multiclass(np.zeros(5, int), np.zeros(5, int), np.tile([0.8, 0.2], (5, 1)), 2)
        assert reasons(found) == {"roc_auc": "one_class"}

    def test_probabilities_that_do_not_sum_to_one_are_bad(self):
        label, predicted, probabilities, k = several_classes(8, 60, [0.5, 0.3, 0.2])
        rounded = multiclass(label, predicted, np.round(probabilities, 2), k)
        assert reasons(rounded) == {}
        probabilities[:3] *= 0.5
        assert bad_probabilities(probabilities) == 3
        assert reasons(multiclass(label, predicted, probabilities, k)) == dict.fromkeys(
            ("roc_auc", "log_loss", "brier"), "bad_probability"
        )

    def test_nothing_there_is_told(self):
        label, predicted, _, k = several_classes(9, 20, [0.5, 0.5])
        assert set(reasons(multiclass(label, predicted, None, k)).values()) == {"no_probability"}
        assert "no_prediction" in reasons(multiclass(label, None, None, k)).values()
        empty = np.zeros(0, int)
        assert set(reasons(multiclass(empty, empty, None, k)).values()) == {"no_labels"}

    @pytest.mark.parametrize("codes", [[0, 3], [-1, 0]])
    def test_codes_outside_of_the_classes_are_refused(self, codes):
        with pytest.raises(ValueError, match="but there are 3 classes"):
            multiclass(np.array(codes), np.zeros(2, int), None, 3)
        with pytest.raises(ValueError, match="but there are 3 classes"):
            multiclass(np.zeros(2, int), np.array(codes), None, 3)

    def test_confusion_counts_rows_by_label_and_prediction(self):
        found = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
        np.testing.assert_array_equal(found, [[1, 1, 0], [0, 1, 0], [1, 0, 0]])


class TestRegression:
    @given(label=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), shift=st.floats(-1e3, 1e3))
    def test_values_are_scikit_learns(self, label, shift):
        label = np.array(label)
        predicted = label * 0.9 + shift
        found = values(regression(label, predicted))
        assert found["mae"] == pytest.approx(sklearn.mean_absolute_error(label, predicted))
        assert found["rmse"] == pytest.approx(sklearn.root_mean_squared_error(label, predicted))
        assert found["bias"] == pytest.approx((predicted - label).mean())

    def test_bias_is_positive_where_predictions_are_too_high(self):
        assert values(regression(np.zeros(3), np.ones(3)))["bias"] == 1.0

    def test_a_perfect_model_has_no_error_and_no_width(self):
        assert [
            (each.value, each.lower, each.upper) for each in regression(np.arange(5.0), np.arange(5.0))
        ] == [(0.0, 0.0, 0.0)] * 3

    @pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
    def test_a_row_that_is_not_finite_is_told(self, bad):
        found = regression(np.array([1.0, 2.0]), np.array([1.0, bad]))
        assert set(reasons(found).values()) == {"undefined"}
        assert len(reasons(found)) == 3

    def test_squares_that_overflow_leave_the_others(self):
        found = regression(np.zeros(2), np.array([1e200, 1e200]))
        assert reasons(found) == {"rmse": "undefined"}

    def test_one_row_and_none(self):
        assert [each.lower for each in regression(np.zeros(1), np.ones(1))] == [None] * 3
        assert set(reasons(regression(np.zeros(0), np.zeros(0))).values()) == {"no_labels"}


def test_every_reason_is_a_token_of_the_interface():
    tokens = {
        performance.NO_LABELS,
        performance.NO_PREDICTION,
        performance.NO_PROBABILITY,
        performance.BAD_PROBABILITY,
        performance.ONE_CLASS,
        performance.UNDEFINED,
    }
    assert tokens <= set(Reason)


def coverage(draw, truth, simulations):
    """The share of intervals by metric that hold the truth."""
    held = {name: [] for name in truth}
    for seed in range(simulations):
        for each in draw(seed):
            if each.lower is not None:
                held[each.name].append(each.lower <= truth[each.name] <= each.upper)
    return {name: np.mean(each) for name, each in held.items()}


class TestCoverage:
    """Nominal 95 %; three standard errors of 300 simulations are 3.8 points."""

    def test_binary(self):
        truth = values(binary(*two_classes(10, 400_000)))
        found = coverage(lambda seed: binary(*two_classes(100 + seed, 150)), truth, 300)
        assert min(found.values()) > 0.91
        assert min(found[name] for name in ("accuracy", "precision", "recall", "f1")) > 0.93

    def test_multiclass(self):
        shares = [0.5, 0.3, 0.2]
        truth = values(multiclass(*several_classes(11, 300_000, shares)))
        found = coverage(lambda seed: multiclass(*several_classes(500 + seed, 250, shares)), truth, 300)
        assert min(found.values()) > 0.91

    def test_regression(self):
        def rows(seed, n):
            random = np.random.default_rng(seed)
            label = random.normal(size=n)
            return label, label + 0.2 + random.normal(size=n)

        truth = {"mae": 0.81363, "rmse": math.sqrt(1.04), "bias": 0.2}
        found = coverage(lambda seed: regression(*rows(seed, 100)), truth, 300)
        assert min(found.values()) > 0.91
