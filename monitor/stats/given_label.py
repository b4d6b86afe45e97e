"""Whether other class shares alone explain how a feature moved: its cells given the label, reweighted."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]


def squared_distance(first: Floats, second: Floats, variance: Floats) -> float:
    """Squared L2 distance of two distributions (cells,) less the `variance` (cells,) of their difference."""
    return float(((first - second) ** 2 - variance).sum())


def explained(given_label: Counts, share: Floats, live: Counts) -> float | None:
    """The part of a feature's move that class shares explain: 1 all of it, 0 none, below 0 the opposite.

    `given_label`: int64 (k, cells), the reference's rows by label and cell. `share` (k,): class shares of the
    window; `live` int64 (cells,): its rows. One less the ratio of squared distances from what the shares
    imply and from the reference (Lipton, Wang and Smola 2018 assume that this is 1). None where the feature
    did not move beyond chance, or where there is no row.

    >>> given_label = np.array([[900, 100], [100, 900]])
    >>> round(explained(given_label, np.array([0.1, 0.9]), np.array([180, 820])), 2)
    1.0
    >>> round(explained(given_label, np.array([0.5, 0.5]), np.array([180, 820])), 2)
    0.0
    """
    rows, n = given_label.sum(axis=1), int(live.sum())
    if not n or not rows.sum():
        return None
    # a class without reference rows is taken to look like all of them
    pooled = given_label.sum(axis=0) / rows.sum()
    each = np.where(rows[:, None] > 0, given_label / np.maximum(rows, 1)[:, None], pooled)
    spread = each * (1 - each) / np.maximum(rows, 1)[:, None]
    observed = live / n
    noise = observed * (1 - observed) / n
    prior = rows / rows.sum()
    moved = squared_distance(observed, prior @ each, noise + prior**2 @ spread)
    if moved <= 2 * float(noise.sum()):
        return None
    return 1 - squared_distance(observed, share @ each, noise + share**2 @ spread) / moved
