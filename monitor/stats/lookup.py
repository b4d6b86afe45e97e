"""Where a value lies among sorted edges, in a step or two: a uniform grid over the edges."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats.bins import Counts

Floats: TypeAlias = NDArray[np.float64]

GRID_PER_EDGE = 4
CROWDED = 2
"""More edges than this in one grid cell make a grid within that cell."""
ENOUGH = 0.05
"""A larger share of the edges in crowded cells calls for a logarithmic grid."""


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


def lookup(edges: Floats) -> Lookup:
    """Grid the edges, which are finite, strictly increasing and at least one."""
    if not len(edges) or not np.isfinite(edges).all() or (edges[1:] <= edges[:-1]).any():
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
    origin = _normal(float(edges[0]))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
        inverse = float(size / (edges[-1] - edges[0]))
        position = (edges - origin) * inverse
    if not np.isfinite(position).all():  # too wide or too narrow: searched by halving
        return Grid(np.array([0, len(edges)], np.int64), origin, 0.0, -1, 0.0)
    return Grid(_table(position, size), origin, inverse, -1, 0.0)


def _logarithmic(edges: Floats) -> Grid:
    """Cells of about equal ratio on both sides of the middle edge, for heavy tails.

    The bits of a positive float, read as an integer, grow with its logarithm.
    """
    size = GRID_PER_EDGE * len(edges)
    origin = _normal(float(edges[len(edges) // 2]))
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


def _normal(number: float) -> float:
    """The number, or 0 for a subnormal one: arithmetic on those is a hundred times slower."""
    return number if abs(number) >= np.finfo(np.float64).tiny else 0.0


def _table(position: Floats, size: int) -> Counts:
    # values are placed with the same rounding: an edge in a lower cell is certainly below the value
    cell = np.clip(position.astype(np.int64), 0, size - 1)
    return np.searchsorted(cell, np.arange(size + 1)).astype(np.int64)
