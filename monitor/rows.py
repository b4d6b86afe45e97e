"""What the join and the errors need of each row: ids, times, predictions, probabilities, labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.columns import digest
from monitor.plan import Names
from monitor.types import Task
from monitor.values import categorical, identity_hash, numeric


class Classes:
    """Class names as codes; a name that is new gets the next code.

    Of private classes only digests are kept as names.

    >>> classes = Classes(("no", "yes"))
    >>> classes.codes(("yes", "maybe")).tolist(), classes.names
    ([1.0, 2.0], ('no', 'yes', 'maybe'))
    """

    def __init__(self, names: Sequence[str], *, private: bool = False) -> None:
        self._codes = {name: code for code, name in enumerate(names)}
        self._private = private

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in the order of its code."""
        return tuple(self._codes)

    def codes(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The code of each name."""
        known = map(digest, names) if self._private else names
        return np.array([self._codes.setdefault(name, len(self._codes)) for name in known], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What the join and the errors need of each row; arrays of equal length, in file order."""

    ids: NDArray[np.uint64]
    identified: NDArray[np.bool_]
    times: NDArray[np.int64]
    predictions: NDArray[np.float64]
    scores: NDArray[np.float32]
    labels: NDArray[np.float64]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.ids)

    def take(self, index: NDArray[np.int64]) -> "Rows":
        """The rows at these places, in this order."""
        return Rows(
            self.ids[index],
            self.identified[index],
            self.times[index],
            self.predictions[index],
            self.scores[index],
            self.labels[index],
        )


def rows_of(
    names: Names, task: Task | None, batch: pa.RecordBatch, times: NDArray[np.int64], classes: Classes
) -> Rows:
    """What the join and the errors need of the rows of one batch."""
    count = batch.num_rows
    present = set(batch.schema.names)
    if names.id is not None and names.id in present:
        ids, identified = identity_hash(batch.column(names.id))
    else:
        ids, identified = np.zeros(count, np.uint64), np.zeros(count, bool)
    scores = [
        numeric(batch.column(column)).values if column in present else np.full(count, np.nan)
        for column in names.probabilities.values()
    ]
    return Rows(
        ids,
        identified,
        times,
        outcome(batch, names.prediction, task, classes),
        np.column_stack(scores).astype(np.float32) if scores else np.zeros((count, 0), np.float32),
        outcome(batch, names.label, task, classes),
    )


def outcome(
    batch: pa.RecordBatch, column: str | None, task: Task | None, classes: Classes
) -> NDArray[np.float64]:
    """Labels or predictions as numbers: class codes, or the values of a regression; NaN is missing.

    An infinite value is no label and no prediction: it has no error.
    """
    if column is None or column not in batch.schema.names:
        return np.full(batch.num_rows, np.nan)
    if task is Task.REGRESSION:
        numbers = numeric(batch.column(column)).values
        return np.where(np.isfinite(numbers), numbers, np.nan)
    found = categorical(batch.column(column))
    if not len(found.categories):
        return np.full(batch.num_rows, np.nan)
    codes = classes.codes(found.categories)[found.codes]
    return np.where(found.codes >= 0, codes, np.nan)


def concatenate(parts: Sequence[Rows], scores: int = 0) -> Rows:
    """The rows of all parts, in order; `scores`: how many probabilities a row has where there is no part."""
    if not parts:
        nothing = np.zeros(0)
        return Rows(
            nothing.astype(np.uint64),
            nothing.astype(bool),
            nothing.astype(np.int64),
            nothing,
            np.zeros((0, scores), np.float32),
            nothing,
        )
    return Rows(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.identified for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.predictions for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
