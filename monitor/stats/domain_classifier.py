"""Can a classifier tell live rows from reference rows, and by which columns? (Lopez-Paz and Oquab 2017).

The area under its ROC curve, on rows that it was not trained with, is the probability that a live row
looks more like one than a reference row does: 0.5 where nothing has moved, 1 where every row shows it.
It sees what no column shows alone. It needs many rows (500 a side, better 5,000) and is weaker than a
test made for one kind of change, so it explains an alarm rather than opening it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats.domain_forest import Forest, area_of
from monitor.stats.domain_sparse import Sparse
from monitor.stats.tables import Table
from monitor.stats.threads import one_thread

__all__ = ["Separation", "Table", "Variant", "null_error", "separate"]

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]

MOST_ROWS = 5_000
"""Rows a side: more cost time and tell little more of a change that matters."""
MOST_CELLS = 1_000_000
"""Values a side: of many columns fewer rows are used."""
FEWEST_ROWS = 50
FOLDS = 5
CLEAR = 4.0
"""So many standard errors above 0.5 the area is more than chance, and its columns have a meaning."""
TRACE = 0.02
"""A column with a smaller share of the weights is not named."""


class Variant(StrEnum):
    """Which classifier.

    `forest`: boosted trees, which see any change. `sparse`: logistic regression with an L1 penalty on
    normal scores and their products, which sees changes of mean, spread and correlation and names few
    columns.
    """

    FOREST = "forest"
    SPARSE = "sparse"


class Model(Protocol):
    """A classifier with the rows of both sides, ready to be trained on some of them.

    `noise`: in standard errors of the area, the weight that a column may have by chance.
    """

    noise: float

    def fold(self, number: int, live: Flags, train: Rows, test: Rows) -> tuple[Floats, Floats]:
        """Trained on some rows: the score of each test row, and the weight of each column, (k,).

        The weight is NaN where it was not measured in this fold.
        """
        ...


MODELS: dict[Variant, Callable[[Table, int], Model]] = {Variant.FOREST: Forest, Variant.SPARSE: Sparse}


@dataclass(frozen=True, slots=True)
class Separation:
    """How well live rows are told from reference rows.

    `auc`: area under the ROC curve out of fold, 0 to 1; 0.5 is chance. `error`: its standard error where
    nothing has moved. `columns`: number and share (together 1) of the columns that the classifier uses,
    the most important first; empty where it uses none, or where the area is less than four standard
    errors above chance.
    """

    auc: float
    error: float
    columns: tuple[tuple[int, float], ...]


def separate(
    reference: Table,
    live: Table,
    variant: Variant = Variant.FOREST,
    *,
    most: int = MOST_ROWS,
    folds: int = FOLDS,
    seed: int = 0,
) -> Separation:
    """Train on all folds but one, judge on that one, in turn; the same rows give the same result.

    Of each side at most `most` rows (fewer beyond 200 columns) are used, chosen at random by the seed. The
    area is the mean of the folds' areas: scores of different folds do not compare, and pooling them gives
    less than 0.5 by chance. `error` is `null_error`. Column j is numeric column j, or categorical column
    j - k after the k numeric ones. `folds`: 2 to 50. ValueError for tables of different columns, without a
    column, or with under 50 rows.

    >>> random = np.random.default_rng(1)
    >>> codes = np.zeros((200, 0), np.int32)
    >>> reference = Table(random.normal(size=(200, 3)).astype(np.float32), codes)
    >>> live = Table(reference.numbers + np.array([0, 2, 0], np.float32), codes)
    >>> found = separate(reference, live, Variant.SPARSE)
    >>> found.auc > 0.9, [column for column, share in found.columns]
    (True, [1])
    """
    one, other = _chosen(reference, live, most, seed)
    flags = np.repeat([False, True], [len(one), len(other)])
    # both sides are in random order: every fold has its part of each
    number = np.concatenate([np.arange(len(one)), np.arange(len(other))]) % folds
    areas, weights = [], []
    with one_thread():
        model = MODELS[variant](one + other, folds)
        for fold in range(folds):
            test = np.flatnonzero(number == fold)
            scores, weight = model.fold(fold, flags, np.flatnonzero(number != fold), test)
            areas.append(area_of(flags[test], scores))
            weights.append(weight)
    auc, error = float(np.mean(areas)), null_error(len(one), len(other))
    columns = _ranked(np.array(weights), model.noise * error) if auc > 0.5 + CLEAR * error else ()
    return Separation(auc, error, columns)


def _chosen(reference: Table, live: Table, most: int, seed: int) -> tuple[Table, Table]:
    """Rows of both sides, in random order."""
    if reference.columns != live.columns or not sum(reference.columns):
        message = f"tables of {reference.columns} and {live.columns} columns do not compare"
        raise ValueError(message)
    if min(len(reference), len(live)) < FEWEST_ROWS:
        message = f"{len(reference)} and {len(live)} rows: a domain classifier needs {FEWEST_ROWS} a side"
        raise ValueError(message)
    rows = min(most, max(FEWEST_ROWS, MOST_CELLS // sum(reference.columns)))
    random = np.random.default_rng(seed)
    return reference.take(random.permutation(len(reference))[:rows]), live.take(
        random.permutation(len(live))[:rows]
    )


def null_error(rows: int, others: int) -> float:
    """The standard error of the area where both sides are alike: of Mann and Whitney's U, 1947.

    sqrt((n + m + 1) / (12 n m)). Folds are trained with rows of each other, so their areas depend on one
    another and their mean varies up to sqrt(2) times as much: of boosted trees 1.3 times over 100 pairs of
    like samples of 1,000 rows, 1.0 times for 300 against 3,000. What may alarm must be calibrated on windows
    of the reference.

    >>> round(null_error(1000, 1000), 4)
    0.0129
    """
    return math.sqrt((rows + others + 1) / (12 * rows * others))


def _ranked(weights: Floats, least: float) -> tuple[tuple[int, float], ...]:
    """Each column's median weight over the folds, (folds, k), as a share; up to the least is left out."""
    middle = np.nanmedian(weights, axis=0)
    least = max(least, TRACE * float(middle[middle > 0].sum()))
    used = [column for column in np.argsort(-middle, kind="stable").tolist() if middle[column] > least]
    total = float(middle[used].sum())
    return tuple((column, float(middle[column]) / total) for column in used)
