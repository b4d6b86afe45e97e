"""Labels on their way to the rows they belong to: read from their source, opened per window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.join import Arrivals, LabelTable, first_of_each, in_order, label_table, no_labels
from monitor.plan import LabelSource, Plan
from monitor.scan import Classes, Rows, WindowData, outcome
from monitor.sources.base import Batch, Interval
from monitor.state import ModelState, PendingWindow
from monitor.types import Problem, Reason, Window
from monitor.values import event_time, identity_hash
from monitor.windows import micros

CLOCK_SKEW = timedelta(days=1)
"""How much earlier than its row's window a label may claim to be known."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A window on its way to its labels; None where it awaits none."""

    pending: PendingWindow | None
    problems: tuple[Problem, ...]


def read_labels(
    plan: Plan, state: ModelState, ready: Sequence[Window], classes: Classes, first: datetime
) -> LabelTable:
    """The labels that windows of this run may await.

    A label without a time counts as known at `first`, the first tick of this run.
    """
    if plan.labels is None or plan.labelled is None or not (state.pending or ready):
        return no_labels()
    starts = [window.window.start for window in state.pending[:1]] + [window.start for window in ready[:1]]
    known = [start for start in starts if start is not None]
    source = plan.labels
    interval = None
    if source.timestamp is not None:
        start = min(known) - CLOCK_SKEW if known else None
        interval = Interval(source.timestamp, plan.zone, start, None)
    columns = [source.id, source.label, *([source.timestamp] if source.timestamp else [])]
    parts = [
        _of_batch(plan, source, batch, classes, micros(first))
        for batch in source.source.scan(columns, interval)
        if source.id in batch.rows.schema.names and source.label in batch.rows.schema.names
    ]
    if not parts:
        return no_labels()
    ids, values, times = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return label_table(ids, values, times)


def _of_batch(
    plan: Plan, source: LabelSource, batch: Batch, classes: Classes, first: int
) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int64]]:
    ids, valid = identity_hash(batch.rows.column(source.id))
    values = outcome(batch.rows, source.label, plan.task, classes)
    times = np.full(len(ids), first, np.int64)
    if source.timestamp is not None and source.timestamp in batch.rows.schema.names:
        found = event_time(batch.rows.column(source.timestamp), plan.zone)
        times = np.where(found.valid, found.micros, first)
    return ids[valid], values[valid], times[valid]


def open_window(plan: Plan, data: WindowData, pending: Sequence[PendingWindow], tick: datetime) -> Opened:
    """The rows of a new window that labels can reach: of several rows with one id the first.

    Labels that stand in the rows themselves are known at the window's own tick.
    """
    rows = data.rows
    joins, problems = _joining(plan, rows, pending)
    if plan.labelled is None or not len(rows):
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
    for window in pending:
        again = first & np.isin(rows.ids, window.ids)
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


def in_row(pending: Sequence[PendingWindow]) -> Arrivals:
    """The labels that stand in the rows of the newest window, in order."""
    if not pending:
        nothing = np.zeros(0, np.int64)
        return Arrivals(nothing, nothing)
    known = np.flatnonzero(~np.isnan(pending[-1].labels))
    return in_order(pending, np.full(len(known), len(pending) - 1), known)


def recoded(window: PendingWindow, before: Sequence[str], after: Sequence[str]) -> PendingWindow:
    """The window with its class codes in another order of the classes."""
    if not before or tuple(before) == tuple(after[: len(before)]):
        return window
    place = np.array([*(after.index(name) for name in before), np.nan])

    def recode(codes: NDArray[np.float64]) -> NDArray[np.float64]:
        return place[np.where(np.isnan(codes), len(before), codes).astype(np.int64)]

    return replace(window, labels=recode(window.labels), predictions=recode(window.predictions))
