"""One model, tick after tick: what is evaluated when, what labels change, what another reference changes."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from monitor.state import ModelState
from monitor.types import Kind, Problem, Reason, State, iso
from tests.run_model import (
    COLUMNS,
    DAY,
    FAR,
    HOUR,
    LIVE,
    REFERENCE_DAYS,
    START,
    Memory,
    Runs,
    day,
    days,
    kinds,
    labels_of,
    model,
    problems,
    statistic,
    verdict,
)

REFERENCE = days(0, REFERENCE_DAYS)
EVERY_KIND = {
    Kind.COVARIATE,
    Kind.PREDICTION,
    Kind.QUALITY,
    Kind.LABEL,
    Kind.PERFORMANCE,
    Kind.CONCEPT,
}


def key(number: int) -> str:
    """The window of a live day, the first is 0."""
    return iso(LIVE + number * DAY)


def tick(number: int):
    """The first tick of the window of a live day."""
    return LIVE + (number + 1) * DAY + HOUR


@pytest.fixture(scope="module")
def in_rows(tmp_path_factory):
    """Labels stand in the rows."""
    return model(tmp_path_factory.mktemp("in_rows"), REFERENCE, Memory())


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Labels arrive apart."""
    return model(tmp_path_factory.mktemp("apart"), REFERENCE, Memory(), Memory())


def with_live(plan, live: Memory, labels: Memory | None = None) -> Runs:
    plan = replace(plan, live=live)
    if labels is not None:
        plan = replace(plan, labels=replace(plan.labels, source=labels))
    return Runs(plan)


class TestDue:
    def test_a_window_is_due_at_its_end_plus_lateness(self, in_rows):
        runs = with_live(in_rows, Memory(a=days(10, 2)))
        assert runs.run(tick(0) - timedelta(microseconds=1)) == []
        assert [line.window.key for line in runs.run(tick(0))] == [key(0)]
        assert [line.window.key for line in runs.run(tick(1))] == [key(1)]
        assert runs.run(tick(1)) == []

    def test_every_kind_that_the_data_allow_has_a_verdict(self, in_rows):
        (line,) = with_live(in_rows, Memory(a=day(10))).run(FAR)
        assert kinds(line) == EVERY_KIND
        assert {each.state for each in line.verdicts} == {State.OK}
        assert (line.rows, line.labelled_rows, line.final, line.restated) == (300, 300, True, False)

    def test_without_labels_there_is_no_verdict_on_them(self, tmp_path):
        plan = model(tmp_path, REFERENCE.drop(columns="y"), Memory(a=day(10)), columns="timestamp: ts")
        (line,) = Runs(plan).run(FAR)
        assert kinds(line) == {Kind.COVARIATE, Kind.QUALITY}
        assert line.final

    def test_labels_without_predictions_are_judged_for_label_shift_alone(self, tmp_path):
        columns = 'timestamp: ts, label: y, positive: "yes", features: {ignore: [id, pred, proba]}'
        plan = model(tmp_path, REFERENCE, Memory(a=pd.concat([day(10), day(11, y="yes")])), columns=columns)
        calm, moved = Runs(plan).run(FAR)
        assert kinds(calm) == {Kind.COVARIATE, Kind.QUALITY, Kind.LABEL}
        assert verdict(calm, Kind.LABEL).state is State.OK
        assert verdict(moved, Kind.LABEL).alarm
        assert (calm.performance, calm.stream, calm.labelled_rows) == ((), None, 300)

    def test_a_window_without_rows_waits_for_a_later_row(self, in_rows):
        live = Memory(a=day(10))
        runs = with_live(in_rows, live)
        assert len(runs.run(tick(3))) == 1
        live.put("b", day(13))
        assert [(line.window.key, line.rows) for line in runs.run(tick(3))] == [
            (key(1), 0),
            (key(2), 0),
            (key(3), 300),
        ]
        assert "empty_window" in problems(runs.ledger[key(1)])
        assert {each.state for each in runs.ledger[key(1)].verdicts} == {State.UNKNOWN}
        assert kinds(runs.ledger[key(1)]) == EVERY_KIND

    def test_a_window_of_few_rows_is_not_judged(self, in_rows):
        runs = with_live(in_rows, Memory(a=pd.concat([day(10, rows=99), day(11)])))
        few, _ = runs.run(FAR)
        assert few.statistics == ()
        assert {each.state for each in few.verdicts} == {State.UNKNOWN}
        assert problems(few)["too_few_rows"].startswith("99 rows")
        assert few.labelled_rows == 99

    def test_windows_after_the_end_are_left_alone(self, apart):
        live = days(10, 3)
        runs = with_live(apart, Memory(a=live), Memory(a=labels_of(live, HOUR)))
        lines = runs.run(FAR, end=LIVE + DAY)
        assert {line.window.key for line in lines} == {key(0)}
        assert runs.ledger[key(0)].final


