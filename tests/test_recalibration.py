"""A calibration of its own for each window, where the model file asks for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor.calibration_rows import CalibrationRows
from monitor.errors import StoreError
from monitor.estimating import estimate
from monitor.recalibration import FEWEST_EFFECTIVE
from monitor.rows import Classes
from monitor.scan import scan
from monitor.types import PerformanceMetric, Reason, Window
from tests.run_model import COLUMNS, DAY, LIVE, Memory, day, model

ROWS = 2_000
WINDOW = Window(LIVE, LIVE + DAY)
WEIGHTED = "estimate: {weighting: importance}\n"


def towns(number: int, old: float, rows: int = ROWS) -> pd.DataFrame:
    """A day whose model is blind in the old town, whose share is `old`: labels there are a coin's."""
    rng = np.random.default_rng(number)
    frame = day(number, rows, town=np.where(rng.random(rows) < old, "old", "new"))
    coin = np.where(rng.random(rows) < 0.5, "yes", "no")
    return frame.assign(y=np.where(frame["town"] == "old", coin, frame["y"]))


def live(number: int, old: float) -> pd.DataFrame:
    return towns(number, old).assign(ts=day(10, ROWS)["ts"])


@pytest.fixture(scope="module")
def reference():
    return pd.concat([towns(number, 0.3) for number in range(10)], ignore_index=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, reference):
    return model(tmp_path_factory.mktemp("plain"), reference, Memory())


@pytest.fixture(scope="module")
def weighted(tmp_path_factory, reference):
    return model(tmp_path_factory.mktemp("weighted"), reference, Memory(), more=WEIGHTED)


def estimated(plan, rows: pd.DataFrame, moved=("town",)) -> PerformanceMetric:
    plan = replace(plan, live=Memory(a=rows.drop(columns="y")))
    data = scan(plan, (WINDOW,), ["a"], Classes(plan.target.classes), 1).windows[0]
    return next(each for each in estimate(plan, data, (), moved).performance if each.metric == "accuracy")


def accuracy(rows: pd.DataFrame) -> float:
    return float((rows["y"] == rows["pred"]).mean())


def test_it_reckons_with_inputs_where_the_model_is_worse(plain, weighted):
    days = [live(number, old=0.9) for number in range(20, 24)]
    away = {
        name: np.mean([abs(estimated(plan, rows).value - accuracy(rows)) for rows in days])
        for name, plan in (("plain", plain), ("weighted", weighted))
    }
    assert away["plain"] > 0.1
    assert away["weighted"] < 0.04


def test_fewer_effective_rows_make_wider_intervals_that_hold(weighted):
    widths, held = [], []
    for old in (0.3, 0.999):
        found = [
            (estimated(weighted, rows), accuracy(rows)) for rows in (live(n, old) for n in range(30, 36))
        ]
        widths.append(np.mean([each.upper - each.lower for each, _ in found]))
        held += [each.lower <= truth <= each.upper for each, truth in found]
    assert widths[0] < widths[1]
    assert sum(held) >= 10


def test_where_nothing_moved_it_says_what_is_said_without(plain, weighted):
    rows = live(40, old=0.3)
    assert estimated(weighted, rows).value == pytest.approx(estimated(plain, rows).value, abs=0.01)
    assert estimated(weighted, rows).reason is None


def test_class_shares_that_explain_a_window_are_not_weighted_as_well(plain, weighted):
    rows = pd.concat([live(number, old=0.3) for number in range(50, 54)])
    moved = pd.concat([rows[rows["y"] == "yes"][:1_700], rows[rows["y"] == "no"][:300]])
    moved = moved.assign(ts=day(10, ROWS)["ts"].to_numpy())
    assert estimated(weighted, moved, moved=()) == estimated(plain, moved, moved=())


def test_a_window_that_the_reference_does_not_know_is_not_weighted_and_says_so(plain, weighted):
    rows, kept = live(60, old=0.3).assign(x=9.0), weighted.calibration_rows
    few = np.arange(2_000)
    part = CalibrationRows(kept.features.take(few), kept.probabilities[few], kept.labels[few])
    found = estimated(replace(weighted, calibration_rows=part), rows)
    assert found.reason is Reason.NOT_WEIGHTED
    assert found.value == estimated(plain, rows).value


def test_few_rows_in_the_window_are_not_weighted_and_say_so(weighted):
    plan = replace(weighted, min_rows=20)
    assert estimated(plan, live(70, old=0.3)[:40]).reason is Reason.NOT_WEIGHTED


def test_rows_are_kept_exactly_and_damage_is_told(weighted):
    kept = weighted.calibration_rows
    assert len(kept.labels) > FEWEST_EFFECTIVE
    content = kept.to_bytes()
    again = replace(weighted, calibration_rows=CalibrationRows.from_bytes(content))
    rows = live(80, old=0.9)
    assert estimated(again, rows) == estimated(weighted, rows)
    with pytest.raises(StoreError):
        CalibrationRows.from_bytes(content[:-40])


def test_nothing_is_kept_unless_it_is_asked_for(plain):
    assert plain.calibration_rows is None


def test_private_columns_and_classes_are_kept_by_no_name(tmp_path, reference):
    columns = COLUMNS + ", features: {private: [town, y, pred]}"
    plan = model(tmp_path, reference, Memory(), columns=columns, more=WEIGHTED)
    kept = plan.calibration_rows
    assert set(kept.features.texts) == {"colour"}
    assert kept.labels.mean() == pytest.approx((reference["y"] == "yes").mean(), abs=0.02)


def test_a_model_without_features_is_estimated_without_weights(tmp_path, reference):
    frame = reference[["ts", "id", "pred", "proba", "y"]]
    plan = model(tmp_path, frame, Memory(), more=WEIGHTED)
    assert plan.calibration_rows is None
    assert estimated(plan, live(90, old=0.3)).reason is None
