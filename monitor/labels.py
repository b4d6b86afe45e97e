"""Labels on their way to the rows they belong to: placed by id, opened per window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.join import Arrivals, LabelTable, first_of_each, in_order, match
from monitor.label_files import CLOCK_SKEW
from monitor.plan import Plan
from monitor.rows import Rows
from monitor.scan import WindowData
from monitor.state import PendingWindow
from monitor.types import Problem, Reason, Task, Window
from monitor.windows import micros


@dataclass(frozen=True, slots=True)
class Opened:
    """A window on its way to its labels; None where the model has none."""

    pending: PendingWindow | None
    problems: tuple[Problem, ...]


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
    sampled, features = _features(plan, data, kept)
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
            sampled=sampled,
            features=features,
            encoding=plan.relation.encoding if plan.relation is not None else "",
        ),
        problems,
    )


def _features(
    plan: Plan, data: WindowData, kept: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """Some of the rows that labels can reach, as places among them, and their features."""
    if plan.relation is None or data.sample is None:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float16)
    places, features = plan.relation.kept(data.sample)
    joins = np.isin(places, kept)
    return np.searchsorted(kept, places[joins]), features[joins]


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
        again = first & _awaited(rows.ids, pending)
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


def _awaited(ids: NDArray[np.uint64], pending: Sequence[PendingWindow]) -> NDArray[np.bool_]:
    """Which ids are those of rows that await labels; by window, since together they are many rows."""
    known = np.unique(ids)
    found = np.zeros(len(known), bool)
    for window in pending:
        place = np.minimum(np.searchsorted(known, window.ids), len(known) - 1)
        found[place[known[place] == window.ids]] = True
    return found[np.searchsorted(known, ids)]


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
