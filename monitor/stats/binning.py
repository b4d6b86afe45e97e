"""What a sample of the reference fixes for a numeric column: fine bins, cells, centre and scale."""

import numpy as np
from numpy.typing import NDArray

from monitor.stats.bins import NumericBins

FINE_BINS = 256
NORMAL_IQR = 1.349
"""The interquartile range of the standard normal distribution."""
FEWEST_ROWS = 5
"""A cell has at least so many rows of the sample."""
ATOM_SHARE = 0.1
"""A value with this share of the rows is a cell of its own."""


def bins_of(sample: NDArray[np.float64], low: float, high: float) -> NumericBins:
    """Bins from finite values, at least one, and the exact range of the rows that they stand for.

    >>> bins_of(np.array([1.0, 2.0, 2.0, 4.0]), 1.0, 4.0).edges.round(3).tolist()
    [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]
    """
    ordered = np.sort(sample) + 0.0  # -0.0 becomes 0.0
    cuts = _edges(ordered, low, high)
    unit = _unit(ordered)
    median = float(np.median(ordered / unit)) * unit
    return NumericBins(cuts, _cells(ordered, cuts), low, high, median, _scale(ordered / unit, unit))


def _edges(ordered: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Equi-depth edges, deciles, tails halving down to one row, and every value that has mass."""
    values, counts = np.unique(ordered, return_counts=True)
    if len(values) <= FINE_BINS:
        own, quantiles = values, values
    else:
        own = values[counts * FINE_BINS >= max(len(ordered), 2 * FINE_BINS)]
        quantiles = ordered[_ranks(len(ordered))]
    # a bin is open below, so an edge just under a value gives it a bin of its own
    below = _below(np.append(own, low))
    edges = np.unique(np.concatenate([below, own, quantiles, [high]]))
    return np.unique(np.clip(edges, -np.finfo(np.float64).max, high))


def _below(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The next smaller numbers; minus infinity below the least one."""
    with np.errstate(over="ignore"):
        return np.nextafter(values, -np.inf)


def _ranks(rows: int) -> NDArray[np.int64]:
    """Ranks of the quantiles, from 0: 256 equal parts, tenths, and both tails halving to one row."""
    tail = rows // FINE_BINS
    ladder = []
    while tail > 1:
        tail //= 2
        ladder += [tail - 1, rows - 1 - tail]
    parts = (np.arange(1, FINE_BINS) * rows) // FINE_BINS
    tenths = (np.arange(1, 10) * rows) // 10
    return np.unique(np.concatenate([parts, tenths, np.array(ladder, np.int64)]))


def _cells(ordered: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """The cell of each fine bin: deciles, with a value of much mass apart, none without rows."""
    rows = len(ordered)
    deciles = np.unique(ordered[(np.arange(1, 10) * rows) // 10])
    mass = np.searchsorted(ordered, deciles, "right") - np.searchsorted(ordered, deciles, "left")
    apart = _below(deciles[mass >= ATOM_SHARE * rows])
    wanted = np.unique(np.concatenate([deciles, apart]))
    wanted = wanted[np.isin(wanted, edges)]
    fewest = min(FEWEST_ROWS, max(1, rows // 20))
    kept: list[float] = []
    before = 0
    for cut, upto in zip(wanted.tolist(), np.searchsorted(ordered, wanted, "right").tolist(), strict=True):
        if upto - before >= fewest and rows - upto >= fewest:
            kept.append(cut)
            before = upto
    upper = np.append(edges, np.inf)
    return np.searchsorted(np.array(kept), upper, "left").astype(np.int64)


def _unit(ordered: NDArray[np.float64]) -> float:
    """What to divide by so that sums and squares neither overflow nor vanish; 1 for ordinary numbers."""
    size = float(np.abs(ordered[[0, -1]]).max())
    return size if size > 1e100 or 0 < size < 1e-100 else 1.0


def _scale(values: NDArray[np.float64], unit: float) -> float:
    """IQR / 1.349; where that is 0 the standard deviation winsorised at 0.1 and 99.9 %."""
    quarter, three = np.quantile(values, [0.25, 0.75])
    scale = float(three - quarter) / NORMAL_IQR
    if scale == 0:
        bottom, top = np.quantile(values, [0.001, 0.999])
        # the mean of equal values may be off in its last digit, so their deviation is not taken
        scale = float(np.std(np.clip(values, bottom, top))) if bottom < top else 0.0
    return min(scale * unit, float(np.finfo(np.float64).max))