class TestStart:
    def test_is_after_the_rows_of_the_reference(self, in_rows):
        runs = with_live(in_rows, Memory(a=pd.concat([REFERENCE, day(10)])))
        assert [line.window.key for line in runs.run(FAR)] == [key(0)]

    def test_rows_before_it_do_not_count(self, in_rows):
        noon = LIVE + DAY / 2
        runs = with_live(replace(in_rows, live_start=noon), Memory(a=days(10, 2)))
        first, _ = runs.run(FAR)
        assert first.window.key == key(0)
        assert first.rows == int((day(10)["ts"] >= pd.Timestamp(noon)).sum())

    def test_rows_before_it_make_no_window_due(self, in_rows):
        noon = LIVE + DAY / 2
        morning = day(10)[lambda rows: rows["ts"] < pd.Timestamp(noon)]
        assert with_live(replace(in_rows, live_start=noon), Memory(a=morning)).run(FAR) == []


class TestLateRows:
    def test_are_told_once_and_change_no_window(self, in_rows):
        live = Memory(a=day(10), b=day(11))
        runs = with_live(in_rows, live)
        runs.run(tick(1))
        before = dict(runs.ledger)
        live.put("a", pd.concat([day(10), day(10, rows=7)]))
        live.put("c", day(12))
        (line,) = runs.run(tick(2))
        assert problems(line)["late_rows"].startswith("7 rows have event times before 2024-01-13")
        assert {name: runs.ledger[name] for name in before} == before
        live.put("d", day(13))
        (line,) = runs.run(tick(3))
        assert "late_rows" not in problems(line)

    def test_are_told_although_only_labels_came_in_between(self, apart):
        rows = days(10, 2)
        live, labels = Memory(a=rows), Memory()
        runs = with_live(apart, live, labels)
        runs.run(tick(1))
        live.put("late", day(10, rows=5, id=np.arange(5) + 7))
        labels.put("a", labels_of(rows, HOUR))
        assert runs.run(tick(3)), "labels came"
        assert any(each.reason is Reason.LATE_ROWS for each in runs.planned.problems)
        live.put("b", day(13))
        told = [line for line in runs.run(tick(4)) if "late_rows" in problems(line)]
        assert [problems(line)["late_rows"][:7] for line in told] == ["5 rows "]

    def test_a_file_that_could_not_be_read_for_a_while_is_not_late(self, in_rows):
        live = Memory(a=day(10))
        runs = with_live(in_rows, live)
        runs.run(tick(0))
        live.put("a", days(10, 2))
        live.faults["a"] = Problem("", Reason.FILE_UNREADABLE, "a: broken")
        assert runs.run(tick(1)) == []
        live.faults.clear()
        live.put("a", days(10, 2))
        (line,) = runs.run(tick(1))
        assert problems(line) == {}

    def test_rows_of_the_reference_in_the_first_window_are_not_late(self, in_rows):
        live = Memory(a=REFERENCE.tail(100).assign(ts=pd.Timestamp(LIVE)))
        live.put("b", day(10))
        runs = with_live(in_rows, live)
        runs.run(tick(0))
        live.put("b", days(10, 2))
        (line,) = runs.run(tick(1))
        assert "late_rows" not in problems(line)


class TestFutureRows:
    def test_are_left_alone_until_they_are_near(self, in_rows):
        live = Memory(a=pd.concat([day(10), day(300)]))
        runs = with_live(in_rows, live)
        (line,) = runs.run(tick(0), now=tick(0))
        assert problems(line)["future_rows"].startswith("300 rows have event times more than a day after")
        live.put("b", day(11))
        (line,) = runs.run(tick(1), now=tick(1))
        assert "late_rows" not in problems(line)
        assert runs.run(LIVE + 400 * DAY)[-1].rows == 300
        assert "late_rows" not in problems(runs.ledger[iso(START + 300 * DAY)])


