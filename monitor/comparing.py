"""Estimated beside realised performance: what explains the change, and how right the estimates were."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor import outcomes
from monitor.estimating import ESTIMATED
from monitor.types import EstimateRecord, PerformanceChange, PerformanceMetric


def compared(
    change: PerformanceChange | None, performance: Sequence[PerformanceMetric]
) -> PerformanceChange | None:
    """The change with what labels tell: what is left is the relation of inputs and labels."""
    if change is None:
        return None
    realised = _realised(performance).get(change.metric)
    if realised is None:
        return change
    explained = change.reference + change.inputs + change.class_shares
    return replace(change, relation=realised - explained, realised=realised)


def _realised(performance: Sequence[PerformanceMetric]) -> dict[str, float | None]:
    return {each.metric: each.value for each in performance if each.source == outcomes.REALISED}


def change_words(change: PerformanceChange | None) -> str:
    """What explains the change, in words; empty until there are labels.

    >>> change_words(PerformanceChange("accuracy", 0.8, -0.02, 0.01, -0.15, 0.64))
    'accuracy 0.8 to 0.64: inputs -0.02, class shares +0.01, what inputs mean -0.15'
    """
    if change is None or change.relation is None or change.realised is None:
        return ""
    parts = (
        f"{what} {value:+.2g}"
        for what, value in (
            ("inputs", change.inputs),
            ("class shares", change.class_shares),
            ("what inputs mean", change.relation),
        )
    )
    return f"{change.metric} {change.reference:.3g} to {change.realised:.3g}: {', '.join(parts)}"


def recorded(
    estimates: Mapping[str, EstimateRecord], performance: Sequence[PerformanceMetric]
) -> dict[str, EstimateRecord]:
    """The record with one more window, of the metrics that are both estimated and realised.

    Estimates that were not to be trusted do not count.
    """
    realised = _realised(performance)
    after = dict(estimates)
    for each in performance:
        truth = realised.get(each.metric)
        if each.source != ESTIMATED or each.reason is not None or each.value is None or truth is None:
            continue
        had = after.get(each.metric, EstimateRecord(0, 0.0, 0.0, 0))
        held = each.lower is not None and each.upper is not None and each.lower <= truth <= each.upper
        gap = each.value - truth
        after[each.metric] = EstimateRecord(
            had.windows + 1, had.absolute_error + abs(gap), had.error + gap, had.held + held
        )
    return after
