"""However often and whenever driftd is called, the last line of each window is the same."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.harness import Line, Model, Ran, driftd, opened, verdict

START = pd.Timestamp("2024-01-01", tz="UTC")
REFERENCE_WINDOWS, LIVE_WINDOWS, ROWS = 40, 24, 150
EMPTY = {5, 6, 13}
DRIFT = range(10, 16)
UNTIL = "2024-02-20T00:00Z"

YAML = """
version: 1
model: replayed
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
ground_truth: {source: {kind: files, path: labels.parquet}, id: id, label: y, timestamp: known, horizon: 2d}
columns: {timestamp: ts, id: id, prediction: y_pred, probability: y_proba, label: y}
window: {length: 6h, lateness: 1h, min_rows: 100}
"""


def rows(window: int, *, moved: bool) -> pd.DataFrame:
    rng = np.random.default_rng(window)
    x = rng.normal(2.0 if moved else 0.0, 1, ROWS)
    probability = 1 / (1 + np.exp(-x))
    start = START + pd.Timedelta(hours=6 * window)
    return pd.DataFrame(
        {
            "ts": start + pd.to_timedelta(np.sort(rng.uniform(0, 6 * 3600, ROWS)), unit="s"),
            "id": window * ROWS + np.arange(ROWS),
            "x": x,
            "colour": rng.choice(["red", "green"], ROWS),
            "y_proba": probability,
            "y_pred": (probability > 0.5).astype(int),
            "y": (rng.random(ROWS) < (0.5 if moved else probability)).astype(int),
        }
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    folder: Path = tmp_path_factory.mktemp("replay")
    reference = pd.concat([rows(number, moved=False) for number in range(REFERENCE_WINDOWS)])
    live = pd.concat(
        [
            rows(REFERENCE_WINDOWS + number, moved=number in DRIFT)
            for number in range(LIVE_WINDOWS)
            if number not in EMPTY
        ]
    )
    rng = np.random.default_rng(7)
    delay = pd.to_timedelta(rng.exponential(14, len(live)), unit="h")
    labels = pd.DataFrame({"id": live["id"], "y": live["y"], "known": live["ts"] + delay})
    labels = labels[rng.random(len(labels)) < 0.97].sample(frac=1, random_state=1)
    return Model(folder, YAML).write(reference=reference, live=live.drop(columns="y"), labels=labels)


def without_clock(lines: dict[str, Line]) -> dict[str, Line]:
    return {start: {**line, "seconds": None} for start, line in lines.items()}


@pytest.fixture(scope="module")
def ran(model) -> Ran:
    found = model.once(UNTIL)
    assert found.code == 1, found.err
    return found


@pytest.fixture(scope="module")
def at_once(ran) -> dict[str, Line]:
    return without_clock(ran.last)


def test_the_drift_is_found_and_ends(at_once):
    alarms = opened(list(at_once.values()))
    assert {"covariate", "prediction", "concept", "performance"} <= alarms.keys()
    assert alarms["covariate"] == f"{START + pd.Timedelta(hours=6 * (40 + DRIFT[0])):%Y-%m-%dT%H:%M:%SZ}"
    assert not any(each["alarm"] for each in list(at_once.values())[-1]["verdicts"])


def test_every_window_has_a_last_line_and_is_final(at_once):
    assert len(at_once) == LIVE_WINDOWS
    assert all(line["final"] for line in at_once.values())
    assert [number for number, line in enumerate(at_once.values()) if line["rows"] == 0] == sorted(EMPTY)


@pytest.mark.parametrize("step_hours", [7, 29])
def test_many_calls_give_the_lines_of_one(model, at_once, tmp_path, step_hours):
    state = f"sqlite:///{tmp_path}/steps.db"
    last: dict[str, Line] = {}
    until = datetime.fromisoformat("2024-01-11T00:00+00:00")
    while until < datetime.fromisoformat("2024-02-20T00:00+00:00"):
        ran = driftd("once", model.path, "--state", state, "--json", "--until", until.isoformat())
        assert ran.code in {0, 1}, ran.err
        last |= ran.last
        until += timedelta(hours=step_hours)
        if until.day > 20:
            step_hours = 24 * 15  # the windows are over; a last call makes all final
    assert without_clock(dict(sorted(last.items()))) == dict(sorted(at_once.items()))


def test_a_second_call_prints_nothing_and_still_tells_of_open_alarms(model, at_once, tmp_path):
    state = f"sqlite:///{tmp_path}/again.db"
    arguments = ["once", model.path, "--state", state, "--json", "--until", "2024-01-14T00:00Z"]
    first, again = driftd(*arguments), driftd(*arguments)
    assert first.code == again.code == 1
    assert again.lines == []


def test_backfill_prints_the_same_lines_and_moves_no_watermark(model, at_once, tmp_path):
    state = f"sqlite:///{tmp_path}/backfill.db"
    ran = driftd(
        "backfill",
        model.path,
        "--state",
        state,
        "--json",
        "--from",
        "2024-01-11T00:00Z",
        "--to",
        "2024-01-17T00:00Z",
    )
    assert ran.code == 1, ran.err
    assert without_clock(ran.last) == at_once
    once = driftd("once", model.path, "--state", state, "--json", "--until", UNTIL)
    assert without_clock(once.last) == at_once


def test_labels_change_only_the_kinds_that_read_them(ran):
    first = {line["window"]["start"]: line for line in ran.lines if not line["restated"]}
    for start, line in ran.last.items():
        for kind in ("covariate", "prediction", "quality"):
            assert verdict(line, kind) == verdict(first[start], kind)


def test_a_window_is_printed_again_when_coverage_passes_the_marks_and_when_final(ran):
    printed = [line for line in ran.lines if line["window"]["start"] == "2024-01-11T00:00:00Z"]
    coverage = [line["labelled_rows"] / line["rows"] for line in printed]
    marks = [
        sum(share >= mark for mark in (0.5, 0.8, 0.95)) + line["final"]
        for share, line in zip(coverage, printed, strict=True)
    ]
    assert marks == sorted(set(marks))
    assert printed[-1]["final"]
    assert coverage[0] < 0.5
    assert coverage[-1] > 0.9


def test_a_detector_on_a_column_that_is_not_there_is_refused_with_a_hint(model, tmp_path):
    path = model.folder / "misspelt.yaml"
    path.write_text(YAML + "detectors: [{detector: ks, columns: [xx]}]\n", encoding="utf-8")
    ran = driftd("once", path, "--state", f"sqlite:///{tmp_path}/s.db", "--until", UNTIL)
    assert ran.code == 2
    assert "ks names 'xx', which is no column of the reference; did you mean 'x'?" in ran.err


def test_backfill_from_before_the_data_writes_no_windows_of_nothing(model, at_once, tmp_path):
    state = f"sqlite:///{tmp_path}/early.db"
    arguments = ["backfill", model.path, "--state", state, "--json"]
    ran = driftd(*arguments, "--from", "2023-12-01T00:00Z", "--to", "2024-01-12T00:00Z")
    assert list(ran.last) == list(at_once)[:4]
