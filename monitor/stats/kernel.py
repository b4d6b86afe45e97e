"""The loop that counts values, compiled by numba; imported only where many values come.

As plain Python it is right too, but slow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import register_jitable

HUGE = 1e145
"""What a larger value counts as in sums, so that neither they nor their squares overflow."""


@register_jitable
def search(x: Any, edges: Any, below: int, above: int) -> int:
    """The first of the edges `below` to `above` that is not less than x."""
    while below < above:
        middle = (below + above) // 2
        if x > edges[middle]:
            below = middle + 1
        else:
            above = middle
    return below


@register_jitable
def cell_at(position: float, cells: int) -> int:
    """The cell at this place of the grid; what is outside belongs to the cell at that end."""
    if position > 0.0:
        return int(position) if position < cells else cells - 1
    return 0


def count_rows(  # noqa: C901 - one loop: calls within it cost more than they show
    values: Any,
    runs: Any,
    edges: Any,
    grid: Any,
    inner: Any,
    center: float,
    bins: Any,
    others: Any,
    sums: Any,
) -> None:
    """Add the values of each run to its window's row of `bins`, `others` and `sums`."""
    bounds, targets = runs
    table, origin, inverse, unit, offset = grid
    inner_start, inner_size, inner_origin, inner_inverse, inner_table = inner
    cells, last = table.shape[0] - 1, edges.shape[0] - 2
    for run in range(targets.shape[0]):
        window = targets[run]
        if window < 0:
            continue
        out = bins[window]
        total, square, low, high = sums[window, 0], sums[window, 1], sums[window, 2], sums[window, 3]
        for row in range(bounds[run], bounds[run + 1]):
            x = values[row]
            if not abs(x) < np.inf:
                others[window, 0 if np.isnan(x) else (1 if x > 0 else 2)] += 1
                continue
            if unit < 0:
                position = (x - origin) * inverse
            else:
                away = x - origin
                bits = float(max(np.float64(abs(away)).view(np.int64) - unit, 0))
                position = offset + (bits if away > 0 else -bits) * inverse
            cell = 0  # as a call of cell_at it takes a third longer
            if position > 0.0:
                cell = int(position) if position < cells else cells - 1
            edge = table[cell]
            edge += (x > edges[edge]) + (x > edges[edge + 1])  # no branch: it could not be foretold
            if x > edges[edge]:
                above, start = table[cell + 1], inner_start[cell]
                if start >= 0:
                    cell = cell_at((x - inner_origin[cell]) * inner_inverse[cell], inner_size[cell])
                    edge, above = inner_table[start + cell], inner_table[start + cell + 1]
                    edge += (x > edges[edge]) + (x > edges[edge + 1])
                if x > edges[edge]:
                    edge = search(x, edges, edge, above)
            out[edge] += 1
            away = min(max(x - center, -HUGE), HUGE)
            total += away
            square += away * away
            low = min(x, low)
            high = max(x, high)
            if edge == 0:
                sums[window, 4] += min(max(x, -HUGE), HUGE)
            elif edge == last:
                sums[window, 5] += min(max(x, -HUGE), HUGE)
        sums[window, 0], sums[window, 1], sums[window, 2], sums[window, 3] = total, square, low, high


def compiled(*, cache: bool) -> Callable[..., None]:
    """`count_rows` as machine code that releases the GIL; `cache` keeps it on disk.

    Raises RuntimeError or OSError where no cache can be kept.
    """
    floats = types.Array(types.float64, 1, "C", readonly=True)  # columns of Arrow are read-only
    whole = types.Array(types.int64, 1, "C", readonly=True)
    number, counts, sums = types.float64, types.int64[:, ::1], types.float64[:, ::1]
    tuple_of: Callable[..., Any] = types.Tuple
    runs = tuple_of((whole, whole))
    grid = tuple_of((whole, number, number, types.int64, number))
    inner = tuple_of((whole, whole, floats, floats, whole))
    signature = types.void(floats, runs, floats, grid, inner, number, counts, counts, sums)
    found: Callable[..., None] = njit(signature, cache=cache, nogil=True)(count_rows)
    return found
