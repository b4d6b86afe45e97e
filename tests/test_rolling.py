"""A rolling reference: what it learns from, when, and that one call or many print the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.build import detector_parameters, resolve, source_parameters
from monitor.config.load import load_model
from monitor.plan import Plan
from monitor.rolling import begin, from_bytes, to_bytes, week_of
from monitor.state import Kept
from monitor.types import Kind, Window
from tests.run_model import DAY, FAR, START, Memory, Runs, days, model, verdict

REFERENCE = 42
LIVE = START + REFERENCE * DAY


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    folder = tmp_path_factory.mktemp("rolling")
    found = model(folder, days(0, REFERENCE), Memory(), window="length: 1d, lateness: 1h, min_rows: 100")
    text = (
        (folder / "model.yaml")
        .read_text()
        .replace("path: reference.parquet}}", "path: reference.parquet}, mode: rolling, keep: 4w}")
    )
    assert "rolling" in text
    (folder / "model.yaml").write_text(text)
    config = load_model(folder / "model.yaml", sources=source_parameters(), detectors=detector_parameters())
    return replace(resolve(config, {}, 1).plan, live=found.live)


def drifting(first: int, count: int, each_day: float):
    """The column moves a little every day, as a season does."""
    rows = days(first, count)
    passed = (rows["ts"] - rows["ts"].min()).dt.days
    return rows.assign(x=rows["x"] + each_day * passed)


def test_weeks_begin_on_monday():
    window = Window(datetime(2024, 2, 7, tzinfo=UTC), datetime(2024, 2, 8, tzinfo=UTC))
    assert week_of(window) == datetime(2024, 2, 5, tzinfo=UTC)


def test_a_fixed_reference_has_none(plan):
    assert begin(replace(plan, keep=None), ()) is None


def test_the_reference_keeps_its_windows(plan):
    assert len(plan.past) == REFERENCE
    again = from_bytes(to_bytes(begin(plan, ()).pasts))
    assert [each.window for each in again] == [each.window for each in plan.past]
    assert [each.profile for each in again] == [each.profile for each in plan.past]


class TestLearning:
    def test_from_the_last_weeks_alone(self, plan):
        rolling = begin(plan, ())
        monday = week_of(Window(LIVE, LIVE + DAY))
        learned = rolling.plan_at(plan, Window(LIVE, LIVE + DAY)).calibrations.kinds[Kind.COVARIATE]
        assert len(learned.starts) == 28
        assert max(learned.starts) < monday.isoformat()

    def test_once_a_week(self, plan):
        rolling = begin(plan, ())
        monday = week_of(Window(LIVE, LIVE + DAY)) + timedelta(days=7)
        first = rolling.plan_at(plan, Window(monday, monday + DAY))
        assert first is not plan
        assert rolling.plan_at(first, Window(monday + DAY, monday + 2 * DAY)) is first
        next_ = rolling.plan_at(first, Window(monday + 7 * DAY, monday + 8 * DAY))
        assert next_ is not first

    def test_not_from_windows_with_an_open_alarm(self, plan):
        start = week_of(Window(LIVE, LIVE + DAY))
        opened = [
            Kept(each.window, each.profile, frozenset({Kind.COVARIATE}))
            if each.window.start >= start - 7 * DAY
            else each
            for each in plan.past
        ]
        rolling = begin(replace(plan, past=tuple(opened)), ())
        kinds = rolling.plan_at(plan, Window(LIVE, LIVE + DAY)).calibrations.kinds
        assert len(kinds[Kind.COVARIATE].starts) == 21
        assert len(kinds[Kind.PREDICTION].starts) == 28

    def test_not_from_windows_in_the_cells_of_another_reference(self, plan):
        runs = Runs(replace(plan, live=Memory(live=days(REFERENCE, 3))))
        runs.run(FAR)
        assert len(begin(plan, runs.kept).pasts) == REFERENCE + 3
        other = replace(plan, reference=replace(plan.reference, fingerprint="another"))
        assert len(begin(other, runs.kept).pasts) == REFERENCE
        damaged = replace(runs.kept[0], profile=b"driftd window 1\nold")
        assert len(begin(plan, [damaged]).pasts) == REFERENCE

    def test_too_few_windows_leave_what_was_learned(self, plan):
        rolling = begin(replace(plan, past=()), ())
        kinds = rolling.plan_at(plan, Window(LIVE, LIVE + DAY)).calibrations.kinds
        assert kinds[Kind.COVARIATE] is plan.calibrations.kinds[Kind.COVARIATE]

    def test_too_few_windows_leave_what_the_reference_taught_whenever_the_run_began(self, plan):
        rolling = begin(plan, ())
        learned = rolling.plan_at(plan, Window(LIVE, LIVE + DAY))
        later = rolling.plan_at(learned, Window(LIVE + 60 * DAY, LIVE + 61 * DAY))
        taught = plan.calibrations.kinds[Kind.COVARIATE]
        assert learned.calibrations.kinds[Kind.COVARIATE] is not taught
        assert later.calibrations.kinds[Kind.COVARIATE] is taught

    def test_kinds_that_read_labels_stay(self, plan):
        kinds = begin(plan, ()).plan_at(plan, Window(LIVE, LIVE + DAY)).calibrations.kinds
        assert kinds[Kind.CONCEPT] is plan.calibrations.kinds[Kind.CONCEPT]


def test_a_slow_season_alarms_less_than_against_a_fixed_reference(plan):
    live = Memory(live=drifting(REFERENCE, 70, 0.02))
    shares = []
    for chosen in (replace(plan, keep=None), plan):
        found = Runs(replace(chosen, live=live)).run(FAR)
        shares.append(np.mean([verdict(line, Kind.COVARIATE).alarm for line in found]))
    assert shares[1] < shares[0] / 2


def test_one_call_or_many_print_the_same(plan):
    live = replace(plan, live=Memory(live=drifting(REFERENCE, 30, 0.03)))
    at_once, in_steps = Runs(live), Runs(live)
    at_once.run(LIVE + 31 * DAY)
    for number in range(0, 32, 5):
        in_steps.run(LIVE + number * DAY)
    in_steps.run(LIVE + 31 * DAY)
    assert at_once.ledger == in_steps.ledger
