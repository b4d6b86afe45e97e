"""Record batches folded into counts, column by column: one pass, every core, bounded memory."""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    ColumnReference,
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
WORTH_THREADS = 200_000
"""Cells of a batch from which handing it to threads pays."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What was seen of a column besides its counts: Arrow types, and values that could not be read."""

    types: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def __add__(self, other: "ColumnFacts") -> "ColumnFacts":
        """The facts of both: all types, the first examples."""
        types = tuple(sorted({*self.types, *other.types}))
        return ColumnFacts(types, tuple(dict.fromkeys(self.examples + other.examples))[:EXAMPLES])


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """One window: its rows, counts by column, rows in which a column did not exist, and facts."""

    rows: int
    columns: Mapping[str, ColumnCounts]
    without: Mapping[str, int]
    facts: Mapping[str, ColumnFacts]


class _ColumnFold(Protocol):
    facts: list[ColumnFacts]

    def add(self, array: pa.Array, stretches: Runs) -> None: ...

    def add_absent(self, rows: Counts) -> None: ...

    def counts(self, window: int) -> ColumnCounts: ...


def _missing(array: pa.Array, stretches: Runs, windows: int) -> Counts:
    """Null rows by window, int64 (windows,)."""
    found = np.zeros(windows, np.int64)
    if not array.null_count:
        return found
    if len(stretches.targets) == 1:
        if stretches.targets[0] >= 0:
            found[stretches.targets[0]] = array.null_count
        return found
    null = np.asarray(array.is_null()) if array.null_count < len(array) else np.ones(len(array), bool)
    return _by_window(null, stretches, windows)


def _by_window(marked: NDArray[np.bool_], stretches: Runs, windows: int) -> Counts:
    """How many marked rows each window has."""
    if stretches.order is not None:
        marked = marked[stretches.order]
    sums = np.add.reduceat(marked, stretches.bounds[:-1], dtype=np.int64)
    inside = stretches.targets >= 0
    found = np.zeros(windows, np.int64)
    np.add.at(found, stretches.targets[inside], sums[inside])
    return found


class _NumericFold:
    """A numeric column on its way to counts."""

    def __init__(self, reference: NumericReference, windows: int) -> None:
        self.places = counting.lookup(reference.bins.edges)
        self.center = reference.bins.center
        self.tally = counting.empty(windows, self.places.bins)
        self.null = np.zeros(windows, np.int64)
        self.invalid = np.zeros(windows, np.int64)
        self.facts = [ColumnFacts() for _ in range(windows)]

    def add(self, array: pa.Array, stretches: Runs) -> None:
        found = numeric(array)
        counting.count(found.values, stretches, self.places, self.center, self.tally)
        self.null += _missing(array, stretches, len(self.null))
        if found.invalid:
            self._add_invalid(array, stretches)

    def _add_invalid(self, array: pa.Array, stretches: Runs) -> None:
        rows = array if stretches.order is None else array.take(pa.array(stretches.order))
        bounds = stretches.bounds.tolist()
        for number, window in enumerate(stretches.targets.tolist()):
            if window < 0:
                continue
            found = numeric(rows.slice(bounds[number], bounds[number + 1] - bounds[number]))
            self.invalid[window] += found.invalid
            self.facts[window] += ColumnFacts(examples=tuple(found.examples))

    def add_absent(self, rows: Counts) -> None:
        self.null += rows
        self.tally.others[:, 0] += rows

    def counts(self, window: int) -> ColumnCounts:
        return self.tally.counts(window, int(self.null[window]), int(self.invalid[window]))


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


