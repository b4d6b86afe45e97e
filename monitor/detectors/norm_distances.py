"""The norms of the difference of proportions: how many cells moved, how much in total, the worst one."""

from dataclasses import dataclass

from monitor.detectors.base import DETECTORS, Detector
from monitor.detectors.cell_distance import CellDistance
from monitor.stats.nulls import L0, L1, L2, LINF


@dataclass(frozen=True, slots=True)
class NormParameters:
    """Nothing to choose: cells come from the reference, the line from the null."""


@DETECTORS.register("l0", "number of cells that moved beyond what their counts allow", NormParameters)
def l0(_: NormParameters) -> Detector:
    """How many cells moved by more than three standard errors."""
    return CellDistance("l0", L0)


@DETECTORS.register("l1", "sum of differences of proportions; half of it is total variation", NormParameters)
def l1(_: NormParameters) -> Detector:
    """How much moved in total."""
    return CellDistance("l1", L1)


@DETECTORS.register("l2", "Euclidean distance of proportions", NormParameters)
def l2(_: NormParameters) -> Detector:
    """How much moved, the large differences foremost."""
    return CellDistance("l2", L2)


@DETECTORS.register("linf", "largest difference of proportions of any cell", NormParameters)
def linf(_: NormParameters) -> Detector:
    """How far the worst cell moved."""
    return CellDistance("linf", LINF)
