"""Labels on their way to the rows they belong to: read from their source, opened per window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.join import Arrivals, LabelTable, first_of_each, in_order, label_table, match, no_labels
from monitor.plan import LabelSource, Plan
from monitor.rows import Classes, Rows, outcome
from monitor.scan import WindowData
from monitor.sources.base import Batch, Interval
from monitor.state import ModelState, PendingWindow
from monitor.types import Problem, Reason, Task, Window
from monitor.values import event_time, identity_hash
from monitor.windows import micros

CLOCK_SKEW = timedelta(days=1)
"""How much earlier than its row's window a label may claim to be known."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A window on its way to its labels; None where the model has none."""

    pending: PendingWindow | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class LabelsRead:
    """The labels of one run, and what was wrong with their files."""

    table: LabelTable
    problems: tuple[Problem, ...] = ()


def read_labels(
    plan: Plan, state: ModelState, ready: Sequence[Window], classes: Classes, first: datetime
) -> LabelsRead:
    """The labels that windows of this run may await.

    A label without a time counts as known at `first`, the first tick of this run.
    """
    if plan.labels is None or plan.labelled is None or not (state.pending or ready):
        return LabelsRead(no_labels())
    source = plan.labels
    interval = None
    if source.timestamp is not None:
        interval = Interval(source.timestamp, plan.zone, _earliest(state, ready), None)
    columns = [source.id, source.label, *([source.timestamp] if source.timestamp else [])]
    parts = []
    faults = _Faults()
    for batch in source.source.scan(columns, interval):
        absent = [name for name in columns if name not in batch.rows.schema.names]
        for name in absent:
            faults.without[name] = faults.without.get(name, 0) + batch.rows.num_rows
        if source.id not in absent and source.label not in absent:
            parts.append(_of_batch(plan, source, batch, classes, micros(first), faults))
    problems = (*_file_problems(source), *_label_problems(source, faults))
    if not parts:
        return LabelsRead(no_labels(), problems)
    ids, values, times = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return LabelsRead(label_table(ids, values, times), problems)


@dataclass(slots=True)
class _Faults:
    """What is wrong with rows of labels: how many lack which column, an id, a time."""

    without: dict[str, int] = field(default_factory=dict)
    unidentified: int = 0
    untimed: int = 0


def _earliest(state: ModelState, ready: Sequence[Window]) -> datetime | None:
    """From when on labels may belong to windows that await them."""
    starts = [window.window.start for window in state.pending[:1]] + [window.start for window in ready[:1]]
    known = [start for start in starts if start is not None]
    return min(known) - CLOCK_SKEW if known else None


def _of_batch(
    plan: Plan, source: LabelSource, batch: Batch, classes: Classes, first: int, faults: _Faults
) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int64]]:
    ids, valid = identity_hash(batch.rows.column(source.id))
    faults.unidentified += int(np.count_nonzero(~valid))
    values = outcome(batch.rows, source.label, plan.task, classes)
    times = np.full(len(ids), first, np.int64)
    if source.timestamp is not None and source.timestamp in batch.rows.schema.names:
        found = event_time(batch.rows.column(source.timestamp), plan.zone)
        faults.untimed += int(np.count_nonzero(~found.valid))
        times = np.where(found.valid, found.micros, first)
    return ids[valid], values[valid], times[valid]


def _file_problems(source: LabelSource) -> Iterator[Problem]:
    for each in source.source.problems():
        if each.reason is not Reason.ABSENT_COLUMN:
            yield Problem(each.column, each.reason, f"ground_truth: {each.message}")


def _label_problems(source: LabelSource, faults: _Faults) -> Iterator[Problem]:
    for name, rows in faults.without.items():
        what = "they count as known when first read" if name == source.timestamp else "they are left out"
        text = f"ground_truth: {rows} rows are in files without the column {name!r}; {what}"
        yield Problem(name, Reason.ABSENT_COLUMN, text)
    if faults.unidentified:
        text = f"ground_truth: {faults.unidentified} rows have no id in {source.id!r}; they are left out"
        yield Problem(source.id, Reason.UNKNOWN_ID, text)
    if faults.untimed and source.timestamp is not None:
        text = (
            f"ground_truth: {faults.untimed} rows have no time that can be read in {source.timestamp!r}; "
            "they count as known when first read"
        )
        yield Problem(source.timestamp, Reason.NO_TIMESTAMP, text)


def places(window: PendingWindow, table: LabelTable) -> NDArray[np.int64]:
    """Where each row's label is in the table, -1 where there is none.

    A label that claims to be known long before its row counts for none: whether it is read at all depends
    on which other windows await labels.
    """
    found = match(window.ids, table)
    if window.window.start is not None and len(table.ids):
        early = table.times[found] < micros(window.window.start - CLOCK_SKEW)
        found[early] = -1
    return found


