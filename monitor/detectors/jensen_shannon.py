"""Jensen-Shannon distance: root of the divergence in bits, between 0 and 1."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Detector
from monitor.detectors.cell_distance import CellDistance
from monitor.stats.nulls import JENSEN_SHANNON


@dataclass(frozen=True, slots=True)
class JensenShannonParameters:
    """Nothing to choose: cells come from the reference, the line from the null."""


@DETECTORS.register(
    "jensen_shannon", "Jensen-Shannon distance (base 2) of deciles or categories", JensenShannonParameters
)
def jensen_shannon(_: JensenShannonParameters) -> Detector:
    """The detector."""
    return CellDistance("jensen_shannon", JENSEN_SHANNON)
