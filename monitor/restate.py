"""Labels that came: streams are fed, decisions and alarms follow, windows are printed again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor import alarms, comparing, labelled, maturity
from monitor.estimating import ESTIMATED, ESTIMATED_SHARES
from monitor.implied import Implied, implied, records, steps_of, through
from monitor.join import LabelTable, arrive
from monitor.judging import Step
from monitor.labels import places, strangers
from monitor.plan import Plan
from monitor.promises import promises
from monitor.rows import Classes
from monitor.state import AlarmRecord, Commit, ModelState, PendingWindow
from monitor.types import (
    LABEL_KINDS,
    Evaluation,
    Kind,
    PerformanceChange,
    PerformanceMetric,
    Promise,
    Statistic,
    Verdict,
)
from monitor.windows import micros, moment

Steps: TypeAlias = Mapping[Kind, Sequence[Step]]
"""By kind that reads labels, its decision on each pending window and its alarm after it."""

Shares: TypeAlias = Mapping[str, Mapping[str, float]]
"""Class shares by source."""

MARKS = (0.5, 0.8, 0.95)
"""Label coverage at which a window's line is printed again."""
RECORDED = 0.8
"""Label coverage from which a final window tells how right its estimates were."""


@dataclass(slots=True)
class Run:
    """One run of a model: what stays, and by pending window its last line and where its labels are."""

    plan: Plan
    labels: LabelTable
    classes: Classes
    lines: dict[str, Evaluation]
    detectors: labelled.Detectors
    promises: tuple[Promise, ...] = ()
    places: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    alarms: Implied | None = None
    """The alarms that the state implied after the last tick of this run."""

    def places_of(self, pending: Sequence[PendingWindow]) -> list[NDArray[np.int64]]:
        """Where the rows of each window are among the labels of this run."""
        for window in pending:
            if window.window.key not in self.places:
                self.places[window.window.key] = places(window, self.labels)
        return [self.places[window.window.key] for window in pending]

    def judge_by(self, plan: Plan) -> None:
        """Go on with another calibration."""
        if plan is not self.plan:
            self.plan, self.promises = plan, promises(plan)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The state after its labels were consumed; by window that was judged anew what was measured."""

    state: ModelState
    measured: Mapping[str, labelled.Measured | None]


def tick(
    job: Run,
    before: ModelState,
    state: ModelState,
    at: datetime,
    closing: tuple[AlarmRecord, ...],
    new: str | None,
) -> Commit:
    """What the labels known at this tick change: streams, decisions, alarms, lines."""
    judged = _consume(job, state, at, new)
    state = judged.state
    if new is not None:
        line = job.lines[new]
        told = strangers(job.plan, job.labels, job.places_of(state.pending), line.window, state.origin)
        job.lines[new] = replace(line, problems=(*line.problems, *told))
    steps = steps_of(job.plan, state)
    passed = _passed(job.plan, state, at)
    lines = _restate(job, judged, steps, passed, at, new)
    had = implied(before, steps_of(job.plan, before)) if job.alarms is None else job.alarms
    job.alarms = implied(state, steps)
    changes = records(had, job.alarms, state.watermark or state.tick)
    last = {kind: each[-1][1] for kind, each in steps.items() if each}
    state = replace(state, standing={**state.alarms, **last})
    printed = {key: passed[key] for key in lines}
    pending = tuple(
        replace(window, passed=printed[window.window.key]) if window.window.key in printed else window
        for window in state.pending
    )
    state = _drop_final(job, replace(state, pending=pending), at)
    kept = {window.window.key for window in state.pending}
    return Commit(
        job.plan.model,
        tuple(lines.values()),
        state,
        frozenset((judged.measured.keys() | printed.keys()) & kept),
        (*closing, *changes),
    )


def _consume(job: Run, state: ModelState, tick: datetime, new: str | None) -> _Judged:
    """Labels that are known by now reach their windows and the error streams, each once."""
    plan = job.plan
    known = job.places_of(state.pending)
    pending, arrivals = arrive(state.pending, known, job.labels, micros(tick))
    if plan.labels is None:
        arrivals = labelled.in_row(pending, new)
    streams, hits = labelled.feed(plan, job.detectors, state.streams, pending, arrivals)
    after = []
    measured: dict[str, labelled.Measured | None] = {}
    for number, window in enumerate(pending):
        final = _final(plan, window, tick)
        found = window.hits | hits.get(number, frozenset())
        moved = window is not state.pending[number] or found != window.hits
        # an empty window is final at once but waits for its place among the others
        ended = final and window.passed <= len(MARKS)
        if moved or ended or not window.decisions:
            told = replace(window, hits=found)
            decided, measured[window.window.key] = labelled.decide(plan, job.classes.names, told, final=final)
            after.append(decided)
        else:
            after.append(window)
    return _Judged(replace(state, pending=tuple(after), streams=streams, classes=job.classes.names), measured)


def _final(plan: Plan, window: PendingWindow, tick: datetime) -> bool:
    """Whether no more labels are awaited."""
    if plan.labels is None or not window.rows:
        return True
    if window.window.end is not None:
        return tick >= window.window.end + plan.labels.horizon
    return not len(window.times) or tick >= moment(int(window.times[0])) + plan.labels.horizon


def _passed(plan: Plan, state: ModelState, tick: datetime) -> dict[str, int]:
    """How many coverage marks each pending window has passed; one more where it is final."""
    return {
        window.window.key: sum(window.labelled >= mark * window.rows for mark in MARKS)
        + _final(plan, window, tick)
        for window in state.pending
    }


def _restate(
    job: Run,
    judged: _Judged,
    steps: Steps,
    passed: Mapping[str, int],
    tick: datetime,
    new: str | None,
) -> dict[str, Evaluation]:
    """The lines to print now, in time order: the new window's, and those that passed a mark."""
    state = judged.state
    lines: dict[str, Evaluation] = {}
    for number, window in enumerate(state.pending):
        key = window.window.key
        if key != new and passed[key] <= window.passed:
            continue
        line = job.lines[key]
        rows_verdicts = tuple(verdict for verdict in line.verdicts if verdict.kind not in LABEL_KINDS)
        if number < state.accepted:
            rows_verdicts = tuple(map(alarms.accepted, rows_verdicts))
        label_verdicts: tuple[Verdict, ...] = tuple(
            alarms.verdict(alarm, decision) for decision, alarm in (each[number] for each in steps.values())
        )
        final = _final(job.plan, window, tick)
        found = labelled.describe(
            job.plan,
            job.classes.names,
            job.detectors,
            state.streams,
            window,
            judged.measured.get(key),
            final=final,
        )
        change = comparing.compared(line.change, found.performance)
        label_verdicts = tuple(_explained(verdict, change) for verdict in label_verdicts)
        lines[key] = replace(
            line,
            tick=tick,
            change=change,
            promises=job.promises,
            labelled_rows=window.labelled,
            restated=key != new,
            final=final,
            verdicts=(*rows_verdicts, *label_verdicts),
            statistics=(
                *(each for each in line.statistics if _stays(each)),
                *found.statistics,
            ),
            performance=(*found.performance, *_estimated(line)),
            estimates=state.estimates,
            problems=(
                *(each for each in line.problems if each.reason not in labelled.REASONS),
                *found.problems,
            ),
            norms=(*(each for each in line.norms if each.kind not in LABEL_KINDS), *found.norms),
            class_shares=_with_estimated(line, found.class_shares),
            stream=found.stream,
        )
        job.lines[key] = lines[key]
    return lines


