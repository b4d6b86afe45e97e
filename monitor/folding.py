"""Record batches folded into counts, column by column: one pass, every core, bounded memory."""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.columns import CategoricalFold, ColumnFacts, ColumnFold, NumericFold, rows_by_window
from monitor.stats import counting
from monitor.stats.bins import ColumnCounts, ColumnReference, NumericReference
from monitor.stats.counting import Runs

WORTH_THREADS = 200_000
"""Cells of a batch from which handing it to threads pays."""


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """One window: its rows, counts by column, rows in which a column did not exist, and facts."""

    rows: int
    columns: Mapping[str, ColumnCounts]
    without: Mapping[str, int]
    facts: Mapping[str, ColumnFacts]


class ColumnsFolder:
    """Counts of several windows in one scan.

    Columns are shared out over threads (counting releases the GIL); each column is folded by one
    thread at a time and batch after batch, so that the result does not depend on their number. While
    a batch is folded the caller reads the next one: at most two are held.
    """

    def __init__(self, references: Mapping[str, ColumnReference], windows: int, threads: int) -> None:
        self._folds: dict[str, ColumnFold] = {
            name: NumericFold(reference, windows)
            if isinstance(reference, NumericReference)
            else CategoricalFold(reference, windows)
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
        self._rows += rows_by_window(stretches, len(self._rows))
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
                absent = rows_by_window(stretches, len(self._rows))
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
