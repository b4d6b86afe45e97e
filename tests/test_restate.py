"""When a window's line is printed again, and what of it changes."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from monitor import pipeline
from monitor.state import Commit
from monitor.types import LABEL_KINDS, Kind, State
from tests.run_model import DAY, FAR, HOUR, LIVE, REFERENCE_DAYS, Memory, Runs, day, days, model, verdict


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("restate"), days(0, REFERENCE_DAYS), Memory(), Memory())


def runs_of(plan, live: pd.DataFrame, known: list[tuple[int, timedelta]]) -> Runs:
    """The labels of the first day: so many rows more are known so long after the day's end."""
    first = live["ts"] < pd.Timestamp(LIVE + DAY)
    labels, start = [], 0
    for count, after in known:
        rows = live[first][start : start + count]
        times = pd.Timestamp(LIVE + DAY + after)
        labels.append(pd.DataFrame({"id": rows["id"], "y": rows["y"], "known": times}))
        start += count
    source = Memory(a=pd.concat(labels))
    return Runs(replace(plan, live=Memory(a=live), labels=replace(plan.labels, source=source)))


def printed(runs: Runs):
    """(labelled rows, restated, final) of each line of the first day, in the order of printing."""
    lines = [line for line in runs.run(FAR) if line.window.start == LIVE]
    return [(line.labelled_rows, line.restated, line.final) for line in lines]


def test_at_each_mark_and_when_final(plan):
    known = [(100, HOUR / 2), (49, 2 * HOUR), (1, DAY), (100, DAY + 2 * HOUR), (45, 2 * DAY + 2 * HOUR)]
    assert printed(runs_of(plan, days(10, 5), known)) == [
        (100, False, False),  # the first tick
        (150, True, False),  # 50 %
        (250, True, False),  # 80 %
        (295, True, True),  # 95 % and the horizon at once
    ]


def test_several_marks_at_one_tick_are_one_line(plan):
    assert printed(runs_of(plan, days(10, 5), [(300, DAY)])) == [
        (0, False, False),
        (300, True, False),
        (300, True, True),
    ]


def test_labels_that_pass_no_mark_print_nothing(plan):
    assert printed(runs_of(plan, days(10, 5), [(140, DAY)])) == [(0, False, False), (140, True, True)]


def test_labels_after_the_horizon_are_not_awaited(plan):
    late = [(300, 3 * DAY + 2 * HOUR)]
    assert printed(runs_of(plan, days(10, 6), late)) == [(0, False, False), (0, True, True)]


def test_a_window_without_labels_says_so_in_the_end(plan):
    runs = runs_of(plan, days(10, 5), [(300, 100 * DAY)])
    runs.run(FAR)
    line = runs.ledger["2024-01-11T00:00:00Z"]
    assert {verdict(line, kind).reason for kind in (Kind.PERFORMANCE, Kind.CONCEPT)} == {"no labels"}
    # of the class shares predictions tell as well
    assert verdict(line, Kind.LABEL).state is State.OK


def test_only_what_follows_from_labels_changes(plan):
    live = days(10, 5)
    first, *_, last = [
        line for line in runs_of(plan, live, [(300, DAY)]).run(FAR) if line.window.start == LIVE
    ]
    rows = {Kind.COVARIATE, Kind.PREDICTION, Kind.QUALITY}

    def of_rows(line):
        return (
            [each for each in line.verdicts if each.kind in rows],
            [each for each in line.statistics if each.kind in rows],
            [each for each in line.norms if each.kind in rows],
        )

    assert of_rows(first) == of_rows(last)
    assert {each.kind for each in last.statistics} - rows == LABEL_KINDS
    assert first.tick < last.tick
    assert "no_labels" in {each.reason for each in first.problems}
    assert last.problems == ()


def test_lines_of_one_tick_are_in_time_order(plan):
    live = days(10, 3)
    labels = pd.DataFrame({"id": live["id"], "y": live["y"], "known": pd.Timestamp(LIVE + 2 * DAY)})
    runs = Runs(replace(plan, live=Memory(a=live), labels=replace(plan.labels, source=Memory(a=labels))))
    starts = [line.window.start for line in runs.run(LIVE + 2 * DAY + HOUR)]
    assert starts == [LIVE, LIVE, LIVE + DAY]


def test_changed_names_just_the_windows_that_differ(plan):
    runs = runs_of(plan, days(10, 3), [(300, DAY)])
    until = LIVE + 3 * DAY + HOUR
    events = pipeline.run(runs.plan, runs.state, {}, until=until, now=FAR, threads=1)
    found = [{key[:10] for key in event.changed} for event in events if isinstance(event, Commit)]
    assert found == [{"2024-01-11"}, {"2024-01-11", "2024-01-12"}, {"2024-01-13"}]


def test_an_alarm_that_late_labels_open_is_since_its_window(plan):
    live = days(10, 4)
    turned = live.assign(y=live["y"].map({"yes": "no", "no": "yes"}))
    runs = runs_of(plan, turned, [(300, 2 * DAY)])
    lines = [line for line in runs.run(FAR) if line.window.start == LIVE]
    assert not verdict(lines[0], Kind.CONCEPT).alarm
    assert verdict(lines[1], Kind.CONCEPT).since == LIVE
    assert runs.alarms[Kind.CONCEPT, LIVE].since == LIVE
    assert day(10)["ts"].min() >= pd.Timestamp(LIVE)
