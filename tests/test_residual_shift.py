"""Predictions of a regression that become too high, too low or less sure, at the same mean error too."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor.types import Kind
from tests import run_model
from tests.run_model import DAY, HOUR, START, Memory, Runs, model, not_replayed, statistic, verdict

REFERENCE_DAYS = 30
LIVE = START + REFERENCE_DAYS * DAY
COLUMNS = "timestamp: ts, id: id, prediction: pred, label: y"
ROWS = 400


def day(number, *, bias=0.0, spread=10.0, heavy=False):
    """Prices, and predictions that are off by a normal error, or by none and then by much."""
    random = np.random.default_rng(number)
    pred = random.normal(1_000, 100, ROWS)
    error = random.normal(bias, spread, ROWS)
    if heavy:
        # the same mean absolute error from fewer, larger errors
        error = np.where(random.random(ROWS) < 0.4, error / 0.4, 0.0)
    offsets = np.sort(random.uniform(0, 86_400, ROWS)).astype(int)
    return pd.DataFrame(
        {
            "ts": pd.Timestamp(START + number * DAY) + pd.to_timedelta(offsets, unit="s"),
            "id": np.arange(ROWS) + number * 100_000,
            "size": random.normal(size=ROWS),
            "pred": pred,
            "y": pred + error,
        }
    )


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    rows = pd.concat([day(number) for number in range(REFERENCE_DAYS)], ignore_index=True)
    more = "task: regression\nalarms: {min_effect: {error: 0.02}}\n"
    return model(tmp_path_factory.mktemp("residuals"), rows, Memory(), columns=COLUMNS, more=more)


def lines_of(plan, **how):
    """Four quiet days, then three of this kind."""
    quiet = [day(REFERENCE_DAYS + number) for number in range(4)]
    live = pd.concat([*quiet, *(day(REFERENCE_DAYS + number, **how) for number in range(4, 7))])
    return Runs(replace(plan, live=Memory(a=live))).run(LIVE + 7 * DAY + HOUR)


def performance(line):
    return verdict(line, Kind.PERFORMANCE)


@pytest.mark.parametrize("replayed", [True, False])
@pytest.mark.parametrize("bias", [-5.0, 5.0])
def test_a_mean_residual_that_moves_either_way_opens_the_alarm(plan, bias, replayed):
    lines = lines_of(plan if replayed else not_replayed(plan), bias=bias)
    assert not any(performance(line).alarm for line in lines[:4])
    assert performance(lines[4]).alarm
    assert statistic(lines[4], "", "residual_mean").drifted
    assert not statistic(lines[4], "", "residual_spread").drifted
    assert not statistic(lines[0], "", "residual_mean").drifted
    assert "mean residual " in performance(lines[4]).reason
    assert f"to {'-' if bias < 0 else ''}" in performance(lines[4]).reason


@pytest.mark.parametrize("replayed", [True, False])
def test_a_spread_that_rises_at_the_same_mean_error_opens_the_alarm(plan, replayed):
    lines = lines_of(plan if replayed else not_replayed(plan), heavy=True)
    mae = [next(each.value for each in line.performance if each.metric == "mae") for line in lines]
    assert abs(np.mean(mae[4:]) - np.mean(mae[:4])) < 1.0
    assert not any(performance(line).alarm for line in lines[:4])
    assert any(performance(line).alarm for line in lines[4:])
    assert any(statistic(line, "", "residual_spread").drifted for line in lines[4:])


def test_smaller_residuals_open_nothing(plan):
    assert not any(performance(line).alarm for line in lines_of(plan, spread=4.0))


def test_a_model_of_classes_has_no_such_statistic(tmp_path):
    plan = model(tmp_path, run_model.days(0, 10), Memory(a=run_model.day(10)))
    line = Runs(plan).run(START + 12 * DAY)[-1]
    assert not any(each.detector.startswith("residual_") for each in line.statistics)
