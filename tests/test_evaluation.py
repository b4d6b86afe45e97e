import pickle
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from monitor import evaluation, pipeline
from monitor.build import detector_parameters, source_parameters
from monitor.config.load import load_model
from monitor.config.secrets import Secret
from monitor.errors import BadReferenceError, ConfigError, ConfigProblem, DetectorError, SourceError
from monitor.evaluation import Failed, Learned, Order, Timed, evaluate
from monitor.plan import Planned
from monitor.state import Commit, ModelState
from monitor.types import Problem, Reason, Stage, span

SECRET = "hunter2-of-the-lake"
UNTIL = datetime(2024, 1, 6, tzinfo=UTC)
YAML = """
version: 1
model: lakes
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
columns: {timestamp: ts}
window: {length: 1d, lateness: 0s, min_rows: 20}
"""


def rows(days, first):
    rng = np.random.default_rng(first)
    start = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=first)
    times = start + pd.to_timedelta(np.sort(rng.uniform(0, days * 24, days * 60)), unit="h")
    return pd.DataFrame({"ts": times.floor("us"), "depth": rng.normal(size=days * 60)})


@pytest.fixture
def make(tmp_path):
    """An order for the model of this YAML in a folder with its data."""

    def order(yaml=YAML, **changes):
        rows(3, 0).to_parquet(tmp_path / "reference.parquet", index=False)
        rows(2, 3).to_parquet(tmp_path / "live.parquet", index=False)
        path = tmp_path / "lakes.yaml"
        path.write_text(yaml, encoding="utf-8")
        config = load_model(
            path,
            sources=source_parameters(),
            detectors=detector_parameters(),
            environment={"DEPTH": SECRET},
        )
        return replace(Order(config, ModelState("lakes"), {}, {}, UNTIL, UNTIL, 1), **changes)

    return order


def only(events, wanted):
    return [event for event in events if isinstance(event, wanted)]


