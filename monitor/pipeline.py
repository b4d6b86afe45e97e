"""One model, tick after tick: the only file that knows the order.

Everything before a `Commit` is yielded is free of side effects, and everything after it follows from
the store; so a crash anywhere neither loses nor repeats a window.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from monitor import alarms, labelled, measure, restate
from monitor.implied import standing
from monitor.index import TimeIndex, counted, index_times
from monitor.labels import recoded
from monitor.plan import Plan, Planned
from monitor.restate import Run
from monitor.scan import Classes, WindowData, chunks, scan
from monitor.state import AlarmRecord, Commit, FileRecord, ModelState
from monitor.types import (
    AlarmState,
    Evaluation,
    Problem,
    Reason,
    Window,
)
from monitor.windows import due, first_tick


def run(
    plan: Plan,
    state: ModelState,
    lines: Mapping[str, Evaluation],
    *,
    until: datetime,
    now: datetime,
    end: datetime | None = None,
    threads: int = 2,
) -> Iterator[Commit | Planned]:
    """Evaluate every window that is due by `until`, in time order, and restate those whose labels came.

    `lines` are the last lines of the pending windows. Windows that end after `end` are left alone.
    Yields first what is planned, then one commit per tick that has something to write; the caller
    writes it before it asks for the next.
    """
    state, closing = _on_reference(plan, state)
    classes = Classes(state.classes or plan.target.classes, private=plan.names.private)
    later: list[Window] = []
    problems: tuple[Problem, ...] = ()
    faults: tuple[Problem, ...] = plan.live.problems()
    if plan.calendar is None:
        ready = _new_files(plan, state)
    else:
        index = index_times(plan, state.files, state.watermark, max(now, until))
        state, ready, later = _due(plan, state, index, until, end)
        problems = (*index.problems, *_naive(plan, index, state))
        faults = index.faults
        state = replace(state, said=state.said | ({Reason.NAIVE_TIMESTAMP} if index.naive else set()))
    first = _tick_of(plan, ready[0], now) if ready else until
    labels = labelled.read_labels(plan, state, ready, classes, first)
    problems = (*problems, *labels.problems)
    yield Planned(len(ready), () if ready else (*_of_files(faults), *problems))
    job = Run(plan, labels.table, classes, dict(lines), labelled.Detectors(plan.labelled))
    for chunk in chunks(plan, ready):
        for data in scan(plan, chunk, classes, threads):
            if data.window.file is not None and _unfinished(plan):
                continue
            tick = _tick_of(plan, data.window, now)
            commit = _first_line(
                job, state, data, tick, (*_of_files(plan.live.problems()), *problems), closing
            )
            state, problems, closing = commit.state, (), ()
            yield commit
    ticks = [first_tick(window, plan.lateness) for window in later] if plan.calendar is not None else [now]
    for tick in ticks:
        if not state.pending:
            return
        commit = _label_tick(job, state, tick, closing)
        state = commit.state
        if commit.evaluations or commit.changed:
            closing = ()
            yield commit


def _of_files(problems: Iterable[Problem]) -> Iterator[Problem]:
    """What is wrong with whole files; each window tells by itself which columns it lacks."""
    return (each for each in problems if each.reason is not Reason.ABSENT_COLUMN)


def _unfinished(plan: Plan) -> bool:
    """Whether the file that was just read is still being written: the next run tries it again."""
    return any(problem.reason is Reason.FILE_INCOMPLETE for problem in plan.live.problems())


def _tick_of(plan: Plan, window: Window, now: datetime) -> datetime:
    return first_tick(window, plan.lateness) if window.end is not None else now


def _due(
    plan: Plan, state: ModelState, index: TimeIndex, until: datetime, end: datetime | None
) -> tuple[ModelState, list[Window], list[Window]]:
    """The windows that are evaluated now, and the due ones after the last row, which stay pending."""
    assert plan.calendar is not None
    first = plan.live_start or index.first
    origin = state.origin
    if origin is None and first is not None and index.last is not None:
        origin = plan.calendar.containing(first).start
    state = replace(state, origin=origin, files=index.files)
    if origin is None:
        return state, [], []
    windows = list(due(plan.calendar, state.watermark or origin, until, plan.lateness))
    ready = [
        window
        for window in windows
        if index.last is not None
        and window.start is not None
        and window.start <= index.last
        and (end is None or (window.end is not None and window.end <= end))
    ]
    return state, ready, windows[len(ready) :]


def _new_files(plan: Plan, state: ModelState) -> list[Window]:
    """Files that were not evaluated yet, or could not be read and are others now."""
    return [
        Window(None, None, entry.name)
        for entry in plan.live.files()
        if entry.name not in state.files
        or (not state.files[entry.name].rows and state.files[entry.name].version != entry.version)
    ]


def _on_reference(plan: Plan, state: ModelState) -> tuple[ModelState, tuple[AlarmRecord, ...]]:
    """On another reference open alarms close and memories restart; watermark and ledger stay."""
    fingerprint = plan.reference.fingerprint
    if state.reference in {"", fingerprint}:
        return replace(state, reference=fingerprint), ()
    at = state.watermark or state.tick
    closing = tuple(
        AlarmRecord(kind, "", memory.since, at, tuple(sorted(memory.column_since)), Reason.REFERENCE_CHANGED)
        for kind, memory in standing(state).items()
        if memory.since is not None
    )
    classes = tuple(dict.fromkeys((*plan.target.classes, *state.classes)))
    pending = tuple(
        replace(recoded(window, state.classes, classes), decisions={}, hits=frozenset())
        for window in state.pending
    )
    after = replace(state, reference=fingerprint, alarms={}, streams={}, pending=pending, classes=classes)
    return after, closing


def _naive(plan: Plan, index: TimeIndex, state: ModelState) -> tuple[Problem, ...]:
    if not index.naive or Reason.NAIVE_TIMESTAMP in state.said:
        return ()
    name = plan.names.timestamp or ""
    text = f"times in {name!r} have no zone; they are read as {plan.zone} (window.timezone)"
    return (Problem(name, Reason.NAIVE_TIMESTAMP, text),)


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
    measured = measure.window(plan, data)
    opened = labelled.open_window(plan, data, before.pending, tick)
    state = replace(
        before,
        watermark=window.end or before.watermark,
        tick=tick,
        files=_files(plan, before, data),
        pending=before.pending if opened.pending is None else (*before.pending, opened.pending),
    )
    memories = {
        kind: alarms.advance(state.alarms.get(kind, AlarmState()), window, decision, tick)
        for kind, decision in measured.decisions.items()
    }
    state = replace(state, alarms={**state.alarms, **memories})
    job.lines[window.key] = Evaluation(
        plan.model,
        window,
        tick,
        rows=data.profile.rows,
        labelled_rows=0,
        restated=False,
        final=opened.pending is None,
        seconds=0.0,
        verdicts=tuple(alarms.verdict(memories[kind], found) for kind, found in measured.decisions.items()),
        statistics=measured.statistics,
        performance=(),
        problems=(*problems, *measured.problems, *opened.problems),
        norms=measured.norms,
        versions=data.versions,
    )
    commit = restate.tick(job, before, state, tick, closing, window.key)
    if opened.pending is None:
        own = job.lines.pop(window.key)
        commit = replace(commit, evaluations=(*commit.evaluations, _whole(plan, own)))
    seconds = time.perf_counter() - started
    lines = tuple(replace(line, seconds=seconds) for line in commit.evaluations)
    return replace(commit, evaluations=lines, profiles={window.key: measured.profile})


def _whole(plan: Plan, line: Evaluation) -> Evaluation:
    """The line of a window that awaits no label: the kinds that read labels are unknown in it."""
    return replace(line, verdicts=(*line.verdicts, *labelled.unknown_verdicts(plan)))


def _label_tick(job: Run, before: ModelState, tick: datetime, closing: tuple[AlarmRecord, ...]) -> Commit:
    """A tick without a new window: labels may have come, windows may have become final."""
    return restate.tick(job, before, replace(before, tick=tick), tick, closing, None)


def _files(plan: Plan, state: ModelState, data: WindowData) -> dict[str, FileRecord]:
    if plan.calendar is not None:
        return counted(state.files, data.files)
    assert data.window.file is not None
    version = next((entry.version for entry in plan.live.files() if entry.name == data.window.file), "")
    record = FileRecord(data.window.file, version, None, None, data.profile.rows, data.profile.rows)
    return {**state.files, data.window.file: record}
