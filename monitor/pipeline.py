"""One model, tick after tick: the only file that knows the order.

Everything before a `Commit` is yielded is free of side effects, and everything after it follows from
the store; so a crash anywhere neither loses nor repeats a window.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from monitor import alarms, diagnosis, estimating, labelled, maturity, measure, restate, rolling
from monitor.errors import DriftdError
from monitor.index import counted, files_within
from monitor.judging import Heard, advance
from monitor.labels import adapted
from monitor.log import within
from monitor.plan import Plan, Planned
from monitor.promises import promises
from monitor.restate import Run
from monitor.rows import Classes
from monitor.scan import WindowData, chunks, scan
from monitor.state import AlarmRecord, Commit, FileRecord, Kept, ModelState
from monitor.types import AlarmState, Decision, Evaluation, Kind, Problem, Reason, Window, span
from monitor.work import Work, due_windows, new_files, of_files, rows_of


class WindowFaultError(Exception):
    """A fault of driftd, its cause, while this window was evaluated."""

    def __init__(self, window: Window) -> None:
        self.window = window
        super().__init__(span(window))


def run(
    plan: Plan,
    state: ModelState,
    lines: Mapping[str, Evaluation],
    *,
    until: datetime,
    now: datetime,
    end: datetime | None = None,
    threads: int = 2,
    kept: Sequence[Kept] = (),
) -> Iterator[Commit | Planned]:
    """Evaluate every window that is due by `until`, in time order, and restate those whose labels came.

    `lines` are the last lines of the pending windows. Windows that end after `end` are left alone. `kept`:
    the windows that the store keeps, for a rolling reference.
    Yields first what is planned, then one commit per tick that has something to write; the caller
    writes it before it asks for the next.
    """
    state, closing = _on_reference(plan, state)
    timed = plan.calendar is not None
    work = due_windows(plan, state, until, now, end) if timed else new_files(plan, state, until)
    classes = Classes(state.classes or plan.target.classes, private=plan.names.private)
    labels = labelled.read_labels(plan, state, [window for window, _ in work.ready], classes, work.first)
    problems = (*work.problems, *labels.problems)
    yield Planned(len(work.ready), () if work.ready else (*work.faults, *problems), plan.task)
    state = replace(state, label_files=labels.files)
    job = Run(plan, labels.table, classes, dict(lines), labelled.Detectors(plan.labelled), promises(plan))
    past = rolling.begin(plan, kept)
    if work.ready and timed:  # what was learned of files is kept with what is told of them
        state = replace(state, origin=work.origin, files=work.files, said=work.said)
    for data, tick, faults in _read(plan, work, classes, threads):
        files = _evaluated(work, state, data)
        if past is not None:
            job.judge_by(past.plan_at(job.plan, data.window))
        with _evaluating(data.window):
            commit = _first_line(job, replace(state, files=files), data, tick, (*faults, *problems), closing)
        state, problems, closing = commit.state, (), ()
        if past is not None:
            past.add(_kept(commit, data))
        yield commit
    for tick in work.later:
        if not state.pending:
            return
        commit = _label_tick(job, state, tick, closing)
        state = commit.state
        if commit.evaluations or commit.changed:
            closing = ()
            yield commit


@contextmanager
def _evaluating(window: Window) -> Iterator[None]:
    """Log lines and faults in here name the window."""
    try:
        with within(span(window)):
            yield
    except (DriftdError, MemoryError):
        raise
    except Exception as error:
        raise WindowFaultError(window) from error


def _kept(commit: Commit, data: WindowData) -> Kept:
    """The new window as the store keeps it."""
    key = data.window.key
    line = next(line for line in commit.evaluations if line.window.key == key)
    return Kept(data.window, commit.profiles[key], rolling.opened(line.verdicts))


def _read(
    plan: Plan, work: Work, classes: Classes, threads: int
) -> Iterator[tuple[WindowData, datetime, tuple[Problem, ...]]]:
    """Each window's rows, its tick, and what is wrong with whole files."""
    ticks = dict(work.ready)
    for chunk in chunks(plan, list(ticks), rows_of(work)):
        file, start, end = chunk[0].file, chunk[0].start, chunk[-1].end
        files = (file,) if start is None or end is None else files_within(work.files, start, end)
        scanned = scan(plan, chunk, [name for name in files if name is not None], classes, threads)
        if file is not None and any(each.reason is Reason.FILE_INCOMPLETE for each in scanned.problems):
            continue  # still being written: the next run tries it again
        faults = tuple(dict.fromkeys((*work.faults, *of_files(scanned.problems))))
        for data in scanned.windows:
            yield data, ticks[data.window], faults


def _evaluated(work: Work, state: ModelState, data: WindowData) -> dict[str, FileRecord]:
    """The file index once the window was evaluated."""
    file = data.window.file
    if file is None:
        return counted(state.files, data.files)
    record = replace(work.files[file], rows=data.profile.rows, behind=data.profile.rows)
    return {**state.files, file: record}


