"""Counting values in frozen bins: one pass, for several windows at once.

The loop is compiled by numba where that is to be had; numpy gives the same counts and, since both add
in the order of the rows, the same sums to the last bit, however the rows are split into batches.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.stats.bins import Counts, NumericCounts
from monitor.stats.lookup import Floats, Lookup, lookup

__all__ = ["Lookup", "Runs", "Tally", "count", "count_cells", "empty", "load", "lookup", "runs", "whole"]

HUGE = 1e145
"""What a larger value counts as in sums, so that neither they nor their squares overflow."""
WORTH_COMPILING = 1_000_000
"""Values from which loading numba (about half a second) pays."""
DISABLE = "DRIFTD_COUNTING"
"""The environment variable: `numpy` keeps numba away."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts under way, one row a window; `count` adds to the arrays in place.

    `bins`: int64 (windows, k + 1). `others`: int64 (windows, 3), NaN, +inf, -inf. `sums`: float64
    (windows, 6), total, square, low, high, low_sum, high_sum as in `NumericCounts`.
    """

    bins: Counts
    others: Counts
    sums: Floats

    def counts(self, window: int, null: int = 0, invalid: int = 0) -> NumericCounts:
        """The record of one window; null and invalid rows were given to `count` as NaN."""
        nan, positive, negative = self.others[window].tolist()
        total, square, low, high, low_sum, high_sum = self.sums[window].tolist()
        nan -= null + invalid
        return NumericCounts(
            self.bins[window].copy(),
            null,
            nan,
            positive,
            negative,
            invalid,
            total,
            square,
            low,
            high,
            low_sum,
            high_sum,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Which rows belong to which window, as stretches of one window each.

    Stretch r is the rows `bounds[r]` to `bounds[r + 1]` of window `targets[r]`, -1 for none; with
    `order` the rows are taken in that order first.
    """

    bounds: Counts
    targets: Counts
    order: Counts | None = None


def whole(rows: int, window: int) -> Runs:
    """All rows belong to one window."""
    return Runs(np.array([0, rows], np.int64), np.array([window], np.int64))


def runs(index: NDArray[np.int32]) -> Runs:
    """Stretches of rows by window (-1: none); rows that alternate are brought together first.

    >>> found = runs(np.array([0, 0, 1, 1, 1], np.int32))
    >>> found.bounds.tolist(), found.targets.tolist()
    ([0, 2, 5], [0, 1])
    """
    starts = np.flatnonzero(np.diff(index, prepend=index[:1] - 1))
    order = None
    if len(starts) > 16 and len(starts) * 16 > len(index):
        order = np.argsort(index, kind="stable")
        index = index[order]
        starts = np.flatnonzero(np.diff(index, prepend=index[:1] - 1))
    return Runs(np.append(starts, len(index)).astype(np.int64), index[starts].astype(np.int64), order)


def empty(windows: int, bins: int) -> Tally:
    """A tally of nothing."""
    sums = np.zeros((windows, 6))
    sums[:, 2], sums[:, 3] = np.inf, -np.inf
    return Tally(np.zeros((windows, bins), np.int64), np.zeros((windows, 3), np.int64), sums)


def count(values: Floats, stretches: Runs, places: Lookup, center: float, tally: Tally) -> None:
    """Add the values to the tally: bin j is `(edges[j-1], edges[j]]`; NaN and infinities apart.

    The GIL is released where numba is in use; calls for different tallies may run at once.
    """
    if stretches.order is not None:
        values = values[stretches.order]
    kernel = _kernel(len(values))
    if kernel is None:
        _count_numpy(values, stretches, places, center, tally)
        return
    grid = places.grid
    kernel(
        values,
        (stretches.bounds, stretches.targets),
        places.edges,
        (grid.table, grid.origin, grid.inverse, grid.unit, grid.offset),
        (
            places.inner_start,
            places.inner_size,
            places.inner_origin,
            places.inner_inverse,
            places.inner_table,
        ),
        center,
        tally.bins,
        tally.others,
        tally.sums,
    )


def count_cells(cells: NDArray[np.int64], stretches: Runs, out: Counts) -> None:
    """Add rows, given as the cell of each, to `out`, int64 (windows, cells)."""
    if stretches.order is not None:
        cells = cells[stretches.order]
    window = np.repeat(stretches.targets, np.diff(stretches.bounds))
    inside = window >= 0
    flat = np.bincount(window[inside] * out.shape[1] + cells[inside], minlength=out.size)
    out += flat.reshape(out.shape)


def _count_numpy(values: Floats, stretches: Runs, places: Lookup, center: float, tally: Tally) -> None:
    edges = places.edges[:-2]
    for number, window in enumerate(stretches.targets.tolist()):
        part = values[stretches.bounds[number] : stretches.bounds[number + 1]]
        if window < 0 or not len(part):
            continue
        finite = part[np.isfinite(part)]
        tally.others[window] += (np.isnan(part).sum(), (part == np.inf).sum(), (part == -np.inf).sum())
        if not len(finite):
            continue
        found = np.searchsorted(edges, finite, side="left")
        tally.bins[window] += np.bincount(found, minlength=places.bins)
        with np.errstate(over="ignore", under="ignore"):
            away = np.clip(finite - center, -HUGE, HUGE)
            square = away * away
        capped = np.clip(finite, -HUGE, HUGE)
        sums = tally.sums[window]
        sums[0] = _add(sums[0], away)
        sums[1] = _add(sums[1], square)
        sums[2] = min(sums[2], finite.min())
        sums[3] = max(sums[3], finite.max())
        sums[4] = _add(sums[4], capped[found == 0])
        sums[5] = _add(sums[5], capped[found == len(edges)])


def _add(before: float, values: Floats) -> float:
    """The sum in the order of the rows, so that it does not depend on how they are split."""
    return float(np.cumsum(np.concatenate([[before], values]))[-1])


_loading = threading.Lock()
_counted = 0


def _kernel(values: int) -> Callable[..., None] | None:
    """The compiled loop once so many values were counted that loading it pays."""
    global _counted  # noqa: PLW0603 - a race only delays the loading
    if _counted < WORTH_COMPILING:
        _counted += values
        if _counted < WORTH_COMPILING:
            return None
    return load()


def load() -> Callable[..., None] | None:
    """Load the compiled loop now, as a server does before it forks workers; None where numpy stays."""
    with _loading:
        return _load()


@lru_cache(maxsize=1)
def _load() -> Callable[..., None] | None:
    if os.environ.get(DISABLE, "") == "numpy":
        return None
    try:
        from monitor.stats.kernel import compiled  # noqa: PLC0415 - half a second, and only for many values
    except (ImportError, OSError) as error:  # OSError: where no memory may be both written and executed
        log.info("numba cannot be imported (%s): numpy counts, to the same numbers but slower", error)
        return None
    try:
        return compiled(cache=True)
    except (OSError, RuntimeError) as error:  # no folder that the cache can be written to
        log.info("numba cannot keep its cache (%s): it compiles in each process", error)
        return compiled(cache=False)
