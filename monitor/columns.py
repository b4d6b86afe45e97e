"""One column on its way to counts: batches in, counts of several windows out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.stats import counting
from monitor.stats.bins import (
    UNSEEN_NAMES,
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    Counts,
    NumericReference,
)
from monitor.stats.counting import Runs
from monitor.values import categorical, numeric

EXAMPLES = 3
"""How many values that could not be read are kept to be shown."""
SKETCH = 200
"""How many names of unseen categories are followed per column and window."""
NAME_LENGTH = 200
"""Longer names of unseen categories are cut."""
FEW_STRETCHES = 8
"""In a batch of more stretches the cells are counted for all windows at once."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What was seen of a column besides its counts: Arrow types, and values that could not be read."""

    types: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def __add__(self, other: "ColumnFacts") -> "ColumnFacts":
        """The facts of both: all types, the first examples."""
        types = tuple(sorted({*self.types, *other.types}))
        return ColumnFacts(types, tuple(dict.fromkeys(self.examples + other.examples))[:EXAMPLES])


class ColumnFold(Protocol):
    """A column under way; `facts` by window."""

    facts: list[ColumnFacts]

    def add(self, array: pa.Array, stretches: Runs) -> None:
        """Count the rows of a batch."""
        ...

    def add_absent(self, rows: Counts) -> None:
        """Count rows by window, int64 (windows,), of a batch that lacks the column: they are null."""
        ...

    def counts(self, window: int) -> ColumnCounts:
        """The counts of one window."""
        ...


def rows_by_window(stretches: Runs, windows: int) -> Counts:
    """Rows of a batch by window, int64 (windows,)."""
    inside = stretches.targets >= 0
    found = np.zeros(windows, np.int64)
    np.add.at(found, stretches.targets[inside], np.diff(stretches.bounds)[inside])
    return found


def _missing(array: pa.Array, stretches: Runs, windows: int) -> Counts:
    """Null rows by window, int64 (windows,)."""
    found = np.zeros(windows, np.int64)
    if not array.null_count:
        return found
    if len(stretches.targets) == 1:
        found[stretches.targets[0]] = array.null_count
        return found
    return _by_window(np.asarray(array.is_null()), stretches, windows)


def _by_window(marked: NDArray[np.bool_], stretches: Runs, windows: int) -> Counts:
    """How many marked rows each window has."""
    if stretches.order is not None:
        marked = marked[stretches.order]
    sums = np.add.reduceat(marked, stretches.bounds[:-1], dtype=np.int64)
    inside = stretches.targets >= 0
    found = np.zeros(windows, np.int64)
    np.add.at(found, stretches.targets[inside], sums[inside])
    return found


class NumericFold:
    """A numeric column on its way to counts."""

    def __init__(self, reference: NumericReference, windows: int) -> None:
        self.places = counting.lookup(reference.bins.edges)
        self.center = reference.bins.center
        self.tally = counting.empty(windows, self.places.bins)
        self.null = np.zeros(windows, np.int64)
        self.invalid = np.zeros(windows, np.int64)
        self.facts = [ColumnFacts() for _ in range(windows)]

    def add(self, array: pa.Array, stretches: Runs) -> None:
        """Count the rows of a batch."""
        found = numeric(array)
        counting.count(found.values, stretches, self.places, self.center, self.tally)
        if found.invalid or found.null_count != array.null_count:
            self._add_texts(array, stretches)
        else:
            self.null += _missing(array, stretches, len(self.null))

    def _add_texts(self, array: pa.Array, stretches: Runs) -> None:
        """Which rows are missing or no numbers, where the values had to be read from text."""
        rows = array if stretches.order is None else array.take(pa.array(stretches.order))
        bounds = stretches.bounds.tolist()
        for number, window in enumerate(stretches.targets.tolist()):
            if window < 0:
                continue
            found = numeric(rows.slice(bounds[number], bounds[number + 1] - bounds[number]))
            self.null[window] += found.null_count
            self.invalid[window] += found.invalid
            self.facts[window] += ColumnFacts(examples=found.examples)

    def add_absent(self, rows: Counts) -> None:
        """Count rows by window of a batch that lacks the column."""
        self.null += rows
        self.tally.others[:, 0] += rows

    def counts(self, window: int) -> ColumnCounts:
        """The counts of one window."""
        return self.tally.counts(window, int(self.null[window]), int(self.invalid[window]))


def digest(name: str) -> str:
    """What stands for the name of a category of a private column.

    >>> digest("north")
    '652bf778065f39ab'
    """
    return hashlib.blake2b(name.encode(), digest_size=8, person=b"driftd").hexdigest()


Names: TypeAlias = dict[str, int]


