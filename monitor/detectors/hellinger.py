"""Hellinger distance: between 0 and 1, even-handed to rare and frequent cells."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Detector
from monitor.detectors.cell_distance import CellDistance
from monitor.stats.nulls import HELLINGER


@dataclass(frozen=True, slots=True)
class HellingerParameters:
    """Nothing to choose: cells come from the reference, the line from the null."""


@DETECTORS.register("hellinger", "Hellinger distance of deciles or categories", HellingerParameters)
def hellinger(_: HellingerParameters) -> Detector:
    """The detector."""
    return CellDistance("hellinger", HELLINGER)
