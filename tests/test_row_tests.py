"""Detectors on whole rows: chosen in the model file, measured in each window, calibrated on the reference."""

from dataclasses import replace

import numpy as np
import pytest

from monitor import row_tests
from monitor.errors import BadReferenceError
from monitor.plan import RowTest
from monitor.sample import Sample
from monitor.types import Kind, Reason
from tests.run_model import DAY, Memory, Runs, model, problems, statistic, verdict
from tests.test_diagnosis import COLUMNS, FIRST, REFERENCE_DAYS, days

ONLY = "{defaults: off}, "


def listed(more="", *, only=False):
    return f"detectors: [{ONLY if only else ''}{{detector: domain_classifier{more}}}]"


def plan_of(folder, live, more, rows=None, columns=COLUMNS):
    rows = days(0, REFERENCE_DAYS) if rows is None else rows
    return model(folder, rows, Memory(a=live), columns=columns, more=more)


def line_of(plan):
    return Runs(plan).run(FIRST + 2 * DAY)[0]


def said(line):
    return statistic(line, "", "domain_classifier")


@pytest.fixture(scope="module")
def informing(tmp_path_factory):
    live = days(REFERENCE_DAYS, 1, broken=True)
    return plan_of(tmp_path_factory.mktemp("informing"), live, listed())


def test_where_the_kind_is_calibrated_it_informs_beside_the_columns(informing):
    found = said(line_of(informing))
    assert found.kind is Kind.COVARIATE
    assert found.value > 0.6
    assert found.drifted
    assert 0.5 < found.threshold < found.value
    assert found.p_value < 1e-3
    without = replace(informing, row_tests=())
    decided, before = (verdict(line_of(each), Kind.COVARIATE) for each in (informing, without))
    assert decided == before


def test_clean_windows_are_below_the_line_that_the_reference_taught(informing):
    plan = replace(informing, live=Memory(a=days(REFERENCE_DAYS, 20)))
    found = [said(line) for line in Runs(plan).run(FIRST + 30 * DAY)]
    assert len(found) == 20
    assert sum(each.drifted for each in found) <= 1


def test_a_line_that_the_file_fixes_opens_the_alarm_and_names_its_columns(tmp_path):
    plan = plan_of(tmp_path, days(REFERENCE_DAYS, 1, moved=1.5), listed(", threshold: 0.75", only=True))
    line = line_of(plan)
    found = verdict(line, Kind.COVARIATE)
    assert said(line).threshold == 0.75
    assert found.alarm
    assert found.columns == ("wind",)
    assert "at or above the line that the model file fixes" in found.reason
    assert found.reason.count(row_tests.TELLS) == 1


@pytest.mark.parametrize(("moved", "alarm"), [(1.5, True), (0.0, False)])
def test_alone_it_decides_by_its_own_line(tmp_path, moved, alarm):
    plan = plan_of(tmp_path, days(REFERENCE_DAYS, 1, moved=moved), listed(only=True))
    assert ("", "domain_classifier") in plan.calibrations.excesses
    assert plan.panels.pairs == ()
    found = verdict(line_of(plan), Kind.COVARIATE)
    assert found.alarm is alarm
    assert found.score is not None


def test_the_forest_can_be_chosen(tmp_path):
    plan = plan_of(tmp_path, days(REFERENCE_DAYS, 1, moved=1.5), listed(", variant: forest"))
    assert said(line_of(plan)).value > 0.7


def test_few_rows_and_failures_cost_the_statistic_alone(informing, monkeypatch):
    plan = replace(informing, min_rows=10)
    few = replace(plan, live=Memory(a=days(REFERENCE_DAYS, 1)[:40]))
    assert (said(line_of(few)).value, said(line_of(few)).reason) == (None, Reason.TOO_FEW_ROWS)

    class Failing:
        token = "domain_classifier"
        windows = 10

        def separate(self, reference, live):
            raise OSError(28, "no space")

    line = line_of(replace(plan, row_tests=(RowTest(Failing()),)))
    assert said(line).reason is Reason.DETECTOR_FAILED
    told = problems(line)["detector_failed"]
    assert told.startswith("the detector domain_classifier failed: OSError: [Errno 28] no space")
    assert verdict(line, Kind.COVARIATE).alarm


@pytest.mark.parametrize(
    ("more", "columns", "message"),
    [
        (listed(", columns: [wind]"), COLUMNS, "reads whole rows; leave out columns"),
        (
            listed(),
            f"{COLUMNS}, features: {{ignore: [dry, wet, wind]}}, prediction: place",
            "has none of use",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path, more, columns, message):
    with pytest.raises(BadReferenceError, match=message):
        plan_of(tmp_path, days(REFERENCE_DAYS, 1), more, columns=columns)


def test_rows_of_the_window_are_left_out_of_the_reference_that_it_is_compared_with(informing, monkeypatch):
    seen = []

    class Noted:
        token = "noted"
        windows = 10

        def separate(self, reference, live):
            seen.append((len(reference), len(live)))

    sample = informing.reference_sample()
    own = sample.first(200)
    row_tests.separation(informing, RowTest(Noted()), own)
    monkeypatch.setattr(row_tests, "REFERENCE_ROWS", 10_000)
    row_tests.separation(informing, RowTest(Noted()), own)
    assert seen == [(1_000, 200), (len(sample) - 200, 200)]


def test_a_sample_without_hashes_keeps_its_other_rows():
    numbers = np.arange(4.0, dtype=np.float32)[:, None]
    sample = Sample(9, 5, np.array([1, 3, 5, 7], np.uint64), np.arange(4), ("x",), numbers, {})
    found = sample.without(np.array([3, 4, 7], np.uint64))
    assert found.hashes.tolist() == [1, 5]
    assert found.numbers[:, 0].tolist() == [0.0, 2.0]
    assert sample.without(np.zeros(0, np.uint64)) is sample
