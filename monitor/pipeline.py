"""One model, tick after tick: the only file that knows the order.

Everything before a `Commit` is yielded is free of side effects, and everything after it follows from
the store; so a crash anywhere neither loses nor repeats a window.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor import alarms, labelled, measure
from monitor.index import TimeIndex, counted, index_times
from monitor.join import LabelTable, arrive, match
from monitor.plan import Plan
from monitor.scan import Classes, WindowData, chunks, scan
from monitor.state import AlarmRecord, Commit, FileRecord, ModelState, PendingWindow
from monitor.types import (
    LABEL_KINDS,
    AlarmState,
    Evaluation,
    Kind,
    Problem,
    Reason,
    Verdict,
    Window,
)
from monitor.windows import due, first_tick, micros, moment

MARKS = (0.5, 0.8, 0.95)
"""Label coverage at which a window's line is printed again."""


@dataclass(slots=True)
class _Run:
    """One run of a model: what stays, and the line of each pending window as it was last printed."""

    plan: Plan
    labels: LabelTable
    classes: Classes
    lines: dict[str, Evaluation]


def run(
    plan: Plan,
    state: ModelState,
    lines: Mapping[str, Evaluation],
    *,
    until: datetime,
    now: datetime,
    threads: int = 2,
) -> Iterator[Commit]:
    """Evaluate every window that is due by `until`, in time order, and restate those whose labels came.

    `lines` are the last lines of the pending windows. Yields one commit per tick that has something to
    write; the caller writes it before it asks for the next.
    """
    state, closing = _on_reference(plan, state)
    classes = Classes(state.classes or plan.classes)
    if plan.calendar is None:
        ready, later, problems = _new_files(plan, state), [], ()
    else:
        index = index_times(plan, state.files, state.watermark, max(now, until))
        state, ready, later = _due(plan, state, index, until)
        problems = (*index.problems, *_naive(plan, index, state))
        state = replace(state, said=state.said | ({Reason.NAIVE_TIMESTAMP} if index.naive else set()))
    first = _tick_of(plan, ready[0], now) if ready else until
    job = _Run(plan, labelled.read_labels(plan, state, ready, classes, first), classes, dict(lines))
    for chunk in chunks(plan, ready):
        for data in scan(plan, chunk, classes, threads):
            tick = _tick_of(plan, data.window, now)
            commit = _first_line(job, state, data, tick, (*problems, *plan.live.problems()), closing)
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


def _tick_of(plan: Plan, window: Window, now: datetime) -> datetime:
    return first_tick(window, plan.lateness) if window.end is not None else now


def _due(
    plan: Plan, state: ModelState, index: TimeIndex, until: datetime
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
        if index.last is not None and window.start is not None and window.start <= index.last
    ]
    return state, ready, windows[len(ready) :]


def _new_files(plan: Plan, state: ModelState) -> list[Window]:
    names = (entry.name for entry in plan.live.files())
    return [Window(None, None, name) for name in names if name not in state.files]


def _on_reference(plan: Plan, state: ModelState) -> tuple[ModelState, tuple[AlarmRecord, ...]]:
    """On another reference open alarms close and memories restart; watermark and ledger stay."""
    fingerprint = plan.reference.fingerprint
    if state.reference in {"", fingerprint}:
        return replace(state, reference=fingerprint), ()
    at = state.watermark or state.tick
    closing = tuple(
        AlarmRecord(kind, "", memory.since, at, tuple(sorted(memory.column_since)), Reason.REFERENCE_CHANGED)
        for kind, memory in _standing(state).items()
        if memory.since is not None
    )
    pending = tuple(replace(window, decisions={}, hits=frozenset()) for window in state.pending)
    return replace(state, reference=fingerprint, alarms={}, streams={}, pending=pending), closing


def _standing(state: ModelState) -> dict[Kind, AlarmState]:
    """Each kind's memory after everything that is known, pending windows included."""
    standing = dict(state.alarms)
    for kind in LABEL_KINDS:
        after = _replayed(state, kind)
        if after:
            standing[kind] = after[-1]
    return standing


