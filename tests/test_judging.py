"""Calibrated statistics become decisions and alarms: memory, closing, gaps, what is named."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from monitor.calibration import fresh, pack_standing, unpack_standing
from monitor.judging import Heard, advance
from monitor.plan import Event, Plan
from monitor.state import ModelState
from monitor.types import AlarmState, Decision, Kind, Severity, State, Window
from monitor.verdicts import unknown
from tests.run_model import DAY, FAR, HOUR, START, Memory, Runs, days, model, not_replayed, problems, verdict

REFERENCE = 40
LIVE = START + REFERENCE * DAY


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    return model(tmp_path_factory.mktemp("judging"), days(0, REFERENCE), Memory(live=days(REFERENCE, 1)))


def live(plan: Plan, *parts) -> Plan:
    return replace(plan, live=Memory(**{f"part{number}": part for number, part in enumerate(parts)}))


def shifted(first: int, count: int, by: float):
    rows = days(first, count)
    return rows.assign(x=rows["x"] + by)


def lines(plan: Plan, until=FAR):
    return Runs(plan).run(until)


def last(found):
    return {line.window.start: line for line in found}


class TestOpening:
    def test_rows_like_the_reference_open_nothing(self, plan):
        found = lines(live(plan, days(REFERENCE, 30)))
        assert not [each for line in found for each in line.verdicts if each.alarm]

    def test_a_shift_of_one_column_opens_covariate_alone_and_names_it(self, plan):
        found = lines(live(plan, days(REFERENCE, 5), shifted(REFERENCE + 5, 5, 1.0)))
        opened = verdict(last(found)[LIVE + 5 * DAY], Kind.COVARIATE)
        assert (opened.state, opened.since, opened.columns) == (State.ALARM, LIVE + 5 * DAY, ("x",))
        assert opened.reason.startswith("x moved: median")
        assert "by chance" in opened.reason
        assert not [
            each for line in found for each in line.verdicts if each.alarm and each.kind is not Kind.COVARIATE
        ]

    def test_a_small_lasting_shift_is_found_by_memory(self, plan):
        """A quarter of a standard deviation: a day alone tells little, a week tells it surely."""
        found = lines(live(plan, days(REFERENCE, 5), shifted(REFERENCE + 5, 12, 0.25)))
        said = [line.window.start for line in found if verdict(line, Kind.COVARIATE).alarm]
        assert said
        assert LIVE + 5 * DAY <= said[0] <= LIVE + 15 * DAY
        opened = verdict(last(found)[said[0]], Kind.COVARIATE).reason
        began = datetime.fromisoformat(opened.partition("began about ")[2].partition(";")[0])
        assert LIVE + 4 * DAY <= began < said[0]

    def test_what_begins_in_the_window_that_opens_is_not_said_to_have_begun(self, plan):
        found = lines(live(plan, days(REFERENCE, 5), shifted(REFERENCE + 5, 1, 3.0)))
        opened = verdict(last(found)[LIVE + 5 * DAY], Kind.COVARIATE)
        assert opened.alarm
        assert "began about" not in opened.reason

    def test_when_it_began_outlives_the_run(self, plan):
        plan = live(plan, days(REFERENCE, 5), shifted(REFERENCE + 5, 12, 0.25))
        runs = Runs(plan)
        steps = [line for number in range(1, 20) for line in runs.run(LIVE + number * DAY)]
        assert [verdict(line, Kind.COVARIATE).reason for line in steps] == [
            verdict(line, Kind.COVARIATE).reason for line in lines(plan, LIVE + 19 * DAY)
        ]

    def test_memories_that_do_not_know_when_columns_began_are_read(self, plan):
        calibration = plan.calibrated(Kind.COVARIATE).calibration
        content = pack_standing(fresh(calibration))
        head, _, rest = content.partition(b"\n")
        older = head.replace(b"2", b"1", 1) + b"\n" + rest[8 * calibration.layout.columns :]
        found = unpack_standing(older, calibration)
        assert found.began.tolist() == [0] * calibration.layout.columns
        np.testing.assert_array_equal(found.pool.rows, unpack_standing(content, calibration).pool.rows)
        assert not unpack_standing(head + b"\nx", calibration).memory.averages.any()

    def test_missing_rows_open_quality(self, plan):
        gone = days(REFERENCE + 3, 3)
        gone.loc[np.arange(len(gone)) % 5 == 0, "x"] = np.nan
        found = last(lines(live(plan, days(REFERENCE, 3), gone)))[LIVE + 3 * DAY]
        assert verdict(found, Kind.QUALITY).alarm
        assert verdict(found, Kind.QUALITY).columns == ("x",)
        assert "x: missing 0 % to 20 %" in verdict(found, Kind.QUALITY).reason
        assert not verdict(found, Kind.COVARIATE).alarm

    def test_a_significant_change_that_is_small_is_told_and_opens_nothing(self, tmp_path):
        minimum = "alarms: {min_effect: {sd: 2, ks: 0.9}}"
        demanding = model(tmp_path, days(0, REFERENCE), Memory(), more=minimum)
        found = lines(live(demanding, shifted(REFERENCE, 2, 1.0)))
        said = verdict(found[0], Kind.COVARIATE)
        assert (said.alarm, said.severity, said.material) == (False, Severity.LOW, False)
        assert said.reason.endswith("smaller than min_effect")

    def test_inverted_labels_open_concept(self, plan):
        rows = days(REFERENCE, 2)
        rows["y"] = np.where(rows["y"] == "yes", "no", "yes")
        found = lines(live(plan, rows))
        assert verdict(found[0], Kind.CONCEPT).alarm
        assert verdict(found[0], Kind.PERFORMANCE).alarm
        assert not verdict(found[0], Kind.COVARIATE).alarm


class TestClosing:
    def test_it_closes_after_two_quiet_days_and_memory_restarts(self, plan):
        runs = Runs(live(plan, shifted(REFERENCE, 2, 2.0), days(REFERENCE + 2, 3)))
        found = last(runs.run(FAR))
        alarms = [verdict(found[LIVE + number * DAY], Kind.COVARIATE).alarm for number in range(5)]
        assert alarms == [True, True, True, False, False]
        record = runs.alarms[Kind.COVARIATE, LIVE]
        assert record.closed == LIVE + 4 * DAY

    def test_a_lasting_shift_stays_open(self, plan):
        found = lines(live(plan, shifted(REFERENCE, 8, 1.5)))
        assert all(verdict(line, Kind.COVARIATE).alarm for line in found)
        assert {verdict(line, Kind.COVARIATE).since for line in found} == {LIVE}


class TestPlannedEvents:
    """Days 2 to 4 are planned; the event ends within the fourth."""

    @pytest.fixture
    def planned(self, plan):
        event = Event(LIVE + 2 * DAY, LIVE + 4 * DAY + HOUR, "new sensor")
        return replace(plan, events=(event,))

    def said(self, plan, *parts):
        runs = Runs(live(plan, *parts))
        found = last(runs.run(FAR))
        return runs, [verdict(found[start], Kind.COVARIATE) for start in sorted(found)]

    def test_what_would_open_is_noted_and_opens_nothing(self, planned):
        parts = days(REFERENCE, 2), shifted(REFERENCE + 2, 3, 2.0), days(REFERENCE + 5, 3)
        runs, said = self.said(planned, *parts)
        assert [(each.alarm, each.severity) for each in said[2:5]] == [(False, Severity.LOW)] * 3
        assert all(each.state is State.OK and each.score >= 1 and each.material for each in said[2:5])
        assert all(each.reason.endswith("; noted, not opened: planned: new sensor") for each in said[2:5])
        assert all("noted" not in each.reason for each in (*said[:2], *said[5:]))
        assert runs.alarms == {}

    def test_nothing_of_it_is_remembered_after_it(self, plan, planned):
        parts = days(REFERENCE, 2), shifted(REFERENCE + 2, 3, 2.0), days(REFERENCE + 5, 3)
        _, said = self.said(planned, *parts)
        _, quiet = self.said(planned, days(REFERENCE, 8))
        assert [each.score for each in said[5:]] == [each.score for each in quiet[5:]]
        assert self.said(plan, *parts)[1][5].alarm

    def test_what_persists_opens_after_it(self, planned):
        _, said = self.said(planned, days(REFERENCE, 2), shifted(REFERENCE + 2, 6, 2.0))
        assert [each.since for each in said] == [None] * 5 + [LIVE + 5 * DAY] * 3

    def test_an_alarm_that_was_open_stays_as_it_was(self, planned):
        parts = days(REFERENCE, 1), shifted(REFERENCE + 1, 1, 2.0), days(REFERENCE + 2, 5)
        runs, said = self.said(planned, *parts)
        assert [each.alarm for each in said] == [False, True, True, True, True, True, False]
        assert runs.alarms[Kind.COVARIATE, LIVE + DAY].closed == LIVE + 7 * DAY
        assert not any("noted" in each.reason for each in said)

    def test_kinds_that_read_labels_are_noted_too(self, planned):
        rows = days(REFERENCE + 2, 2)
        rows["y"] = np.where(rows["y"] == "yes", "no", "yes")
        runs = Runs(live(planned, days(REFERENCE, 2), rows, days(REFERENCE + 4, 3)))
        found = last(runs.run(FAR))
        concept = verdict(found[LIVE + 2 * DAY], Kind.CONCEPT)
        assert (concept.alarm, concept.state) == (False, State.OK)
        assert "noted, not opened: planned: new sensor" in concept.reason
        assert runs.alarms == {}

    def test_two_sample_nulls_note_it_as_well(self, planned):
        _, said = self.said(not_replayed(planned), days(REFERENCE, 2), shifted(REFERENCE + 2, 3, 2.0))
        assert not any(each.alarm for each in said)
        assert said[3].reason.endswith("; noted, not opened: planned: new sensor")

    def test_one_call_or_many(self, planned):
        parts = days(REFERENCE, 2), shifted(REFERENCE + 2, 6, 2.0)
        at_once, in_steps = Runs(live(planned, *parts)), Runs(live(planned, *parts))
        at_once.run(FAR)
        for number in range(1, 10):
            in_steps.run(LIVE + number * DAY + HOUR)
        in_steps.run(FAR)
        assert in_steps.ledger == at_once.ledger
        assert in_steps.alarms == at_once.alarms

    @pytest.mark.parametrize(("start", "end", "overlaps"), [(-2, 0, False), (1, 2, False), (0.9, 3, True)])
    def test_an_event_is_half_open(self, plan, start, end, overlaps):
        event = Event(LIVE + start * DAY, LIVE + end * DAY, "")
        found = replace(plan, events=(event,)).event_in(Window(LIVE, LIVE + DAY))
        assert found == (event if overlaps else None)


class TestOneCallOrMany:
    @pytest.mark.parametrize("step", [1, 3])
    def test_the_last_lines_and_states_are_the_same(self, plan, step):
        model_ = live(plan, days(REFERENCE, 4), shifted(REFERENCE + 4, 6, 0.4), days(REFERENCE + 10, 4))
        at_once, in_steps = Runs(model_), Runs(model_)
        at_once.run(LIVE + 15 * DAY)
        for number in range(0, 16, step):
            in_steps.run(LIVE + number * DAY)
        in_steps.run(LIVE + 15 * DAY)
        assert at_once.ledger == in_steps.ledger
        assert at_once.state.memories == in_steps.state.memories
        assert at_once.alarms == in_steps.alarms


class TestMemory:
    def test_a_day_with_few_rows_changes_no_memory(self, plan):
        runs = Runs(live(plan, days(REFERENCE, 2), days(REFERENCE + 2, 1)[:50], days(REFERENCE + 3, 1)))
        runs.run(LIVE + 2 * DAY + timedelta(hours=2))
        before = runs.state.memories
        (line,) = runs.run(LIVE + 3 * DAY + timedelta(hours=2))
        assert "too_few_rows" in problems(line)
        assert verdict(line, Kind.COVARIATE).state is State.UNKNOWN
        assert runs.state.memories == before

    def test_another_reference_restarts_it(self, plan):
        state = ModelState("m", reference="another", memories={Kind.COVARIATE: b"1 \nold"})
        runs = Runs(live(plan, days(REFERENCE, 1)), state)
        runs.run(FAR)
        fresh = Runs(live(plan, days(REFERENCE, 1)))
        fresh.run(FAR)
        assert runs.state.memories == fresh.state.memories

    def test_a_gap_of_days_restarts_it(self, plan):
        apart = Runs(live(plan, shifted(REFERENCE, 3, 0.3), days(REFERENCE + 10, 1)))
        apart.run(FAR)
        alone = Runs(live(plan, days(REFERENCE + 10, 1)))
        alone.run(FAR)
        last_of = [runs.ledger[max(runs.ledger)] for runs in (apart, alone)]
        assert verdict(last_of[0], Kind.COVARIATE).score == verdict(last_of[1], Kind.COVARIATE).score


def test_a_kind_that_is_not_calibrated_is_as_the_window_decides(plan):
    opening = Decision(Kind.LABEL, known=True, score=2.0, material=True, reason="y moved")
    window = Runs(live(plan, days(REFERENCE, 1))).run(FAR)[0].window
    told = Heard(window, opening, None, FAR, lambda column: column)
    bare = replace(plan, calibrations=replace(plan.calibrations, kinds={}))
    ((decision, alarm),), memory = advance(bare, Kind.LABEL, AlarmState(), b"", [told])
    assert (decision, alarm.since, memory) == (opening, window.start, b"")


def test_an_unknown_window_leaves_the_memory_as_it_was(plan):
    window = Runs(live(plan, days(REFERENCE, 1))).run(FAR)[0].window
    told = Heard(window, unknown(Kind.COVARIATE, "no rows"), None, FAR, lambda column: column)
    _, first = advance(plan, Kind.COVARIATE, AlarmState(), b"", [told])
    steps, second = advance(plan, Kind.COVARIATE, AlarmState(), first, [told])
    assert first == second
    assert not steps[0][0].known
