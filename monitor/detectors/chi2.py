"""Two-sample chi-square statistic: Pearson, or G where expected counts are small."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Detector
from monitor.detectors.cell_distance import CellDistance
from monitor.stats.nulls import CHI2


@dataclass(frozen=True, slots=True)
class Chi2Parameters:
    """Nothing to choose: cells come from the reference, the line from the null."""


@DETECTORS.register(
    "chi2", "chi-square statistic of deciles or categories (G where counts are small)", Chi2Parameters
)
def chi2(_: Chi2Parameters) -> Detector:
    """The detector."""
    return CellDistance("chi2", CHI2)
