"""A random sample of the rows of the reference."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.sample import Sample
from monitor.sampling import WindowSamples
from monitor.sources.base import Batch, Interval, Source
from monitor.types import Window
from monitor.windows import assign
from monitor.within import within

WINDOW = ""
"""The numeric column of a sample that tells the window of each row by its number; no data have this name."""


def draw(
    source: Source,
    interval: Interval | None,
    numeric: Sequence[str],
    categorical: Sequence[str],
    most: int,
    windows: Sequence[Window] = (),
) -> Sample:
    """At most so many rows of the interval, read in one scan: the same ones each time.

    With `windows`, which adjoin or are files, the sample has one more numeric column, `WINDOW`; -1 is none.
    """
    samples = WindowSamples((*numeric, WINDOW) if windows else numeric, categorical, 1, most)
    timestamp = (interval.timestamp,) if interval is not None else ()
    for batch in source.scan((*timestamp, *numeric, *categorical), interval):
        place = _place(batch, interval)
        samples.add(_numbered(batch, interval, windows) if windows else batch, place)
    return samples.finish()[0]


def _numbered(batch: Batch, interval: Interval | None, windows: Sequence[Window]) -> Batch:
    """The batch with the number of each row's window as a column."""
    if interval is None:
        files = [window.file for window in windows]
        number = files.index(batch.file) if batch.file in files else -1
        numbers = np.full(batch.rows.num_rows, number, np.float64)
    else:
        numbers = assign(within(batch.rows, interval)[0], tuple(windows)).astype(np.float64)
    return replace(batch, rows=batch.rows.append_column(WINDOW, pa.array(numbers)))


def _place(batch: Batch, interval: Interval | None) -> NDArray[np.int32] | int:
    """0 for each row that is in the interval, -1 for the others."""
    if interval is None:
        return 0
    _, inside = within(batch.rows, interval)
    return np.where(inside, 0, -1).astype(np.int32)
