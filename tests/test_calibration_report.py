"""What is told of a replayed reference: lines, seasons, incidents, power, and plainly what there is not."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.build import detector_parameters, learned, resolve, source_parameters
from monitor.calibration_report import Report, document, report
from monitor.config.load import load_model
from monitor.config.schema import ModelConfig
from monitor.fixed_lines import over_budget
from monitor.promises import line_of, promises
from monitor.stats.season import Season
from monitor.types import Kind, iso
from tests.run_model import COLUMNS, DAY, HOUR, START, WINDOW, day, days

DAYS = 24
HOURS, ROWS_AN_HOUR, INCIDENT = 21 * 24, 30, range(300, 306)
YAML = """
version: 1
model: m
reference: {{source: {{kind: files, path: {files}}}}}
live: {{source: {{kind: files, path: {files}}}}}
columns: {{{columns}}}
window: {{{window}}}
{more}
"""


def model(
    folder: Path,
    more: str = "",
    columns: str = COLUMNS,
    window: str = WINDOW,
    files: str = "reference.parquet",
) -> ModelConfig:
    path = folder / "m.yaml"
    text = YAML.format(columns=columns, window=window, more=more, files=f'"{files}"')
    path.write_text(text, encoding="utf-8")
    return load_model(path, sources=source_parameters(), detectors=detector_parameters())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("calibration")
    days(0, DAYS).to_parquet(found / "reference.parquet", index=False)
    return found


@pytest.fixture(scope="module")
def model_and_report(folder):
    plan, history = learned(model(folder), 1)
    return plan, history, report(plan, history)


@pytest.fixture
def found(model_and_report) -> Report:
    return model_and_report[2]


def of(found: Report, kind: Kind):
    return next(each for each in found.kinds if each.promise.kind is kind)


def test_what_is_learned_is_what_a_run_resolves(folder, model_and_report):
    resolved = resolve(model(folder), {}, 1).plan
    assert promises(model_and_report[0]) == promises(resolved)
    assert model_and_report[0].reference.fingerprint == resolved.reference.fingerprint


def test_every_kind_of_the_budget_has_its_promise_and_line(model_and_report):
    plan, _, found = model_and_report
    assert [each.promise for each in found.kinds] == list(promises(plan))
    for each in found.kinds:
        kind = each.promise.kind
        assert each.replayed is not None
        assert each.replayed.score == line_of(plan, kind, plan.calibrated(kind))
        assert each.replayed.days == plan.budgets[kind]
        assert (each.replayed.windows, each.replayed.folds) == (DAYS, 1)
        assert each.promise.provisional


def test_seasons_count_the_columns_of_the_kind(found):
    seasons = of(found, Kind.COVARIATE).replayed.seasons
    assert list(seasons) == list(Season)
    assert sum(seasons.values()) == len(["x", "colour"])


def test_power_is_told_of_one_column_and_of_all(found):
    power = of(found, Kind.COVARIATE).replayed.power
    assert (power.one.name, power.one.columns, power.one.unit) == ("x", 1, "sd")
    assert (power.every.columns, power.every.unit) == (2, "sd")
    assert of(found, Kind.QUALITY).replayed.power.one.unit == "share"
    errors = of(found, Kind.CONCEPT).replayed.power
    assert (errors.one.name, errors.one.unit, errors.every) == ("", "error", None)


def test_lines_are_those_of_a_usual_window(model_and_report):
    plan, history, found = model_and_report
    assert {(each.column, each.detector) for each in found.lines} == {
        ("x", "psi"), ("x", "ks"), ("colour", "psi"), ("pred", "psi"), ("proba", "psi"), ("proba", "ks"),
    }  # fmt: skip
    for test in plan.tests:
        for each in found.lines:
            if (each.column, each.detector) == (test.column.name, test.detector.token):
                live, known = history.typical.columns[each.column], plan.panels.references[each.column]
                null = test.detector.null(known, live)
                assert each.two_sample == null.isf(plan.level_of(test.kind))
                assert each.value == each.two_sample + plan.excess_of(test)


def test_the_object_is_strict_json_with_the_documented_keys(found):
    told = json.loads(json.dumps(document(found), allow_nan=False))
    assert list(told) == ["model", "windows", "min_effect", "kinds", "lines"]
    assert told["windows"] == {
        "count": DAYS, "days": 1.0, "rows": 300, "start": iso(START), "end": iso(START + DAYS * DAY),
    }  # fmt: skip
    assert all(each["calibrated"] for each in told["kinds"])
    covariate = told["kinds"][0]
    assert covariate["threshold"]["windows"] == covariate["threshold"]["days"]
    assert list(covariate["power"]["one"]["within"]) == ["1", "24", "168"]
    page = (Path(__file__).parent.parent / "docs" / "calibrate.md").read_text(encoding="utf-8")
    missing = [
        key for key in (*told, *told["windows"], *covariate, *told["lines"][0]) if f"`{key}" not in page
    ]
    assert missing == []


@pytest.fixture(scope="module")
def hourly(tmp_path_factory):
    """Three weeks of hours; `a` follows the hour, and for six hours both columns are far off."""
    folder = tmp_path_factory.mktemp("hourly")
    rng = np.random.default_rng(4)
    hour = np.repeat(np.arange(HOURS), ROWS_AN_HOUR)
    odd = 4.0 * np.isin(hour, INCIDENT)
    frame = pd.DataFrame(
        {
            "ts": pd.Timestamp(START) + pd.to_timedelta(hour, unit="h"),
            "a": rng.normal(np.sin(2 * np.pi * hour / 24), 1) + odd,
            "b": rng.normal(size=len(hour)) - odd,
        }
    )
    frame.to_parquet(folder / "reference.parquet", index=False)
    more = """
