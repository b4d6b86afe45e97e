"""Labelled rows of the reference that are weighted to calibrate for one window, as bytes and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.packing import Arrays, pack, unpack
from monitor.sample import Sample
from monitor.values import Codes

VERSION = 1
"""Of the bytes; a greater one is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationRows:
    """A random sample of rows with prediction and label: every other one is of the same half.

    `features`: n rows, private columns left out. `probabilities`: float64 (n, k) of the model, and `labels`:
    int64 (n,), class codes.
    """

    features: Sample
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]

    def to_bytes(self) -> bytes:
        """Everything but the hashes and places of the rows, exactly."""
        texts = self.features.texts
        header = {
            "numeric": list(self.features.numeric),
            "categories": {name: list(codes.categories) for name, codes in texts.items()},
        }
        codes = [texts[name].codes for name in texts]
        arrays: Arrays = {
            "numbers": self.features.numbers,
            "codes": np.array(codes, np.int32).reshape(len(codes), len(self.labels)),
            "probabilities": self.probabilities,
            "labels": self.labels,
        }
        return pack("calibration_rows", VERSION, header, arrays)

    @classmethod
    def from_bytes(cls, content: bytes) -> "CalibrationRows":
        """What `to_bytes` wrote; raises StoreError for newer or damaged bytes."""
        header, arrays = unpack("calibration_rows", VERSION, content)
        labels, names = arrays["labels"], header["categories"]
        texts = {
            name: Codes(codes, tuple(names[name])) for name, codes in zip(names, arrays["codes"], strict=True)
        }
        count = len(labels)
        place = np.arange(count)
        features = Sample(
            count, count, place.astype(np.uint64), place, tuple(header["numeric"]), arrays["numbers"], texts
        )
        return cls(features, arrays["probabilities"], labels)
