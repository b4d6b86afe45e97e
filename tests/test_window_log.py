"""What happened in windows is told where it happened, and once."""

import io
import json
import logging
from dataclasses import replace

import pytest

from monitor.log import configure
from monitor.state import Acceptance
from monitor.types import Kind, Problem, Reason, Window
from monitor.window_log import WindowLog
from tests.store.store_records import DAY, MODEL, START, alarm, commit, evaluation, pending

FIRST = "2024-02-10T00:00:00Z/2024-02-11T00:00:00Z"
SECOND = "2024-02-11T00:00:00Z/2024-02-12T00:00:00Z"
OPENED, CLOSED, WITHDRAWN = "alarm opened", "alarm closed", "alarm withdrawn"


@pytest.fixture
def told(caplog):
    """The lines from level info on since the last look, by level, message and window."""
    caplog.set_level(logging.DEBUG)

    def look(*messages):
        found = [
            (each.levelname, each.message, getattr(each, "window", None))
            for each in caplog.records
            if each.levelno > logging.DEBUG and (not messages or each.message in messages)
        ]
        caplog.clear()
        return found

    return look


@pytest.fixture
def log():
    found = WindowLog()
    found.begin(MODEL, ())
    return found


def test_a_window_its_problem_and_its_alarm_are_told_with_their_fields(log, caplog):
    caplog.set_level(logging.INFO)
    log.tell(commit(0))
    line, problem, opened = caplog.records
    assert (line.message, line.model, line.window) == ("window evaluated", MODEL, FIRST)
    assert (line.rows, line.labelled_rows, line.alarms, line.seconds) == (720, 700, "covariate", 0.12)
    assert (problem.levelname, problem.message) == ("WARNING", "humid: no value in 720 rows")
    assert (problem.window, problem.column, problem.reason) == (FIRST, "humid", "all_missing")
    assert (opened.levelname, opened.message, opened.window) == ("WARNING", OPENED, FIRST)
    assert (opened.kind, opened.since) == ("covariate", "2024-02-10T00:00:00Z")
    assert (opened.columns, opened.reason) == ("temp", "temp moved")


def test_an_alarm_that_goes_on_or_changes_is_not_told_again(log, told):
    log.tell(commit(0))
    log.tell(commit(1, alarms=(replace(alarm(0), columns=("temp", "dewp")),)))
    assert told(OPENED, CLOSED) == [("WARNING", OPENED, FIRST)]


def test_it_closes_once_in_the_window_after_which_it_is_closed(log, told):
    closed = alarm(0, closed=START + 2 * DAY)
    log.tell(commit(0))
    for each in (closed, replace(closed, columns=("dewp",))):
        log.tell(commit(1, alarms=(each,)))
    assert told(OPENED, CLOSED) == [("WARNING", OPENED, FIRST), ("INFO", CLOSED, SECOND)]


def test_a_restated_window_is_no_news_and_the_alarm_that_it_opens_is(log, told):
    again = evaluation(0, restated=True)
    for _ in range(2):
        log.tell(commit(1, evaluations=(again,), alarms=(alarm(0),)))
    assert told() == [("WARNING", OPENED, FIRST)]


def test_an_alarm_that_opened_and_closed_within_one_tick_is_told_of_both(log, told):
    log.tell(commit(0, alarms=(alarm(0, closed=START + DAY),)))
    assert told(OPENED, CLOSED) == [("WARNING", OPENED, FIRST), ("INFO", CLOSED, FIRST)]


def test_what_the_store_knows_is_not_told_again_after_a_restart(log, told):
    old = alarm(-9, closed=START, kind=Kind.QUALITY)
    log.begin(MODEL, (alarm(0), old))
    log.tell(commit(1, alarms=(alarm(0), old)))
    assert told(OPENED, CLOSED) == []
    log.tell(commit(1, alarms=(alarm(0, closed=START + 2 * DAY),)))
    assert told(OPENED, CLOSED) == [("INFO", CLOSED, SECOND)]


def test_an_alarm_that_labels_took_back_is_told_once_and_may_open_again(log, told):
    log.tell(commit(0))
    gone = commit(0, alarms=(), withdrawn=((Kind.COVARIATE, "", START),))
    for each in (gone, gone, commit(0)):
        log.tell(each)
    assert told(OPENED, WITHDRAWN) == [
        ("WARNING", OPENED, FIRST),
        ("INFO", WITHDRAWN, FIRST),
        ("WARNING", OPENED, FIRST),
    ]


def test_accepted_alarms_close(log, told):
    log.tell(commit(0))
    closed = replace(alarm(0, closed=START + DAY), reason=Reason.ACCEPTED)
    accepted = Acceptance(START + 5 * DAY, START + DAY)
    log.tell(commit(0, evaluations=(evaluation(0, restated=True),), alarms=(closed,), acceptance=accepted))
    assert told(OPENED, CLOSED)[1:] == [("INFO", CLOSED, FIRST)]


def test_a_problem_is_told_where_the_window_before_did_not_have_it(log, told):
    for day, rows in enumerate((10, 20, 0, 30)):
        problem = Problem("humid", Reason.ALL_MISSING, f"no value in {rows} rows")
        line = evaluation(day, problems=(problem,) if rows else ())
        log.tell(commit(day, evaluations=(line,), alarms=()))
    assert [each for each in told() if each[0] == "WARNING"] == [
        ("WARNING", "no value in 10 rows", FIRST),
        ("WARNING", "no value in 30 rows", "2024-02-13T00:00:00Z/2024-02-14T00:00:00Z"),
    ]


def test_a_window_that_is_a_file_is_named_so(log, told):
    log.tell(commit(0, evaluations=(evaluation(0, window=Window(None, None, "a.csv")),)))
    assert told("window evaluated", OPENED) == [
        ("INFO", "window evaluated", "a.csv"),
        ("WARNING", OPENED, "a.csv"),
    ]


def test_an_alarm_of_a_window_that_awaits_labels_names_it(log, told):
    later = commit(3, windows=[pending(0)], evaluations=(evaluation(3),), alarms=(alarm(0),))
    log.tell(later)
    assert told(OPENED) == [("WARNING", OPENED, FIRST)]


@pytest.fixture
def stream():
    """What the logs of the process are written to, until the test ends."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_model_and_window_stand_first_in_logfmt(log, stream):
    configure("logfmt", stream=stream)
    log.tell(commit(0))
    line, _, opened = stream.getvalue().splitlines()
    assert f' level=info msg="window evaluated" model={MODEL} window={FIRST} rows=720 ' in line
    assert opened.endswith(
        f'level=warning msg="alarm opened" model={MODEL} window={FIRST} kind=covariate '
        'since=2024-02-10T00:00:00Z columns=temp reason="temp moved"'
    )


def test_model_and_window_stand_first_in_json(log, stream):
    configure("json", stream=stream)
    log.tell(commit(0))
    for line in map(json.loads, stream.getvalue().splitlines()):
        assert list(line)[:5] == ["time", "level", "msg", "model", "window"]
        assert (line["model"], line["window"]) == (MODEL, FIRST)
