"""Labels that arrive by id: which row each belongs to, and in which order they are consumed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.state import PendingWindow

Micros = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """The labels of one run, one per id, sorted by id.

    `values`: float64, class codes or numbers. `times`: when each became known. `conflicts`: when the
    same id first came with another value, NEVER where it did not; the first in time holds.
    """

    ids: NDArray[np.uint64]
    values: NDArray[np.float64]
    times: Micros
    conflicts: Micros


def label_table(ids: NDArray[np.uint64], values: NDArray[np.float64], times: Micros) -> LabelTable:
    """The table from labels in any order; those without a value are left out.

    Of labels with one id and one time the first given holds.

    >>> table = label_table(np.array([7, 3, 7], dtype=np.uint64), np.array([1.0, 0.0, 0.0]),
    ...                     np.array([20, 30, 10]))
    >>> table.ids.tolist(), table.values.tolist(), (table.conflicts == [NEVER, 20]).tolist()
    ([3, 7], [0.0, 0.0], [True, True])
    """
    known = ~np.isnan(values)
    ids, values, times = ids[known], values[known], times[known]
    order = np.lexsort((times, ids))
    ids, values, times = ids[order], values[order], times[order]
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[1:] != ids[:-1]
    group = np.cumsum(first) - 1
    differs = values != values[first][group]
    conflicts = np.full(int(first.sum()), NEVER, dtype=np.int64)
    np.minimum.at(conflicts, group[differs], times[differs])
    return LabelTable(ids[first], values[first], times[first], conflicts)


def no_labels() -> LabelTable:
    """The table of a run in which no label can be had."""
    nothing = np.zeros(0, np.int64)
    return LabelTable(np.zeros(0, np.uint64), np.zeros(0), nothing, nothing)


def match(ids: NDArray[np.uint64], table: LabelTable) -> NDArray[np.int64]:
    """The place of each id in the table, -1 where there is no label for it."""
    if not len(table.ids):
        return np.full(len(ids), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(table.ids, ids), len(table.ids) - 1)
    return np.where(table.ids[place] == ids, place, -1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The rows whose labels are consumed at one tick, in order.

    `window`: index of the pending window, int64 (k,). `row`: the row within it, int64 (k,).
    """

    window: NDArray[np.int64]
    row: NDArray[np.int64]

    def __len__(self) -> int:
        """How many labels are consumed."""
        return len(self.row)


def arrive(
    pending: Sequence[PendingWindow], places: Sequence[NDArray[np.int64]], table: LabelTable, tick: int
) -> tuple[tuple[PendingWindow, ...], Arrivals]:
    """Give each window the labels known at `tick` that it does not have yet.

    `places` is `match` of each window. The arrivals are in order of (label time, event time, id).
    """
    nothing = np.zeros(0, np.int64)
    if not len(table.ids):
        return tuple(pending), Arrivals(nothing, nothing)
    after, windows, rows = [], [nothing], [nothing]
    for index, (window, place) in enumerate(zip(pending, places, strict=True)):
        known = (place >= 0) & (table.times[place] <= tick)
        new = np.flatnonzero(known & np.isnan(window.labels))
        conflicted = _conflicted(window, known, place, table, tick)
        moved = len(new) > 0 or np.count_nonzero(conflicted) > np.count_nonzero(window.conflicted)
        after.append(_with_labels(window, new, place, table, conflicted) if moved else window)
        rows.append(new)
        windows.append(np.full(len(new), index))
    return tuple(after), in_order(after, np.concatenate(windows), np.concatenate(rows))


def _conflicted(
    window: PendingWindow, known: NDArray[np.bool_], place: NDArray[np.int64], table: LabelTable, tick: int
) -> NDArray[np.bool_]:
    """The rows whose label came with several values, in this run or in different ones."""
    again = known & (table.conflicts[place] <= tick)
    other = known & ~np.isnan(window.labels) & (window.labels != table.values[place])
    found: NDArray[np.bool_] = again | other
    return found | window.conflicted if len(window.conflicted) else found


def in_order(pending: Sequence[PendingWindow], window: NDArray[np.int64], row: NDArray[np.int64]) -> Arrivals:
    """The given rows by (label time, event time, id)."""
    if not len(row):
        return Arrivals(window.astype(np.int64), row.astype(np.int64))
    parts = [(index, row[window == index]) for index in np.unique(window)]
    window = np.concatenate([np.full(len(rows), index) for index, rows in parts])
    row = np.concatenate([rows for _, rows in parts])
    ids = np.concatenate([pending[index].ids[rows] for index, rows in parts])
    times = np.concatenate([pending[index].times[rows] for index, rows in parts])
    label_times = np.concatenate([pending[index].label_times[rows] for index, rows in parts])
    order = np.lexsort((ids, times, label_times))
    return Arrivals(window[order].astype(np.int64), row[order].astype(np.int64))


def first_of_each(ids: NDArray[np.uint64], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows are the first with their id; rows without an id are none.

    >>> first_of_each(np.array([5, 5, 2], dtype=np.uint64), np.array([True, True, True])).tolist()
    [True, False, True]
    """
    first = np.zeros(len(ids), dtype=bool)
    usable = np.flatnonzero(valid)
    _, place = np.unique(ids[usable], return_index=True)
    first[usable[place]] = True
    return first


def _with_labels(
    window: PendingWindow,
    new: NDArray[np.int64],
    place: NDArray[np.int64],
    table: LabelTable,
    conflicted: NDArray[np.bool_],
) -> PendingWindow:
    labels, label_times = window.labels.copy(), window.label_times.copy()
    labels[new] = table.values[place[new]]
    label_times[new] = table.times[place[new]]
    count = int(np.count_nonzero(conflicted))
    return replace(
        window,
        labels=labels,
        label_times=label_times,
        conflicts=max(count, window.conflicts),
        conflicted=conflicted if count else window.conflicted,
    )
