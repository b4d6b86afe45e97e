"""Records for the tests of the store, small and complete."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from monitor.state import AlarmRecord, Commit, FileRecord, ModelState, PendingWindow, Reading, StreamState
from monitor.types import (
    AlarmState,
    Decision,
    DriftNorm,
    Evaluation,
    Kind,
    PerformanceMetric,
    Problem,
    Promise,
    Reason,
    Severity,
    State,
    Statistic,
    StreamSummary,
    Verdict,
    Window,
)

MODEL = "flights"
START = datetime(2024, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def window(day=0):
    return Window(START + day * DAY, START + (day + 1) * DAY)


def evaluation(day=0, *, model=MODEL, value=4.1, columns=("temp", "dewp"), **changes):
    """One line with something in every field."""
    this = window(day)
    statistics = tuple(
        Statistic(Kind.COVARIATE, column, detector, value, 0.06, 1e-12, True)
        for column in columns
        for detector in ("psi", "ks")
    )
    verdicts = (
        Verdict(
            Kind.COVARIATE,
            State.ALARM,
            True,
            3.1,
            Severity.ALARM,
            True,
            2120.0,
            this.start,
            tuple(columns),
            dict.fromkeys(columns, this.start),
            "temp moved",
        ),
        Verdict(
            Kind.CONCEPT, State.UNKNOWN, False, None, Severity.NONE, False, None, None, (), {}, "no labels"
        ),
    )
    empty = Statistic(Kind.LABEL, "y", "psi", None, reason=Reason.NO_LABELS)
    whole = Evaluation(
        model,
        this,
        this.end + timedelta(hours=1),
        720,
        700,
        False,
        False,
        0.12,
        verdicts,
        (*statistics, empty),
        (PerformanceMetric("accuracy", "realised", 0.79, 0.76, 0.82, 0.81),),
        (Problem("humid", Reason.ALL_MISSING, "humid: no value in 720 rows"),),
        (DriftNorm(Kind.COVARIATE, 1.0, 2.5, 1.8, 1.5),),
        {"reference": {"0": 0.8, "1": 0.2}},
        StreamSummary(1200, 0.21),
        (
            Promise(Kind.COVARIATE, 0.5, 0.31, 0.12, 0.74, 118.0),
            Promise(Kind.CONCEPT, 0.25, provisional=True, reason="too few windows"),
        ),
        {"v7": 720},
    )
    return replace(whole, **changes)


def pending(day=0, rows=5, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(rows) < 0.5, np.nan, 1.0)
    return PendingWindow(
        window(day),
        rows + 1,
        np.sort(rng.integers(0, 2**64, rows, dtype=np.uint64)),
        rng.integers(0, 2**50, rows, dtype=np.int64),
        rng.random(rows),
        rng.random((rows, 2)).astype(np.float32),
        labels,
        np.where(np.isnan(labels), 0, 1_707_600_000_000_000),
        passed=1,
        conflicts=2,
        decisions={Kind.LABEL: Decision(Kind.LABEL, True, 1.5, 40.0, True, False, ("y",), "y moved")},
        readings={Kind.LABEL: Reading((5.0, 0.0), (0.1, -1 / 3, 5e-324), {"y": "y moved: 0.2 to 0.3"})},
        hits=frozenset({"performance"}),
        sampled=np.arange(0, rows, 2),
        features=rng.normal(size=(len(range(0, rows, 2)), 3)).astype(np.float16),
        moved=True,
    )


def alarm(day=0, closed=None, kind=Kind.COVARIATE):
    since = START + day * DAY
    return AlarmRecord(kind, "", since, closed, ("temp",), "temp moved")


def state(day=0, *, model=MODEL, windows=(), files=("a.csv", "b.csv")):
    return ModelState(
        model,
        "fingerprint",
        START,
        START + (day + 1) * DAY,
        START + (day + 1) * DAY + timedelta(hours=1),
        {name: FileRecord(name, f"size-{day}", START, START + day * DAY, 720, 3) for name in files},
        {"errors": StreamState("adwin", bytes([day, 0, 255]), START)},
        {Kind.COVARIATE: AlarmState(START, {"temp": START}, "temp moved", None, 0)},
        {Kind.COVARIATE: b"1 \n\x00\xff" + bytes([day])},
        tuple(windows),
        ("0", "1"),
        frozenset({"naive_timestamp"}),
    )


def commit(day=0, *, windows=(), **changes):
    """What the tick of one day writes."""
    whole = Commit(
        MODEL,
        (evaluation(day, value=float(day)),),
        state(day, windows=windows),
        frozenset(one.window.key for one in windows),
        (alarm(day),),
        profiles={window(day).key: b"profile %d" % day},
    )
    return replace(whole, **changes)


def same_pending(left, right):
    """Whether two pending windows are equal to the bit."""
    return all(_same(getattr(left, each.name), getattr(right, each.name)) for each in fields(left))


def _same(one, other):
    if not isinstance(one, np.ndarray):
        return one == other
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def same_state(left, right):
    """Whether two states are equal; pending windows have no equality of their own."""
    return (
        replace(left, pending=()) == replace(right, pending=())
        and len(left.pending) == len(right.pending)
        and all(map(same_pending, left.pending, right.pending))
    )
