"""A random sample of the rows of the reference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.sample import Sample
from monitor.sampling import WindowSamples
from monitor.sources.base import Batch, Interval, Source
from monitor.within import within


def draw(
    source: Source, interval: Interval | None, numeric: Sequence[str], categorical: Sequence[str], most: int
) -> Sample:
    """At most so many rows of the interval, read in one scan: the same ones each time."""
    samples = WindowSamples(numeric, categorical, 1, most)
    timestamp = (interval.timestamp,) if interval is not None else ()
    for batch in source.scan((*timestamp, *numeric, *categorical), interval):
        samples.add(batch, _place(batch, interval))
    return samples.finish()[0]


def _place(batch: Batch, interval: Interval | None) -> NDArray[np.int32] | int:
    """0 for each row that is in the interval, -1 for the others."""
    if interval is None:
        return 0
    _, inside = within(batch.rows, interval)
    return np.where(inside, 0, -1).astype(np.int32)
