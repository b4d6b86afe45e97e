"""Bottom-k: a random sample that depends on the rows alone, not on how they come (Cohen and Kaplan 2007).

Every row has a hash; the k rows with the smallest ones are the sample. The samples of two parts give
that of both: the k smallest of all that they hold.
"""

import numpy as np
from numpy.typing import NDArray

HIGHEST = np.uint64(np.iinfo(np.uint64).max)


class BottomK:
    """Which rows belong to the sample, while they come.

    `offer` says which rows of a batch may still be in it, `prune` which of the rows held stay.

    >>> sample = BottomK(2)
    >>> sample.offer(np.array([7, 3, 9], np.uint64)).tolist(), sample.prune(last=True).tolist()
    ([0, 1, 2], [True, True, False])
    >>> sample.offer(np.array([8, 1], np.uint64)).tolist(), sample.bound
    ([1], np.uint64(7))
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.bound = HIGHEST
        """No row with a greater hash comes into the sample any more."""
        self._hashes: list[NDArray[np.uint64]] = []
        self._held = 0

    @property
    def held(self) -> int:
        """How many rows were taken and not pruned."""
        return self._held

    def offer(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Positions within the batch of the rows that come into the sample for now."""
        chosen = np.flatnonzero(hashes <= self.bound)
        self._hashes.append(hashes[chosen])
        self._held += len(chosen)
        return chosen

    def prune(self, *, last: bool = False) -> NDArray[np.bool_] | None:
        """Which of all rows taken so far stay; None where all do.

        Down to the size where `last`, else only once twice as many are held.
        """
        if self._held <= (self.size if last else 2 * self.size):
            return None
        hashes = np.concatenate(self._hashes)
        self.bound = np.uint64(np.partition(hashes, self.size - 1)[self.size - 1])
        stay: NDArray[np.bool_] = hashes <= self.bound
        self._hashes = [hashes[stay]]
        self._held = int(stay.sum())
        return stay


def row_hashes(file: int, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of each row, from what stands for its file (0 to 2^64 - 1) and its number within the file.

    >>> row_hashes(1, np.array([0, 1]))
    array([10505910081238556157,  9669442505924063346], dtype=uint64)
    """
    return mix(numbers.astype(np.uint64) + mix(np.array([file], np.uint64)))


def mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers evenly (the finaliser of splitmix64, Steele et al. 2014)."""
    found = numbers * np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return found ^ (found >> np.uint64(31))
