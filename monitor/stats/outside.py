"""Rows outside of the reference's range: how many, and whether they are far from it."""

from monitor.stats.bins import ColumnCounts, ColumnReference, NumericCounts, NumericReference

FAR = 0.5
"""Rows outside of the reference's range are far outside from this part of its width beyond it on."""


def out_of_range(counts: NumericCounts) -> int:
    """How many rows lie beyond the outermost edges, which are the reference's range, or are infinite."""
    ends = int(counts.bins[0] + counts.bins[-1]) if counts.bins.size > 1 else 0
    return ends + counts.pos_inf + counts.neg_inf


def far_outside(reference: ColumnReference, live: ColumnCounts) -> bool:
    """Whether the rows outside of the reference's range lie, in the mean of a side, far beyond it.

    Infinite values are. So are sentinels and other units; a summer after a winter's reference is not.
    """
    if not isinstance(reference, NumericReference) or not isinstance(live, NumericCounts):
        return False
    if live.pos_inf + live.neg_inf:
        return True
    bins, width = reference.bins, reference.bins.high - reference.bins.low
    below, above = int(live.bins[0]), int(live.bins[-1])
    far_below = below > 0 and bins.low - live.low_sum / below > FAR * width
    far_above = above > 0 and live.high_sum / above - bins.high > FAR * width
    return bool(far_below or far_above)
