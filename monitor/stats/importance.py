"""Importance weights: how often live rows are like a reference row, against how often the reference's are.

The density ratio by a classifier (Bickel, Bruckner and Scheffer 2007): the odds that it gives a row to be
live rather than of the reference, both sides counting the same. A logistic line of few standardised features
is smooth, and its penalty draws all weights to 1 where rows are few. On four real sets it led to estimates
no worse than those of boosted trees, in a fifth of their time.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats import surrogate
from monitor.stats.tables import Table
from monitor.stats.threads import one_thread

Floats: TypeAlias = NDArray[np.float64]

FEWEST_ROWS = 50
"""Rows a side under which a classifier tells nothing."""
FITTED_ROWS, TIMES = 1_000, 3
"""Rows of the reference that fit the classifier: so many, or times the live ones."""
PENALTY = 10.0
"""Of half the squared coefficients, beside the log-likelihood of twice the rows of the smaller side."""
GREATEST = 20.0
"""One row stands for at most so many: a few heavy ones would decide everything."""


def weights(reference: Table, live: Table) -> Floats:
    """The weight of each row of the reference, float64 (n,) > 0 with mean 1.

    Both tables have the same columns under the same codes, the reference's rows in random order. ValueError
    where a side has under 50 rows, the columns differ, or none varies in the reference.

    >>> random = np.random.default_rng(0)
    >>> codes = np.zeros((2_000, 0), np.int32)
    >>> reference = Table(random.normal(size=(2_000, 1)).astype(np.float32), codes)
    >>> found = weights(reference, Table(reference.numbers + np.float32(1), codes))
    >>> round(float(found @ reference.numbers[:, 0]) / len(found), 1)
    0.9
    """
    if reference.columns != live.columns or min(len(reference), len(live)) < FEWEST_ROWS:
        message = f"{len(reference)} and {len(live)} rows of {reference.columns} and {live.columns} columns"
        raise ValueError(message)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - it takes a second to import

    encoding = surrogate.encoding_of(reference)
    rows, others = encoding.encode(reference), encoding.encode(live)
    fitted = rows[: max(FITTED_ROWS, TIMES * len(others))]
    sides = np.repeat([0, 1], [len(fitted), len(others)])
    smaller = min(len(fitted), len(others))
    counts = np.repeat([smaller / len(fitted), smaller / len(others)], [len(fitted), len(others)])
    with one_thread():
        model = LogisticRegression(C=1 / PENALTY, max_iter=1000)
        odds = model.fit(np.concatenate([fitted, others]), sides, counts).decision_function(rows)
    found = np.exp(np.minimum(odds, np.log(GREATEST)))
    normed: Floats = found / found.mean()
    return normed


def effective(found: Floats) -> float:
    """How many rows of equal weight tell as much (Kish 1965).

    >>> effective(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    return float(found.sum() ** 2 / (found @ found))
