"""How late the labels of each of many windows came, as bytes and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.packing import pack, unpack
from monitor.stats import delays

VERSION = 1
"""Of the bytes; a greater one is refused."""
MOST_WINDOWS = 200
"""How many of the newest windows are remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class Delays:
    """How late labels came, by window in time order: `rows` int64 (w,), `counts` int64 (w, ages)."""

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        """How many windows."""
        return len(self.rows)

    def with_window(self, rows: int, seconds: NDArray[np.float64]) -> "Delays":
        """With one more window of so many rows, whose labels came after `seconds`, NaN where none came."""
        counts = delays.counts_by_age(seconds)[None]
        return Delays(
            np.append(self.rows, rows)[-MOST_WINDOWS:],
            np.concatenate([self.counts, counts])[-MOST_WINDOWS:],
        )

    def to_bytes(self) -> bytes:
        """Everything, exactly."""
        return pack("delays", VERSION, {}, {"rows": self.rows, "counts": self.counts.astype(np.uint32)})

    @classmethod
    def from_bytes(cls, content: bytes) -> "Delays":
        """What `to_bytes` wrote, or none of no bytes; raises StoreError for newer or damaged bytes."""
        if not content:
            return no_delays()
        _, arrays = unpack("delays", VERSION, content)
        return cls(arrays["rows"].astype(np.int64), arrays["counts"].astype(np.int64))


def no_delays() -> Delays:
    """Of no window."""
    return Delays(np.zeros(0, np.int64), np.zeros((0, len(delays.EDGES) + 1), np.int64))
