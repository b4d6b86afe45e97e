"""What is known of every model now: records changed by pure functions, swapped in one step for readers."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeVar

from monitor.export.labels import label_statistics, performance
from monitor.export.versions import first_seen
from monitor.export.view import Dated, Detail, Durations, ModelView, Outcome, before, frozen
from monitor.types import (
    LABEL_KINDS,
    Evaluation,
    Kind,
    Problem,
    Promise,
    Reason,
    Stage,
    State,
    Task,
    Verdict,
    Window,
)

__all__ = [
    "Board",
    "Detail",
    "Durations",
    "ModelView",
    "Outcome",
    "Snapshot",
    "after_error",
    "after_evaluation",
    "after_problems",
    "after_run",
    "after_schedule",
    "after_skip",
    "new_view",
    "with_task",
]

K = TypeVar("K")
V = TypeVar("V")

SKIPPED: Final = (Reason.OVERLAP, Reason.LEASED, Reason.QUARANTINED)
"""Why a due run may not start; counted from 0 for every model."""


def new_view(
    model: str,
    *,
    owner: str = "",
    task: Task | None = None,
    tags: Mapping[str, str] | None = None,
    interval_seconds: float | None = None,
    window_seconds: float | None = None,
    lateness_seconds: float | None = None,
    detail: Detail = Detail.COLUMNS,
    private_classes: bool = False,
    kinds: Iterable[Kind] = tuple(Kind),
    alarms: Iterable[tuple[Kind, datetime]] = (),
) -> ModelView:
    """A model of which nothing is known yet, with every counter at its start.

    `kinds`: those that the model's data allow. `alarms`: (kind, since) of every alarm that the store
    has, so that a restart neither forgets an alarm nor counts it again.
    """
    seen = frozenset(alarms)
    totals = dict.fromkeys(kinds, 0)
    for kind, _ in sorted(seen):
        totals[kind] = totals.get(kind, 0) + 1
    return ModelView(
        model,
        owner,
        task,
        frozen(tags or {}),
        interval_seconds,
        window_seconds,
        lateness_seconds,
        detail,
        private_classes,
        alarms=seen,
        alarms_total=frozen(totals),
        runs=frozen(dict.fromkeys(Outcome, 0)),
        skipped=frozen(dict.fromkeys(SKIPPED, 0)),
    )


def after_run(
    view: ModelView,
    *,
    outcome: Outcome,
    ended: datetime,
    stages: Mapping[Stage, float] | None = None,
    errors: Iterable[tuple[Stage, Reason]] = (),
    window_end: datetime | None = None,
    label_coverage: float | None = None,
    next_run: datetime | None = None,
) -> ModelView:
    """The view after a run that ended, well or not; a failed run leaves all results as they are.

    `stages`: seconds by stage. `window_end`: the watermark. `label_coverage`: labelled rows / rows of
    the windows that still await labels, None where there are none. `next_run`: when one is due again.
    """
    durations = dict(view.durations)
    for stage, seconds in (stages or {}).items():
        durations[stage] = durations.get(stage, Durations()).observe(seconds)
    for stage, reason in errors:
        view = after_error(view, stage, reason)
    failed = outcome is Outcome.FAILED
    return replace(
        view,
        last_run=ended,
        next_run=next_run,
        last_success=view.last_success if failed else ended,
        last_outcome=outcome,
        window_end=window_end or view.window_end,
        label_coverage=view.label_coverage if failed else label_coverage,
        runs=_added(view.runs, outcome),
        durations=frozen(durations),
    )


def after_error(view: ModelView, stage: Stage, reason: Reason) -> ModelView:
    """The view with one more error counted."""
    return replace(view, errors=_added(view.errors, (stage, reason)))


def after_problems(view: ModelView, problems: Iterable[Problem]) -> ModelView:
    """The view with the problems of one more window counted."""
    for problem in problems:
        view = replace(view, window_problems=_added(view.window_problems, problem.reason))
    return view


def after_schedule(view: ModelView, next_run: datetime) -> ModelView:
    """The view after the model was scheduled, to run next at this time."""
    return replace(view, next_run=next_run)


def with_task(view: ModelView, task: Task | None) -> ModelView:
    """The view with the task that the reference showed."""
    return replace(view, task=task)


def after_skip(view: ModelView, reason: Reason) -> ModelView:
    """The view after a run that was due and did not start."""
    return replace(view, skipped=_added(view.skipped, reason))


def after_evaluation(view: ModelView, evaluation: Evaluation, min_rows: int) -> ModelView:
    """The view after one more line: a new window, or an older one restated.

    What reads rows only is of the newest window in event time. What reads labels is of the newest
    window in which it is known, since labels come late: a restated older window replaces neither the
    rows of a newer one nor what a newer one already knows from its own labels.
    """
    window = evaluation.window
    newest = view.newest is None or not before(window, view.newest.window)
    enough = evaluation.rows >= min_rows
    replaces = enough and (view.evaluation is None or not before(window, view.evaluation.window))
    opened = {(each.kind, each.since) for each in evaluation.verdicts if each.alarm and each.since}
    totals = view.alarms_total
    for kind, _ in sorted(opened - view.alarms):
        totals = _added(totals, kind)
    ends = [end for end in (view.window_end, window.end) if end]
    return replace(
        view,
        newest=evaluation if newest else view.newest,
        evaluation=evaluation if replaces else view.evaluation,
        window_end=max(ends, default=None),
        dated_verdicts=_verdicts(view, evaluation),
        dated_performance=_newer(view.dated_performance, window, performance(evaluation)),
        dated_statistics=_newer(view.dated_statistics, window, label_statistics(evaluation)),
        dated_norms=_newer(
            view.dated_norms,
            window,
            {norm.kind: norm for norm in evaluation.norms if norm.kind in LABEL_KINDS},
        ),
        dated_shares=_newer(
            view.dated_shares,
            window,
            {name: shares for name, shares in evaluation.class_shares.items() if shares},
        ),
        dated_promises=_promises(view, evaluation),
        versions=first_seen(view, evaluation),
        stream=evaluation.stream or view.stream,
        alarms=view.alarms | opened,
        alarms_total=totals,
    )


def _added(counts: Mapping[K, int], key: K) -> Mapping[K, int]:
    return frozen({**counts, key: counts.get(key, 0) + 1})


def _newer(known: Mapping[K, Dated[V]], window: Window, items: Mapping[K, V]) -> Mapping[K, Dated[V]]:
    fresh = {
        key: Dated(window, item)
        for key, item in items.items()
        if key not in known or not before(window, known[key].window)
    }
    return frozen({**known, **fresh}) if fresh else known


def _verdicts(view: ModelView, evaluation: Evaluation) -> Mapping[tuple[Kind, str], Dated[Verdict]]:
    fresh = {}
    for verdict in evaluation.verdicts:
        key = (verdict.kind, verdict.segment)
        told = view.dated_verdicts.get(key)
        if told is None or _supersedes(verdict, evaluation.window, told):
            fresh[key] = Dated(evaluation.window, verdict)
    return frozen({**view.dated_verdicts, **fresh})


def _supersedes(verdict: Verdict, window: Window, told: Dated[Verdict]) -> bool:
    """Newer in event time; but a window that awaits its labels does not hide what labels have told.

    Unless its alarm differs: it carries over the alarm as it stands now, after `accept` for instance.
    """
    unknown = verdict.state is State.UNKNOWN
    if verdict.kind in LABEL_KINDS and unknown != (told.value.state is State.UNKNOWN):
        if not unknown:
            return True
        if verdict.alarm is told.value.alarm:
            return False
    return not before(window, told.window)


def _promises(view: ModelView, evaluation: Evaluation) -> Dated[tuple[Promise, ...]] | None:
    known = view.dated_promises
    if not evaluation.promises or (known is not None and before(evaluation.window, known.window)):
        return known
    return Dated(evaluation.window, evaluation.promises)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All models at one moment, by name."""

    models: Mapping[str, ModelView] = field(default_factory=dict)
    config_ok: bool = True
    config_time: datetime | None = None
    """When a valid configuration was last loaded."""
    errors: Mapping[tuple[Stage, Reason], int] = field(default_factory=dict)
    """Errors of no model in particular."""

    def with_view(self, view: ModelView) -> "Snapshot":
        """The snapshot with this model's view new or replaced."""
        return replace(self, models=frozen({**self.models, view.model: view}))

    def with_models(self, views: Iterable[ModelView]) -> "Snapshot":
        """The snapshot with exactly these models: what a reload leaves out is gone."""
        return replace(self, models=frozen({view.model: view for view in views}))

    def with_config(self, *, ok: bool, at: datetime) -> "Snapshot":
        """The snapshot after the configuration was loaded, or could not be."""
        return replace(self, config_ok=ok, config_time=at if ok else self.config_time)

    def with_error(self, stage: Stage, reason: Reason) -> "Snapshot":
        """The snapshot with one more error of no model in particular."""
        return replace(self, errors=_added(self.errors, (stage, reason)))


class Board:
    """Holds the current snapshot; readers get a whole one without a lock."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._snapshot = snapshot or Snapshot()
        self._lock = threading.Lock()
        self._prepare: list[Callable[[Snapshot], None]] = []

    def before(self, prepare: Callable[[Snapshot], None]) -> None:
        """Let `prepare` work on the snapshot that holds now, and on each later one before it is seen."""
        with self._lock:
            prepare(self._snapshot)
            self._prepare.append(prepare)

    def current(self) -> Snapshot:
        """The snapshot that holds now."""
        return self._snapshot

    def publish(self, snapshot: Snapshot) -> None:
        """Replace the snapshot in one step."""
        self.update(lambda _: snapshot)

    def update(self, change: Callable[[Snapshot], Snapshot]) -> Snapshot:
        """Replace the snapshot by `change` of it; changes from several threads all count."""
        with self._lock:
            changed = change(self._snapshot)
            for prepare in self._prepare:
                prepare(changed)
            self._snapshot = changed
        return changed