def frequent(names: Mapping[str, int], keep: int = SKETCH) -> Names:
    """The most frequent names, each with a lower bound of its count (Misra and Gries 1982).

    Where there are more than `keep`, the count of the first that is left out is taken from all: the
    counts then err by at most rows / (keep + 1), whatever the order in which parts are added.

    >>> frequent({"a": 5, "b": 2, "c": 1}, keep=2)
    {'a': 4, 'b': 1}
    """
    if len(names) <= keep:
        return dict(names)
    ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    less = ranked[keep][1]
    return {name: count - less for name, count in ranked[:keep] if count > less}


class CategoricalFold:
    """A categorical column on its way to counts; cells are the categories, other, unseen, missing."""

    def __init__(self, reference: CategoricalReference, windows: int) -> None:
        names = reference.bins.categories
        self.private = reference.bins.digests
        self.skip = reference.bins.high_cardinality
        self.size = len(names)
        self.cell_of = {name: cell for cell, name in enumerate(names)} | dict.fromkeys(
            reference.bins.rare, self.size
        )
        self.cells = np.zeros((windows, self.size + 3), np.int64)
        self.names: list[Names] = [{} for _ in range(windows)]
        self.facts = [ColumnFacts() for _ in range(windows)]
        self.dictionary: pa.Array | None = None
        self.entries: tuple[str | None, ...] = ()
        self.entry_cells: NDArray[np.int64] = np.zeros(0, np.int64)

    def add(self, array: pa.Array, stretches: Runs) -> None:
        """Count the rows of a batch."""
        if self.skip:
            self._add_rows_only(array, stretches)
            return
        codes, cells, names = self._places(array)
        if len(stretches.targets) > FEW_STRETCHES:
            counting.count_cells(cells[codes], stretches, self.cells)
        bounds = stretches.bounds.tolist()
        unseen = np.flatnonzero(cells == self.size + 1)
        if stretches.order is not None and len(unseen):
            codes = codes[stretches.order]
        for number, window in enumerate(stretches.targets.tolist()):
            part = codes[bounds[number] : bounds[number + 1]]
            if window >= 0 and len(stretches.targets) <= FEW_STRETCHES:
                counts = np.bincount(part, minlength=len(cells))
                np.add.at(self.cells[window], cells, counts)
                self._add_unseen(window, unseen, counts[unseen], names)
            elif window >= 0 and len(unseen):
                found, counts = np.unique(part, return_counts=True)
                where = cells[found] == self.size + 1
                self._add_unseen(window, found[where], counts[where], names)

    def _add_rows_only(self, array: pa.Array, stretches: Runs) -> None:
        windows = len(self.cells)
        null = _missing(array, stretches, windows)
        self.cells[:, self.size + 2] += null
        self.cells[:, self.size] += rows_by_window(stretches, windows) - null

    def _places(self, array: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int64], Sequence[str | None]]:
        """A code per row (0: missing), the cell of each code, the name of each code but 0."""
        if not pa.types.is_dictionary(array.type):
            found = categorical(array)
            return found.codes + np.int32(1), self._cells(found.categories), found.categories
        dictionary = array.dictionary
        if self.dictionary is None or not self.dictionary.equals(dictionary):
            found = categorical(dictionary)
            self.dictionary = dictionary
            self.entries = tuple(
                found.categories[code] if code >= 0 else None for code in found.codes.tolist()
            )
            self.entry_cells = self._cells(self.entries)
        indices = array.indices
        if indices.type != pa.int32():
            indices = indices.cast(pa.int32())
        if indices.null_count:
            indices = indices.fill_null(-1)
        return np.asarray(indices) + np.int32(1), self.entry_cells, self.entries

    def _cells(self, names: Sequence[str | None]) -> NDArray[np.int64]:
        unseen, missing = self.size + 1, self.size + 2
        known = (name if name is None or not self.private else digest(name) for name in names)
        cells = (missing if name is None else self.cell_of.get(name, unseen) for name in known)
        return np.array([missing, *cells], np.int64)

    def _add_unseen(
        self, window: int, codes: NDArray[np.int64], counts: Counts, names: Sequence[str | None]
    ) -> None:
        if self.private or not counts.any():
            return
        sketch = self.names[window]
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            name = names[code - 1]
            if count and name is not None:
                short = name[:NAME_LENGTH]
                sketch[short] = sketch.get(short, 0) + count
        self.names[window] = frequent(sketch)

    def add_absent(self, rows: Counts) -> None:
        """Count rows by window of a batch that lacks the column."""
        self.cells[:, self.size + 2] += rows

    def counts(self, window: int) -> ColumnCounts:
        """The counts of one window."""
        *_, other, unseen, missing = self.cells[window].tolist()
        ranked = sorted(self.names[window].items(), key=lambda item: (-item[1], item[0]))
        return CategoricalCounts(
            self.cells[window, : self.size].copy(), other, unseen, missing, dict(ranked[:UNSEEN_NAMES])
        )
