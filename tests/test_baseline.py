"""What the reference teaches beyond bins: task, classes, errors, where the error streams start."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from monitor.baseline import infer_task, number, positive_class
from monitor.detectors.base import STREAM_DETECTORS
from monitor.errors import BadReferenceError
from monitor.sources.base import Interval
from monitor.streams import BY_CLASS, BY_SCORE, ERROR
from monitor.types import Reason, Task
from tests.run_model import COLUMNS, REFERENCE_DAYS, START, Memory, days, model

REFERENCE = days(0, REFERENCE_DAYS)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("baseline"), REFERENCE, Memory())


class TestTask:
    @pytest.mark.parametrize(
        ("values", "task"),
        [
            ([0, 1] * 5, Task.BINARY),
            ([True, False] * 5, Task.BINARY),
            (["a", "b", None], Task.BINARY),
            (["a", "b", "c"], Task.MULTICLASS),
            ([1, 2, 3], Task.MULTICLASS),
            ([0.5, 1.0], Task.REGRESSION),
            (list(range(51)), Task.REGRESSION),
            ([f"c{n}" for n in range(60)], Task.MULTICLASS),
        ],
    )
    def test_follows_from_the_labels(self, values, task):
        assert infer_task(Memory(a=pd.DataFrame({"y": values})), "y", None) is task

    def test_without_a_label_there_is_none(self):
        assert infer_task(Memory(), None, None) is None

    def test_texts_that_are_numbers_are_numbers(self):
        assert (number("1e3"), number("one")) == (1000.0, None)


class TestPositive:
    @pytest.mark.parametrize(
        ("classes", "positive"),
        [(("0", "1"), "1"), (("2", "10"), "10"), (("false", "true"), "true"), ((), None)],
    )
    def test_is_the_greater_of_two_numbers_or_booleans(self, classes, positive):
        assert positive_class(None, classes) == positive

    def test_is_asked_for_where_classes_are_texts(self):
        with pytest.raises(BadReferenceError, match="which of the classes no, yes is the positive one"):
            positive_class(None, ("no", "yes"))

    def test_must_be_a_class_of_the_reference(self):
        with pytest.raises(BadReferenceError, match=r"'maybe', which is none of .* classes no, yes"):
            positive_class("maybe", ("no", "yes"))

    def test_private_classes_are_not_named(self):
        with pytest.raises(BadReferenceError) as error:
            positive_class(None, ("Zanzibar", "yes"), private=True)
        assert "Zanzibar" not in str(error.value)


class TestLabelled:
    def test_errors_and_performance_are_those_of_the_reference(self, plan):
        wrong = (REFERENCE["y"] != REFERENCE["pred"]).mean()
        assert plan.errors.mean == pytest.approx(wrong)
        assert plan.labelled.performance["accuracy"] == pytest.approx(1 - wrong)
        assert plan.labelled.class_shares == {
            name: pytest.approx((REFERENCE["y"] == name).mean()) for name in ("no", "yes")
        }
        assert (plan.target.task, plan.target.positive) == (Task.BINARY, "yes")

    def test_the_streams_start_after_the_errors_of_the_reference(self, plan):
        stream = plan.labelled.stream
        for name in (ERROR, BY_SCORE, BY_CLASS):
            detector = STREAM_DETECTORS.get("adwin").build(stream.parameters, stream.start[name])
            assert detector.width == len(REFERENCE)
        assert detector.estimate == pytest.approx(0.5, abs=0.01)

    def test_the_order_of_the_reference_is_that_of_time(self, tmp_path):
        rows = REFERENCE.assign(ts=REFERENCE["ts"] + pd.to_timedelta(REFERENCE.index, unit="us"))
        own, mixed = (
            model(tmp_path / name, frame, Memory()).labelled.stream.start[ERROR]
            for name, frame in (("own", rows), ("mixed", rows.sample(frac=1, random_state=2)))
        )
        assert own == mixed

    def test_rows_outside_of_the_bounds_do_not_count(self, tmp_path):
        noisy = pd.concat([REFERENCE, days(50, 5).assign(y="no")])
        bounded = model(tmp_path, noisy, Memory(), more="\ntags: {a: b}")
        assert bounded.errors.rows == len(noisy)
        source = Memory(a=noisy)
        interval = Interval("ts", "UTC", START, datetime(2024, 1, 11, tzinfo=UTC))
        assert infer_task(source, "y", interval) is Task.BINARY

    def test_few_labels_are_told(self, tmp_path):
        rows = REFERENCE.assign(y=REFERENCE["y"].where(REFERENCE.index < 49))
        found = model(tmp_path, rows, Memory())
        assert found.labelled is None
        (problem,) = [each for each in found.problems if each.reason is Reason.NO_REFERENCE_LABELS]
        assert problem.message.startswith("the reference has 49 labels, fewer than 50, so label shift,")

    def test_labels_without_predictions_leave_errors_out(self, tmp_path):
        rows = REFERENCE.assign(pred=REFERENCE["pred"].where(REFERENCE.index < 30))
        found = model(tmp_path, rows, Memory())
        assert found.labelled is not None
        assert found.errors is None
        (problem,) = [each for each in found.problems if each.reason is Reason.NO_PREDICTION]
        assert problem.message.startswith(
            "the reference has 30 rows with label and prediction, fewer than 50"
        )

    def test_probabilities_by_class_are_in_the_order_of_the_file(self, tmp_path):
        rows = REFERENCE.assign(other=1 - REFERENCE["proba"])
        columns = COLUMNS.replace("probability: proba", "probability: {'yes': proba, 'no': other}")
        found = model(tmp_path, rows, Memory(), columns=columns)
        assert found.target.probabilities == ("yes", "no")
        assert found.target.positive_column == 0
        single = model(tmp_path / "single", rows, Memory())
        assert found.labelled.performance["roc_auc"] == pytest.approx(single.labelled.performance["roc_auc"])

    def test_a_regression_has_a_scale_of_its_errors(self, tmp_path):
        rng = np.random.default_rng(1)
        rows = REFERENCE.assign(y=rng.normal(size=len(REFERENCE)) * 10, pred=0.0)
        found = model(tmp_path, rows, Memory(), columns="timestamp: ts, id: id, prediction: pred, label: y")
        assert found.target.task is Task.REGRESSION
        assert found.errors.scale == pytest.approx(np.quantile(np.abs(rows["y"]), 0.99))
        assert found.labelled.class_shares == {}