class _CategoricalFold:
    """A categorical column on its way to counts; cells are the categories, other, unseen, missing."""

    def __init__(self, reference: CategoricalReference, windows: int) -> None:
        names = reference.bins.categories
        self.skip = reference.bins.high_cardinality
        self.size = len(names)
        self.cell_of = {name: cell for cell, name in enumerate(names)} | dict.fromkeys(
            reference.bins.rare, self.size
        )
        self.cells = np.zeros((windows, self.size + 3), np.int64)
        self.names: list[Names] = [{} for _ in range(windows)]
        self.facts = [ColumnFacts() for _ in range(windows)]
        self.dictionary: pa.Array | None = None
        self.mapped: NDArray[np.int64] = np.zeros(0, np.int64)
        self.texts: tuple[str, ...] = ()
        self.text_of: NDArray[np.int32] = np.zeros(0, np.int32)

    def add(self, array: pa.Array, stretches: Runs) -> None:
        if self.skip:
            self._add_rows_only(array, stretches)
            return
        codes, cells, texts = self._places(array)
        rows = cells[codes]
        counting.count_codes(rows, stretches, self.cells)
        if (cells[:-1] == self.size + 1).any():
            self._add_unseen(codes, rows == self.size + 1, texts, stretches)

    def _add_rows_only(self, array: pa.Array, stretches: Runs) -> None:
        windows = len(self.cells)
        null = _missing(array, stretches, windows)
        self.cells[:, self.size + 2] += null
        self.cells[:, self.size] += _rows_by_window(stretches, windows) - null

    def _places(self, array: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
        """A code per row, the cell of each code (the last one: missing), the names of the codes."""
        if not pa.types.is_dictionary(array.type):
            found = categorical(array)
            return found.codes.astype(np.int64), self._cells(found.categories), found.categories
        dictionary = array.dictionary
        if self.dictionary is None or not (
            self.dictionary is dictionary or self.dictionary.equals(dictionary)
        ):
            found = categorical(dictionary)
            self.dictionary, self.texts, self.text_of = dictionary, found.categories, found.codes
            self.mapped = self._cells(found.categories)
        indices = array.indices
        if indices.null_count:
            indices = indices.cast(pa.int64()).fill_null(-1)
        entries = np.append(self.text_of, -1).astype(np.int64)
        return entries[np.asarray(indices)], self.mapped, self.texts

    def _cells(self, names: Sequence[str]) -> NDArray[np.int64]:
        unseen, missing = self.size + 1, self.size + 2
        return np.array([*(self.cell_of.get(name, unseen) for name in names), missing], np.int64)

    def _add_unseen(
        self,
        codes: NDArray[np.int64],
        unseen: NDArray[np.bool_],
        texts: tuple[str, ...],
        stretches: Runs,
    ) -> None:
        if stretches.order is not None:
            codes, unseen = codes[stretches.order], unseen[stretches.order]
        bounds = stretches.bounds.tolist()
        for number, window in enumerate(stretches.targets.tolist()):
            part = slice(bounds[number], bounds[number + 1])
            if window < 0 or not unseen[part].any():
                continue
            found, counts = np.unique(codes[part][unseen[part]], return_counts=True)
            names = self.names[window]
            for code, count in zip(found.tolist(), counts.tolist(), strict=True):
                name = texts[code][:NAME_LENGTH]
                names[name] = names.get(name, 0) + count
            self.names[window] = frequent(names)

    def add_absent(self, rows: Counts) -> None:
        self.cells[:, self.size + 2] += rows

    def counts(self, window: int) -> ColumnCounts:
        *_, other, unseen, missing = self.cells[window].tolist()
        ranked = sorted(self.names[window].items(), key=lambda item: (-item[1], item[0]))
        return CategoricalCounts(
            self.cells[window, : self.size].copy(), other, unseen, missing, dict(ranked[:UNSEEN_NAMES])
        )


def _rows_by_window(stretches: Runs, windows: int) -> Counts:
    inside = stretches.targets >= 0
    found = np.zeros(windows, np.int64)
    np.add.at(found, stretches.targets[inside], np.diff(stretches.bounds)[inside])
    return found


class ColumnsFolder:
    """Counts of several windows in one scan.

    Columns are shared out over threads (counting releases the GIL); each column is folded by one
    thread at a time and batch after batch, so that the result does not depend on their number. While
    a batch is folded the caller reads the next one: at most two are held.
    """

    def __init__(self, references: Mapping[str, ColumnReference], windows: int, threads: int) -> None:
        self._folds: dict[str, _ColumnFold] = {
            name: _NumericFold(reference, windows)
            if isinstance(reference, NumericReference)
            else _CategoricalFold(reference, windows)
            for name, reference in references.items()
        }
        self._rows = np.zeros(windows, np.int64)
        self._without = {name: np.zeros(windows, np.int64) for name in references}
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "fold") if threads > 1 else None
        self._running: list[Future[None]] = []

    def add(self, rows: pa.RecordBatch, window: NDArray[np.int32] | int) -> None:
        """Fold a batch: all rows into one window, or each into that of its index (-1: none)."""
        stretches = (
            counting.runs(window) if isinstance(window, np.ndarray) else counting.whole(len(rows), window)
        )
        if not len(rows) or (stretches.targets < 0).all():
            return
        self._wait()
        self._rows += _rows_by_window(stretches, len(self._rows))
        waiting = deque(self._folds)
        if self._pool is None or len(rows) * len(waiting) < WORTH_THREADS:
            self._fold(rows, stretches, waiting)
        else:
            self._running = [
                self._pool.submit(self._fold, rows, stretches, waiting) for _ in range(self._threads)
            ]

    def _fold(self, rows: pa.RecordBatch, stretches: Runs, waiting: deque[str]) -> None:
        present = {name: number for number, name in enumerate(rows.schema.names)}
        inside = np.unique(stretches.targets[stretches.targets >= 0]).tolist()
        while waiting:
            try:
                name = waiting.popleft()
            except IndexError:  # the other thread took the last one
                return
            fold = self._folds[name]
            if name not in present:
                absent = _rows_by_window(stretches, len(self._rows))
                self._without[name] += absent
                fold.add_absent(absent)
                continue
            array = rows.column(present[name])
            seen = ColumnFacts(types=(str(array.type),))
            for window in inside:
                if seen.types[0] not in fold.facts[window].types:
                    fold.facts[window] += seen
            fold.add(array, stretches)

    def _wait(self) -> None:
        running, self._running = self._running, []
        for future in running:
            future.result()

    def finish(self) -> tuple[Folded, ...]:
        """The counts of each window; nothing may be added afterwards."""
        self._wait()
        if self._pool is not None:
            self._pool.shutdown()
        return tuple(self._folded(window) for window in range(len(self._rows)))

    def _folded(self, window: int) -> Folded:
        return Folded(
            int(self._rows[window]),
            {name: fold.counts(window) for name, fold in self._folds.items()},
            {name: int(rows[window]) for name, rows in self._without.items() if rows[window]},
            {name: fold.facts[window] for name, fold in self._folds.items()},
        )
