"""The area under the ROC curve and its standard error, of two classes or macro-averaged over several."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Area:
    """An area in [0, 1] and its standard error; rows on both sides of the class that has fewest."""

    value: float
    error: float
    positives: int
    negatives: int


def area(positive: Flags, score: Floats) -> Area | None:
    """The area of each column of `positive` and `score`, both (n, k), averaged; None where none has one.

    A column has an area where it has rows of both sides: P(score of a positive > of a negative), ties
    half. Standard error: DeLong, DeLong and Clarke-Pearson (1988), from each row's influence, so that it
    holds for the average too; 0 where one side has one row only.

    >>> found = area(np.array([[True], [True], [False]]), np.array([[0.9], [0.4], [0.4]]))
    >>> found.value
    0.75
    """
    n = len(positive)
    counts = positive.sum(axis=0)
    usable = np.flatnonzero((counts > 0) & (counts < n))
    if not len(usable):
        return None
    influence, values = np.zeros(n), []
    for column in usable:
        value, own = _influence(positive[:, column], score[:, column])
        values.append(value)
        influence += own / len(usable)
    sides = np.minimum(counts[usable], n - counts[usable])
    fewest = int(counts[usable][np.argmin(sides)])
    error = math.sqrt(float(influence @ influence)) if sides.min() > 1 else 0.0
    return Area(float(np.mean(values)), error, fewest, n - fewest)


def _influence(positive: Flags, score: Floats) -> tuple[float, Floats]:
    """The area, and each row's part in its error: the squares sum to DeLong's variance."""
    order = np.argsort(score)
    flags, ordered = positive[order], score[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(starts, len(score)))
    ones = np.add.reduceat(flags.astype(np.int64), starts)
    zeros = sizes - ones
    # how many of the other side are below, those that tie counted half
    below_zeros = np.repeat(np.cumsum(zeros) - zeros / 2, sizes)
    below_ones = np.repeat(np.cumsum(ones) - ones / 2, sizes)
    m, n = int(ones.sum()), int(zeros.sum())
    placement = np.where(flags, below_zeros / n, 1 - below_ones / m)
    value = float(placement[flags].mean())
    weight = np.where(flags, 1 / math.sqrt(m * max(m - 1, 1)), 1 / math.sqrt(n * max(n - 1, 1)))
    influence = np.empty(len(score))
    influence[order] = (placement - value) * weight
    return value, influence
