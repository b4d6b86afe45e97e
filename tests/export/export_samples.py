"""Models made by hand: one in which every family has a sample, one that has just been loaded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.export.snapshot import (
    ModelView,
    Outcome,
    Snapshot,
    after_error,
    after_evaluation,
    after_problems,
    after_run,
    after_skip,
    new_view,
)
from monitor.export.view import PlannedEvent
from monitor.types import (
    DriftNorm,
    EstimateRecord,
    Evaluation,
    Kind,
    LabelArrival,
    PerformanceMetric,
    Problem,
    Promise,
    Reason,
    Severity,
    Stage,
    State,
    Statistic,
    StreamSummary,
    Task,
    Verdict,
    Window,
)

START = datetime(2024, 2, 10, tzinfo=UTC)
NOW = datetime(2024, 2, 11, 3, 20, tzinfo=UTC)
DAY = timedelta(days=1)


def window(day: int = 0) -> Window:
    """The day so many days after the first."""
    return Window(START + day * DAY, START + (day + 1) * DAY)


def verdict(kind: Kind, state: State = State.OK, **changes) -> Verdict:
    alarm = state is State.ALARM
    given = {
        "alarm": alarm,
        "score": None if state is State.UNKNOWN else 3.1 if alarm else 0.2,
        "severity": Severity.ALARM if alarm else Severity.NONE,
        "material": alarm,
        "days_by_chance": 2120.0 if alarm else 0.4,
        "since": START if alarm else None,
        "columns": ("temp",) if alarm else (),
        "column_since": {"temp": START} if alarm else {},
        "reason": "temp moved: median 57 to 14, PSI 4.1 (line 0.06); by chance once in 2,120 days"
        if alarm
        else "",
    }
    return Verdict(kind=kind, state=state, **{**given, **changes})


def evaluation(day: int = 0, **changes) -> Evaluation:
    """One line of the first model; anything in it can be changed."""
    given = {
        "model": "flight-delay",
        "window": window(day),
        "tick": START + (day + 1) * DAY + timedelta(hours=1),
        "rows": 720,
        "labelled_rows": 700,
        "restated": False,
        "final": False,
        "seconds": 0.12,
        "verdicts": VERDICTS,
        "statistics": STATISTICS,
        "performance": PERFORMANCE,
        "problems": PROBLEMS,
        "norms": (DriftNorm(Kind.COVARIATE, 1.0, 69.5, 68.3, 68.3),),
        "class_shares": {"reference": {"0": 0.81, "1": 0.19}, "observed": {"0": 0.76, "1": 0.24}},
        "label_arrival": LabelArrival(
            93_600.0, 0.98, 2_000, 1_910, 50.0, {"0.5": 7_200.0, "0.9": 43_200.0, "0.99": 93_600.0}
        ),
        "estimates": {"accuracy": EstimateRecord(40, 0.48, -0.1, 38)},
        "stream": StreamSummary(2_048, 0.31),
        "promises": PROMISES,
        "versions": {"v7": 700, "v8": 20},
    }
    return Evaluation(**{**given, **changes})


VERDICTS = (
    verdict(Kind.COVARIATE, State.ALARM),
    verdict(
        Kind.PREDICTION,
        State.OK,
        score=1.2,
        severity=Severity.LOW,
        columns=("y_proba",),
        reason="y_proba moved: mean 0.19 to 0.20, ks 0.04 (line 0.03); smaller than min_effect",
    ),
    verdict(Kind.LABEL),
    verdict(Kind.PERFORMANCE),
    verdict(Kind.CONCEPT, State.UNKNOWN, reason="300 labels are needed, 140 are known"),
    verdict(Kind.QUALITY),
)

STATISTICS = (
    Statistic(Kind.COVARIATE, "temp", "psi", 4.1, 0.06, 1e-12, drifted=True),
    Statistic(Kind.COVARIATE, "temp", "ks", 0.62, 0.08, 1e-30, drifted=True),
    Statistic(Kind.COVARIATE, "dewp", "psi", 0.031, 0.06, 0.2),
    Statistic(Kind.COVARIATE, "carrier", "psi", 0.055, 0.058, 0.06),
    Statistic(Kind.COVARIATE, "humid", "psi", None, reason=Reason.ALL_MISSING),
    Statistic(Kind.COVARIATE, "", "domain_classifier", 0.61, 0.55, drifted=True),
    Statistic(Kind.PREDICTION, "y_proba", "ks", 0.04, 0.03, drifted=True),
    Statistic(Kind.LABEL, "y", "psi", 0.011, 0.02),
    Statistic(Kind.QUALITY, "temp", "missing", 0.004, 0.02),
    Statistic(Kind.QUALITY, "carrier", "missing", 0.0, 0.02),
    Statistic(Kind.QUALITY, "carrier", "unseen", 0.0125, 0.02),
)

PERFORMANCE = (
    PerformanceMetric("accuracy", "realised", 0.79, 0.76, 0.82, 0.81),
    PerformanceMetric("roc_auc", "realised", 0.71, 0.67, 0.75, 0.72),
    PerformanceMetric("log_loss", "realised", None, reason=Reason.NO_PROBABILITY),
    PerformanceMetric("accuracy", "estimated", 0.8, 0.77, 0.83, 0.81),
    PerformanceMetric("roc_auc", "estimated", 0.6, 0.5, 0.7, 0.72, Reason.OUTSIDE_SUPPORT),
)

PROBLEMS = (
    Problem("humid", Reason.ALL_MISSING, "humid has no value in this window; look at the feed of humid"),
    Problem("", Reason.NAIVE_TIMESTAMP, "ts has no zone; it is read as UTC"),
)

SHORT = "34 windows make 1 folds of a week and 20 windows; 3 are needed"
NOT_REPLAYED = "nothing of this kind is replayed: two-sample nulls judge it"

PROMISES = (
    Promise(Kind.COVARIATE, 0.5, 0.31, 0.12, 0.74, 118.0),
    Promise(Kind.PREDICTION, 0.25, 0.09, 0.02, 0.41, 61.5),
    Promise(Kind.LABEL, 0.25, 0.2, 0.04, 0.9, 30.2, provisional=True, reason=SHORT),
    Promise(Kind.PERFORMANCE, 0.25, 0.22, 0.05, 0.96, 30.2, provisional=True, reason=SHORT),
    Promise(Kind.CONCEPT, 0.25, provisional=True, reason=NOT_REPLAYED),
    Promise(Kind.QUALITY, 0.25, 0.18, 0.1, 0.4, 118.0),
)


def full_view() -> ModelView:
    """A model in which every family of a model has a sample."""
    view = new_view(
        "flight-delay",
        owner="team-ops",
        task=Task.BINARY,
        tags={"tier": "1"},
        interval_seconds=3600,
        window_seconds=86_400,
        lateness_seconds=3600,
    )
    view = after_evaluation(view, evaluation(), 200)
    view = after_run(
        view,
        outcome=Outcome.SUCCESS,
        ended=NOW - timedelta(minutes=20),
        stages={Stage.SCAN: 0.08, Stage.DETECT: 0.3},
        window_end=START + DAY,
        label_coverage=0.5,
        next_run=NOW + timedelta(minutes=40),
    )
    view = replace(
        view,
        versions={"v7": None, "v8": NOW - timedelta(hours=2)},
        planned=(PlannedEvent(START - DAY, START, "warehouse moves"),),
        accepted=START - timedelta(hours=3),
    )
    view = after_error(view, Stage.SCAN, Reason.FILE_UNREADABLE)
    view = after_problems(view, PROBLEMS)
    return after_skip(view, Reason.OVERLAP)


def new_model() -> ModelView:
    return new_view("churn", task=Task.MULTICLASS, interval_seconds=86_400)


def full_snapshot() -> Snapshot:
    """Two models and a configuration; every family has a sample."""
    return Snapshot().with_models([full_view(), new_model()]).with_config(ok=True, at=START)
