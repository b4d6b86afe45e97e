"""What the API answers: records, of which the JSON and its schema both follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.accepting import LONGEST_REASON, REASON_PATTERN
from monitor.export.snapshot import ModelView, Outcome
from monitor.state import AlarmRecord, Commit
from monitor.types import (
    DriftNorm,
    Evaluation,
    Kind,
    PerformanceMetric,
    Problem,
    Promise,
    Statistic,
    StreamSummary,
    Task,
    Verdict,
    Window,
)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model at a glance.

    `alarms`: the kinds whose alarm is open. `window_end`: event time up to which it was evaluated.
    """

    model: str
    owner: str
    task: Task | None
    tags: Mapping[str, str]
    alarms: tuple[Kind, ...]
    window_end: datetime | None
    last_run: datetime | None
    last_success: datetime | None
    last_outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Models:
    """Every model, by name."""

    models: tuple[ModelSummary, ...]


@dataclass(frozen=True, slots=True)
class ModelNow:
    """Everything that is known of one model now, each as the newest window that tells it does.

    `window`: the newest one, with its `rows`, `labelled_rows` and `problems`. `label_coverage`: labelled
    rows / rows of the windows that still await labels. `versions`: its rows by version of the model.
    """

    model: str
    owner: str
    task: Task | None
    tags: Mapping[str, str]
    alarms: tuple[Kind, ...]
    window_end: datetime | None
    last_run: datetime | None
    last_success: datetime | None
    last_outcome: Outcome | None
    interval_seconds: float | None
    window: Window | None
    rows: int | None
    labelled_rows: int | None
    label_coverage: float | None
    verdicts: tuple[Verdict, ...]
    statistics: tuple[Statistic, ...]
    norms: tuple[DriftNorm, ...]
    performance: tuple[PerformanceMetric, ...]
    class_shares: Mapping[str, Mapping[str, float]]
    stream: StreamSummary | None
    promises: tuple[Promise, ...]
    versions: Mapping[str, int]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """The last lines of windows in time order, as `driftd once --json` prints them.

    `next`: where there are older ones in the interval, what `before` is to be for them.
    """

    model: str
    windows: tuple[Evaluation, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Accept:
    """Why what is now is the new normal: one line."""

    reason: str = field(default="", metadata={"maxLength": LONGEST_REASON, "pattern": REASON_PATTERN})


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted, when and up to which event time, and the alarms that this closed."""

    model: str
    at: datetime
    watermark: datetime | None
    reason: str
    alarms: tuple[AlarmRecord, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no other answer, in a sentence."""

    error: str


def summary(view: ModelView) -> ModelSummary:
    """One model at a glance."""
    return ModelSummary(
        view.model,
        view.owner,
        view.task,
        view.tags,
        tuple(verdict.kind for verdict in view.verdicts if verdict.alarm),
        view.window_end,
        view.last_run,
        view.last_success,
        view.last_outcome,
    )


def now(view: ModelView) -> ModelNow:
    """Everything that is known of one model; names of private classes are shown nowhere."""
    brief, newest = summary(view), view.newest
    return ModelNow(
        **{name: getattr(brief, name) for name in ModelSummary.__dataclass_fields__},
        interval_seconds=view.interval_seconds,
        window=newest.window if newest else None,
        rows=newest.rows if newest else None,
        labelled_rows=newest.labelled_rows if newest else None,
        label_coverage=view.label_coverage,
        verdicts=view.verdicts,
        statistics=view.statistics,
        norms=view.norms,
        performance=view.performance,
        class_shares={} if view.private_classes else view.class_shares,
        stream=view.stream,
        promises=view.promises,
        versions=newest.versions if newest else {},
        problems=view.problems,
    )


def accepted(done: Commit) -> Accepted:
    """What an acceptance wrote."""
    assert done.acceptance is not None
    one = done.acceptance
    return Accepted(done.model, one.at, one.watermark, one.reason, done.alarms)
