"""The error of a regression before its labels are there."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor.errors import StoreError
from monitor.estimating import estimate
from monitor.losses import LossEstimator
from monitor.rows import Classes
from monitor.scan import scan
from monitor.types import Reason, Window
from tests.run_model import DAY, LIVE, START, Memory, Runs, model

ROWS = 1_500
COLUMNS = "timestamp: ts, id: id, prediction: pred, label: y"
WINDOW = Window(LIVE, LIVE + DAY)


def day(number: int, rows: int = ROWS, hard: float = 0.3) -> pd.DataFrame:
    """Prices of flats; in the old town, whose share is `hard`, the model errs three times as much."""
    rng = np.random.default_rng(number)
    old = rng.random(rows) < hard
    size = rng.gamma(4, 20, rows)
    predicted = 1000 * size
    noise = rng.normal(0, np.where(old, 15_000, 5_000))
    offsets = np.sort(rng.uniform(0, 86_400, rows)).astype(int)
    return pd.DataFrame(
        {
            "ts": pd.Timestamp(START + number * DAY) + pd.to_timedelta(offsets, unit="s"),
            "id": np.arange(rows) + number * 100_000,
            "size": size,
            "town": np.where(old, "old", "new"),
            "pred": predicted,
            "y": predicted + noise,
        }
    )


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    reference = pd.concat([day(number) for number in range(10)], ignore_index=True)
    folder = tmp_path_factory.mktemp("losses")
    return model(folder, reference, Memory(), columns=COLUMNS, more="task: regression\n")


def estimated(plan, rows: pd.DataFrame):
    plan = replace(plan, live=Memory(a=rows))
    data = scan(plan, (WINDOW,), ["a"], Classes(()), 1).windows[0]
    return {each.metric: each for each in estimate(plan, data, (), ()).performance}


def realised(rows: pd.DataFrame) -> dict[str, float]:
    gaps = rows["pred"] - rows["y"]
    return {"mae": gaps.abs().mean(), "rmse": (gaps**2).mean() ** 0.5, "bias": gaps.mean()}


@pytest.mark.parametrize("hard", [0.05, 0.3, 0.8])
def test_the_intervals_hold_what_labels_then_tell(plan, hard):
    held = []
    for number in range(100, 112):
        rows = day(number, hard=hard).assign(ts=day(10)["ts"])
        found, truth = estimated(plan, rows.drop(columns="y")), realised(rows)
        held += [found[name].lower <= truth[name] <= found[name].upper for name in ("mae", "rmse")]
    # the error of what the reference taught is the same in all windows, so they hold or miss together
    assert np.mean(held) >= 0.7


def test_a_window_of_harder_rows_has_more_error(plan):
    easy, hard = estimated(plan, day(10, hard=0.05)), estimated(plan, day(10, hard=0.9))
    assert hard["mae"].value > 1.8 * easy["mae"].value
    assert easy["mae"].reference == pytest.approx(realised(day(3))["mae"], rel=0.1)
    assert easy["mae"].source == "estimated"


def test_categories_that_the_reference_lacks_and_missing_predictions_do_no_harm(plan):
    rows = day(10)
    rows.loc[:700, "town"] = "moon"
    rows.loc[700:, "pred"] = np.nan
    assert np.isfinite(estimated(plan, rows)["mae"].value)
    nothing = estimated(plan, day(10).assign(pred=np.nan))["mae"]
    assert (nothing.value, nothing.reason) == (None, Reason.NO_PREDICTION)


def test_the_model_is_kept_exactly_and_damage_is_told(plan):
    content = plan.losses.to_bytes()
    again = replace(plan, losses=LossEstimator.from_bytes(content))
    assert estimated(again, day(10)) == estimated(plan, day(10))
    with pytest.raises(StoreError):
        LossEstimator.from_bytes(content[:-40])


def test_private_categories_are_in_no_store(tmp_path):
    reference = pd.concat([day(number) for number in range(10)], ignore_index=True)
    columns = COLUMNS + ", features: {private: [town]}"
    plan = model(tmp_path, reference, Memory(), columns=columns, more="task: regression\n")
    assert plan.losses.categories == {}
    assert estimated(plan, day(10))["mae"].value is not None


def test_the_line_tells_both_and_the_record_compares_them(tmp_path):
    reference = pd.concat([day(number) for number in range(10)], ignore_index=True)
    live = pd.concat([day(number) for number in range(10, 13)], ignore_index=True)
    plan = model(tmp_path, reference, Memory(a=live), columns=COLUMNS, more="task: regression\n")
    runs = Runs(plan)
    runs.run(LIVE + 5 * DAY)
    line = next(iter(runs.ledger.values()))
    assert {each.source for each in line.performance if each.metric == "mae"} == {"estimated", "realised"}
    parts = line.change.inputs + line.change.class_shares + line.change.relation
    assert parts == pytest.approx(line.change.realised - line.change.reference)
    assert all(each.reason is not Reason.OUTSIDE_SUPPORT for each in line.performance)
    assert runs.state.estimates["mae"].windows == 3
    assert runs.state.estimates["mae"].absolute_error / 3 < 0.1 * realised(live)["mae"]
