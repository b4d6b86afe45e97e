"""Whole rows as arrays: numeric columns, and categorical ones as codes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of several columns; two tables under the same codes add up.

    `numbers`: float32 (n, k), NaN where missing, otherwise finite. `codes`: int32 (n, c), -1 where missing.
    """

    numbers: NDArray[np.float32]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.numbers)

    @property
    def columns(self) -> tuple[int, int]:
        """How many numeric and how many categorical columns."""
        return self.numbers.shape[1], self.codes.shape[1]

    def take(self, rows: NDArray[np.int64]) -> "Table":
        """These rows, in this order."""
        return Table(self.numbers[rows], self.codes[rows])

    def __add__(self, other: "Table") -> "Table":
        """The rows of both."""
        return Table(np.concatenate([self.numbers, other.numbers]), np.concatenate([self.codes, other.codes]))


def pooled(codes: NDArray[np.int32], fewest: int, most: int) -> NDArray[np.int32]:
    """The codes of one column (n,) from 0, the most frequent first; -1 where missing.

    Categories with under `fewest` rows share the last code, and so do all beyond `most` codes.

    >>> pooled(np.array([7, 7, 7, 3, 3, 5, -1]), fewest=2, most=10).tolist()
    [0, 0, 0, 1, 1, 2, -1]
    """
    found, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    ranked = np.argsort(np.where(found < 0, 0, -counts), kind="stable")
    kept = min(most - 1, int(((counts >= fewest) & (found >= 0)).sum()))
    code = np.full(len(found), kept, np.int32)
    code[ranked[:kept]] = np.arange(kept)
    code[found < 0] = -1
    return np.asarray(code[place], np.int32)