def _explained(verdict: Verdict, change: PerformanceChange | None) -> Verdict:
    """The verdict with what explains the error, where its alarm is open."""
    words = comparing.change_words(change)
    if not words or not verdict.alarm or verdict.kind not in {Kind.PERFORMANCE, Kind.CONCEPT}:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; {words}")


def _stays(statistic: Statistic) -> bool:
    """Whether labels do not change a statistic."""
    return statistic.kind not in LABEL_KINDS or statistic.detector == ESTIMATED_SHARES


def _estimated(line: Evaluation) -> tuple[PerformanceMetric, ...]:
    return tuple(each for each in line.performance if each.source == ESTIMATED)


def _with_estimated(line: Evaluation, shares: Shares) -> Shares:
    """The class shares, with those that predictions told where they tell any."""
    if line.label_shift is None or not line.label_shift.valid:
        return shares
    return {**shares, ESTIMATED: line.label_shift.estimate}


def _drop_final(job: Run, state: ModelState, tick: datetime) -> ModelState:
    """Final windows leave the pending ones; their decisions become memory."""
    count, estimates = 0, state.estimates
    while count < len(state.pending) and _final(job.plan, state.pending[count], tick):
        window = state.pending[count]
        line = job.lines.pop(window.window.key, None)
        job.places.pop(window.window.key, None)
        if line is not None and window.labelled >= RECORDED * window.rows:
            estimates = comparing.recorded(estimates, line.performance)
        count += 1
    if not count:
        return state
    after = {kind: through(job.plan, state, kind, count) for kind in labelled.kinds(job.plan)}
    return replace(
        state,
        alarms={**state.alarms, **{kind: course.alarm for kind, course in after.items()}},
        memories={**state.memories, **{kind: course.memory for kind, course in after.items()}},
        pending=state.pending[count:],
        accepted=max(0, state.accepted - count),
        delays=maturity.remembered(job.plan, state.delays, state.pending[:count]),
        estimates=estimates,
    )
