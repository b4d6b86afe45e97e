"""Domain classifier: whether a classifier tells live rows from reference rows, and by which columns."""

from dataclasses import dataclass
from typing import Literal

from monitor.detectors.base import ROW_DETECTORS
from monitor.errors import DetectorError
from monitor.stats.domain_classifier import Separation, Variant, separate
from monitor.stats.tables import Table

WINDOWS = {Variant.SPARSE: 120, Variant.FOREST: 60}
"""Of so many windows of the reference each is measured for its line: the forest takes ten times as long."""


@dataclass(frozen=True, slots=True)
class DomainClassifierParameters:
    """`sparse`: logistic regression that uses few columns. `forest`: boosted trees, which see any change."""

    variant: Literal["sparse", "forest"] = "sparse"


@ROW_DETECTORS.register(
    "domain_classifier",
    "area under the ROC curve, out of fold, of a classifier of live against reference rows",
    DomainClassifierParameters,
)
@dataclass(frozen=True, slots=True)
class DomainClassifier:
    """The area; 0.5 where rows are alike, 1 where every row shows that something moved."""

    parameters: DomainClassifierParameters
    token: str = "domain_classifier"  # noqa: S105 - the detector's name, no secret

    @property
    def windows(self) -> int:
        """Of how many windows of the reference it is measured."""
        return WINDOWS[Variant(self.parameters.variant)]

    def separate(self, reference: Table, live: Table) -> Separation:
        """The area and the columns; DetectorError where a side has too few rows."""
        try:
            return separate(reference, live, Variant(self.parameters.variant))
        except ValueError as error:
            raise DetectorError(str(error)) from error
