"""Labels beside predictions in one window: tests on the errors, performance, class shares, label counts."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.plan import Plan, Target
from monitor.state import PendingWindow
from monitor.stats import counting, residuals
from monitor.stats import performance as metrics
from monitor.stats.bins import CategoricalCounts, CategoricalReference, ColumnCounts, ColumnReference
from monitor.streams import BY_CLASS, BY_SCORE, ERROR, scored
from monitor.types import PerformanceMetric, Reason, Task

REALISED = "realised"


def error_tests(plan: Plan, window: PendingWindow) -> dict[str, residuals.ResidualTest] | None:
    """By stream: whether the mean of this window is above what the reference expects; None without errors."""
    reference = plan.errors
    if reference is None or plan.task is None:
        return None
    usable = judged(window)
    if not usable.any():
        return None
    labels, predictions = window.labels[usable], window.predictions[usable]
    errors = residuals.row_errors(plan.task, labels, predictions, reference.scale)
    score = scored(plan.target, predictions, window.scores[usable])
    return {
        ERROR: residuals.overall_test(reference, errors),
        BY_SCORE: residuals.window_test(reference.by_prediction, score, errors),
        BY_CLASS: residuals.window_test(reference.by_label, labels, errors),
    }


def judged(window: PendingWindow) -> NDArray[np.bool_]:
    """The rows that have both label and prediction."""
    return ~np.isnan(window.labels) & ~np.isnan(window.predictions)


def performance(plan: Plan, classes: Sequence[str], window: PendingWindow) -> tuple[PerformanceMetric, ...]:
    """The realised performance over the rows that have label and prediction."""
    if plan.labelled is None or plan.errors is None:
        return ()
    usable = ~np.isnan(window.labels)
    found = measured(
        plan.target, classes, window.labels[usable], window.predictions[usable], window.scores[usable]
    )
    return tuple(
        PerformanceMetric(
            each.name,
            REALISED,
            each.value,
            each.lower,
            each.upper,
            plan.labelled.performance.get(each.name),
            None if each.reason is None else Reason(each.reason),
        )
        for each in found
    )


def measured(
    target: Target,
    classes: Sequence[str],
    labels: NDArray[np.float64],
    predictions: NDArray[np.float64],
    scores: NDArray[np.float32],
) -> tuple[metrics.Metric, ...]:
    """Every metric of the model's task; rows without a prediction are left out."""
    usable = ~np.isnan(predictions)
    labels, predictions, scores = labels[usable], predictions[usable], scores[usable]
    if target.task is Task.REGRESSION:
        return metrics.regression(labels, predictions)
    if target.task is Task.BINARY:
        positive = classes.index(target.positive) if target.positive in classes else -1
        score = scores[:, target.positive_column].astype(np.float64) if scores.shape[1] else None
        return metrics.binary(labels == positive, predictions == positive, score)
    codes = labels.astype(np.int64)
    matrix = _probabilities(target, classes, codes, scores)
    return metrics.multiclass(codes, predictions.astype(np.int64), matrix, len(classes))


def _probabilities(
    target: Target, classes: Sequence[str], labels: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float64] | None:
    """The scores in the order of the classes; None where a class that has labels has no probability.

    A class without a probability that has no label here either was seen in other windows only.
    """
    column = {name: number for number, name in enumerate(target.probabilities)}
    if any(classes[code] not in column for code in np.unique(labels).tolist()):
        return None
    matrix = np.zeros((len(scores), len(classes)))
    for code, name in enumerate(classes):
        if name in column:
            matrix[:, code] = scores[:, column[name]]
    return matrix


def class_shares(plan: Plan, classes: Sequence[str], window: PendingWindow) -> dict[str, Mapping[str, float]]:
    """Shares of the classes in the reference and, where labels are known, in this window."""
    if plan.task is Task.REGRESSION or plan.labelled is None:
        return {}
    shares: dict[str, Mapping[str, float]] = {"reference": plan.labelled.class_shares}
    known = window.labels[~np.isnan(window.labels)].astype(np.int64)
    if len(known):
        counts = np.bincount(known, minlength=len(classes))
        shares["observed"] = {
            name: float(count) / len(known)
            for name, count in zip(classes, counts.tolist(), strict=True)
            if count or name in plan.target.classes  # a new class may be that of another window
        }
    return shares


def label_counts(
    reference: ColumnReference, classes: Sequence[str], labels: NDArray[np.float64]
) -> ColumnCounts:
    """The labels counted in the reference's bins or categories; rows without a label are not counted."""
    known = labels[~np.isnan(labels)]
    if not isinstance(reference, CategoricalReference):
        places = counting.lookup(reference.bins.edges)
        tally = counting.empty(1, places.bins)
        counting.count(known, counting.whole(len(known), 0), places, reference.bins.center, tally)
        return tally.counts(0)
    counts = np.bincount(known.astype(np.int64), minlength=len(classes)).tolist()
    cell_of = {name: cell for cell, name in enumerate(reference.bins.categories)}
    cells = np.zeros(len(cell_of), np.int64)
    other = unseen = 0
    names = {}
    for name, count in zip(classes, counts, strict=True):
        if name in cell_of:
            cells[cell_of[name]] += count
        elif name in reference.bins.rare:
            other += count
        elif count:
            unseen += count
            names[name] = count
    return CategoricalCounts(cells, other, unseen, 0, names)
