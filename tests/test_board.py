from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.accepting import accept
from monitor.board import FEW_WINDOWS, committed, coverage, newest, view_of
from monitor.build import detector_parameters, source_parameters
from monitor.config.load import load_model
from monitor.export.snapshot import Detail, Outcome, after_run, new_view
from monitor.state import ModelState
from monitor.store import Store
from monitor.types import AlarmState, Kind, Problem, Reason, Stage, State, Task
from tests.store.store_records import MODEL, START, alarm, commit, evaluation, pending

YAML = """
version: 1
model: flights
owner: team-ops
tags: {tier: "1"}
task: binary
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
columns: {timestamp: ts, prediction: y_pred, label: y}
schedule: {every: 1h}
export: {detail: all}
"""


@pytest.fixture
def load(tmp_path):
    def from_text(text=YAML):
        path = tmp_path / "flights.yaml"
        path.write_text(text, encoding="utf-8")
        return load_model(path, sources=source_parameters(), detectors=detector_parameters())

    return from_text


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'driftd.db'}") as opened:
        yield opened


def test_a_new_model_shows_its_file_and_no_result(load, store, clock):
    view = view_of(load(), store, None, clock())
    assert (view.owner, view.tags, view.task, view.detail) == (
        "team-ops",
        {"tier": "1"},
        Task.BINARY,
        Detail.ALL,
    )
    assert (view.interval_seconds, view.window_seconds, view.lateness_seconds) == (3600, 86_400, 3600)
    assert (view.newest, view.window_end, view.label_coverage, view.last_run) == (None,) * 4
    assert set(view.runs.values()) == {0}


def test_where_every_file_is_a_window_it_has_no_length(load, store, clock):
    text = YAML.replace("timestamp: ts, ", "")
    view = view_of(load(text), store, None, clock())
    assert (view.window_seconds, view.lateness_seconds) == (None, None)


def test_the_interval_of_a_cron_schedule_is_known_too(load, store, clock):
    text = YAML.replace("{every: 1h}", '{cron: "5 */6 * * *"}')
    assert view_of(load(text), store, None, clock()).interval_seconds == 6 * 3600


def test_after_a_restart_the_store_is_shown(load, store, clock):
    store.commit(commit(0, windows=[pending(0)]))
    store.commit(commit(1, windows=[pending(0), pending(1)]))
    view = view_of(load(), store, None, clock())
    assert view.newest == evaluation(1, value=1.0)
    assert view.window_end == START + timedelta(days=2)
    both = [pending(0), pending(1)]
    assert view.label_coverage == sum(each.labelled for each in both) / sum(each.rows for each in both)


@pytest.mark.parametrize("missing", ["rows", "labelled_rows"])
def test_after_a_restart_older_windows_tell_what_the_newest_do_not(load, store, clock, missing):
    for number in range(FEW_WINDOWS + 3):
        line = evaluation(number, labelled_rows=300)
        if number:
            line = replace(line, performance=(), **{missing: 0})
        store.commit(commit(number, evaluations=(line,)))
    view = view_of(load(f"{YAML}window: {{min_rows: 200}}\n"), store, None, clock())
    assert view.newest == line
    assert {each.metric for each in view.performance} == {each.metric for each in evaluation(0).performance}
    if missing == "rows":
        assert view.evaluation == evaluation(0, labelled_rows=300)


def test_a_restart_counts_no_alarm_again(load, store, clock):
    store.commit(commit(0))
    view = view_of(load(), store, None, clock())
    assert view.alarms_total[Kind.COVARIATE] == 1
    again = committed(commit(0), 1)(view)
    assert again.alarms_total[Kind.COVARIATE] == 1
    assert committed(commit(1), 1)(view).alarms_total[Kind.COVARIATE] == 2


def test_a_closed_alarm_is_counted_after_a_restart(load, store, clock):
    store.commit(replace(commit(0), alarms=(alarm(0, closed=START + timedelta(days=1)),)))
    assert view_of(load(), store, None, clock()).alarms_total[Kind.COVARIATE] == 1


def test_what_runs_have_shown_outlives_a_reload(load, store, clock):
    known = after_run(
        committed(commit(0), 1)(new_view(MODEL, owner="team-old")), outcome=Outcome.SUCCESS, ended=clock()
    )
    view = view_of(load(), store, known, clock())
    assert view.owner == "team-ops"
    assert (view.window_seconds, view.lateness_seconds) == (86_400, 3600)
    assert (view.newest, view.runs, view.last_run) == (known.newest, known.runs, known.last_run)


def test_a_private_label_hides_its_classes_from_the_reload_on(load, store, clock):
    known = view_of(load(), store, None, clock())
    text = YAML.replace("label: y}", "label: y, features: {private: [y]}}")
    assert not known.private_classes
    assert view_of(load(text), store, known, clock()).private_classes