def strangers(
    plan: Plan,
    table: LabelTable,
    places: Sequence[NDArray[np.int64]],
    window: Window,
    origin: datetime | None,
) -> tuple[Problem, ...]:
    """Labels that became known within the window and belong to no row that awaits one.

    `places` is `match` of every pending window. Nothing is said in the first horizon after `origin`,
    in which labels of the reference's own rows may still come.
    """
    source = plan.labels
    if source is None or source.timestamp is None or origin is None:
        return ()
    if window.start is None or window.end is None or window.start < origin + source.horizon:
        return ()
    unknown = (table.times >= micros(window.start)) & (table.times < micros(window.end))
    for place in places:
        unknown[place[place >= 0]] = False
    if not unknown.any():
        return ()
    text = (
        f"{int(unknown.sum())} labels came for ids in {source.id!r} that no window awaits: the ids are "
        "unknown, or the labels are later than ground_truth.horizon"
    )
    return (Problem(source.id, Reason.UNKNOWN_ID, text),)


def open_window(plan: Plan, data: WindowData, pending: Sequence[PendingWindow], tick: datetime) -> Opened:
    """The rows of a new window that labels can reach: of several rows with one id the first.

    Labels that stand in the rows themselves are known at the window's own tick.
    """
    rows = data.rows
    joins, problems = _joining(plan, rows, pending)
    if plan.labelled is None:
        return Opened(None, problems)
    kept = np.flatnonzero(joins)
    labels = rows.labels[kept] if plan.labels is None else np.full(len(kept), np.nan)
    known = ~np.isnan(labels)
    ids = rows.ids[kept] if plan.names.id is not None else kept.astype(np.uint64)
    times = rows.times[kept] if plan.calendar is not None else np.full(len(kept), micros(tick))
    return Opened(
        PendingWindow(
            data.window,
            data.profile.rows,
            ids,
            times,
            rows.predictions[kept],
            rows.scores[kept],
            labels,
            np.where(known, micros(tick), 0),
        ),
        problems,
    )


def _joining(
    plan: Plan, rows: Rows, pending: Sequence[PendingWindow]
) -> tuple[NDArray[np.bool_], tuple[Problem, ...]]:
    """Which rows labels can reach, and what is wrong with the others' ids."""
    name = plan.names.id
    if name is None or not len(rows):
        return np.ones(len(rows), bool), ()
    first = first_of_each(rows.ids, rows.identified)
    repeated = rows.identified & ~first
    if plan.labels is None:  # a label that stands in the row needs no id
        first |= ~rows.identified
    if pending:
        again = first & np.isin(rows.ids, np.concatenate([window.ids for window in pending]))
        repeated |= again
        first &= ~again
    problems = []
    if repeated.any():
        text = (
            f"{int(repeated.sum())} rows repeat an id in {name!r}; all rows are counted, "
            "labels join the first row of each id"
        )
        problems.append(Problem(name, Reason.DUPLICATE_ID, text))
    return first, tuple(problems)


def in_row(pending: Sequence[PendingWindow], new: str | None) -> Arrivals:
    """The labels that stand in the rows of the new window, if there is one, in order."""
    if not pending or pending[-1].window.key != new:
        nothing = np.zeros(0, np.int64)
        return Arrivals(nothing, nothing)
    known = np.flatnonzero(~np.isnan(pending[-1].labels))
    return in_order(pending, np.full(len(known), len(pending) - 1), known)


def adapted(plan: Plan, window: PendingWindow, before: Sequence[str], after: Sequence[str]) -> PendingWindow:
    """The window as another plan reads it: class codes in the order of its classes, as many scores as it has.

    What cannot be told from what was kept is missing: other probabilities, classes that became numbers.
    """
    scores = window.scores
    if scores.shape[1] != len(plan.names.probabilities):
        scores = np.full((len(scores), len(plan.names.probabilities)), np.nan, np.float32)
    if bool(before) is (plan.task is Task.REGRESSION):
        unknown = np.full(len(window.ids), np.nan)
        return replace(window, labels=unknown, predictions=unknown, scores=scores)
    place = np.array([*(after.index(name) for name in before), np.nan])

    def recode(codes: NDArray[np.float64]) -> NDArray[np.float64]:
        return place[np.where(np.isnan(codes), len(before), codes).astype(np.int64)] if before else codes

    return replace(
        window, labels=recode(window.labels), predictions=recode(window.predictions), scores=scores
    )
