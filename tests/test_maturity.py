"""Late labels: told within a window of the day on which they are usually there, and only then."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor.delays import MOST_WINDOWS, Delays, no_delays
from monitor.maturity import FEWEST_WINDOWS, LABELS_OVERDUE
from monitor.types import Kind, State
from tests.run_model import (
    DAY,
    HOUR,
    LIVE,
    REFERENCE_DAYS,
    Memory,
    Runs,
    day,
    days,
    labels_of,
    model,
    verdict,
)

LATE = 6 * HOUR
FIRST = REFERENCE_DAYS + 4
"""Days of a reference of which ten have had all the time that labels may take."""
BEGIN = LIVE + 4 * DAY


def overdue(line):
    return next((each for each in line.statistics if each.detector == LABELS_OVERDUE), None)


def lines_of(runs: Runs) -> list:
    return [runs.ledger[key] for key in sorted(runs.ledger)]


def quality_alarms(runs: Runs) -> list[str]:
    return [
        line.window.key
        for line in lines_of(runs)
        if verdict(line, Kind.QUALITY).state is State.ALARM
        and "overdue" in verdict(line, Kind.QUALITY).reason
    ]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """The reference's own labels come within six hours, from the same source as live ones."""
    folder = tmp_path_factory.mktemp("maturity")
    folder.mkdir(exist_ok=True)
    reference = days(0, FIRST)
    labels_of(reference, LATE).to_parquet(folder / "labels.parquet", index=False)
    return model(folder, reference, Memory(), Memory())


class TestFromReference:
    def ran(self, plan, labelled_days, lost=()):
        live = days(FIRST, 8)
        labels = labels_of(days(FIRST, labelled_days), LATE)
        for number, share in lost:
            ids = labels["id"] // 100_000 == number
            labels = labels[~(ids & (np.random.default_rng(number).random(len(labels)) < share))]
        plan = replace(plan, live=Memory(a=live), labels=replace(plan.labels, source=Memory(a=labels)))
        runs = Runs(plan)
        runs.run(BEGIN + 9 * DAY)
        return runs

    def test_the_reference_tells_when_labels_are_due(self, plan):
        assert len(plan.delays) == FIRST - 3
        line = lines_of(self.ran(plan, 8))[3]
        assert line.label_arrival.due_seconds == pytest.approx(LATE.total_seconds(), rel=0.03)
        assert line.label_arrival.usual > 0.99

    def test_labels_on_time_are_not_overdue(self, plan):
        runs = self.ran(plan, 8)
        assert quality_alarms(runs) == []
        assert all(line.label_arrival.overdue == 0 for line in lines_of(runs))

    def test_labels_that_stop_are_told_with_the_next_window(self, plan):
        runs = self.ran(plan, 3)
        # the fourth day has no label; the fifth day's line is the first after that is due
        assert quality_alarms(runs)[0] == (BEGIN + 4 * DAY).strftime("%Y-%m-%dT00:00:00Z")
        line = lines_of(runs)[4]
        assert line.label_arrival.overdue == pytest.approx(300, abs=5)
        assert verdict(line, Kind.QUALITY).columns == ("y",)

    def test_labels_that_are_fewer_are_told(self, plan):
        assert quality_alarms(self.ran(plan, 8, lost=[(FIRST + 2, 0.6)])) != []

    def test_a_label_less_in_a_hundred_is_not_told(self, plan):
        assert quality_alarms(self.ran(plan, 8, lost=[(FIRST + 2, 0.01)])) == []

    def test_the_statistic_says_how_far_and_where_its_line_is(self, plan):
        found = overdue(lines_of(self.ran(plan, 3))[4])
        assert found.value > 0.9
        assert 0 < found.threshold < 0.2
        assert found.drifted
        assert found.column == "y"


class TestFromHistory:
    def ran(self, folder, count, without=()):
        """The source of labels knows none of the reference's."""
        live = days(REFERENCE_DAYS, count)
        labels = labels_of(live, LATE)
        labels = labels[~(labels["id"] // 100_000).isin([REFERENCE_DAYS + each for each in without])]
        folder.mkdir(exist_ok=True)
        labels.to_parquet(folder / "labels.parquet", index=False)
        plan = model(folder, days(0, REFERENCE_DAYS), Memory(a=live), Memory(a=labels))
        runs = Runs(plan)
        runs.run(LIVE + (count + 1) * DAY)
        return runs

    def test_final_windows_teach_what_is_usual(self, tmp_path):
        runs = self.ran(tmp_path, FEWEST_WINDOWS + 6)
        known = [line.window.key for line in lines_of(runs) if line.label_arrival is not None]
        assert known[0] == (LIVE + (FEWEST_WINDOWS + 3) * DAY).strftime("%Y-%m-%dT00:00:00Z")
        assert len(Delays.from_bytes(runs.state.delays)) > FEWEST_WINDOWS

    def test_labels_of_a_part_of_the_reference_leave_it_to_final_windows(self, tmp_path):
        labels = labels_of(days(FIRST - 5, 5), LATE)
        labels.to_parquet(tmp_path / "labels.parquet", index=False)
        assert model(tmp_path, days(0, FIRST), Memory(), Memory()).delays is None

    def test_a_window_that_lacks_labels_teaches_nothing(self, tmp_path):
        count = FEWEST_WINDOWS + 8
        runs = self.ran(tmp_path, count, without=[FEWEST_WINDOWS + 3])
        assert quality_alarms(runs) != []
        rows = Delays.from_bytes(runs.state.delays)
        assert (rows.counts.sum(axis=1) > 0).all()


def test_delays_are_kept_exactly_and_no_more_than_are_needed():
    found = no_delays()
    for number in range(MOST_WINDOWS + 3):
        found = found.with_window(number, np.array([1.0, np.nan, 5e4]))
    again = Delays.from_bytes(found.to_bytes())
    assert len(again) == MOST_WINDOWS
    assert (again.rows == found.rows).all()
    assert (again.counts == found.counts).all()
    assert len(Delays.from_bytes(b"")) == 0


def test_models_without_a_source_of_labels_are_told_nothing(tmp_path):
    runs = Runs(model(tmp_path, days(0, REFERENCE_DAYS), Memory(a=pd.concat([day(10), day(11)]))))
    runs.run(LIVE + 3 * DAY)
    assert all(line.label_arrival is None and overdue(line) is None for line in lines_of(runs))
