"""A version is new from one moment on, whenever and however often its windows are told."""

from dataclasses import replace
from datetime import timedelta

from export_samples import DAY, START, evaluation
from test_series import points

from monitor.export.snapshot import after_evaluation, new_view
from monitor.export.versions import REMEMBERED
from monitor.types import Window

FIRST_SEEN = "driftd_version_first_seen_timestamp_seconds"
DUE = START + 2 * DAY + timedelta(hours=1)
"""When the second window was due."""


def told(*lines, lateness=3600.0):
    view = new_view("m", lateness_seconds=lateness)
    for line in lines:
        view = after_evaluation(view, line, 200)
    return view


OLD = evaluation(0, versions={"v7": 720})
BOTH = evaluation(1, versions={"v7": 700, "v8": 20})


def test_a_new_version_is_of_the_moment_at_which_its_window_was_due():
    assert points(told(OLD, BOTH), FIRST_SEEN) == {("v8",): DUE.timestamp()}


def test_it_stays_new_from_that_moment_on():
    later = [evaluation(day, versions={"v8": 720}) for day in (2, 3)]
    assert points(told(OLD, BOTH, *later), FIRST_SEEN) == {("v8",): DUE.timestamp()}


def test_what_stood_in_the_oldest_known_window_is_not_new():
    assert points(told(BOTH, evaluation(2, versions={"v7": 1, "v8": 2})), FIRST_SEEN) == {}


def test_a_line_that_is_printed_again_has_another_tick_and_tells_the_same():
    again = replace(BOTH, restated=True, tick=BOTH.tick + 7 * DAY)
    assert told(OLD, again).versions == told(OLD, BOTH).versions == told(OLD, BOTH, again).versions


def test_an_older_window_that_comes_later_makes_no_version_new():
    older = evaluation(-5, versions={"v6": 720}, restated=True)
    assert points(told(OLD, BOTH, older), FIRST_SEEN) == {("v8",): DUE.timestamp()}


def test_a_version_of_few_rows_is_new_too():
    assert points(told(OLD, replace(BOTH, rows=20)), FIRST_SEEN) == {("v8",): DUE.timestamp()}


def test_where_every_file_is_a_window_its_tick_counts():
    lines = [replace(each, window=Window(None, None, name)) for each, name in ((OLD, "a"), (BOTH, "b"))]
    assert points(told(*lines, lateness=None), FIRST_SEEN) == {("v8",): BOTH.tick.timestamp()}


def test_of_very_many_versions_those_of_the_newest_window_are_remembered():
    many = evaluation(1, versions={f"v{index}": 1 for index in range(REMEMBERED)})
    view = told(OLD, many, evaluation(2, versions={"v7": 9, "v9999": 1}))
    assert view.versions.keys() == {"v7", "v9999"}


def test_the_fifty_newest_versions_have_series():
    days = [evaluation(day, versions={f"v{day:03}": 720}) for day in range(80)]
    assert {name for (name,) in points(told(*days), FIRST_SEEN)} == {f"v{day:03}" for day in range(30, 80)}
