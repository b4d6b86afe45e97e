"""A random sample of the rows of one window, for detectors that need whole rows; it is never stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.stats.tables import Table
from monitor.values import Codes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows of one window, those with the smallest hashes; two samples of different rows add up.

    `rows`: how many rows it was drawn from. `most`: how many it may hold. `hashes`: uint64 (n,), rising, so
    that the first few rows are a sample of it. `places`: int64 (n,), how many of the window's rows were read
    before each. `numbers`: float32 (n, k), the columns `numeric`, NaN where missing. `texts`: the columns
    `categorical`, each with codes of n rows.
    """

    rows: int
    most: int
    hashes: NDArray[np.uint64]
    places: NDArray[np.int64]
    numeric: tuple[str, ...]
    numbers: NDArray[np.float32]
    texts: Mapping[str, Codes]

    def __len__(self) -> int:
        """How many rows it holds."""
        return len(self.hashes)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in the order of their numbers in a `Table`: numeric ones, then categorical ones."""
        return (*self.numeric, *self.texts)

    def __add__(self, other: "Sample") -> "Sample":
        """The sample of the rows of both, `other` read after it; ValueError for different columns."""
        if (self.names, self.numeric, self.most) != (other.names, other.numeric, other.most):
            message = "samples of different columns or sizes do not add"
            raise ValueError(message)
        hashes = np.concatenate([self.hashes, other.hashes])
        lowest = np.argsort(hashes, kind="stable")[: self.most]
        texts = {name: joined([codes, other.texts[name]]) for name, codes in self.texts.items()}
        return Sample(
            self.rows + other.rows,
            self.most,
            hashes[lowest],
            np.concatenate([self.places, other.places + self.rows])[lowest],
            self.numeric,
            np.concatenate([self.numbers, other.numbers])[lowest],
            {name: occurring(codes.codes[lowest], codes.categories) for name, codes in texts.items()},
        )

    def without(self, hashes: NDArray[np.uint64]) -> "Sample":
        """The sample without rows that have one of these hashes."""
        return self.take(np.flatnonzero(~np.isin(self.hashes, hashes)))

    def first(self, count: int) -> "Sample":
        """A sample of at most `count` of its rows."""
        return self.take(np.arange(min(count, len(self))))

    def take(self, rows: NDArray[np.int64]) -> "Sample":
        """A sample of these of its rows, in the same order."""
        if len(rows) == len(self):
            return self
        texts = {name: occurring(codes.codes[rows], codes.categories) for name, codes in self.texts.items()}
        return replace(
            self,
            hashes=self.hashes[rows],
            places=self.places[rows],
            numbers=self.numbers[rows],
            texts=texts,
        )

    def frame(self) -> "pd.DataFrame":
        """The rows as a pandas frame: float32, NaN where missing, and texts as categories."""
        import pandas as pd  # noqa: PLC0415 - it takes longer to load than a small window to be evaluated

        columns = {name: self.numbers[:, number] for number, name in enumerate(self.numeric)}
        texts = {
            name: pd.Categorical.from_codes(codes.codes, pd.Index(codes.categories, dtype="str"))
            for name, codes in self.texts.items()
        }
        return pd.DataFrame({**columns, **texts})


def comparable(reference: Sample, live: Sample) -> tuple[Table, Table]:
    """Both samples as arrays, their categories under the same codes; ValueError where a column lacks.

    Column j of the tables is `reference.names[j]`; other columns of `live` are left out. Infinite values are
    missing here.
    """
    if not (set(reference.numeric) <= set(live.numeric) and set(reference.texts) <= set(live.texts)):
        message = "samples of different columns do not compare"
        raise ValueError(message)
    order = [live.numeric.index(name) for name in reference.numeric]
    live = replace(live, numeric=reference.numeric, numbers=live.numbers[:, order])
    both = [joined([codes, live.texts[name]]).codes for name, codes in reference.texts.items()]
    codes = np.column_stack(both) if both else np.zeros((len(reference) + len(live), 0), np.int32)
    known = [np.where(np.isfinite(each.numbers), each.numbers, np.nan) for each in (reference, live)]
    return Table(known[0], codes[: len(reference)]), Table(known[1], codes[len(reference) :])


def joined(parts: Sequence[Codes]) -> Codes:
    """The rows of all parts under one set of codes, in the order of the categories' names.

    >>> found = joined([Codes(np.array([0, -1]), ("b",)), Codes(np.array([1, 0]), ("b", "a"))])
    >>> found.codes.tolist(), found.categories
    ([1, -1, 0, 1], ('a', 'b'))
    """
    names = sorted({name for part in parts for name in part.categories})
    place = {name: code for code, name in enumerate(names)}
    codes = [np.zeros(0, np.int32)]
    for part in parts:
        translated = [place[name] for name in part.categories]
        codes.append(np.array([*translated, -1], np.int32)[part.codes])
    return Codes(np.concatenate(codes), tuple(names))


def occurring(codes: NDArray[np.int32], names: Sequence[str]) -> Codes:
    """The rows under those of the names that they have, in the same order.

    >>> found = occurring(np.array([2, 0, -1]), ("a", "b", "c"))
    >>> found.codes.tolist(), found.categories
    ([1, 0, -1], ('a', 'c'))
    """
    seen = np.flatnonzero(np.bincount(codes + 1, minlength=len(names) + 1)[1:])
    place = np.full(len(names) + 1, -1, np.int32)
    place[seen] = np.arange(len(seen))
    return Codes(place[codes], tuple(names[code] for code in seen.tolist()))
