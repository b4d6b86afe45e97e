"""Population stability index: the symmetric divergence of cells, with half a row added to each."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Detector
from monitor.detectors.cell_distance import CellDistance
from monitor.stats.nulls import PSI


@dataclass(frozen=True, slots=True)
class PsiParameters:
    """Nothing to choose: cells come from the reference, the line from the null."""


@DETECTORS.register("psi", "population stability index of deciles or categories", PsiParameters)
def psi(_: PsiParameters) -> Detector:
    """The detector."""
    return CellDistance("psi", PSI)
