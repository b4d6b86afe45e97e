"""Realised performance of a model, each metric with a 95 % interval, or the reason why it is undefined.

Values are those of scikit-learn's functions of the same names. All rows have a label; the arrays of one
call have one length n.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats import intervals
from monitor.stats.roc import area

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int64]

NO_LABELS = "no_labels"
NO_PREDICTION = "no_prediction"
NO_PROBABILITY = "no_probability"
BAD_PROBABILITY = "bad_probability"
ONE_CLASS = "one_class"
UNDEFINED = "undefined"

CLASS_METRICS = ("accuracy", "error_rate", "precision", "recall", "f1")
SCORE_METRICS = ("roc_auc", "log_loss", "brier")
NUMBER_METRICS = ("mae", "rmse", "bias")

SUM_TOLERANCE = 0.05
"""How far the probabilities of a row may sum from 1: what rounding to two digits does."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `value` is None exactly where `reason` says why.

    `lower` and `upper` are None with it, and where one row alone gives no interval.
    """

    name: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    reason: str | None = None


def binary(label: Flags, predicted: Flags | None, score: Floats | None) -> tuple[Metric, ...]:
    """Accuracy, error rate, precision, recall, F1, ROC AUC, log loss and Brier score of two classes.

    `label` and `predicted`: whether each row is, and was called, positive. `score`: the probability of
    the positive class. Intervals: exact for the first five, DeLong's for the area, Student's for the
    other two. Precision is undefined where nothing was called positive, recall, F1 and the area where
    the labels lack a class that they need, the last three where any score is bad.

    >>> label = np.array([True, True, False, False])
    >>> [(each.name, each.value) for each in binary(label, np.array([True, False, False, False]), None)][:4]
    [('accuracy', 0.75), ('error_rate', 0.25), ('precision', 1.0), ('recall', 0.5)]
    """
    n = len(label)
    if n == 0:
        return _absent((*CLASS_METRICS, *SCORE_METRICS), NO_LABELS)
    if predicted is None:
        by_class = _absent(CLASS_METRICS, NO_PREDICTION)
    else:
        right = int(np.count_nonzero(label == predicted))
        hits, called, real = (int(np.count_nonzero(each)) for each in (label & predicted, predicted, label))
        by_class = (
            _share("accuracy", right, n, UNDEFINED),
            _share("error_rate", n - right, n, UNDEFINED),
            _share("precision", hits, called, UNDEFINED),
            _share("recall", hits, real, ONE_CLASS),
            _f1(hits, n - right),
        )
    if score is None or bad_probabilities(score):
        return (*by_class, *_absent(SCORE_METRICS, NO_PROBABILITY if score is None else BAD_PROBABILITY))
    return (
        *by_class,
        _area(label[:, None], score[:, None]),
        _mean("log_loss", _log_loss(np.where(label, score, 1 - score)), lowest=0.0),
        _mean("brier", (label - score) ** 2, lowest=0.0),
    )


def multiclass(
    label: Codes, predicted: Codes | None, probabilities: Floats | None, classes: int
) -> tuple[Metric, ...]:
    """The same metrics for class codes 0 to `classes` - 1; `probabilities` (n, classes).

    Precision, recall and F1 are macro averages over the classes that occur in the labels or in the
    predictions; like scikit-learn a class that was never predicted has precision 0, one without a label
    recall 0. The area is one against the rest, averaged over the classes that have labels. The Brier
    score sums over the classes: it lies in [0, 2]. ValueError for a code outside of the range.
    """
    if len(label) == 0:
        return _absent((*CLASS_METRICS, *SCORE_METRICS), NO_LABELS)
    if predicted is None:
        _check_codes(label, classes)
        by_class = _absent(CLASS_METRICS, NO_PREDICTION)
    else:
        by_class = _by_confusion(confusion(label, predicted, classes))
    if probabilities is None or bad_probabilities(probabilities):
        reason = NO_PROBABILITY if probabilities is None else BAD_PROBABILITY
        return (*by_class, *_absent(SCORE_METRICS, reason))
    own = probabilities[np.arange(len(label)), label]
    squares = np.einsum("ij,ij->i", probabilities, probabilities) - 2 * own + 1
    return (
        *by_class,
        _area(label[:, None] == np.arange(classes), probabilities),
        _mean("log_loss", _log_loss(own), lowest=0.0),
        _mean("brier", np.maximum(squares, 0.0), lowest=0.0),
    )


def regression(label: Floats, predicted: Floats) -> tuple[Metric, ...]:
    """Mean absolute error, root mean squared error and bias (mean of prediction minus label).

    Undefined where a row is not finite. Intervals: Student's; for the root mean squared error by the
    delta method on its logarithm.

    >>> [(each.name, round(each.value, 2)) for each in regression(np.array([1.0, 2.0]), np.array([1.0, 4.0]))]
    [('mae', 1.0), ('rmse', 1.41), ('bias', 1.0)]
    """
    if len(label) == 0:
        return _absent(NUMBER_METRICS, NO_LABELS)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = predicted - label
        squares = gaps * gaps
        return (
            _mean("mae", np.abs(gaps), lowest=0.0),
            _root_mean_square("rmse", squares),
            _mean("bias", gaps),
        )


def bad_probabilities(probabilities: Floats) -> int:
    """How many rows have a probability outside [0, 1] or none, or, of several classes, do not sum to 1.

    >>> bad_probabilities(np.array([0.0, 1.0, 1.2, np.nan]))
    2
    """
    return len(probabilities) - int(np.count_nonzero(good_probabilities(probabilities)))


def good_probabilities(probabilities: Floats) -> Flags:
    """Which rows have probabilities within [0, 1] that, of several classes, sum to 1.

    >>> good_probabilities(np.array([[0.5, 0.5], [0.5, 0.9], [np.nan, 1.0]])).tolist()
    [True, False, False]
    """
    good: Flags = (probabilities >= 0) & (probabilities <= 1)
    if probabilities.ndim == 2:
        good = good.all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) <= SUM_TOLERANCE)
    return good


def confusion(label: Codes, predicted: Codes, classes: int) -> Codes:
    """Rows by (label, predicted): int64 (classes, classes); ValueError for a code outside of the range."""
    _check_codes(label, classes)
    _check_codes(predicted, classes)
    counts = np.bincount(label * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def _check_codes(codes: Codes, classes: int) -> None:
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < classes:
        message = f"class codes from {codes.min()} to {codes.max()}, but there are {classes} classes"
        raise ValueError(message)


def _by_confusion(counts: Codes) -> tuple[Metric, ...]:
    n, right = int(counts.sum()), int(np.trace(counts))
    counts = counts[np.ix_(*[np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))] * 2)]
    smoothed = intervals.smooth(counts)
    rows = float(smoothed.sum())
    found = []
    for name in ("precision", "recall", "f1"):
        value, _ = _macro(name, counts.astype(np.float64))
        center, gradient = _macro(name, smoothed)
        error = intervals.multinomial_error(smoothed / rows, gradient * rows, rows)
        found.append(Metric(name, value, *intervals.macro(value, center, error)))
    return (
        _share("accuracy", right, n, UNDEFINED),
        _share("error_rate", n - right, n, UNDEFINED),
        *found,
    )


def _macro(name: str, counts: Floats) -> tuple[float, Floats]:
    """A macro average over a confusion matrix (k, k), and its gradient with respect to the counts."""
    by_column, by_row = name in {"precision", "f1"}, name in {"recall", "f1"}
    times = 1.0 + (by_column and by_row)
    below = by_column * counts.sum(axis=0) + by_row * counts.sum(axis=1)
    inverse = np.divide(1.0, below, out=np.zeros(len(counts)), where=below > 0)
    values = times * np.diag(counts) * inverse
    pull = values * inverse
    gradient = np.diag(times * inverse) - by_column * pull[None, :] - by_row * pull[:, None]
    return float(values.mean()), gradient / len(counts)


def _absent(names: tuple[str, ...], reason: str) -> tuple[Metric, ...]:
    return tuple(Metric(name, None, reason=reason) for name in names)


def _share(name: str, count: int, n: int, reason: str) -> Metric:
    return Metric(name, count / n, *intervals.share(count, n)) if n else Metric(name, None, reason=reason)


def _f1(hits: int, wrong: int) -> Metric:
    if hits + wrong == 0:  # nothing positive, neither label nor prediction
        return Metric("f1", None, reason=ONE_CLASS)
    return Metric("f1", 2 * hits / (2 * hits + wrong), *intervals.f1(hits, wrong))


def _area(positive: Flags, score: Floats) -> Metric:
    found = area(positive, score)
    if found is None:
        return Metric("roc_auc", None, reason=ONE_CLASS)
    ends = intervals.area(found.value, found.error, found.positives, found.negatives)
    return Metric("roc_auc", found.value, *ends)


def _log_loss(own: Floats) -> Floats:
    """Minus the logarithm of the probability of what happened, no certainty taken at its word."""
    tiny = float(np.finfo(np.float64).eps)
    return -np.log(np.clip(own, tiny, 1 - tiny))


def _mean(name: str, values: Floats, lowest: float = -math.inf) -> Metric:
    value = float(values.mean())
    if not math.isfinite(value):
        return Metric(name, None, reason=UNDEFINED)
    if len(values) == 1:
        return Metric(name, value)
    lower, upper = intervals.mean(value, float(values.std(ddof=1)), len(values))
    return Metric(name, value, max(lower, lowest), upper)


def _root_mean_square(name: str, squares: Floats) -> Metric:
    square = float(squares.mean())
    if not math.isfinite(square):
        return Metric(name, None, reason=UNDEFINED)
    if len(squares) == 1:
        return Metric(name, math.sqrt(square))
    ends = intervals.root_mean_square(square, float(squares.std(ddof=1)), len(squares))
    return Metric(name, math.sqrt(square), *ends)
