"""What calibration keeps of one column in one window: where it lies, how wide it is, and its cells.

Location and scale are means of scores that the reference's ranks fix, so no outlier decides them. Cells
are neighbouring fine bins, or categories, merged until each has mass enough for a chi-square.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.stats.bins import (
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    Counts,
    NumericCounts,
    NumericReference,
)
from monitor.stats.ranks import normal_scores

Floats = NDArray[np.float64]

CELLS = 20
"""A numeric column has about this many cells of equal mass, and one for each value with more mass."""
MOST_CATEGORIES = 31
"""Categories with a cell of their own; the others share one more."""
LEAST_SHARE = 0.005
"""A rarer category has no cell of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Summarizer:
    """How the counts of one column become location, scale and cells.

    `location`, `scale`: float64 (k,), the scores of the fine bins, None for categories. `variances`:
    of the two scores over the reference's rows. `cell_of`: int64 (k,), the cell of each bin or category.
    """

    location: Floats | None
    scale: Floats | None
    variances: tuple[float, float]
    cell_of: NDArray[np.int64]

    @property
    def cells(self) -> int:
        """How many cells."""
        return int(self.cell_of.max(initial=0)) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """One column in one window: rows with a value, mean scores (NaN for categories), counts of cells."""

    observed: int
    location: float
    scale: float
    cells: Counts


def summarizer(reference: ColumnReference) -> Summarizer:
    """The scores and cells that the reference fixes for its column."""
    if isinstance(reference, NumericReference):
        return _numeric(reference.counts.bins)
    return _categorical(reference)


def summarize(how: Summarizer, counts: ColumnCounts) -> Summary:
    """The column in this window; scores are NaN where no row has a value."""
    if isinstance(counts, NumericCounts):
        bins = counts.bins
        observed = counts.observed
        cells = np.bincount(how.cell_of, weights=bins, minlength=how.cells).astype(np.int64)
        if not observed or how.location is None or how.scale is None:
            return Summary(observed, np.nan, np.nan, cells)
        return Summary(
            observed, float(bins @ how.location) / observed, float(bins @ how.scale) / observed, cells
        )
    known = _known(counts)
    cells = np.bincount(how.cell_of, weights=known, minlength=how.cells).astype(np.int64)
    return Summary(int(known.sum()), np.nan, np.nan, cells)


def _known(counts: CategoricalCounts) -> Counts:
    """Counts of the reference's categories, the pooled rare ones last; unseen ones are quality."""
    return np.append(counts.categories, counts.other)


def _numeric(bins: Counts) -> Summarizer:
    total = int(bins.sum())
    scores = normal_scores(bins) if total else np.zeros(len(bins))
    share = bins / max(total, 1)
    squares = scores**2
    squares = squares - float(share @ squares)
    center = float(share @ scores)
    variances = (float(share @ (scores - center) ** 2), float(share @ squares**2))
    return Summarizer(scores - center, squares, variances, equal_mass(bins, CELLS))


def equal_mass(bins: Counts, cells: int) -> NDArray[np.int64]:
    """The cell of each bin: neighbours merged until a cell holds 1 / `cells` of the rows.

    >>> equal_mass(np.array([0, 5, 5, 20, 5, 5, 0]), 4).tolist()
    [0, 0, 0, 1, 2, 2, 2]
    """
    need = max(float(bins.sum()) / cells, 1.0)
    found = np.zeros(len(bins), np.int64)
    cell, held = 0, 0.0
    for place, count in enumerate(bins.tolist()):
        if held > 0 and (held >= need - 1e-9 or (count >= need and held >= need / 4)):
            cell, held = cell + 1, 0.0
        found[place] = cell
        held += count
    if cell and held < need / 2:  # what remains is too little for a cell of its own
        found[found == cell] = cell - 1
    return found


def _categorical(reference: CategoricalReference) -> Summarizer:
    """Frequent categories each have a cell; the others share one, whether their names were kept or not.

    Which of the rare ones it kept is chance, so their share in the reference is higher than it will be.
    """
    known = _known(reference.counts)
    share = known / max(int(known.sum()), 1)
    ranked = np.argsort(-share[:-1], kind="stable")
    own = [int(each) for each in ranked[:MOST_CATEGORIES] if share[each] >= LEAST_SHARE]
    cell_of = np.full(len(known), len(own), np.int64)
    cell_of[own] = np.arange(len(own))
    return Summarizer(None, None, (0.0, 0.0), cell_of)