class TestLabels:
    def test_count_from_the_tick_at_which_they_are_known(self, apart):
        live = days(10, 3)
        known = labels_of(live, HOUR).assign(known=pd.Timestamp(tick(1)))
        runs = with_live(apart, Memory(a=live), Memory(a=known[known["id"] < 1_100_000]))
        lines = runs.run(tick(1) - timedelta(microseconds=1))
        assert [(line.window.key, line.labelled_rows) for line in lines] == [(key(0), 0)]
        lines = runs.run(tick(1))
        assert [(line.window.key, line.labelled_rows, line.restated) for line in lines] == [
            (key(0), 300, True),
            (key(1), 0, False),
        ]

    def test_without_times_are_known_when_first_read(self, apart):
        live = days(10, 2)
        labels = Memory()
        plan = replace(apart, labels=replace(apart.labels, timestamp=None))
        runs = with_live(plan, Memory(a=live), labels)
        runs.run(tick(1))
        labels.put("a", live[["id", "y"]])
        lines = runs.run(tick(2))
        assert [(line.window.key, line.labelled_rows) for line in lines] == [(key(0), 300), (key(1), 300)]
        assert {line.tick for line in lines} == {tick(2)}

    def test_in_the_rows_need_no_id(self, in_rows):
        live = day(10)
        live["id"] = live["id"].where(live.index >= 50)
        (line,) = with_live(in_rows, Memory(a=live)).run(FAR)
        assert line.labelled_rows == 300

    def test_of_repeated_ids_the_first_row_joins_within_and_across_windows(self, apart):
        live = days(10, 2)
        live.loc[live.index[1], "id"] = live.loc[live.index[0], "id"]
        live.loc[live.index[-1], "id"] = live.loc[live.index[0], "id"]
        labels = labels_of(live, HOUR).drop_duplicates("id")
        runs = with_live(apart, Memory(a=live), Memory(a=labels))
        runs.run(FAR)
        first, second = runs.ledger[key(0)], runs.ledger[key(1)]
        assert (first.rows, first.labelled_rows) == (300, 299)
        assert (second.rows, second.labelled_rows) == (300, 299)
        assert problems(first)["duplicate_id"].startswith("1 rows repeat an id")
        assert statistic(first, "id", "duplicate_id").value == pytest.approx(1 / 300)
        assert statistic(second, "id", "duplicate_id").value == 0.0

    def test_are_consumed_once_however_often_it_runs(self, apart):
        live = days(10, 4)
        labels = Memory(a=labels_of(live, 20 * HOUR))
        once = with_live(apart, Memory(a=live), labels)
        once.run(FAR)
        often = with_live(apart, Memory(a=live), labels)
        for hours in range(0, 24 * 12, 5):
            often.run(LIVE + hours * HOUR)
        often.run(FAR)
        assert often.ledger == once.ledger
        assert often.state.streams["error"].state == once.state.streams["error"].state
        assert once.ledger[key(3)].stream.width == 3000 + 1200

    def test_that_claim_to_be_known_long_before_their_rows_never_count(self, apart):
        live = days(10, 4)
        early = labels_of(live, -3 * DAY)
        at_once = with_live(apart, Memory(a=live), Memory(a=early))
        at_once.run(FAR)
        one_by_one = with_live(apart, Memory(a=live), Memory(a=early))
        for number in range(8):
            one_by_one.run(tick(number))
        assert at_once.ledger == one_by_one.ledger
        assert {line.labelled_rows for line in at_once.ledger.values()} == {0}