detectors:
  - {detector: psi, columns: [b], threshold: 9}
  - {detector: wasserstein, columns: ["*"], threshold: 1.5}
  - {detector: ks, columns: ["*"], threshold: 0.001}
  - {detector: ks, columns: [b], threshold: 0.5}
"""
    config = model(folder, more, "timestamp: ts", "length: 1h, lateness: 1h, min_rows: 20")
    return config, *learned(config, 1)


def test_an_incident_of_the_reference_is_dated_and_its_columns_are_named(hourly):
    _, plan, history = hourly
    replayed = of(report(plan, history), Kind.COVARIATE).replayed
    assert replayed.seasons[Season.HOUR] == 1
    incident = max(replayed.incidents, key=lambda each: each.days)
    planted = START + INCIDENT[0] * HOUR
    assert planted - 24 * HOUR <= incident.first.start <= planted  # one alarm's distance is one incident
    assert incident.windows >= len(INCIDENT)
    assert incident.days >= plan.budgets[Kind.COVARIATE]
    assert incident.columns == ("a",)  # b has fixed lines only
    told = document(report(plan, history))["kinds"][0]["incidents"]
    assert iso(incident.first.start) in {each["start"] for each in told}


def test_a_fixed_line_that_the_reference_reaches_too_often_is_told(hourly):
    config, plan, history = hourly
    both, always, often = over_budget(config, plan, history)
    assert (both.entry, both.detector, both.columns) == (1, "wasserstein", ("a", "b"))
    assert (always.entry, always.columns, always.reached) == (2, ("a",), HOURS)
    assert always.alarms == 30
    assert (often.entry, often.columns, often.line) == (3, ("b",), 0.5)
    assert often.reached in range(len(INCIDENT), len(INCIDENT) + 3)
    assert often.alarms == pytest.approx(30 / 21)
    assert str(often) == (
        f"ks of 'b' reaches 0.5 in {often.reached} of {HOURS} windows of the reference: about 1.4 alarms "
        "per 30 days, the budget of covariate is 0.75"
    )
    assert str(both).startswith("wasserstein of 'a' or of 1 more column reaches 1.5 in ")


def test_lines_are_measured_only_where_they_are_fixed_and_asked_for(folder, hourly):
    _, plan, history = hourly
    assert set(history.fixed) == {
        ("b", "psi"), ("a", "ks"), ("b", "ks"), ("a", "wasserstein"), ("b", "wasserstein"),
    }  # fmt: skip
    assert {len(values) for values in history.fixed.values()} == {HOURS}
    assert learned(model(folder), 1)[1].fixed == {}
    assert plan.tests_of(Kind.COVARIATE) == len([("a", "psi")])


def test_too_few_windows_are_told_and_nothing_is_made_up(tmp_path):
    days(0, 6).to_parquet(tmp_path / "reference.parquet", index=False)
    found = report(*learned(model(tmp_path), 1))
    assert all(each.replayed is None for each in found.kinds)
    assert of(found, Kind.COVARIATE).promise.reason.startswith(
        "6 windows of the reference can be judged, fewer than 10: judged as if rows were independent"
    )
    told = document(found)["kinds"][0]
    assert (told["calibrated"], told["threshold"], told["power"]) == (False, None, None)
    assert {each.two_sample for each in found.lines} == {each.value for each in found.lines}


def test_without_time_files_are_windows_and_no_days_are_promised(tmp_path):
    for number in range(12):
        day(number).drop(columns="ts").to_parquet(tmp_path / f"{number:02}.parquet", index=False)
    columns = COLUMNS.replace("timestamp: ts, ", "")
    found = report(*learned(model(tmp_path, columns=columns, window="min_rows: 100", files="*.parquet"), 1))
    covariate = of(found, Kind.COVARIATE)
    assert (covariate.promise.budget_per_30d, found.window_days) == (None, None)
    told = document(found)
    assert (told["windows"]["start"], told["windows"]["end"]) == ("00.parquet", "11.parquet")
    threshold = told["kinds"][0]["threshold"]
    assert threshold["days"] is None
    assert threshold["windows"] == pytest.approx(covariate.replayed.days)
