"""The predictions of rows as class codes and probabilities, as what is estimated from them needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.plan import Target
from monitor.rows import Rows
from monitor.stats.performance import good_probabilities
from monitor.types import Task

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UsableRows:
    """Rows that have a prediction and, where the model has probabilities, good ones.

    `predicted` (n,): class codes. `probabilities` (n, k) or None. `labels` (n,): class codes, NaN where
    unknown. `place` (n,): where they were among all rows.
    """

    predicted: Codes
    probabilities: Floats | None
    labels: Floats
    place: NDArray[np.int64]

    def take(self, rows: Codes) -> "UsableRows":
        """These of its rows."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return UsableRows(self.predicted[rows], probabilities, self.labels[rows], self.place[rows])


def ordered(target: Target) -> tuple[str, ...]:
    """The classes, of two the positive one last: its probability is what is calibrated."""
    if target.task is Task.BINARY:
        return tuple(sorted(target.classes, key=lambda name: name == target.positive))
    return target.classes


def usable_rows(target: Target, classes: Sequence[str], rows: Rows) -> UsableRows:
    """Codes and probabilities in the order of `classes`; rows of other classes are left out."""
    k = len(classes)
    code = np.array([*(classes.index(name) for name in target.classes), np.nan])

    def codes(values: Floats) -> Floats:
        known = (values >= 0) & (values < k)
        return code[np.where(known, values, k).astype(np.int64)]

    predicted = codes(rows.predictions)
    good = ~np.isnan(predicted)
    matrix = _matrix(target, classes, rows.scores)
    if matrix is not None:
        good &= good_probabilities(matrix)
    place = np.flatnonzero(good)
    probabilities = None
    if matrix is not None:
        probabilities = matrix[place] / matrix[place].sum(axis=1, keepdims=True)
    return UsableRows(predicted[place].astype(np.int64), probabilities, codes(rows.labels)[place], place)


def _matrix(target: Target, classes: Sequence[str], scores: NDArray[np.float32]) -> Floats | None:
    """Probabilities (n, k) in the order of the classes; None where a class has none."""
    if not target.probabilities:
        return None
    if target.task is Task.BINARY:
        own = scores[:, target.positive_column].astype(np.float64)
        return np.column_stack([1 - own, own])
    if not set(classes) <= set(target.probabilities):
        return None
    return scores[:, [target.probabilities.index(name) for name in classes]].astype(np.float64)
