"""Whether label shift explains a window: the over-identification test of more score cells than classes.

Hansen's (1982) J test on BBSE's equations mu = C w (Lipton, Wang and Smola 2018): B cells are to be
explained by k class shares; what they leave is chi-squared with B - k degrees of freedom.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from monitor.stats.share_estimators import (
    PRIOR_DEVIATION,
    SMALLEST,
    Features,
    cell_features,
    residual_covariance,
    tangent,
)

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

FEWEST = 5.0
"""Rows that a cell must expect in the window, and have in the reference; smaller ones are merged."""
STEPS = 2000
DONE = 1e-4
"""The fit ends where a step adds less to the log-likelihood."""
TOGETHER = 10
"""Steps between looks at the log-likelihood."""
ABSENT = 1e-4
"""A share under this is on the border of the simplex: it was not free to fit the cells."""


@dataclass(frozen=True, slots=True)
class AssumptionTest:
    """`statistic`: J per degree of freedom, about 1 under label shift; both None without a test.

    `degrees`: of freedom, 0 without a test. `p_value`: of a J this large under label shift, J divided by the
    dispersion first.
    """

    statistic: float | None
    degrees: float
    p_value: float | None


NO_TEST = AssumptionTest(None, 0.0, None)


def over_identification(
    cells: Codes, counts: Codes, prior: Floats, dispersion: float = 1.0
) -> AssumptionTest:
    """Test a window's rows by cell (B,), one at least, against the reference's by (cell, label) (B, k).

    J = r' Omega^-1 r, r = observed - expected shares of cells at the likeliest class shares, Omega with the
    sampling of the live rows and of the reference. `prior` (k,): the reference's class shares. Neighbouring
    cells are merged until each expects `FEWEST` rows. Degrees of freedom: cells less the classes that are
    there and that the cells tell apart. `dispersion` >= 1: how much more than multinomial windows vary.
    """
    n = float(counts.sum())
    _, first = fit(cells, counts, prior)
    group = merged(np.minimum(n * cell_features(cells).mean @ first, cells.sum(axis=1)))
    joined = np.zeros((group[-1] + 1, cells.shape[1]), np.int64)
    np.add.at(joined, group, cells)
    if len(joined) <= cells.shape[1]:
        return NO_TEST
    seen = np.bincount(group, counts, len(joined))
    features, shares = fit(joined, seen, prior)
    omega = residual_covariance(features, shares, n)[:-1, :-1]  # shares of cells sum to 1
    omega[np.diag_indices(len(omega))] += SMALLEST
    rest = (seen / n - cell_features(joined).mean @ shares)[:-1]
    free = np.flatnonzero(shares > ABSENT)
    slope = features.mean[:-1, free] @ tangent(len(free)) if len(free) > 1 else np.zeros((len(rest), 0))
    weighted = linalg.solve(omega, np.column_stack([rest, slope]), assume_a="pos")
    told = slope.T @ weighted[:, 1:]
    known = np.linalg.eigvalsh(told) * PRIOR_DEVIATION**2
    degrees = float(len(rest) - (known / (1 + known)).sum())
    j = max(float(rest @ weighted[:, 0]), 0.0)
    p_value = float(special.gammaincc(degrees / 2, j / max(dispersion, 1.0) / 2))
    return AssumptionTest(j / degrees, degrees, p_value)


def fit(cells: Codes, counts: Codes | Floats, prior: Floats) -> tuple[Features, Floats]:
    """The likeliest cells given the label and class shares (k,), from the reference and a window together.

    EM: live rows of a cell are divided among the labels, and counted with the reference's (Barlow and
    Beeston 1993, finite templates). Taking the reference's counts for the truth instead would give cells
    that have few rows by chance too small a variance, and J would be too large too often.
    """
    start = cell_features(cells)
    known = start.mean * start.rows
    mean, shares = start.mean, np.maximum(prior, 1 / len(prior) ** 2)
    shares = shares / shares.sum()
    before = -np.inf
    for step in range(STEPS):
        joint = mean * shares
        total = joint.sum(axis=1)
        if step % TOGETHER == 0:
            value = float((counts * np.log(total)).sum() + (known * np.log(mean)).sum())
            if value - before < DONE:
                break
            before = value
        divided = joint * (counts / total)[:, None]
        shares = divided.sum(axis=0) / counts.sum()
        mean = known + divided
        mean = mean / mean.sum(axis=0)
    return Features(mean, None, start.rows), shares


def merged(rows: Floats) -> Codes:
    """The group of each cell, int64 (B,): neighbours joined until each group has `FEWEST` rows.

    >>> merged(np.array([1.0, 9.0, 6.0, 1.0])).tolist()
    [0, 0, 1, 1]
    """
    group = np.zeros(len(rows), np.int64)
    number, waiting = 0, 0.0
    for each, count in enumerate(rows.tolist()):
        group[each] = number
        waiting += count
        if waiting >= FEWEST:
            number, waiting = number + 1, 0.0
    return np.minimum(group, max(number - 1, 0))  # what is left joins the last group
