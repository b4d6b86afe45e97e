"""Three stories whose truth is known: inputs move, class shares move, or the relation itself does."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.harness import Model, Ran, opened, verdict

ROWS = 2000
REFERENCE_DAYS, QUIET_DAYS, MOVED_DAYS = 30, 4, 4
START = pd.Timestamp("2024-01-01", tz="UTC")
MOVED = f"{START + pd.Timedelta(days=REFERENCE_DAYS + QUIET_DAYS):%Y-%m-%dT00:00:00Z}"
UNTIL = "2024-03-01T00:00Z"

YAML = """
version: 1
model: story
reference: {{source: {{kind: files, path: reference.parquet}}}}
live: {{source: {{kind: files, path: live.parquet}}}}
{truth}
columns:
  timestamp: ts
  id: id
  prediction: y_pred
  probability: y_proba
  label: y
  {positive}
  features: {{{features}}}
window: {{length: 1d, lateness: 1h}}
alarms: {{false_alarms: 1 per 30d}}
"""


def stamps(days: int, first_day: int) -> pd.Series:
    offsets = np.sort(np.random.default_rng(first_day).uniform(0, days * 86400, days * ROWS))
    return pd.Series(START + pd.Timedelta(days=first_day) + pd.to_timedelta(offsets, unit="s")).dt.floor("us")


def timed(frame: pd.DataFrame, first_day: int) -> pd.DataFrame:
    days = len(frame) // ROWS
    ids = np.arange(len(frame)) + first_day * ROWS
    return frame.assign(ts=stamps(days, first_day).to_numpy(), id=ids)


def restaurant(rng: np.random.Generator, rows: int, *, dinner: bool) -> pd.DataFrame:
    """Does the table order dessert? Depends on the order's size, the hour and the dish, always alike."""
    at_dinner = rng.random(rows) < (0.85 if dinner else 0.15)
    size = np.where(at_dinner, rng.normal(38, 10, rows), rng.normal(18, 5, rows))
    hour = np.where(at_dinner, rng.normal(19.5, 1.2, rows), rng.normal(12.5, 0.8, rows))
    dishes = np.where(
        rng.random(rows) < np.where(at_dinner, 0.7, 0.2),
        "steak",
        rng.choice(["soup", "salad", "pasta"], rows),
    )
    score = 0.09 * (size - 38) + 0.3 * (hour - 19.5) + 0.5 * (dishes == "steak")
    probability = 1 / (1 + np.exp(-score))
    return pd.DataFrame(
        {
            "size": size,
            "hour": hour,
            "dish": dishes,
            "waiter": rng.choice(["a", "b", "c"], rows),
            "y_proba": probability,
            "y_pred": (probability > 0.5).astype(int),
            "y": (rng.random(rows) < probability).astype(int),
        }
    )


def fruit(rng: np.random.Generator, rows: int, *, apples: float) -> pd.DataFrame:
    """Apple or orange by weight and colour; apples look alike whatever their share."""
    apple = rng.random(rows) < apples
    weight = np.where(apple, rng.normal(150, 30, rows), rng.normal(190, 18, rows))
    redness = np.where(apple, rng.beta(2.2, 2, rows), rng.beta(2, 4, rows))
    score = 0.06 * (weight - 163) - 2.0 * (redness - 0.4)
    orange_probability = 1 / (1 + np.exp(-score))
    return pd.DataFrame(
        {
            "weight": weight,
            "redness": redness,
            "y_proba": orange_probability,
            "y_pred": np.where(orange_probability > 0.5, "orange", "apple"),
            "y": np.where(apple, "apple", "orange"),
        }
    )


def weather(rng: np.random.Generator, rows: int, *, changed: bool) -> pd.DataFrame:
    """Rain by pressure and wind; later the same pressure means something else."""
    pressure, wind, humidity = rng.normal(size=(3, rows))
    true = 2.2 * pressure + 0.8 * wind
    model = 1 / (1 + np.exp(-true))
    real = 1 / (1 + np.exp(-(0.4 * pressure - 1.2 * wind))) if changed else model
    return pd.DataFrame(
        {
            "pressure": pressure,
            "wind": wind,
            "humidity": humidity,
            "y_proba": model,
            "y_pred": (model > 0.5).astype(int),
            "y": (rng.random(rows) < real).astype(int),
        }
    )


