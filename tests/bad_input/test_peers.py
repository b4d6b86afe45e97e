"""Inputs on which other tools hide a drift or invent one: the right answer, from files to verdicts."""

import numpy as np
import pandas as pd
import pytest

from tests.bad_input.world import START, write
from tests.harness import Model, Ran, opened, verdict

YAML = """
version: 1
model: peers
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
columns: {timestamp: ts}
window: {length: LENGTH, min_rows: 50}
detectors:
  - {detector: wasserstein, columns: ["*"]}
  - {detector: jensen_shannon, columns: ["*"]}
  - {detector: chi2, columns: ["*"]}
"""
REFERENCE = 20_000
DAYS = 20


def spread(count: int, start: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
    seconds = (np.arange(count) + 0.5) / count * (end - start).total_seconds()
    return pd.Series(start + pd.to_timedelta(seconds, unit="s")).dt.floor("us")


def told(folder, reference: dict, live: dict, *, length: str = "1d", windows: int = 1) -> Ran:
    """Evaluate columns; each is an array, or a function of a random generator and a number of rows."""
    end = START + pd.Timedelta(days=DAYS)
    step = pd.Timedelta(days=1) if length == "1d" else pd.Timedelta(hours=1)
    model = Model(folder, YAML.replace("LENGTH", length), "peers")
    for name, columns, first, last in (
        ("reference", reference, START, end),
        ("live", live, end, end + windows * step),
    ):
        frame = pd.DataFrame(columns)
        write(folder / f"{name}.parquet", frame.assign(ts=spread(len(frame), first, last).to_numpy()))
    ran = model.once((end + windows * step + pd.Timedelta(hours=1)).isoformat())
    assert ran.code in {0, 1}, ran.err
    assert len(ran.last) == windows
    return ran


def normal(seed: int, count: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, count)


def with_outlier(values: np.ndarray) -> np.ndarray:
    return np.append(values[1:], 1e6)


def drifted(ran: Ran, column: str) -> set[str]:
    """The detectors by which a column of the first window is beyond its line."""
    line = ran.lines[0]
    found = [each for each in line["statistics"] if each["column"] == column]
    assert found
    return {each["detector"] for each in found if each["drifted"]}


def value(ran: Ran, column: str, detector: str) -> float:
    return next(
        each["value"]
        for each in ran.lines[0]["statistics"]
        if (each["column"], each["detector"]) == (column, detector)
    )


def problems(ran: Ran) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in ran.lines[0]["problems"]:
        found.setdefault(each["column"], set()).add(each["reason"])
    return found


@pytest.fixture(scope="module")
def numbers(tmp_path_factory) -> Ran:
    """Reference and window of 20,000 rows each, one column per row of the table."""
    n = REFERENCE
    reference = {
        "shifted": normal(1, n),
        "shifted_and_outlier": normal(2, n),
        "outlier": normal(3, n),
        "outlier_before": with_outlier(normal(4, n)),
        "tiny": 1 + 1e-6 * normal(5, n),
        "gone": normal(6, n),
        "fraud": (np.arange(n) % 1000 == 0).astype(int),
        "fraud_flag": np.where(np.arange(n) % 1000 == 0, "yes", "no"),
        "holes": np.where(np.arange(n) % 10 == 0, np.nan, normal(7, n)),
        "still": normal(8, n),
    }
    rare = np.arange(n) % 1000 < 9
    live = {
        "shifted": normal(11, n, 0.5),
        "shifted_and_outlier": with_outlier(normal(12, n, 0.5)),
        "outlier": with_outlier(normal(13, n)),
        "outlier_before": normal(14, n, 0.5),
        "tiny": 1 + 1e-6 * normal(15, n, 10.0),
        "gone": normal(16, n, 1000.0),
        "fraud": rare.astype(int),
        "fraud_flag": np.where(rare, "yes", "no"),
        "holes": np.where(np.arange(n) % 10 == 0, np.nan, normal(17, n)),
        "still": normal(18, n),
    }
    return told(tmp_path_factory.mktemp("numbers"), reference, live)


DISTANCES = {"psi", "ks", "wasserstein", "jensen_shannon"}


@pytest.mark.parametrize("column", ["shifted", "shifted_and_outlier", "outlier_before", "tiny", "gone"])
def test_a_shift_is_found_whatever_the_outliers_and_the_unit(numbers, column):
    assert drifted(numbers, column) >= DISTANCES
    assert column in verdict(numbers.lines[0], "covariate")["columns"]


def test_one_outlier_changes_no_distance_of_a_shift(numbers):
    assert value(numbers, "shifted_and_outlier", "psi") == pytest.approx(
        value(numbers, "shifted", "psi"), rel=0.1
    )
    assert value(numbers, "outlier_before", "wasserstein") == pytest.approx(
        value(numbers, "shifted", "wasserstein"), rel=0.1
    )


def test_ten_standard_deviations_are_ten_in_any_unit(numbers):
    assert value(numbers, "tiny", "wasserstein") == pytest.approx(10, rel=0.05)


def test_one_outlier_is_told_and_no_drift(numbers):
    assert drifted(numbers, "outlier") == set()
    assert problems(numbers)["outlier"] == {"outliers"}
    assert "outlier" not in verdict(numbers.lines[0], "covariate")["columns"]
    assert "outlier" not in verdict(numbers.lines[0], "quality")["columns"]


def test_what_is_beyond_everything_is_an_alarm_with_finite_numbers(numbers):
    assert value(numbers, "gone", "ks") == pytest.approx(1.0)
    assert np.isfinite(value(numbers, "gone", "psi"))
    assert verdict(numbers.lines[0], "covariate")["state"] == "alarm"
    assert verdict(numbers.lines[0], "covariate")["score"] >= 1


@pytest.mark.parametrize("column", ["fraud", "fraud_flag"])
def test_a_rare_flag_that_is_nine_times_as_frequent(numbers, column):
    assert "psi" in drifted(numbers, column)
    assert column in verdict(numbers.lines[0], "covariate")["columns"]


def test_the_same_share_missing_on_both_sides_is_no_drift(numbers):
    assert drifted(numbers, "holes") == set()
    assert value(numbers, "holes", "jensen_shannon") < 0.02


def test_what_stands_still_is_in_no_verdict(numbers):
    assert drifted(numbers, "still") == set()
    assert not {"still", "holes"} & {
        name for each in numbers.lines[0]["verdicts"] for name in each["columns"]
    }


@pytest.fixture(scope="module")
def categories(tmp_path_factory) -> Ran:
    """A window of 5,000 rows: many categories, ids, one new category in a thousand rows, plain noise."""
    rng = np.random.default_rng(21)
    n = 5000

    def columns(count: int, first: int) -> dict:
        return {
            "zip": [f"{code:05d}" for code in rng.integers(0, 3000, count)],
            "token": [f"t{number}" for number in range(first, first + count)],
            "colour": rng.choice(["red", "green", "blue"], count),
            "noise": rng.normal(size=count),
        }

    live = columns(n, REFERENCE)
    live["colour"][::1000] = "ultraviolet"
    return told(tmp_path_factory.mktemp("categories"), columns(REFERENCE, 0), live)


def test_three_thousand_categories_are_no_drift(categories):
    assert drifted(categories, "zip") == set()
    assert opened(categories.lines) == {}


def test_unique_ids_are_recognised_and_not_tested(categories):
    assert problems(categories)["token"] == {"high_cardinality"}
    assert drifted(categories, "token") == set()
    assert {each["reason"] for each in categories.lines[0]["statistics"] if each["column"] == "token"} == {
        "high_cardinality"
    }


def test_one_new_category_in_a_thousand_rows_is_a_notice(categories):
    assert problems(categories)["colour"] == {"unseen_category"}
    assert verdict(categories.lines[0], "covariate")["state"] == "ok"
    assert verdict(categories.lines[0], "quality")["alarm"] is False


def test_noise_is_as_small_as_noise_is(tmp_path):
    """N(0,1) against N(0,1), 1,000 rows each: about (1/n + 1/m) x 9 = 0.018."""
    ran = told(tmp_path, {"x": normal(31, 1000)}, {"x": normal(32, 1000)})
    assert value(ran, "x", "psi") == pytest.approx(0.018, abs=0.015)
    assert opened(ran.lines) == {}


@pytest.fixture(scope="module", params=[50, 100, 200, 1000])
def many(request, tmp_path_factory) -> Ran:
    """A hundred windows without drift, and a reference of 5,000 rows."""
    windows, rows = 100, request.param
    rng = np.random.default_rng(rows)
    shares = rng.dirichlet(np.ones(20) * 5)

    def columns(count: int) -> dict:
        return {
            "number": rng.normal(size=count),
            "category": rng.choice([f"c{number:02d}" for number in range(20)], count, p=shares),
        }

    reference, live = columns(5000), columns(windows * rows)
    return told(tmp_path_factory.mktemp("many"), reference, live, length="1h", windows=windows)


@pytest.mark.parametrize("detector", ["psi", "ks", "chi2", "jensen_shannon", "wasserstein"])
def test_without_drift_few_windows_are_beyond_five_per_cent(many, detector):
    p_values = [
        each["p_value"] for line in many.lines for each in line["statistics"] if each["detector"] == detector
    ]
    assert len(p_values) >= len(many.lines)
    # 5 % and three standard errors
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(many.lines))


def test_without_drift_no_alarm_opens(many):
    assert opened(many.lines) == {}
    beyond = [line for line in many.lines if any(each["drifted"] for each in line["statistics"])]
    assert len(beyond) <= 1
