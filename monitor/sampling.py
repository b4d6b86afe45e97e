"""Random samples of the rows of each window, drawn in one scan.

Bottom-k by a hash of the file's name and the row's number within it: the same rows however they are
split into batches, and the samples of two parts merge into that of both. The name is part of the hash,
so a folder that is moved gives other rows, as random as before.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.bottom_k import HIGHEST, BottomK, row_hashes
from monitor.first_pass import Part
from monitor.sample import Sample, joined, occurring
from monitor.values import Codes, categorical, numeric

MOST_ROWS = 20_000


class _Texts:
    """A categorical column under way: a code for each name, in the order in which they come."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._dictionary: pa.Array | None = None
        self._entries = np.zeros(0, np.int32)

    def read(self, array: pa.Array) -> NDArray[np.int32]:
        """The code of each row, -1 where missing."""
        if not pa.types.is_dictionary(array.type):
            return self._codes(categorical(array))
        # reading the names costs more than reading the rows, and the next batch often has the same
        if self._dictionary is None or not self._dictionary.equals(array.dictionary):
            self._dictionary = array.dictionary
            self._entries = np.append(self._codes(categorical(array.dictionary)), np.int32(-1))
        codes = np.asarray(array.indices.fill_null(len(self._entries) - 1))
        return np.asarray(self._entries[codes], np.int32)

    def _codes(self, found: Codes) -> NDArray[np.int32]:
        place = [self._place.setdefault(name, len(self._place)) for name in found.categories]
        return np.array([*place, -1], np.int32)[found.codes]

    def sorted(self, codes: NDArray[np.int32]) -> Codes:
        """The rows under codes in the order of the names."""
        return joined([Codes(codes, tuple(self._place))])


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Some rows under way: window, hash and place of each, and (columns, rows) of numbers and codes."""

    window: NDArray[np.int32]
    hashes: NDArray[np.uint64]
    places: NDArray[np.int64]
    numbers: NDArray[np.float32]
    codes: NDArray[np.int32]

    def take(self, rows: NDArray[np.int64]) -> "_Piece":
        """These of its rows."""
        return _Piece(
            self.window[rows],
            self.hashes[rows],
            self.places[rows],
            self.numbers[:, rows],
            self.codes[:, rows],
        )


class WindowSamples:
    """Samples of several windows in one scan.

    Rows are chosen by their hash alone, before a value is read, so that of a window far larger than its
    sample few rows are read. Held at once: at most about twice the rows of all samples, or the rows of the
    scan where those are fewer.
    """

    def __init__(
        self, numeric: Sequence[str], categorical: Sequence[str], windows: int, most: int = MOST_ROWS
    ) -> None:
        self._numeric, self._most = tuple(numeric), most
        self._texts = {name: _Texts() for name in categorical}
        self._lowest = [BottomK(most) for _ in range(windows)]
        self._bounds = np.full(windows, HIGHEST)
        self._rows = np.zeros(windows, np.int64)
        self._files: dict[str, int] = {}
        self._pieces: list[_Piece] = []
        self._held = 0

    def add(self, part: Part, window: NDArray[np.int32] | int) -> None:
        """Take from a batch: all rows are of one window, or each of that of its index (-1: none)."""
        count = part.rows.num_rows
        index = window if isinstance(window, np.ndarray) else np.full(count, window, np.int32)
        inside = index >= 0
        hashes = row_hashes(self._file(part.file), np.arange(part.offset, part.offset + count))
        rows = self._choose(hashes, index, np.flatnonzero(inside & (hashes <= self._bounds[index])))
        if len(rows):
            places = self._rows[index[rows]] + _places(index)[rows]
            self._pieces.append(_Piece(index[rows], hashes[rows], places, *self._read(part.rows, rows)))
            self._held += len(rows)
            self._drop()
        self._rows += np.bincount(index[inside], minlength=len(self._rows))

    def _file(self, name: str) -> int:
        """What stands for a file in the hashes of its rows."""
        if name not in self._files:
            found = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8)
            self._files[name] = int.from_bytes(found.digest(), "big")
        return self._files[name]

    def _choose(
        self, hashes: NDArray[np.uint64], index: NDArray[np.int32], rows: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Which of these rows of a batch are among the lowest of their window, the batch included."""
        order = rows[np.argsort(index[rows], kind="stable")]
        targets, starts = np.unique(index[order], return_index=True)
        for target, chosen in zip(targets.tolist(), np.split(order, starts[1:]), strict=False):
            lowest = self._lowest[target]
            lowest.offer(hashes[chosen])
            lowest.prune(last=True)
            self._bounds[target] = lowest.bound
        return rows[hashes[rows] <= self._bounds[index[rows]]]

    def _read(
        self, batch: pa.RecordBatch, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """The values of these rows, (columns, rows): numbers, and codes of texts."""
        present = {name: number for number, name in enumerate(batch.schema.names)}
        taken = pa.array(rows) if len(rows) < batch.num_rows else None

        def column(name: str) -> pa.Array:
            array = batch.column(present[name])
            return array if taken is None else array.take(taken)

        numbers = np.full((len(self._numeric), len(rows)), np.nan, np.float32)
        for number, name in enumerate(self._numeric):
            if name in present:
                numbers[number] = single(numeric(column(name)).values)
        codes = np.full((len(self._texts), len(rows)), -1, np.int32)
        for number, (name, texts) in enumerate(self._texts.items()):
            if name in present:
                codes[number] = texts.read(column(name))
        return numbers, codes

    def _drop(self) -> None:
        """Leave out the rows that are no longer in a sample, once they are as many as those that are."""
        if self._held <= 2 * sum(lowest.held for lowest in self._lowest):
            return
        self._pieces = [
            piece.take(np.flatnonzero(piece.hashes <= self._bounds[piece.window])) for piece in self._pieces
        ]
        self._held = sum(len(piece.hashes) for piece in self._pieces)

    def finish(self) -> tuple[Sample, ...]:
        """The samples in the order of the windows; nothing may be added afterwards."""
        none = _Piece(
            np.zeros(0, np.int32),
            np.zeros(0, np.uint64),
            np.zeros(0, np.int64),
            np.zeros((len(self._numeric), 0), np.float32),
            np.zeros((len(self._texts), 0), np.int32),
        )
        pieces = [none, *self._pieces]
        window = np.concatenate([piece.window for piece in pieces])
        hashes = np.concatenate([piece.hashes for piece in pieces])
        places = np.concatenate([piece.places for piece in pieces])
        order = np.lexsort((hashes, window))
        order = order[hashes[order] <= self._bounds[window[order]]]
        bounds = np.searchsorted(window[order], np.arange(len(self._rows) + 1)).tolist()
        parts = [slice(*pair) for pair in itertools.pairwise(bounds)]
        numbers = [np.empty((len(self._numeric), part.stop - part.start), np.float32) for part in parts]
        for number in range(len(self._numeric)):
            column = np.concatenate([piece.numbers[number] for piece in pieces])[order]
            for found, part in zip(numbers, parts, strict=True):
                found[number] = column[part]
        texts: list[dict[str, Codes]] = [{} for _ in parts]
        for number, (name, each) in enumerate(self._texts.items()):
            codes = each.sorted(np.concatenate([piece.codes[number] for piece in pieces])[order])
            for found_texts, part in zip(texts, parts, strict=True):
                found_texts[name] = occurring(codes.codes[part], codes.categories)
        return tuple(
            Sample(rows, self._most, hashes[chosen], places[chosen], self._numeric, found.T, found_texts)
            for rows, chosen, found, found_texts in zip(
                self._rows.tolist(), (order[part] for part in parts), numbers, texts, strict=True
            )
        )


def _places(index: NDArray[np.int32]) -> NDArray[np.int64]:
    """Of each row of a batch how many rows of the same window stand before it."""
    order = np.argsort(index, kind="stable")
    sorted_ = index[order]
    first = np.searchsorted(sorted_, sorted_, side="left")
    found = np.empty(len(index), np.int64)
    found[order] = np.arange(len(index)) - first
    return found


def single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The values as float32; finite ones beyond its range become its greatest, not infinite.

    >>> single(np.array([0.5, -1e300, np.inf, np.nan])).tolist()
    [0.5, -3.4028234663852886e+38, inf, nan]
    """
    limit = np.float64(np.finfo(np.float32).max)
    beyond = np.isfinite(values) & (np.abs(values) > limit)
    if beyond.any():
        values = np.where(beyond, np.copysign(limit, values), values)
    return values.astype(np.float32)
