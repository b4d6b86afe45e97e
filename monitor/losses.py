"""What tells the error of a regression model before labels are there, as bytes and back."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.errors import StoreError
from monitor.packing import pack, unpack
from monitor.sample import Sample
from monitor.stats import between_windows, expected_loss
from monitor.stats.expected_loss import LossModel
from monitor.stats.performance import NO_PREDICTION, NUMBER_METRICS, Metric

VERSION = 2
"""Of the bytes; a greater one is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class LossEstimator:
    """A loss model with the columns that it reads: `numeric`, then `categories` by column, `prediction`.

    `between` (3,): by metric the variance between windows, beyond the errors of the model.
    """

    model: LossModel
    between: NDArray[np.float64]
    numeric: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    prediction: str

    def estimate(self, sample: Sample) -> tuple[Metric, ...]:
        """The metrics that the sampled rows of a window lead to expect, those with a prediction."""
        predictions = column(sample, self.prediction)
        known = np.isfinite(predictions)
        if not known.any():
            return tuple(Metric(name, None, reason=NO_PREDICTION) for name in NUMBER_METRICS)
        found = expected_loss.estimate(
            self.model, features(sample, self.numeric, self.categories)[known], predictions[known]
        )
        return between_windows.widened(found, self.between)

    def to_bytes(self) -> bytes:
        """Everything, exactly."""
        header = {
            "numeric": list(self.numeric),
            "categories": {name: list(each) for name, each in self.categories.items()},
            "prediction": self.prediction,
        }
        model = np.frombuffer(expected_loss.dump(self.model), np.uint8)
        return pack("losses", VERSION, header, {"model": model, "between": self.between})

    @classmethod
    def from_bytes(cls, content: bytes) -> "LossEstimator":
        """What `to_bytes` wrote; raises StoreError for newer or damaged bytes."""
        header, arrays = unpack("losses", VERSION, content)
        try:
            model = expected_loss.load(arrays["model"].tobytes())
        except ValueError as error:
            raise StoreError(str(error)) from error
        categories = {name: tuple(each) for name, each in header["categories"].items()}
        return cls(model, arrays["between"], tuple(header["numeric"]), categories, header["prediction"])


def column(sample: Sample, name: str) -> NDArray[np.float64]:
    """A numeric column of the sample; NaN where it is missing or the sample lacks it."""
    if name not in sample.numeric:
        return np.full(len(sample), np.nan)
    return sample.numbers[:, sample.numeric.index(name)].astype(np.float64)


def features(
    sample: Sample, numeric: tuple[str, ...], categories: Mapping[str, tuple[str, ...]]
) -> NDArray[np.float32]:
    """Rows (n, d): numbers, then codes of the known categories; NaN is missing, infinite or not known."""
    parts = [column(sample, name) for name in numeric]
    for name, known in categories.items():
        codes = sample.texts[name]
        place = {text: number for number, text in enumerate(known)}
        code = np.array([*(place.get(text, np.nan) for text in codes.categories), np.nan])
        parts.append(code[codes.codes])
    found = np.column_stack(parts) if parts else np.zeros((len(sample), 0))
    return np.where(np.isfinite(found), found, np.nan).astype(np.float32)