def failing(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(evaluation, "resolve", fail)


def test_a_run_tells_what_it_learned_planned_wrote_and_how_long_it_took(make):
    events = list(evaluate(make()))
    assert [type(event) for event in events] == [Timed, Learned, Planned, Commit, Commit, Timed, Timed]
    assert [event.stage for event in only(events, Timed)] == [Stage.REFERENCE, Stage.SCAN, Stage.DETECT]
    assert all(event.seconds >= 0 for event in only(events, Timed))
    assert only(events, Planned)[0].windows == 2


def test_detecting_takes_as_long_as_the_lines_say(make):
    events = list(evaluate(make()))
    lines = [line for commit in only(events, Commit) for line in commit.evaluations]
    assert only(events, Timed)[-1].seconds == pytest.approx(sum(line.seconds for line in lines))


def test_a_reference_that_is_known_is_not_learned_again(make):
    order = make()
    (learned,) = only(evaluate(order), Learned)
    again = list(evaluate(replace(order, references={learned.fingerprint: learned.blob})))
    assert only(again, Learned) == []
    assert len(only(again, Commit)) == 2


def test_what_was_evaluated_is_not_evaluated_again(make):
    order = make()
    *_, last = only(evaluate(order), Commit)
    assert only(evaluate(replace(order, state=last.state)), Commit) == []


def test_an_order_and_its_events_can_go_to_another_process(make):
    order = pickle.loads(pickle.dumps(make()))
    events = list(evaluate(order))
    assert [type(each) for each in pickle.loads(pickle.dumps(events))] == [type(each) for each in events]


def test_a_source_that_is_gone_is_said(make, tmp_path):
    order = make()
    (tmp_path / "reference.parquet").unlink()
    (failed,) = evaluate(order)
    assert failed.reason is Reason.SOURCE_FAILED
    assert "reference.parquet" in failed.message


def test_a_reference_without_a_named_column_is_said(make):
    (failed,) = evaluate(make(YAML.replace("{timestamp: ts}", "{timestamp: ts, prediction: y_pred}")))
    assert (failed.stage, failed.reason) == (Stage.REFERENCE, Reason.REFERENCE_INVALID)
    assert failed.message == (
        "the reference has no column 'y_pred', which the model file names; it has ts, depth "
        "(driftd check --connect says where and what was meant)"
    )


PROBLEM = ConfigProblem("lakes.yaml", 3, 1, "window", "is too long")


@pytest.mark.parametrize(
    ("error", "stage", "reason", "message"),
    [
        (
            ConfigError([PROBLEM]),
            Stage.CONFIG,
            Reason.CONFIG_INVALID,
            "lakes.yaml:3:1: window: is too long",
        ),
        (BadReferenceError("no rows"), Stage.REFERENCE, Reason.REFERENCE_INVALID, "no rows"),
        (SourceError("gone"), Stage.SCAN, Reason.SOURCE_FAILED, "gone"),
        (DetectorError("odd"), Stage.DETECT, Reason.INTERNAL, "odd"),
        (
            MemoryError(),
            Stage.WORKER,
            Reason.OUT_OF_MEMORY,
            "the run needs more memory than there is",
        ),
        (
            ZeroDivisionError("by zero"),
            Stage.DETECT,
            Reason.INTERNAL,
            "a fault of driftd: ZeroDivisionError: by zero",
        ),
    ],
)
def test_every_fault_is_an_event(make, monkeypatch, error, stage, reason, message):
    order = make()
    failing(monkeypatch, error)
    assert list(evaluate(order)) == [Failed(stage, reason, message)]


def test_a_fault_in_the_middle_keeps_what_was_told(make, monkeypatch):
    def two_then_none(plan, state, *_, **__):
        yield Planned(2)
        yield Commit("lakes", (), state)
        raise SourceError("the disk was pulled out")

    order = make()
    monkeypatch.setattr(evaluation.pipeline, "run", two_then_none)
    *before, last = evaluate(order)
    assert [type(event) for event in before] == [Timed, Learned, Planned, Commit]
    assert last == Failed(Stage.SCAN, Reason.SOURCE_FAILED, "the disk was pulled out")


@pytest.mark.parametrize("kind", [SourceError, RuntimeError])
def test_no_fault_shows_a_secret(make, monkeypatch, kind):
    order = make(YAML.replace("path: live.parquet", "path: 's3://${DEPTH}/live.parquet'"))
    failing(monkeypatch, kind(f"cannot open s3://{SECRET}/live.parquet"))
    (failed,) = evaluate(order)
    assert SECRET not in failed.message
    assert "cannot open s3://***" in failed.message


def test_no_secret_is_in_what_is_told_before_the_first_window():
    secret = Secret("hush-hush")
    told = Planned(0, (Problem("", Reason.NO_FILES, "nothing matches /data/hush-hush/*.parquet"),))
    hidden = evaluation._hidden(told, [secret])
    assert [each.message for each in hidden.problems] == ["nothing matches /data/***/*.parquet"]


def test_a_fault_within_a_window_names_it_and_the_windows_before_hold(make, monkeypatch, caplog):
    whole = pipeline.measure.window

    def second_fails(plan, data, more=()):
        if data.window.start.day == 5:
            raise ZeroDivisionError("by zero")
        return whole(plan, data, more)

    monkeypatch.setattr(pipeline.measure, "window", second_fails)
    events = list(evaluate(make()))
    (failed,) = only(events, Failed)
    assert len(only(events, Commit)) == 1
    assert (failed.reason, failed.message) == (
        Reason.INTERNAL,
        "a fault of driftd: ZeroDivisionError: by zero",
    )
    assert span(failed.window) == "2024-01-05T00:00:00Z/2024-01-06T00:00:00Z"
    record = next(each for each in caplog.records if each.message == "run failed")
    assert (record.model, record.window) == ("lakes", span(failed.window))
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("error", [MemoryError(), SourceError("gone")])
def test_what_is_no_fault_of_driftd_keeps_its_reason_within_a_window(make, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(pipeline.measure, "window", fail)
    (failed,) = only(evaluate(make()), Failed)
    assert (failed.reason, failed.window) == (
        Reason.OUT_OF_MEMORY if isinstance(error, MemoryError) else Reason.SOURCE_FAILED,
        None,
    )
