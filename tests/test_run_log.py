import logging
from dataclasses import replace

import pytest

from monitor.run_log import Entry, RunLog
from monitor.types import Reason, Stage

UNREADABLE = Entry(logging.WARNING, Stage.SCAN, Reason.FILE_UNREADABLE, "a.parquet cannot be read")
CRASHED = Entry(logging.ERROR, Stage.WORKER, Reason.CRASHED, "the worker process was killed")


@pytest.fixture
def told(caplog):
    """The lines of level info and above since the last look, each as its message and fields."""
    caplog.set_level(logging.DEBUG)

    def look():
        found = [
            (each.levelname, each.message, each.model, getattr(each, "reason", None))
            for each in caplog.records
            if each.levelno > logging.DEBUG
        ]
        caplog.clear()
        return found

    return look


def test_what_lasts_is_told_once_and_again_when_it_comes_back(told):
    log = RunLog()
    warning = ("WARNING", UNREADABLE.message, "flights", "file_unreadable")
    error = ("ERROR", CRASHED.message, "flights", "crashed")
    log.tell("flights", [UNREADABLE])
    assert told() == [warning]
    log.tell("flights", [UNREADABLE, CRASHED])
    assert told() == [error]
    log.tell("flights", [UNREADABLE])
    assert told() == []
    log.tell("flights", [])
    log.tell("flights", [UNREADABLE])
    assert told() == [warning]


def test_models_are_told_apart(told):
    log = RunLog()
    log.tell("flights", [UNREADABLE])
    log.tell("boats", [UNREADABLE])
    assert [model for _, _, model, _ in told()] == ["flights", "boats"]


def test_a_run_is_news_where_it_evaluated_windows_or_ended_otherwise(told):
    log = RunLog()
    seen = []
    for outcome, lines in (("success", 2), ("success", 1), ("no_data", 0), ("no_data", 0), ("failed", 0)):
        log.end("flights", outcome, lines, 0.1234)
        seen.append(len(told()))
    assert seen == [1, 1, 1, 0, 1]


def test_what_is_no_news_stands_at_level_debug(caplog):
    caplog.set_level(logging.DEBUG)
    log = RunLog()
    for _ in range(2):
        log.tell("flights", [UNREADABLE])
        log.end("flights", "no_data", 0, 0.1234)
    assert [each.levelname for each in caplog.records] == ["WARNING", "INFO", "DEBUG", "DEBUG"]
    assert caplog.records[-1].seconds == 0.123


def test_what_failed_in_a_window_names_it(caplog):
    log = RunLog()
    log.tell("flights", [CRASHED, replace(CRASHED, window="a.csv")])
    assert [getattr(each, "window", None) for each in caplog.records] == [None, "a.csv"]