def alarming(view):
    return {verdict.kind: verdict.since for verdict in view.verdicts if verdict.alarm}


@pytest.mark.parametrize("open_", [True, False])
def test_the_alarms_that_stand_are_shown_whatever_the_newest_line_said(load, store, clock, open_):
    quiet = evaluation(1)
    verdicts = tuple(replace(each, alarm=False, since=None, state=State.OK) for each in quiet.verdicts)
    line = replace(quiet, verdicts=verdicts) if open_ else quiet
    memory = AlarmState(START, {"temp": START}, "temp moved") if open_ else AlarmState()
    done = commit(1, evaluations=(line,))
    done = replace(done, state=replace(done.state, standing={Kind.COVARIATE: memory}))
    before = committed(commit(0), 1)(view_of(load(), store, None, clock()))
    store.commit(done)
    expected = START if open_ else None
    for view in (
        committed(done, 1)(before),
        newest(store, load(), done.state)(before),
        view_of(load(), store, None, clock()),
    ):
        assert alarming(view).get(Kind.COVARIATE) == expected


def test_a_window_under_min_rows_is_the_newest_but_gives_no_statistics(load, store, clock):
    view = view_of(load(), store, None, clock())
    view = committed(commit(0), 1)(view)
    view = committed(commit(1), 10_000)(view)
    assert view.newest == evaluation(1, value=1.0)
    assert view.evaluation == evaluation(0, value=0.0)


def test_every_line_of_a_commit_counts(load, store, clock):
    view = view_of(load(), store, None, clock())
    both = replace(commit(1), evaluations=(evaluation(0), evaluation(1)))
    assert committed(both, 1)(view).alarms_total[Kind.COVARIATE] == 2


def test_a_detector_that_failed_is_counted_with_the_line_that_lacks_it(load, store, clock):
    view = view_of(load(), store, None, clock.now)
    failed = Problem("temp", Reason.DETECTOR_FAILED, "ks failed")
    line = evaluation(problems=(failed, Problem("", Reason.TOO_FEW_ROWS, "few")))
    again = replace(line, restated=True)
    view = committed(replace(commit(), evaluations=(line, again)), 100)(view)
    assert view.errors == {(Stage.DETECT, Reason.DETECTOR_FAILED): 1}


def test_problems_of_a_window_are_counted_once(load, store, clock):
    view = view_of(load(), store, None, clock.now)
    problems = tuple(Problem(column, Reason.CONSTANT, "one value") for column in ("temp", "wind"))
    line = evaluation(problems=(*problems, Problem("", Reason.TOO_FEW_ROWS, "few")))
    change = committed(replace(commit(), evaluations=(line, replace(line, restated=True))), 100)
    assert change(view).window_problems == {Reason.CONSTANT: 2, Reason.TOO_FEW_ROWS: 1}
    assert change(change(view)).window_problems == {Reason.CONSTANT: 4, Reason.TOO_FEW_ROWS: 2}


def test_coverage_is_over_all_windows_that_await_labels():
    both = (pending(0, rows=5), pending(1, rows=9, seed=1))
    state = ModelState(MODEL, pending=both)
    assert coverage(state) == (both[0].labelled + both[1].labelled) / (6 + 10)


def test_coverage_is_unknown_where_no_window_awaits_labels():
    assert coverage(ModelState(MODEL)) is None


def test_planned_events_that_come_next_are_shown_first_and_so_many(load, store, clock):
    now = clock()
    days = [*range(-40, 0), *range(1, 41)]
    events = "".join(
        f"  - {{start: {(now + timedelta(days=day)).isoformat()}, "
        f"end: {(now + timedelta(days=day, hours=1)).isoformat()}, reason: day {day}}}\n"
        for day in days
    )
    view = view_of(load(f"{YAML}planned:\n{events}"), store, None, now)
    assert [each.reason for each in view.planned] == [
        *(f"day {day}" for day in range(1, 41)),
        *(f"day -{day}" for day in range(1, 11)),
    ]
    assert view.planned[0].end - view.planned[0].start == timedelta(hours=1)
    assert view_of(load(), store, view, now).planned == ()


def test_what_was_accepted_is_shown_after_a_restart_at_once_and_when_another_process_did(load, store, clock):
    store.commit(commit(0))
    before = view_of(load(), store, None, clock())
    accepted = accept(store, MODEL, "season", clock())
    assert before.accepted is None
    assert view_of(load(), store, None, clock()).accepted == clock()
    assert committed(accepted, 1)(before).accepted == clock()
    assert newest(store, load(), store.state(MODEL))(before).accepted == clock()
    assert committed(commit(1), 1)(committed(accepted, 1)(before)).accepted == clock()
