"""Class shares of a window without labels, if p(x | y) stayed what it was, and whether it can have.

`learn` on hold-out rows of the reference, `estimate` on each window. With calibrated probabilities the
shares are those of greatest likelihood (MLLS), else BBSE's of the predicted classes.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats.over_identification import NO_TEST, AssumptionTest, over_identification
from monitor.stats.share_estimators import Solution, cell_features, interval, moments, soft_features
from monitor.stats.share_likelihood import maximum_likelihood
from monitor.stats.shift_reference import (
    ScoreReference,
    ShiftReference,
    check_codes,
    check_probabilities,
    from_arrays,
    learn,
    score_cells,
    to_arrays,
)

__all__ = [
    "ScoreReference",
    "ShareEstimate",
    "ShiftReference",
    "assumption_test",
    "bbse_hard",
    "bbse_soft",
    "estimate",
    "from_arrays",
    "learn",
    "mlls",
    "to_arrays",
]

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

NO_ROWS = "no_rows"
NOT_LABEL_SHIFT = "not_label_shift"
CONFUSION_SINGULAR = "confusion_singular"
FEW_LABELS = "few_labels"
UNTESTED = "untested"

LEVEL = 0.01
"""Under this p-value label shift does not explain the window."""
SINGULAR = 0.1
"""Smallest singular value of the confusion matrix, columns summing to 1, under which it hardly inverts."""
FEW = 50
"""Labels of a class under which its errors are enlarged; of a class without any the interval is [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class ShareEstimate:
    """Live class shares (k,) with the ends of 95 % intervals and standard errors.

    `method`: mlls, bbse_hard or bbse_soft. `valid` is False where label shift does not explain
    the window, or it has no row. `p_value`: of the assumption test, and `statistic`: its J per degree of
    freedom, not divided by the dispersion; both None where there is none. `reason` is the first that holds
    of no_rows, not_label_shift, confusion_singular, few_labels, untested, or None.
    """

    method: str
    share: Floats
    lower: Floats
    upper: Floats
    error: Floats
    valid: bool
    p_value: float | None
    statistic: float | None
    reason: str | None


def estimate(
    reference: ShiftReference, predicted: Codes, calibrated: Floats | None, dispersion: float = 1.0
) -> ShareEstimate:
    """Class shares of n rows from predicted codes (n,) and calibrated probabilities (n, k) or None.

    MLLS with probabilities on both sides, else BBSE on the predicted classes, whose assumption cannot be
    tested. `dispersion` >= 1: how much more than multinomial the reference's own windows vary, for instance
    their mean `statistic`; errors are multiplied by its square root. ValueError for bad codes or shapes.
    """
    if calibrated is None or reference.scores is None:
        return bbse_hard(reference, predicted, dispersion)
    return mlls(reference, predicted, calibrated, dispersion)


def bbse_hard(reference: ShiftReference, predicted: Codes, dispersion: float = 1.0) -> ShareEstimate:
    """BBSE on predicted codes (n,): confusion^-1 of their shares, constrained and weighted."""
    k = len(reference.confusion)
    check_codes(predicted, k)
    if not len(predicted):
        return _nothing("bbse_hard", reference)
    counts = np.bincount(predicted, minlength=k)
    features = cell_features(reference.confusion)
    found = moments(features, counts / len(predicted), len(predicted), reference.prior)
    singular = float(np.linalg.svd(features.mean, compute_uv=False)[-1]) < SINGULAR
    return _told("bbse_hard", reference, found, NO_TEST, dispersion, singular=singular)


def bbse_soft(
    reference: ShiftReference, predicted: Codes, calibrated: Floats, dispersion: float = 1.0
) -> ShareEstimate:
    """BBSE on the mean of calibrated probabilities (n, k); right even where they are not calibrated."""
    scores = _scores(reference, predicted, calibrated)
    if not len(predicted):
        return _nothing("bbse_soft", reference)
    features = soft_features(scores.soft_mean, scores.soft_second, reference.rows)
    found = moments(features, calibrated.mean(axis=0), len(calibrated), reference.prior)
    test = _tested(reference, scores, predicted, calibrated, dispersion)
    return _told("bbse_soft", reference, found, test, dispersion)


def mlls(
    reference: ShiftReference, predicted: Codes, calibrated: Floats, dispersion: float = 1.0
) -> ShareEstimate:
    """Maximum likelihood on calibrated probabilities (n, k): the fixed point of Saerens' EM."""
    scores = _scores(reference, predicted, calibrated)
    if not len(predicted):
        return _nothing("mlls", reference)
    found = maximum_likelihood(scores, calibrated, reference.prior)
    test = _tested(reference, scores, predicted, calibrated, dispersion)
    return _told("mlls", reference, found, test, dispersion)


def assumption_test(
    reference: ShiftReference, predicted: Codes, calibrated: Floats, dispersion: float = 1.0
) -> AssumptionTest:
    """Whether label shift explains n >= 1 rows; see `over_identification.over_identification`."""
    scores = _scores(reference, predicted, calibrated)
    return _tested(reference, scores, predicted, calibrated, dispersion)


def _scores(reference: ShiftReference, predicted: Codes, calibrated: Floats) -> ScoreReference:
    if reference.scores is None:
        message = "the reference has no probabilities"
        raise ValueError(message)
    k = len(reference.confusion)
    check_codes(predicted, k)
    check_probabilities(calibrated, len(predicted), k)
    return reference.scores


def _tested(
    reference: ShiftReference,
    scores: ScoreReference,
    predicted: Codes,
    calibrated: Floats,
    dispersion: float,
) -> AssumptionTest:
    cell = score_cells(scores.edges, predicted, calibrated)
    counts = np.bincount(cell, minlength=len(scores.cells))
    return over_identification(scores.cells, counts, reference.prior, dispersion)


def _told(
    method: str,
    reference: ShiftReference,
    found: Solution,
    test: AssumptionTest,
    dispersion: float,
    *,
    singular: bool = False,
) -> ShareEstimate:
    rows = reference.rows
    few = np.maximum(FEW / np.maximum(rows, 1), 1.0)
    lower, upper, error = interval(found, max(dispersion, 1.0) * few)
    refused = test.p_value is not None and test.p_value < LEVEL
    reasons = {
        NOT_LABEL_SHIFT: refused,
        CONFUSION_SINGULAR: singular,
        FEW_LABELS: bool((rows < FEW).any()),
        UNTESTED: test.p_value is None,
    }
    return ShareEstimate(
        method=method,
        share=found.share,
        lower=np.where(rows > 0, lower, 0.0),
        upper=np.where(rows > 0, upper, 1.0),
        error=error,
        valid=not refused,
        p_value=test.p_value,
        statistic=test.statistic,
        reason=next((reason for reason, holds in reasons.items() if holds), None),
    )


def _nothing(method: str, reference: ShiftReference) -> ShareEstimate:
    """Of no row: the reference's shares, and no idea."""
    k = len(reference.confusion)
    unknown = np.full(k, math.sqrt(1 - 1 / k))
    return ShareEstimate(
        method, reference.prior, np.zeros(k), np.ones(k), unknown, False, None, None, NO_ROWS
    )
