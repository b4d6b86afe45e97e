"""How late labels come: which share of rows has its label at which age, and whether some rows lack more."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Counts: TypeAlias = NDArray[np.int64]

STEP = 1.03
"""An age is known to three percent."""
EDGES: Floats = np.append(0.0, STEP ** np.arange(0, 600))
"""Upper ends of the ages, in seconds: from one second to more than a year."""
LATE = 0.99
"""A row is due at the age by which this share of the labels that ever come has come."""
FEWEST_ROWS = 30
"""Fewer rows say nothing of whether labels are late."""
CURVE = (0.5, 0.9, LATE)


def counts_by_age(delays: Floats) -> Counts:
    """Labels by age at which they came: int64 (len(EDGES) + 1,), the last beyond all edges.

    `delays` (n,) in seconds, NaN where a label never came; one known before its row counts as age 0.

    >>> counts_by_age(np.array([-5.0, 0.5, np.nan]))[:3].tolist()
    [1, 1, 0]
    """
    known = np.maximum(delays[~np.isnan(delays)], 0.0)
    return np.bincount(np.searchsorted(EDGES, known), minlength=len(EDGES) + 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Usual:
    """How labels usually come. `due`: the age in seconds at which a row is due.

    `coverage`: the share of rows, in (0, 1), that has its label at that age; `error`: its standard error.
    `between`: the variance of that share from window to window beyond chance. `ages`: seconds by which
    the shares `CURVE` of all labels have come.
    """

    due: float
    coverage: float
    error: float
    between: float
    ages: tuple[float, ...]
    windows: int


def learn(rows: Counts, counts: Counts) -> Usual | None:
    """What windows teach: `rows` (w,) of each, `counts` (w, len(EDGES) + 1) by age; None without a label."""
    labels, total = counts.sum(axis=0), float(rows.sum())
    came = float(labels.sum())
    if not came or not total:
        return None
    arrived = np.cumsum(labels) / came
    ages = np.append(EDGES, EDGES[-1] * STEP)[[int(np.argmax(arrived >= share)) for share in CURVE]]
    place = int(np.argmax(arrived >= LATE))
    by_due = counts[:, : place + 1].sum(axis=1)
    # the rule of succession keeps a share of rows that all came from being certain
    coverage = (float(by_due.sum()) + 1) / (total + 2)
    chance = coverage * (1 - coverage)
    shares = by_due / np.maximum(rows, 1)
    weights = rows / total
    between = float(weights @ (shares - coverage) ** 2) - chance * len(rows) / total
    between = max(between * len(rows) / max(len(rows) - 1, 1), 0.0)
    error = float(np.sqrt(chance / total + between * float((weights**2).sum())))
    return Usual(float(ages[-1]), coverage, error, between, tuple(ages.tolist()), len(rows))


@dataclass(frozen=True, slots=True)
class Overdue:
    """`rows` that are due, how many of them have their label, and P(so few | labels come as usual).

    `shortfall`: the usual share less the observed one, in [-1, 1]; `line`: the shortfall that has the
    probability that was asked for; `deviation`: of the shortfall by chance. `labels`: how many are overdue.
    """

    rows: int
    labelled: int
    shortfall: float
    deviation: float
    p_value: float
    line: float
    labels: float


def overdue(usual: Usual, rows: int, labelled: int, level: float) -> Overdue | None:
    """Whether so few of the rows that are due have their label; None of fewer than `FEWEST_ROWS` rows.

    The share is beta-distributed with the variance of chance, of windows, and of what was learned.

    >>> usual = Usual(3600.0, 0.98, 0.0, 0.0001, (60.0, 600.0, 3600.0), 50)
    >>> found = overdue(usual, 1000, 400, 0.001)
    >>> round(found.shortfall, 2), found.p_value < 1e-9, found.labels
    (0.58, True, 580.0)
    """
    if rows < FEWEST_ROWS:
        return None
    share, expected = labelled / rows, usual.coverage
    chance = expected * (1 - expected)
    variance = min(chance / rows + usual.between + usual.error**2, 0.9 * chance)
    size = chance / variance - 1
    a, b = expected * size, (1 - expected) * size
    p_value = float(special.betainc(a, b, min(share + 0.5 / rows, 1.0)))
    line = expected - float(special.betaincinv(a, b, level))
    late = max(0.0, expected * rows - labelled)
    return Overdue(rows, labelled, expected - share, float(np.sqrt(variance)), p_value, line, late)
