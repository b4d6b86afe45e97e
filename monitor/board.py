"""What the board shows of a model: from its configuration, from the store, from what a run commits."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alarms import standing
from monitor.config.schema import ModelConfig
from monitor.export.snapshot import (
    Detail,
    ModelView,
    after_error,
    after_evaluation,
    after_problems,
    new_view,
)
from monitor.export.view import PlannedEvent, frozen
from monitor.scheduler import BaseTrigger, period, trigger
from monitor.state import Commit, ModelState
from monitor.store import Store
from monitor.types import Evaluation, Kind, Reason, Stage

SHOWN_WINDOWS, FEW_WINDOWS = 64, 2
"""How many of the newest windows are read at most to show what a restarted daemon knows, and at first."""

SHOWN_EVENTS = 50
"""How many planned events of a model are shown at most."""


def unevaluated(
    config: ModelConfig, now: datetime, alarms: Iterable[tuple[Kind, datetime]] = ()
) -> ModelView:
    """The model as its file describes it. `alarms`: (kind, since) of those that count already."""
    cron, zone = config.schedule.cron, config.window.timezone
    by_time = config.columns.timestamp is not None
    view = new_view(
        config.model,
        owner=config.owner or "",
        task=config.task,
        tags=config.tags,
        interval_seconds=period(every_of(config), cron, zone, now),
        window_seconds=config.window.length.nominal.total_seconds() if by_time else None,
        lateness_seconds=config.window.lateness.nominal.total_seconds() if by_time else None,
        detail=Detail(config.export.detail),
        private_classes=config.columns.label in config.columns.features.private,
        alarms=alarms,
    )
    return replace(view, planned=_planned(config, now))


def every_of(config: ModelConfig) -> timedelta | None:
    """The period of the schedule; None where it is a cron schedule."""
    return None if config.schedule.cron is not None else config.schedule.every.nominal


def trigger_of(config: ModelConfig) -> BaseTrigger:
    """What tells the scheduler when the model runs."""
    schedule = config.schedule
    jitter = schedule.jitter.nominal if schedule.jitter is not None else None
    return trigger(every_of(config), schedule.cron, jitter, config.window.timezone)


def _planned(config: ModelConfig, now: datetime) -> tuple[PlannedEvent, ...]:
    """The events that go on or come next, then those that are over."""
    nearest = sorted(config.planned, key=lambda each: (each.end <= now, abs(each.start - now)))
    return tuple(PlannedEvent(each.start, each.end, each.reason) for each in nearest[:SHOWN_EVENTS])


def view_of(config: ModelConfig, store: Store, known: ModelView | None, now: datetime) -> ModelView:
    """The model as it is known: what a running daemon shows already, else what the store has."""
    if known is not None:
        view = unevaluated(config, now)
        return replace(
            known,
            owner=view.owner,
            task=known.task or view.task,
            tags=view.tags,
            interval_seconds=view.interval_seconds,
            window_seconds=view.window_seconds,
            lateness_seconds=view.lateness_seconds,
            detail=view.detail,
            private_classes=view.private_classes,
            planned=view.planned,
        )
    view = unevaluated(config, now, [(record.kind, record.since) for record in store.alarms(config.model)])
    state = store.state(config.model)
    for evaluation in _shown(config, store, len(state.pending)):
        view = after_evaluation(view, evaluation, config.window.min_rows)
    view = _with_alarms(view, state)
    return replace(
        view,
        window_end=state.watermark or view.window_end,
        label_coverage=coverage(state),
        accepted=_accepted(store, config.model),
    )


def _shown(config: ModelConfig, store: Store, pending: int) -> list[Evaluation]:
    """The newest windows, few where they tell all: those that await labels may hide what others have told."""
    lines = store.evaluations(config.model, limit=min(SHOWN_WINDOWS, FEW_WINDOWS + pending))
    judged = any(line.rows >= config.window.min_rows for line in lines)
    labelled = config.columns.label is None or any(line.labelled_rows for line in lines)
    if judged and labelled and config.columns.version is None:
        return lines
    return store.evaluations(config.model, limit=SHOWN_WINDOWS)


def _accepted(store: Store, model: str) -> datetime | None:
    return max((each.at for each in store.acceptances(model)), default=None)


def newest(store: Store, config: ModelConfig, state: ModelState) -> Callable[[ModelView], ModelView]:
    """The change that newest window, state and acceptance make, which another process may have written."""
    lines = store.evaluations(config.model, limit=1)
    accepted = _accepted(store, config.model)

    def change(view: ModelView) -> ModelView:
        for evaluation in lines:
            view = after_evaluation(view, evaluation, config.window.min_rows)
        return replace(_with_alarms(view, state), accepted=accepted or view.accepted)

    return change


def committed(commit: Commit, min_rows: int) -> Callable[[ModelView], ModelView]:
    """The change that one commit makes to its model's view."""

    def change(view: ModelView) -> ModelView:
        for evaluation in commit.evaluations:
            view = after_evaluation(view, evaluation, min_rows)
            if not evaluation.restated:
                view = after_problems(view, evaluation.problems)
            for _ in range(_failed_detectors(evaluation)):
                view = after_error(view, Stage.DETECT, Reason.DETECTOR_FAILED)
        view = _with_alarms(view, commit.state)
        accepted = commit.acceptance.at if commit.acceptance is not None else view.accepted
        return replace(view, label_coverage=coverage(commit.state), accepted=accepted)

    return change


def _with_alarms(view: ModelView, state: ModelState) -> ModelView:
    """The view with the alarms that stand: labels of an older window change them after the newest line."""
    verdicts = {
        key: replace(told, value=standing(told.value, state.standing[key[0]]))
        for key, told in view.dated_verdicts.items()
        if key[0] in state.standing
    }
    return replace(view, dated_verdicts=frozen({**view.dated_verdicts, **verdicts}))


def _failed_detectors(evaluation: Evaluation) -> int:
    """What faults of detectors cost a line, each once: a restated line tells them again."""
    if evaluation.restated:
        return 0
    return sum(problem.reason is Reason.DETECTOR_FAILED for problem in evaluation.problems)


def coverage(state: ModelState) -> float | None:
    """Labelled rows / rows over the windows that are not final; None where there are none."""
    rows = sum(window.rows for window in state.pending)
    return sum(window.labelled for window in state.pending) / rows if rows else None