def _on_reference(plan: Plan, state: ModelState) -> tuple[ModelState, tuple[AlarmRecord, ...]]:
    """On another reference open alarms close and memories restart; watermark and ledger stay."""
    fingerprint = plan.reference.fingerprint
    if state.reference in {"", fingerprint}:
        return replace(state, reference=fingerprint), ()
    at = state.watermark or state.tick
    closing = tuple(
        AlarmRecord(kind, "", memory.since, at, tuple(sorted(memory.column_since)), Reason.REFERENCE_CHANGED)
        for kind, memory in (state.standing or state.alarms).items()
        if memory.since is not None
    )
    classes = tuple(dict.fromkeys((*plan.target.classes, *state.classes)))
    pending = tuple(
        replace(
            adapted(plan, window, state.classes, classes),
            decisions={},
            readings={},
            hits=frozenset(),
            estimate=None,
            sampled=window.sampled[:0],
            features=window.features[:0],
        )
        for window in state.pending
    )
    after = replace(state, reference=fingerprint, alarms={}, standing={}, memories={})
    after = replace(after, streams={}, pending=pending, label_files={}, delays=b"", estimates={})
    return replace(after, classes=classes), closing


def _first_line(
    job: Run,
    before: ModelState,
    data: WindowData,
    tick: datetime,
    problems: tuple[Problem, ...],
    closing: tuple[AlarmRecord, ...],
) -> Commit:
    """Evaluate one window at its first tick, and restate what its labels changed."""
    started = time.perf_counter()
    plan, window = job.plan, data.window
    known = job.places_of(before.pending)
    labels = maturity.judge(plan, before.delays, before.pending, known, job.labels, tick)
    late = labels.measurement if labels is not None else None
    measured = measure.window(plan, data, (late,) if late is not None else ())
    steps = _advance(plan, before, data, tick, measured)
    told = estimating.estimate(plan, data, measured.statistics, _moved(steps))
    opened = labelled.open_window(plan, data, before.pending, tick)
    pending = labelled.with_estimate(plan, opened.pending, told.measurement, moved=bool(_moved(steps)))
    state = replace(
        before,
        watermark=window.end or before.watermark,
        tick=tick,
        pending=before.pending if pending is None else (*before.pending, pending),
    )
    after, faults = diagnosis.explained(plan, before.alarms, steps, data.sample)
    state = replace(
        state,
        alarms={**state.alarms, **{kind: alarm for kind, (_, alarm, _) in after.items()}},
        memories={**state.memories, **{kind: memory for kind, (_, _, memory) in after.items()}},
    )
    job.lines[window.key] = Evaluation(
        plan.model,
        window,
        tick,
        rows=data.profile.rows,
        labelled_rows=0,
        restated=False,
        final=True,
        seconds=0.0,
        verdicts=tuple(alarms.verdict(alarm, decision) for decision, alarm, _ in after.values()),
        statistics=(*measured.statistics, *told.statistics),
        performance=told.performance,
        problems=(*problems, *measured.problems, *opened.problems, *faults),
        norms=measured.norms,
        promises=job.promises,
        versions=data.versions,
        label_arrival=labels.arrival if labels is not None else None,
        label_shift=told.label_shift,
        change=told.change,
    )
    commit = restate.tick(job, before, state, tick, closing, window.key)
    if opened.pending is None:
        commit = replace(commit, evaluations=(*commit.evaluations, job.lines.pop(window.key)))
    return replace(_clocked(commit, started), profiles={window.key: measured.profile})


def _advance(
    plan: Plan, state: ModelState, data: WindowData, tick: datetime, measured: measure.Measured
) -> dict[Kind, tuple[Decision, AlarmState, bytes]]:
    """By kind that reads no labels: the decision, and the memories of alarm and statistics after it."""
    found = {}
    for kind, own in measured.decisions.items():

        def words(column: str, kind: Kind = kind) -> str:
            return measure.words(plan, kind, column, data.profile.columns[column])

        heard = Heard(data.window, own, measured.readings.get(kind), tick, words)
        alarm, memory = state.alarms.get(kind, AlarmState()), state.memories.get(kind, b"")
        ((decision, after),), memory = advance(plan, kind, alarm, memory, [heard])
        found[kind] = (decision, after, memory)
    return found


def _moved(steps: Mapping[Kind, tuple[Decision, AlarmState, bytes]]) -> tuple[str, ...]:
    """The columns whose alarm, of covariate or quality, is open after this window."""
    found: list[str] = []
    for kind in (Kind.COVARIATE, Kind.QUALITY):
        if kind in steps and steps[kind][1].open:
            decision, alarm, _ = steps[kind]
            found += [*decision.columns, *alarm.column_since]
    return tuple(dict.fromkeys(found))


def _label_tick(job: Run, before: ModelState, tick: datetime, closing: tuple[AlarmRecord, ...]) -> Commit:
    """A tick without a new window: labels may have come, windows may have become final."""
    started = time.perf_counter()
    return _clocked(restate.tick(job, before, replace(before, tick=tick), tick, closing, None), started)


def _clocked(commit: Commit, started: float) -> Commit:
    seconds = time.perf_counter() - started
    return replace(commit, evaluations=tuple(replace(line, seconds=seconds) for line in commit.evaluations))
