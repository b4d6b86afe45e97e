"""Robust location from fine bins: quantiles, and normal scores of reference ranks."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.stats.bins import Counts, NumericCounts, NumericReference


def quantile(reference: NumericReference, counts: NumericCounts, share: float) -> float:
    """The value that `share` of the finite rows do not exceed, interpolated within its fine bin.

    ValueError where no value is finite.
    """
    rows = counts.observed
    if not rows:
        message = "no finite value, no quantile"
        raise ValueError(message)
    edges = np.concatenate([[counts.low], reference.bins.edges, [counts.high]])
    total = np.cumsum(counts.bins)
    bin_ = int(np.searchsorted(total, share * rows, side="left"))
    bin_ = min(bin_, int(np.flatnonzero(counts.bins)[-1]))
    inside = counts.bins[bin_]
    part = (share * rows - (total[bin_] - inside)) / inside if inside else 0.0
    value = float(edges[bin_] + part * (edges[bin_ + 1] - edges[bin_]))
    return min(max(value, counts.low), counts.high)


def normal_scores(reference: Counts) -> NDArray[np.float64]:
    """The normal quantile of each fine bin's mean rank in the reference: robust against any outlier."""
    total = np.cumsum(reference)
    ranks = (total - reference / 2 + 0.5) / (total[-1] + 1)
    return np.asarray(special.ndtri(ranks), dtype=np.float64)


def moments(scores: NDArray[np.float64], counts: Counts) -> tuple[float, float]:
    """Mean and standard deviation of the scores of the rows counted."""
    mean = float(np.average(scores, weights=counts))
    return mean, math.sqrt(float(np.average((scores - mean) ** 2, weights=counts)))
