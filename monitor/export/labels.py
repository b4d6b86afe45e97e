"""What a line tells that it knows from the labels of its window."""

from collections.abc import Mapping
from typing import Final

from monitor.types import LABEL_KINDS, Evaluation, Kind, PerformanceMetric, Reason, Statistic

WITHOUT_LABELS: Final = frozenset(
    {Reason.NO_LABELS, Reason.TOO_FEW_LABELS, Reason.TOO_FEW_ROWS, Reason.EMPTY_WINDOW}
)
"""Reasons that say "not known yet"; any other reason says "known, and undefined"."""


def performance(evaluation: Evaluation) -> Mapping[tuple[str, str], PerformanceMetric]:
    """The metrics that are known, or known to be undefined, by metric and source."""
    return {
        (each.metric, each.source): each
        for each in evaluation.performance
        if each.value is not None or each.reason not in WITHOUT_LABELS
    }


def label_statistics(evaluation: Evaluation) -> Mapping[Kind, tuple[Statistic, ...]]:
    """The statistics by kind, where the window has the labels that the kind reads."""
    groups = {
        kind: tuple(each for each in evaluation.statistics if each.kind is kind)
        for kind in Kind
        if kind in LABEL_KINDS
    }
    return {
        kind: group
        for kind, group in groups.items()
        if any(each.value is not None or each.reason not in WITHOUT_LABELS for each in group)
    }
