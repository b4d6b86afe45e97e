"""Labels beside predictions: metrics in the order of the classes, class shares, counts in bins."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from monitor.outcomes import class_shares, error_tests, judged, label_counts, measured, performance
from monitor.plan import Target
from monitor.stats.bins import CategoricalBins, CategoricalCounts, CategoricalReference
from monitor.streams import BY_CLASS, BY_SCORE, ERROR
from monitor.types import Reason, Task
from tests.run_model import REFERENCE_DAYS, Memory, days, model
from tests.test_streams import window

CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("outcomes"), days(0, REFERENCE_DAYS), Memory())


def values(found):
    return {each.name: each.value for each in found}


RNG = np.random.default_rng(4)
DRAWN = RNG.dirichlet([1, 1, 1], 300)  # in the order a, b, c


class TestMulticlass:
    probabilities = DRAWN.astype(np.float32)
    labels = (RNG.random((300, 1)) > DRAWN.cumsum(axis=1)).sum(axis=1).clip(0, 2).astype(float)
    predictions = DRAWN.argmax(axis=1).astype(float)
    shuffled = Target(Task.MULTICLASS, CLASSES, None, ("c", "a", "b"))

    def test_columns_in_another_order_are_the_same(self):
        expected = log_loss(self.labels, DRAWN)
        own = replace(self.shuffled, probabilities=CLASSES)
        assert values(measured(own, CLASSES, self.labels, self.predictions, self.probabilities))[
            "log_loss"
        ] == pytest.approx(expected, rel=1e-5)
        found = measured(
            self.shuffled, CLASSES, self.labels, self.predictions, self.probabilities[:, [2, 0, 1]]
        )
        assert values(found)["log_loss"] == pytest.approx(expected, rel=1e-5)

    def test_a_class_that_only_other_windows_have_changes_nothing(self):
        scores = self.probabilities[:, [2, 0, 1]]
        own = measured(self.shuffled, CLASSES, self.labels, self.predictions, scores)
        assert measured(self.shuffled, (*CLASSES, "new"), self.labels, self.predictions, scores) == own

    def test_a_label_without_a_probability_leaves_what_needs_them_undefined(self):
        labels = self.labels.copy()
        labels[0] = 3.0
        found = measured(
            self.shuffled, (*CLASSES, "new"), labels, self.predictions, self.probabilities[:, [2, 0, 1]]
        )
        assert {each.reason for each in found if each.value is None} == {"no_probability"}
        assert values(found)["accuracy"] is not None


class TestBinary:
    def test_takes_the_probability_of_the_positive_class(self):
        scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]], np.float32)
        labels = np.array([0.0, 1.0, 1.0, 0.0])
        for positive, area in (("yes", 1.0), ("no", 1.0)):
            target = Target(Task.BINARY, ("no", "yes"), positive, ("no", "yes"))
            assert values(measured(target, ("no", "yes"), labels, labels, scores))["roc_auc"] == area

    def test_rows_without_a_prediction_are_left_out(self):
        target = Target(Task.BINARY, ("no", "yes"), "yes", ())
        predictions = np.array([1.0, np.nan, 0.0])
        found = measured(target, ("no", "yes"), np.ones(3), predictions, np.zeros((3, 0), np.float32))
        assert values(found)["accuracy"] == 0.5


def test_regression_has_its_own_metrics():
    target = Target(Task.REGRESSION, (), None, ())
    found = measured(target, (), np.array([1.0, 2.0]), np.array([2.0, 2.0]), np.zeros((2, 0), np.float32))
    assert values(found)["mae"] == 0.5


def test_performance_stands_beside_that_of_the_reference(plan):
    found = {each.metric: each for each in performance(plan, ("no", "yes"), window())}
    accuracy = found["accuracy"]
    assert accuracy.lower < accuracy.value < accuracy.upper
    assert accuracy.reference == plan.labelled.performance["accuracy"]
    assert accuracy.source == "realised"
    none = performance(plan, ("no", "yes"), replace(window(), labels=np.full(2000, np.nan)))
    assert {each.reason for each in none} == {Reason.NO_LABELS}


def test_errors_are_tested_over_rows_with_label_and_prediction(plan):
    found = window()
    half = replace(found, labels=np.where(np.arange(2000) % 2, found.labels, np.nan))
    assert judged(half).sum() == 1000
    tests = error_tests(plan, half)
    assert set(tests) == {ERROR, BY_SCORE, BY_CLASS}
    error = np.mean(found.labels[1::2] != found.predictions[1::2])
    assert tests[ERROR].mean == pytest.approx(error - plan.labelled.errors.mean)
    assert error_tests(plan, replace(found, labels=np.full(2000, np.nan))) is None


class TestShares:
    def test_are_of_the_known_labels(self, plan):
        found = class_shares(plan, ("no", "yes"), window())
        assert found["observed"]["yes"] == pytest.approx(window().labels.mean())
        assert sum(found["reference"].values()) == pytest.approx(1)

    def test_a_class_of_other_windows_is_not_in_this_one(self, plan):
        assert set(class_shares(plan, ("no", "yes", "new"), window())["observed"]) == {"no", "yes"}

    def test_without_labels_there_is_the_reference_alone(self, plan):
        none = replace(window(), labels=np.full(2000, np.nan))
        assert set(class_shares(plan, ("no", "yes"), none)) == {"reference"}


def test_label_counts_are_by_category_rare_ones_pooled_and_new_ones_unseen():
    bins = CategoricalBins(("b", "a"), frozenset({"c"}))
    reference = CategoricalReference(bins, CategoricalCounts(np.array([5, 4]), other=1))
    labels = np.array([0.0, 0.0, 1.0, 2.0, 3.0, np.nan])
    found = label_counts(reference, ("a", "b", "c", "new"), labels)
    assert found.categories.tolist() == [1, 2]
    assert (found.other, found.unseen, found.missing) == (1, 1, 0)
    assert found.unseen_names == {"new": 1}
