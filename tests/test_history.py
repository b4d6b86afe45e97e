"""The reference cut into windows: which, with what in them, and what is learned of single statistics."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from monitor import history
from monitor.asked import interval_of
from monitor.build import detector_parameters, open_source, source_parameters
from monitor.calibrating import calibrated, calibrated_kind
from monitor.calibration import Calibrations
from monitor.config.load import load_model
from monitor.plan import Plan
from monitor.types import Kind
from tests.run_model import DAY, START, Memory, days, model

REFERENCE = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("history")


@pytest.fixture(scope="module")
def plan(folder) -> Plan:
    return model(folder, days(0, REFERENCE), Memory())


def past(plan: Plan, folder, rows: pd.DataFrame | None = None, threads: int = 1):
    config = load_model(folder / "model.yaml", sources=source_parameters(), detectors=detector_parameters())
    source = open_source(config.reference.source) if rows is None else Memory(reference=rows)
    return history.read(plan, source, interval_of(config), threads)


def test_every_day_is_a_window_with_its_rows(plan, folder):
    found = past(plan, folder)
    assert [each.window.start for each in found.windows] == [
        START + number * DAY for number in range(REFERENCE)
    ]
    assert {each.profile.rows for each in found.windows} == {300}


def test_the_windows_add_up_to_the_reference(plan, folder):
    found = past(plan, folder)
    cells = sum(each.profile.columns["colour"].cells for each in found.windows)
    whole = plan.reference.columns["colour"][1].counts
    assert sorted(cells.tolist(), reverse=True)[:3] == sorted(whole.categories.tolist(), reverse=True)


def test_threads_and_chunks_change_nothing(plan, folder, monkeypatch):
    whole = past(plan, folder)
    monkeypatch.setattr("monitor.scan.CHUNK_CELLS", 5_000)
    parts = past(plan, folder, threads=2)
    for one, other in zip(whole.windows, parts.windows, strict=True):
        assert one.window == other.window
        for name, column in one.profile.columns.items():
            np.testing.assert_array_equal(column.cells, other.profile.columns[name].cells)


def test_days_with_too_few_rows_are_no_windows(plan, folder):
    rows = days(0, REFERENCE)
    few = rows[rows["ts"].dt.day != 5]
    more = rows[rows["ts"].dt.day == 5][:50]
    found = past(plan, folder, pd.concat([few, more]))
    assert len(found.windows) == REFERENCE - 1


def test_a_last_day_that_is_cut_is_left_out(plan, folder):
    rows = days(0, REFERENCE)
    cut = rows[rows["ts"] < START + (REFERENCE - 1) * DAY + timedelta(hours=9)]
    assert (cut["ts"] >= START + (REFERENCE - 1) * DAY).sum() > 100
    assert len(past(plan, folder, cut).windows) == REFERENCE - 1


def test_labels_are_read_per_window(plan, folder):
    labels = [each.labels for each in past(plan, folder).windows]
    assert all(set(each) == {Kind.LABEL, Kind.PERFORMANCE, Kind.CONCEPT} for each in labels)
    errors = [next(iter(each[Kind.PERFORMANCE].values)) for each in labels]
    assert np.mean(errors) == pytest.approx(plan.errors.mean, abs=0.01)
    assert [each[Kind.PERFORMANCE].rows for each in labels] == [(300.0,)] * REFERENCE


def test_a_statistic_that_varies_more_between_days_has_a_higher_line(plan, folder):
    calm = past(plan, folder).excesses
    rows = days(0, REFERENCE)
    wild = rows.assign(x=rows["x"] + np.sin(rows["ts"].dt.day_of_year))
    assert past(plan, folder, wild).excesses["x", "psi"] > calm.get(("x", "psi"), 0.0) + 0.01


class TestCalibrated:
    def test_every_kind_of_the_model(self, plan, folder):
        found = calibrated(plan, past(plan, folder).windows, {})
        assert set(found.kinds) == {
            Kind.COVARIATE,
            Kind.PREDICTION,
            Kind.QUALITY,
            Kind.LABEL,
            Kind.PERFORMANCE,
            Kind.CONCEPT,
        }
        assert found.why_not == {}

    def test_too_few_windows_say_so(self, plan, folder):
        found = calibrated(plan, past(plan, folder).windows[:9], {})
        assert found.kinds == {}
        assert found.why_not[Kind.COVARIATE] == "9 windows of the reference can be judged, fewer than 10"

    def test_windows_of_an_open_alarm_are_left_out(self, plan, folder):
        windows = past(plan, folder).windows
        opened = [replace(each, open=frozenset({Kind.COVARIATE})) for each in windows[:6]]
        found = calibrated_kind(plan, [*opened, *windows[6:]], Kind.COVARIATE)
        assert len(found.starts) == REFERENCE - 6

    def test_bytes_are_read_as_they_were_written(self, plan, folder):
        found = calibrated(plan, past(plan, folder).windows, {("x", "psi"): 0.02})
        again = Calibrations.from_bytes(found.to_bytes(), plan.panels.layouts)
        assert again.excesses == found.excesses
        assert again.most == found.most
        for kind, each in found.kinds.items():
            other = again.kinds[kind]
            assert (other.columns, other.starts) == (each.columns, each.starts)
            assert other.calibration.guarded == each.calibration.guarded
            assert other.calibration.effective == each.calibration.effective
            np.testing.assert_array_equal(other.calibration.replayed, each.calibration.replayed)