def _replayed(state: ModelState, kind: Kind) -> tuple[AlarmState, ...]:
    """The memory of a kind that reads labels, after each pending window."""
    decided = [(window.window, labelled.decision(window, kind)) for window in state.pending]
    tick = state.tick or moment(0)
    return alarms.replay(state.alarms.get(kind, AlarmState()), decided, tick)


def _naive(plan: Plan, index: TimeIndex, state: ModelState) -> tuple[Problem, ...]:
    if not index.naive or Reason.NAIVE_TIMESTAMP in state.said:
        return ()
    name = plan.names.timestamp or ""
    text = f"times in {name!r} have no zone; they are read as {plan.zone} (window.timezone)"
    return (Problem(name, Reason.NAIVE_TIMESTAMP, text),)


def _first_line(
    job: _Run,
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
    commit = _labels(job, before, state, tick, closing, window.key)
    if opened.pending is None:
        own = job.lines.pop(window.key)
        commit = replace(commit, evaluations=(*commit.evaluations, _whole(plan, own)))
    seconds = time.perf_counter() - started
    lines = tuple(replace(line, seconds=seconds) for line in commit.evaluations)
    return replace(commit, evaluations=lines, profiles={window.key: measured.profile})


def _whole(plan: Plan, line: Evaluation) -> Evaluation:
    """The line of a window that awaits no label: the kinds that read labels are unknown in it."""
    return replace(line, verdicts=(*line.verdicts, *labelled.unknown_verdicts(plan)))


def _label_tick(
    job: _Run, before: ModelState, tick: datetime, closing: tuple[AlarmRecord, ...]
) -> Commit:
    """A tick without a new window: labels may have come, windows may have become final."""
    return _labels(job, before, replace(before, tick=tick), tick, closing, None)


def _labels(
    job: _Run,
    before: ModelState,
    state: ModelState,
    tick: datetime,
    closing: tuple[AlarmRecord, ...],
    new: str | None,
) -> Commit:
    """What the labels known at this tick change: streams, decisions, alarms, lines."""
    state, changed = _consume(job, state, tick)
    lines = _restate(job, state, tick, new)
    records = _records(before, state)
    printed = {key: passed for key, passed in _passed(job.plan, state, tick).items() if key in lines}
    pending = tuple(
        replace(window, passed=printed[window.window.key]) if window.window.key in printed else window
        for window in state.pending
    )
    state = _drop_final(job, replace(state, pending=pending), tick)
    kept = {window.window.key for window in state.pending}
    return Commit(
        job.plan.model,
        tuple(lines.values()),
        state,
        frozenset((changed | set(printed)) & kept),
        (*closing, *records),
    )


def _consume(job: _Run, state: ModelState, tick: datetime) -> tuple[ModelState, frozenset[str]]:
    """Labels that are known by now reach their windows and the error streams, each once."""
    plan = job.plan
    places = [match(window.ids, job.labels) for window in state.pending]
    pending, arrivals = arrive(state.pending, places, job.labels, micros(tick))
    if plan.labels is None:
        arrivals = labelled.in_row(pending)
    streams, hits = labelled.feed(plan, state.streams, pending, arrivals)
    after, changed = [], set()
    for number, window in enumerate(pending):
        final = _final(plan, window, tick)
        found = window.hits | hits.get(number, frozenset())
        moved = window is not state.pending[number] or found != window.hits
        if moved or final or not window.decisions:
            decided = labelled.decide(plan, job.classes.names, replace(window, hits=found), final=final)
            after.append(decided)
            changed.add(window.window.key)
        else:
            after.append(window)
    state = replace(state, pending=tuple(after), streams=streams, classes=job.classes.names)
    return state, frozenset(changed)


def _final(plan: Plan, window: PendingWindow, tick: datetime) -> bool:
    """Whether no more labels are awaited."""
    if plan.labels is None:
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


def _restate(job: _Run, state: ModelState, tick: datetime, new: str | None) -> dict[str, Evaluation]:
    """The lines to print now, in time order: the new window's, and those that passed a mark."""
    passed = _passed(job.plan, state, tick)
    memories = {kind: _replayed(state, kind) for kind in labelled.kinds(job.plan)}
    lines: dict[str, Evaluation] = {}
    for number, window in enumerate(state.pending):
        key = window.window.key
        if key != new and passed[key] <= window.passed:
            continue
        line = job.lines[key]
        rows_verdicts = tuple(verdict for verdict in line.verdicts if verdict.kind not in LABEL_KINDS)
        label_verdicts: tuple[Verdict, ...] = tuple(
            alarms.verdict(after[number], labelled.decision(window, kind)) for kind, after in memories.items()
        )
        found = labelled.describe(job.plan, job.classes.names, state.streams, window)
        lines[key] = replace(
            line,
            tick=tick,
            labelled_rows=window.labelled,
            restated=key != new,
            final=_final(job.plan, window, tick),
            verdicts=(*rows_verdicts, *label_verdicts),
            statistics=(*(each for each in line.statistics if each.kind not in LABEL_KINDS), *found.statistics),
            performance=found.performance,
            problems=(*(each for each in line.problems if each.reason not in labelled.REASONS), *found.problems),
            norms=(*(each for each in line.norms if each.kind not in LABEL_KINDS), *found.norms),
            class_shares=found.class_shares,
            stream=found.stream,
        )
        job.lines[key] = lines[key]
    return lines


def _drop_final(job: _Run, state: ModelState, tick: datetime) -> ModelState:
    """Final windows leave the pending ones; their decisions become memory."""
    count = 0
    while count < len(state.pending) and _final(job.plan, state.pending[count], tick):
        job.lines.pop(state.pending[count].window.key, None)
        count += 1
    if not count:
        return state
    memories = dict(state.alarms)
    for kind in labelled.kinds(job.plan):
        memories[kind] = _replayed(state, kind)[count - 1]
    return replace(state, alarms=memories, pending=state.pending[count:])


def _records(before: ModelState, after: ModelState) -> tuple[AlarmRecord, ...]:
    """Every alarm that this tick opened, changed, closed or took back."""
    had, has = _alarms(before), _alarms(after)
    at = after.watermark or after.tick
    gone = {
        key: replace(record, closed=at)
        for key, record in had.items()
        if key not in has and record.closed is None
    }
    return (*gone.values(), *(record for key, record in has.items() if had.get(key) != record))


def _alarms(state: ModelState) -> dict[tuple[Kind, datetime], AlarmRecord]:
    """The alarms that the state implies: standing ones, and those that pending windows open and close."""
    found: dict[tuple[Kind, datetime], AlarmRecord] = {}
    for kind, memory in state.alarms.items():
        sequence = [(memory, state.watermark)]
        if kind in LABEL_KINDS:
            ends = (window.window.end for window in state.pending)
            sequence += list(zip(_replayed(state, kind), ends, strict=True))
        previous: tuple[Kind, datetime] | None = None
        for after, end in sequence:
            key = (kind, after.since) if after.since is not None else None
            if previous is not None and key != previous:
                found[previous] = replace(found[previous], closed=end or state.tick)
            if key is not None and after.since is not None:
                columns = tuple(sorted(after.column_since))
                found[key] = AlarmRecord(kind, "", after.since, None, columns, after.reason)
            previous = key
    return found


def _files(plan: Plan, state: ModelState, data: WindowData) -> dict[str, FileRecord]:
    if plan.calendar is not None:
        return counted(state.files, data.files)
    assert data.window.file is not None
    version = next((entry.version for entry in plan.live.files() if entry.name == data.window.file), "")
    record = FileRecord(data.window.file, version, None, None, data.profile.rows, data.profile.rows)
    return {**state.files, data.window.file: record}