def error(frame: pd.DataFrame) -> float:
    return float((frame["y"] != frame["y_pred"]).mean())


def told(folder: Path, reference: pd.DataFrame, live: pd.DataFrame, yaml: str) -> Ran:
    model = Model(folder, yaml).write(reference=timed(reference, 0), live=timed(live, REFERENCE_DAYS))
    ran = model.once(UNTIL)
    assert ran.code in {0, 1}, ran.err
    return ran


def both(make, quiet: dict, moved: dict, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    return (
        make(rng, REFERENCE_DAYS * ROWS, **quiet),
        make(rng, QUIET_DAYS * ROWS, **quiet),
        make(rng, MOVED_DAYS * ROWS, **moved),
    )


@pytest.fixture(scope="module")
def restaurant_ran(tmp_path_factory):
    reference, quiet, moved = both(restaurant, {"dinner": False}, {"dinner": True}, seed=1)
    assert abs(error(moved) - error(reference)) >= 0.05
    yaml = YAML.format(truth="", positive="", features="numeric: [size, hour], categorical: [dish, waiter]")
    return told(tmp_path_factory.mktemp("restaurant"), reference, pd.concat([quiet, moved]), yaml)


@pytest.fixture(scope="module")
def fruit_ran(tmp_path_factory):
    reference, quiet, moved = both(fruit, {"apples": 0.5}, {"apples": 0.8}, seed=2)
    assert abs(error(moved) - error(reference)) >= 0.05
    truth = (
        "ground_truth: {source: {kind: files, path: labels.parquet}, id: id, label: y, "
        "timestamp: label_ts, horizon: 3d}"
    )
    yaml = YAML.format(truth=truth, positive="positive: orange", features="numeric: [weight, redness]")
    folder = tmp_path_factory.mktemp("fruit")
    live = timed(pd.concat([quiet, moved]), REFERENCE_DAYS)
    labels = live[["id", "y"]].assign(label_ts=live["ts"] + pd.Timedelta(hours=36))
    model = Model(folder, yaml).write(
        reference=timed(reference, 0), live=live.drop(columns="y"), labels=labels
    )
    return model.once(UNTIL)


@pytest.fixture(scope="module")
def weather_ran(tmp_path_factory):
    reference, quiet, moved = both(weather, {"changed": False}, {"changed": True}, seed=3)
    assert error(moved) - error(reference) >= 0.10
    yaml = YAML.format(truth="", positive="", features="numeric: [pressure, wind, humidity]")
    return told(tmp_path_factory.mktemp("weather"), reference, pd.concat([quiet, moved]), yaml)


def test_restaurant_is_a_covariate_shift_with_the_right_columns(restaurant_ran):
    alarms = opened(list(restaurant_ran.last.values()))
    assert alarms["covariate"] == MOVED
    assert set(verdict(restaurant_ran.last[MOVED], "covariate")["columns"]) == {"size", "hour", "dish"}


def test_restaurant_is_no_concept_drift_though_the_error_moved(restaurant_ran):
    assert "concept" not in opened(restaurant_ran.lines)


def test_apples_alarm_as_predictions_and_estimated_labels_before_the_labels_come(fruit_ran):
    first = next(line for line in fruit_ran.lines if line["window"]["start"] == MOVED)
    assert verdict(first, "prediction")["alarm"]
    assert verdict(first, "label")["alarm"]
    assert "estimated from predictions" in verdict(first, "label")["reason"]
    assert verdict(first, "performance")["state"] == "unknown"
    last = fruit_ran.last[MOVED]
    assert verdict(last, "label")["since"] == MOVED
    assert verdict(last, "label")["columns"] == ["y"]


def test_apples_are_no_concept_drift_though_the_error_moved(fruit_ran):
    assert "concept" not in opened(fruit_ran.lines)


def test_weather_is_concept_drift_within_500_labels_and_no_covariate_shift(weather_ran):
    alarms = opened(weather_ran.lines)
    assert alarms["concept"] == MOVED
    assert alarms["performance"] == MOVED
    assert "covariate" not in alarms


@pytest.mark.parametrize("story", ["restaurant_ran", "fruit_ran", "weather_ran"])
def test_quiet_days_before_the_story_are_quiet(story, request):
    last = request.getfixturevalue(story).last
    quiet = [line for start, line in last.items() if start < MOVED]
    assert len(quiet) == QUIET_DAYS
    assert opened(quiet) == {}
