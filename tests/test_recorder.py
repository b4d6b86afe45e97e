import pytest

from monitor.build import detector_parameters, source_parameters
from monitor.config.load import load_model
from monitor.errors import StoreError
from monitor.evaluation import Failed, Learned, Timed
from monitor.plan import Planned
from monitor.recorder import Committed, order, record
from monitor.store import Store
from monitor.types import Reason, Stage
from tests.store.store_records import MODEL, commit, pending, same_state

YAML = """
version: 1
model: flights
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
columns: {timestamp: ts}
"""
POINTS = ["begin", "windows", "statistics", "state", "before_commit", "after_commit"]


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'driftd.db'}") as opened:
        yield opened


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "flights.yaml"
    path.write_text(YAML, encoding="utf-8")
    return load_model(path, sources=source_parameters(), detectors=detector_parameters())


def told(store, events, *rest):
    """What is told of the events but for the time of writing, which comes last."""
    *found, last = record(store, MODEL, events, *rest)
    assert (type(last), last.stage) == (Timed, Stage.STORE)
    assert last.seconds >= 0
    return found


def test_a_commit_is_told_when_it_is_safe(store):
    events = record(store, MODEL, iter([commit(0), commit(1)]))
    assert next(events) == Committed(commit(0))
    assert store.evaluations(MODEL) == list(commit(0).evaluations)
    assert next(events) == Committed(commit(1))
    assert len(store.evaluations(MODEL)) == 2


def test_the_next_commit_is_computed_after_the_last_was_written(store):
    def compute():
        for day in range(3):
            assert len(store.evaluations(MODEL)) == day
            yield commit(day)

    assert len(told(store, compute())) == 3


def test_a_learned_reference_is_kept_and_not_told(store):
    assert told(store, [Learned("abc", b"reference")]) == []
    assert store.references(MODEL) == {"abc": b"reference"}


def test_what_is_not_for_the_store_is_handed_on(store):
    events = [Planned(3), Timed(Stage.SCAN, 1.5), Failed(Stage.SCAN, Reason.SOURCE_FAILED, "gone")]
    assert told(store, events) == events


def test_a_store_that_fails_ends_the_run_and_keeps_what_it_has(store, monkeypatch):
    written = store.commit
    full = StoreError("no space left", transient=True, reason=Reason.STORE_FULL)

    def fail_on_the_second(given, *rest):
        if given == commit(1):
            raise full
        written(given, *rest)

    monkeypatch.setattr(store, "commit", fail_on_the_second)
    failed = Failed(Stage.STORE, Reason.STORE_FULL, "no space left")
    assert told(store, map(commit, range(3))) == [Committed(commit(0)), failed]
    assert len(store.evaluations(MODEL)) == 1


def test_a_run_that_lost_its_lease_writes_nothing_more(store):
    store.lease(MODEL, "one", 600)
    events = record(store, MODEL, map(commit, range(3)), "one")
    assert next(events) == Committed(commit(0))
    store.release(MODEL, "one")
    store.lease(MODEL, "two", 600)
    failed = next(events)
    assert (failed.stage, failed.reason) == (Stage.STORE, Reason.LEASED)
    assert len(store.evaluations(MODEL)) == 1


def test_a_lease_that_ran_out_while_nobody_wanted_it_holds(store):
    store.lease(MODEL, "one", 0)
    assert told(store, [commit(0)], "one") == [Committed(commit(0))]


def test_a_lease_that_another_has_had_in_the_meantime_is_lost(store):
    store.lease(MODEL, "one", 0)
    store.lease(MODEL, "two", 600)
    store.release(MODEL, "two")
    assert [each.reason for each in told(store, [commit(0)], "one")] == [Reason.LEASED]


def test_how_far_a_commit_is_can_be_followed(store):
    reached = []
    told(store, [commit(0)], None, reached.append)
    assert reached == POINTS


def test_an_order_holds_where_the_model_stands(store, config, clock):
    last = commit(1, windows=[pending(0), pending(1)])
    told(store, [commit(0, windows=[pending(0)]), Learned("abc", b"reference"), last])
    found = order(store, config, until=clock(), now=clock(), threads=3)
    assert same_state(found.state, last.state)
    assert found.references == {"abc": b"reference"}
    assert found.lines == {line.window.key: line for day in (0, 1) for line in commit(day).evaluations} | {
        line.window.key: line for line in last.evaluations
    }
    assert (found.config, found.until, found.threads) == (config, clock(), 3)


def test_an_order_holds_lines_of_pending_windows_only(store, config, clock):
    told(store, [commit(0), commit(1, windows=[pending(1)])])
    lines = order(store, config, until=clock(), now=clock(), threads=1).lines
    assert list(lines) == [pending(1).window.key]


def test_the_first_order_of_a_model_is_empty(store, config, clock):
    found = order(store, config, until=clock(), now=clock(), threads=1)
    assert (found.state.model, found.state.watermark, found.lines, found.references) == (MODEL, None, {}, {})