class TestAlarms:
    @pytest.fixture
    def wrong(self, apart):
        """Labels are inverted: the error stands high."""
        live = days(10, 3)
        turned = live.assign(y=np.where(live["y"] == "yes", "no", "yes"))
        runs = with_live(apart, Memory(a=live), Memory(a=labels_of(turned, HOUR)))
        runs.run(tick(2))
        assert verdict(runs.ledger[key(2)], Kind.CONCEPT).alarm
        return runs

    def test_of_labels_are_carried_over_a_window_without_rows(self, wrong):
        wrong.plan.live.put("b", day(14))
        wrong.run(tick(4))
        empty = wrong.ledger[key(3)]
        assert (empty.rows, empty.final) == (0, True)
        for kind in (Kind.CONCEPT, Kind.PERFORMANCE):
            found = verdict(empty, kind)
            assert (found.state, found.alarm, found.since) == (State.UNKNOWN, True, LIVE)
            assert found.reason.endswith("now unknown: no rows")

    def test_an_empty_window_is_printed_once(self, wrong):
        wrong.plan.live.put("b", day(14))
        lines = [line for until in range(4, 12) for line in wrong.run(tick(until))]
        assert [line.window.key for line in lines].count(key(3)) == 1
        assert wrong.state.pending == ()

    def test_of_labels_close_with_the_reference_that_knows_the_change(self, wrong, tmp_path):
        inverted = REFERENCE.assign(y=np.where(REFERENCE["y"] == "yes", "no", "yes"))
        other = model(tmp_path, inverted, wrong.plan.live, wrong.plan.labels.source)
        wrong.plan.live.put("b", day(13))
        wrong.plan = other
        wrong.run(tick(3))
        for kind in (Kind.CONCEPT, Kind.PERFORMANCE):
            record = wrong.alarms[kind, LIVE]
            assert (record.closed, record.reason) == (LIVE + 3 * DAY, Reason.REFERENCE_CHANGED)
            assert not verdict(wrong.ledger[key(3)], kind).alarm
        assert wrong.state.watermark == LIVE + 4 * DAY
        assert wrong.state.reference == other.reference.fingerprint

    def test_of_rows_close_with_the_reference(self, in_rows, tmp_path):
        live = Memory(a=days(10, 2, x=5.0))
        runs = with_live(in_rows, live)
        runs.run(tick(1))
        assert verdict(runs.ledger[key(1)], Kind.COVARIATE).since == LIVE
        other = model(tmp_path, days(50, REFERENCE_DAYS), live)
        live.put("b", day(12))
        runs.plan = other
        (line,) = runs.run(tick(2))
        record = runs.alarms[Kind.COVARIATE, LIVE]
        assert (record.closed, record.reason) == (LIVE + 2 * DAY, Reason.REFERENCE_CHANGED)
        assert not verdict(line, Kind.COVARIATE).alarm
        assert line.window.start == LIVE + 2 * DAY


class TestAnotherPlan:
    """What is pending goes on under another model file."""

    def run(self, apart, tmp_path, columns: str, reference=REFERENCE, **changes):
        live = days(10, 2)
        labels = Memory()
        runs = with_live(apart, Memory(a=live), labels)
        runs.run(tick(1))
        assert len(runs.state.pending) == 2
        plan = model(tmp_path, reference, runs.plan.live, labels, columns=columns)
        labels.put("a", labels_of(live.assign(**changes), 30 * HOUR))
        runs.plan = plan
        runs.run(FAR)
        assert runs.state.pending == ()
        return runs.ledger[key(0)]

    def test_without_probabilities(self, apart, tmp_path):
        line = self.run(apart, tmp_path, COLUMNS.replace("probability: proba, ", ""))
        assert line.labelled_rows == 300
        assert {each.metric: each.reason for each in line.performance if each.source == "realised"}[
            "log_loss"
        ] is Reason.NO_PROBABILITY

    def test_with_more_probabilities(self, apart, tmp_path):
        reference = REFERENCE.assign(other=1 - REFERENCE["proba"])
        columns = COLUMNS.replace("probability: proba", "probability: {'yes': proba, 'no': other}")
        line = self.run(apart, tmp_path, columns, reference)
        assert line.labelled_rows == 300
        assert {each.metric: each.reason for each in line.performance if each.source == "realised"}[
            "log_loss"
        ] is Reason.BAD_PROBABILITY

    def test_that_predicts_numbers(self, apart, tmp_path):
        reference = REFERENCE.assign(y=REFERENCE["x"] * 2, pred=REFERENCE["x"] * 2 + 0.1)
        line = self.run(
            apart, tmp_path, "timestamp: ts, id: id, prediction: pred, label: y", reference, y=1.5
        )
        assert line.labelled_rows == 300
        assert problems(line)["no_prediction"]


