"""What estimates class shares and performance without labels, as bytes and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from monitor.packing import pack, unpack
from monitor.stats import label_shift, probability_calibration
from monitor.stats.label_shift import ShiftReference
from monitor.stats.score_calibration import CalibrationError, ScoreCalibrator

VERSION = 1
"""Of the bytes; a greater one is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimators:
    """Fitted on one half of the reference's labelled rows and checked on the other.

    `classes`: their names in the order of the codes. `shift`: how predictions depend on labels. `scaling`,
    `calibrator` and `error`: of the probabilities; None where there are none. `trusted`: whether they are
    calibrated on rows that the fit has not seen. `windows`: of the reference that were replayed;
    `dispersion`: how much more than by chance predictions varied in them, at least 1; `between`: the
    variance of each class's share beyond the error of its estimate, (k,). `inflation`: by metric what its
    standard error is multiplied with, at least 1, so that the replayed intervals hold the realised values.
    """

    classes: tuple[str, ...]
    shift: ShiftReference
    scaling: probability_calibration.Calibrator | None = None
    calibrator: ScoreCalibrator | None = None
    error: CalibrationError | None = None
    trusted: bool = False
    windows: int = 0
    dispersion: float = 1.0
    between: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    inflation: Mapping[str, float] = field(default_factory=dict)
    given_label: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    """By feature the reference's rows by label and cell, (k, cells)."""

    def to_bytes(self) -> bytes:
        """Everything, exactly."""
        header = {
            "classes": list(self.classes),
            "trusted": self.trusted,
            "windows": self.windows,
            "dispersion": self.dispersion,
            "inflation": dict(self.inflation),
            "features": list(self.given_label),
        }
        arrays = {f"shift {name}": each for name, each in label_shift.to_arrays(self.shift).items()}
        arrays["between"] = self.between
        arrays |= {f"feature {number}": each for number, each in enumerate(self.given_label.values())}
        if self.scaling is not None and self.calibrator is not None and self.error is not None:
            header["scaling"] = [self.scaling.temperature, self.scaling.floor]
            arrays["bias"] = self.scaling.bias
            arrays |= {f"calibrator {name}": each for name, each in self.calibrator.to_arrays().items()}
            arrays |= {f"error {name}": each for name, each in self.error.to_arrays().items()}
        return pack("estimators", VERSION, header, arrays)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Estimators":
        """What `to_bytes` wrote; raises StoreError for newer or damaged bytes."""
        header, arrays = unpack("estimators", VERSION, content)

        def part(name: str) -> dict[str, NDArray[np.generic]]:
            return {
                key.removeprefix(f"{name} "): each for key, each in arrays.items() if key.startswith(name)
            }

        found = cls(
            tuple(header["classes"]),
            label_shift.from_arrays(part("shift")),
            trusted=header["trusted"],
            windows=header["windows"],
            dispersion=header["dispersion"],
            between=arrays["between"],
            inflation=header["inflation"],
            given_label={name: arrays[f"feature {number}"] for number, name in enumerate(header["features"])},
        )
        if "scaling" not in header:
            return found
        temperature, floor = header["scaling"]
        more = {
            "scaling": probability_calibration.Calibrator(temperature, arrays["bias"], floor),
            "calibrator": ScoreCalibrator.from_arrays(part("calibrator")),
            "error": CalibrationError.from_arrays(part("error")),
        }
        return cls(**({each.name: getattr(found, each.name) for each in fields(cls)} | more))
