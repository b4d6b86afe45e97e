"""How the label depends on the features in the reference, as bytes and back, and the rows that are asked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.packing import pack, unpack
from monitor.sample import Sample
from monitor.stats.relation import RelationReference
from monitor.stats.tables import Table
from monitor.stats.tails import Tail

VERSION = 1
"""Of the bytes; a greater one is refused."""
KEPT_ROWS, KEPT_VALUES = 1_000, 50_000
"""So many rows of a window, and values of them, are kept until their labels come."""
FEWEST_WINDOWS = 10
"""From fewer windows of the reference the test informs and decides nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """The reference with the columns that it reads: `numeric`, then `categories` by column.

    `windows`: how many windows of the reference were replayed. `tail`: of their evidence, guarded, since
    single days move gradients further than a normal law allows; None where too few windows tell.
    """

    reference: RelationReference
    numeric: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    windows: int = 0
    tail: Tail | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in the order of their numbers."""
        return (*self.numeric, *self.categories)

    @property
    def decides(self) -> bool:
        """Whether windows enough were replayed that the test may open an alarm."""
        return self.tail is not None

    @property
    def encoding(self) -> str:
        """A digest of what each feature means: the same rows of the reference may be sampled otherwise."""
        own = self.reference.model.encoding
        content = hashlib.sha256(json.dumps([self.numeric, list(self.categories.items())]).encode())
        for each in (own.kinds, own.columns, own.codes, own.scales):
            content.update(each.tobytes())
        return content.hexdigest()

    def kept(self, sample: Sample) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """The rows of a window to keep: their places (m,), rising, and encoded features (m, p)."""
        encoding = self.reference.model.encoding
        some = sample.first(min(KEPT_ROWS, KEPT_VALUES // max(len(encoding), 1)))
        order = np.argsort(some.places)
        features = encoding.encode(table_of(some, self.numeric, self.categories))
        return some.places[order], features[order].astype(np.float16)

    def to_bytes(self) -> bytes:
        """Everything, exactly."""
        header = {
            "numeric": list(self.numeric),
            "categories": {name: list(each) for name, each in self.categories.items()},
            "windows": self.windows,
            "tail": list(astuple(self.tail)) if self.tail is not None else None,
        }
        return pack("relation", VERSION, header, self.reference.to_arrays())

    @classmethod
    def from_bytes(cls, content: bytes) -> "Relation":
        """What `to_bytes` wrote; raises StoreError for newer or damaged bytes."""
        header, arrays = unpack("relation", VERSION, content)
        return cls(
            RelationReference.from_arrays(arrays),
            tuple(header["numeric"]),
            {name: tuple(each) for name, each in header["categories"].items()},
            header["windows"],
            Tail(*header["tail"]) if header["tail"] is not None else None,
        )


def table_of(sample: Sample, numeric: tuple[str, ...], categories: Mapping[str, tuple[str, ...]]) -> Table:
    """The sampled rows under the reference's codes; a category that it lacks gets the code after the last."""
    places = [sample.numeric.index(name) for name in numeric]
    numbers = sample.numbers[:, places]
    codes = [_codes(sample, name, known) for name, known in categories.items()]
    return Table(
        np.where(np.isfinite(numbers), numbers, np.float32(np.nan)),
        np.column_stack(codes) if codes else np.zeros((len(sample), 0), np.int32),
    )


def _codes(sample: Sample, name: str, known: tuple[str, ...]) -> NDArray[np.int32]:
    found = sample.texts[name]
    place = {text: number for number, text in enumerate(known)}
    code = np.array([*(place.get(text, len(known)) for text in found.categories), -1], np.int32)
    return code[found.codes]