class TestClasses:
    def test_a_class_that_is_new_keeps_its_code_through_restarts_and_another_reference(self, apart, tmp_path):
        live = days(10, 4)
        live.loc[:40, "y"] = "perhaps"
        labels = Memory(a=labels_of(live, 30 * HOUR))
        once, often = with_live(apart, Memory(a=live), labels), with_live(apart, Memory(a=live), labels)
        once.run(FAR)
        for number in range(8):
            often.run(tick(number))
        assert often.ledger == once.ledger
        assert once.state.classes == ("no", "yes", "perhaps")
        assert once.ledger[key(0)].class_shares["observed"]["perhaps"] == pytest.approx(41 / 300)
        assert "perhaps" not in once.ledger[key(2)].class_shares["observed"]

    def test_codes_follow_the_classes_of_another_reference(self, apart, tmp_path):
        live = days(10, 2)
        runs = with_live(apart, Memory(a=live), Memory(a=labels_of(live, 3 * HOUR)[:300]))
        runs.run(tick(0))
        assert runs.state.pending[0].labelled > 0
        more = REFERENCE.copy()
        more.loc[:100, "y"] = "a first class"
        columns = COLUMNS.replace("probability: proba, ", "").replace(', positive: "yes"', "")
        plan = model(tmp_path, more, runs.plan.live, runs.plan.labels.source, columns=columns)
        runs.plan = plan
        runs.run(FAR)
        assert plan.target.classes == ("a first class", "no", "yes")
        shares = live["y"][:300].value_counts(normalize=True)
        assert runs.ledger[key(0)].class_shares["observed"] == {"a first class": 0.0, **shares}

    def test_a_new_class_alone_is_label_shift(self, in_rows):
        live = day(10)
        live.loc[:60, "y"] = "perhaps"
        (line,) = with_live(in_rows, Memory(a=live)).run(FAR)
        found = verdict(line, Kind.LABEL)
        assert found.alarm
        assert "'perhaps'" in found.reason
        assert not verdict(line, Kind.QUALITY).alarm


class TestFilesAreWindows:
    COLUMNS = 'id: id, prediction: pred, probability: proba, label: y, positive: "yes"'

    def plan(self, folder, live: Memory, labels: Memory | None = None):
        return model(
            folder,
            REFERENCE.drop(columns="ts"),
            live,
            labels,
            columns=self.COLUMNS,
            window="min_rows: 100",
            more="\nalarms: {false_alarms: 1 per 100 windows}" if labels is None else "",
        )

    @pytest.fixture
    def live(self):
        return Memory(a=day(10), b=day(11))

    def test_each_is_evaluated_once_in_name_order(self, tmp_path, live):
        runs = Runs(self.plan(tmp_path, live))
        lines = runs.run(LIVE)
        assert [(line.window.file, line.rows, line.final) for line in lines] == [
            ("a", 300, True),
            ("b", 300, True),
        ]
        assert kinds(lines[0]) == EVERY_KIND
        live.put("a", day(12))
        assert runs.run(LIVE + DAY) == []
        live.put("c", day(12))
        assert [line.window.file for line in runs.run(LIVE + DAY)] == ["c"]

    def test_two_alarms_of_one_run_are_two(self, tmp_path):
        moved = {1, 5}
        live = Memory(**{f"f{n}": day(10 + n, **({"x": 4.0} if n in moved else {})) for n in range(8)})
        runs = Runs(self.plan(tmp_path, live))
        runs.run(LIVE)
        found = [each for each in runs.alarms.values() if each.kind is Kind.COVARIATE]
        assert len(found) == 2
        assert all(each.closed is not None and each.closed > each.since for each in found)

    def test_one_that_is_still_written_is_tried_again(self, tmp_path, live):
        live.faults["a"] = Problem("", Reason.FILE_INCOMPLETE, "a: still written")
        runs = Runs(self.plan(tmp_path, live))
        assert [line.window.file for line in runs.run(LIVE)] == ["b"]
        live.faults.clear()
        assert [line.window.file for line in runs.run(LIVE)] == ["a"]

    def test_one_that_cannot_be_read_is_read_when_it_is_another(self, tmp_path, live):
        live.faults["a"] = Problem("", Reason.FILE_UNREADABLE, "a: broken")
        runs = Runs(self.plan(tmp_path, live))
        first, _ = runs.run(LIVE)
        assert (first.window.file, first.rows) == ("a", 0)
        assert problems(first)["file_unreadable"] == "a: broken"
        live.faults.clear()
        assert runs.run(LIVE + HOUR) == []
        live.put("a", day(10))
        assert [(line.window.file, line.rows) for line in runs.run(LIVE + HOUR)] == [("a", 300)]

    def test_the_files_are_listed_once(self, tmp_path, live):
        listed = []
        files = live.files
        live.files = lambda: listed.append(1) or files()
        Runs(self.plan(tmp_path, live)).run(LIVE)
        assert len(listed) == 1


def test_a_run_that_has_nothing_to_do_says_what_is_wrong_with_files(in_rows):
    live = Memory(a=day(10))
    live.faults["a"] = Problem("", Reason.FILE_UNREADABLE, "a: broken")
    runs = with_live(in_rows, live)
    assert runs.run(FAR) == []
    assert (runs.planned.windows, runs.planned.problems) == (0, (live.faults["a"],))
    assert runs.state == ModelState("m")
