"""Counting values in frozen bins: one pass, for several windows at once.

A uniform grid over the edges points each value at its first candidate edge; two comparisons settle
nearly all of them, and where edges crowd into one grid cell that cell has a grid of its own. The
loop is compiled by numba where that is to be had; numpy gives the same counts and, since both add
in the order of the rows, the same sums to the last bit, however the rows are split into batches.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats.bins import Counts, NumericCounts

Floats: TypeAlias = NDArray[np.float64]

GRID_PER_EDGE = 4
CROWDED = 2
"""More edges than this in one grid cell make a grid within that cell."""
ENOUGH = 0.05
"""A larger share of the edges in crowded cells calls for a logarithmic grid."""
HUGE = 1e145
"""What a larger value counts as in sums, so that neither they nor their squares overflow."""
WORTH_COMPILING = 1_000_000
"""Values from which loading numba (about half a second) pays."""
DISABLE = "DRIFTD_COUNTING"
"""The environment variable: `numpy` keeps numba away."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Cells over the edges. `table`: int64 (cells + 1,), how many edges lie in lower cells.

    A value is in cell `(x - origin) * inverse`; where `unit` >= 0 the bits of `|x - origin|` beyond
    those of the unit stand for the distance, and `offset` is the origin's place.
    """

    table: Counts
    origin: float
    inverse: float
    unit: int
    offset: float

    @property
    def crowded(self) -> float:
        """The share of the edges in cells that hold more of them than two comparisons settle."""
        inside = np.diff(self.table)
        return float(inside[inside > CROWDED].sum() / inside.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """The edges with a grid over them, and linear grids within its crowded cells.

    `edges`: float64 (k + 2,), padded with infinity. The inner grids stand one after the other in
    `inner_table`; `inner_start`, int64 (cells,), is -1 where a cell has none.
    """

    edges: Floats
    grid: Grid
    inner_start: Counts
    inner_size: Counts
    inner_origin: Floats
    inner_inverse: Floats
    inner_table: Counts

    @property
    def bins(self) -> int:
        """How many bins the edges make."""
        return len(self.edges) - 1


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


def lookup(edges: Floats) -> Lookup:
    """Grid the edges, which are finite, strictly increasing and at least one."""
    if not len(edges) or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        message = "edges must be finite and strictly increasing, and at least one"
        raise ValueError(message)
    grid = _linear(edges)
    if grid.crowded > ENOUGH:
        grid = min(grid, _logarithmic(edges), key=lambda each: each.crowded)
    cells = len(grid.table) - 1
    start, size = np.full(cells, -1, np.int64), np.ones(cells, np.int64)
    origins, inverses = np.zeros(cells), np.zeros(cells)
    inner: list[Counts] = []
    filled = 0
    for cell in np.flatnonzero(np.diff(grid.table) > CROWDED).tolist():
        below = int(grid.table[cell])
        part = _linear(edges[below : grid.table[cell + 1]])
        start[cell], size[cell] = filled, len(part.table) - 1
        origins[cell], inverses[cell] = part.origin, part.inverse
        inner.append(part.table + below)
        filled += len(part.table)
    padded = np.concatenate([edges, [np.inf, np.inf]])
    joined = np.concatenate(inner) if inner else np.zeros(0, np.int64)
    return Lookup(padded, grid, start, size, origins, inverses, joined)


def _linear(edges: Floats) -> Grid:
    """Cells of equal width from the first edge to the last; one cell where no such grid is possible."""
    size = GRID_PER_EDGE * len(edges)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        inverse = float(size / (edges[-1] - edges[0]))
        position = (edges - edges[0]) * inverse
    if not np.isfinite(position).all():  # too wide or too narrow: searched by halving
        return Grid(np.array([0, len(edges)], np.int64), float(edges[0]), 0.0, -1, 0.0)
    return Grid(_table(position, size), float(edges[0]), inverse, -1, 0.0)


def _logarithmic(edges: Floats) -> Grid:
    """Cells of about equal ratio on both sides of the middle edge, for heavy tails.

    The bits of a positive float, read as an integer, grow with its logarithm.
    """
    size = GRID_PER_EDGE * len(edges)
    origin = float(edges[len(edges) // 2])
    with np.errstate(over="ignore"):
        away = edges - origin
    unit = int(np.sort(np.abs(away))[min(4, len(edges) - 1)].view(np.int64))
    bits = np.copysign(np.maximum(np.abs(away).view(np.int64) - unit, 0).astype(np.float64), away)
    reach = float(bits[-1] - bits[0])
    if reach <= 0:
        return Grid(np.array([0, len(edges)], np.int64), origin, 0.0, -1, 0.0)
    inverse = size / reach
    offset = -float(bits[0]) * inverse
    return Grid(_table(offset + bits * inverse, size), origin, inverse, unit, offset)


def _table(position: Floats, size: int) -> Counts:
    # values are placed with the same rounding: an edge in a lower cell is certainly below the value
    cell = np.clip(position.astype(np.int64), 0, size - 1)
    return np.searchsorted(cell, np.arange(size + 1)).astype(np.int64)


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
    kernel(
        values,
        stretches.bounds,
        stretches.targets,
        places.edges,
        places.grid.table,
        places.grid.origin,
        places.grid.inverse,
        places.grid.unit,
        places.grid.offset,
        places.inner_start,
        places.inner_size,
        places.inner_origin,
        places.inner_inverse,
        places.inner_table,
        center,
        tally.bins,
        tally.others,
        tally.sums,
    )


def count_codes(cells: NDArray[np.int64], stretches: Runs, out: Counts) -> None:
    """Add rows, given as the cell of each, to `out`, int64 (windows, cells)."""
    if stretches.order is not None:
        cells = cells[stretches.order]
    bounds = stretches.bounds.tolist()
    if len(bounds) <= 8:
        for number, target in enumerate(stretches.targets.tolist()):
            if target >= 0:
                out[target] += np.bincount(cells[bounds[number] : bounds[number + 1]], minlength=out.shape[1])
        return
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


def _count_rows(
    values: Any,
    bounds: Any,
    targets: Any,
    edges: Any,
    table: Any,
    origin: float,
    inverse: float,
    unit: int,
    offset: float,
    inner_start: Any,
    inner_size: Any,
    inner_origin: Any,
    inner_inverse: Any,
    inner_table: Any,
    center: float,
    bins: Any,
    others: Any,
    sums: Any,
) -> None:
    """What numba compiles; as plain Python it is right but slow."""
    cells = table.shape[0] - 1
    end = float(cells)
    last = edges.shape[0] - 2
    for run in range(targets.shape[0]):
        window = targets[run]
        if window < 0:
            continue
        out = bins[window]
        total, square, low, high, low_sum, high_sum = (
            sums[window, 0],
            sums[window, 1],
            sums[window, 2],
            sums[window, 3],
            sums[window, 4],
            sums[window, 5],
        )
        for row in range(bounds[run], bounds[run + 1]):
            x = values[row]
            if not (abs(x) < np.inf):
                others[window, 0 if x != x else (1 if x > 0 else 2)] += 1  # noqa: PLR0124 - NaN alone differs from itself
                continue
            if unit < 0:
                position = (x - origin) * inverse
            else:
                away = x - origin
                bits = float(max(np.float64(abs(away)).view(np.int64) - unit, 0))
                position = offset + (bits if away > 0 else -bits) * inverse
            cell = 0
            if position > 0.0:
                cell = int(position) if position < end else cells - 1
            edge = table[cell]
            edge += (x > edges[edge]) + (x > edges[edge + 1])
            if x > edges[edge]:
                above = table[cell + 1]
                start = inner_start[cell]
                if start >= 0:
                    position = (x - inner_origin[cell]) * inner_inverse[cell]
                    inside = 0
                    if position > 0.0:
                        size = inner_size[cell]
                        inside = int(position) if position < size else size - 1
                    edge, above = inner_table[start + inside], inner_table[start + inside + 1]
                    edge += (x > edges[edge]) + (x > edges[edge + 1])
                if x > edges[edge]:
                    while edge < above:
                        middle = (edge + above) // 2
                        if x > edges[middle]:
                            edge = middle + 1
                        else:
                            above = middle
            out[edge] += 1
            away = min(max(x - center, -HUGE), HUGE)
            total += away
            square += away * away
            low = min(x, low)
            high = max(x, high)
            if edge == 0:
                low_sum += min(max(x, -HUGE), HUGE)
            elif edge == last:
                high_sum += min(max(x, -HUGE), HUGE)
        sums[window, 0] = total
        sums[window, 1] = square
        sums[window, 2] = low
        sums[window, 3] = high
        sums[window, 4] = low_sum
        sums[window, 5] = high_sum


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
        return _compile(cache=True)
    except ImportError:
        log.info("numba cannot be imported: values are counted by numpy, to the same counts but slower")
    except (OSError, RuntimeError) as error:  # no folder that the cache can be written to
        log.info("numba cannot keep its cache (%s): it compiles in each process", error)
        return _compile(cache=False)
    return None


def _compile(*, cache: bool) -> Callable[..., None]:
    from numba import njit, types  # noqa: PLC0415 - half a second, and only where many values come

    floats = types.Array(types.float64, 1, "C", readonly=True)  # columns of Arrow are read-only
    whole = types.Array(types.int64, 1, "C", readonly=True)
    number, bins, sums = types.float64, types.int64[:, ::1], types.float64[:, ::1]
    grid = (floats, whole, number, number, types.int64, number, whole, whole, floats, floats, whole)
    signature = types.void(floats, whole, whole, *grid, number, bins, bins, sums)
    compiled: Callable[..., None] = njit(signature, cache=cache, nogil=True, boundscheck=False)(_count_rows)
    return compiled
