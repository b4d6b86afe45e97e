"""What error is to be expected of a row, and whether a window's errors exceed it.

The reference's mean error is learned in groups: by prediction (what the inputs explain) and by label
(what the class shares explain). A live error minus the expected one is a residual in [-1, 1]; it stays
about 0 however the mix of groups moves, and rises where the relation of label and inputs changed.
"""

import io
import math
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.stats.error_groups import Groups, expected, group_of, learn_groups, learned_variance
from monitor.stats.signed_residuals import SignedReference

Floats: TypeAlias = NDArray[np.float64]

FORMAT = 2

SCALE_QUANTILE = 0.99
"""The absolute error of a regression that counts as 1."""


@dataclass(frozen=True, slots=True, eq=False)
class ErrorReference:
    """The reference's errors: of all `rows`, and by groups of the prediction and of the label.

    `scale`: the absolute error of a regression that counts as 1; 1 for classes. `variance` is that of
    one row's error.
    """

    rows: int
    mean: float
    variance: float
    scale: float
    by_prediction: Groups
    by_label: Groups
    signed: SignedReference | None = None
    """The residuals of a regression with their sign; None of classes."""


@dataclass(frozen=True, slots=True)
class ResidualTest:
    """A window's mean residual in [-1, 1], its standard error, and P(one this high | nothing changed)."""

    mean: float
    standard_error: float
    p_value: float


def error_scale(label: Floats, prediction: Floats) -> float:
    """The reference's 99th percentile of |label - prediction|, > 0.

    Where that is 0, the largest one; where all are 0, the label's standard deviation; else 1.
    """
    gaps = np.abs(label - prediction)
    gaps = gaps[np.isfinite(gaps)]
    if not len(gaps):
        return 1.0
    known = label[np.isfinite(label)]
    candidates = (float(np.quantile(gaps, SCALE_QUANTILE)), float(gaps.max()), float(known.std()))
    return next((scale for scale in candidates if scale > 0 and math.isfinite(scale)), 1.0)


def row_errors(task: str, label: Floats, prediction: Floats, scale: float = 1.0) -> Floats:
    """The error of each row in [0, 1]; NaN where label or prediction is NaN.

    0 or 1 for classes; for `regression` |label - prediction| / `scale`, at most 1.

    >>> row_errors("binary", np.array([1.0, 0.0, np.nan]), np.array([1.0, 1.0, 1.0])).tolist()
    [0.0, 1.0, nan]
    >>> row_errors("regression", np.array([1.0, 2.0]), np.array([2.0, 9.0]), 4.0).tolist()
    [0.25, 1.0]
    """
    label, prediction = np.asarray(label, np.float64), np.asarray(prediction, np.float64)
    if task == "regression":
        with np.errstate(invalid="ignore", over="ignore"):
            return np.minimum(np.abs(label - prediction) / scale, 1.0)
    unknown = np.isnan(label) | np.isnan(prediction)
    return np.where(unknown, np.nan, (label != prediction).astype(np.float64))


def learn(
    errors: Floats,
    prediction: Floats,
    label: Floats,
    *,
    score: Floats | None = None,
    classes: bool = True,
    scale: float = 1.0,
) -> ErrorReference:
    """What the reference's labelled rows say of errors; all arrays float64 (n,), n >= 1.

    `classes` says that `prediction` and `label` are class codes. With a `score` (the probability of the
    positive or of the predicted class) the groups by prediction are its deciles, cut also where the
    predicted class changes with it; rows without a score are left out of them.
    ValueError where there is no row, or an error is outside [0, 1].
    """
    errors = np.asarray(errors, np.float64)
    if not len(errors) or not ((errors >= 0) & (errors <= 1)).all():
        message = "the reference's errors must be at least one number, all in [0, 1]"
        raise ValueError(message)
    mean, variance = float(errors.mean()), float(errors.var())
    position = prediction if score is None else score
    cut = _decision(prediction, score) if score is not None and classes else None
    return ErrorReference(
        rows=len(errors),
        mean=mean,
        variance=variance,
        scale=scale,
        by_prediction=learn_groups(errors, position, classes=classes and score is None, cut=cut),
        by_label=learn_groups(errors, label, classes=classes),
    )


def expected_by_prediction(reference: ErrorReference, values: Floats) -> Floats:
    """The error to expect at each score or prediction: float64 (n,) in [0, 1]; the mean where unseen."""
    return expected(reference.by_prediction, values)


def expected_by_label(reference: ErrorReference, label: Floats) -> Floats:
    """The error to expect at each label: float64 (n,) in [0, 1]; the mean where unseen."""
    return expected(reference.by_label, label)


def residual(errors: Floats, expected: Floats) -> Floats:
    """Error minus expected error, in [-1, 1]."""
    return errors - expected


def rescale(residuals: Floats) -> Floats:
    """Residuals as the stream detectors read them: [-1, 1] to [0, 1].

    >>> rescale(np.array([-1.0, 0.0, 0.5])).tolist()
    [0.0, 0.5, 0.75]
    """
    return np.clip((residuals + 1.0) / 2.0, 0.0, 1.0)


def overall_test(reference: ErrorReference, errors: Floats) -> ResidualTest:
    """Whether a window's errors (n,) exceed the reference's mean error, whatever explains it.

    The test of `window_test` with one group. ValueError where there is no row.
    """
    variance = max(reference.variance, 1 / (reference.rows + 2))  # the rule of succession's at least
    return _one_sided(errors - reference.mean, variance, variance / reference.rows)


def window_test(groups: Groups, values: Floats, errors: Floats) -> ResidualTest:
    """Whether a window's errors (n,) exceed what its `groups` (by prediction or by label) explain.

    One-sided t test of the mean residual. Its variance is that of n rows and that of what was learned
    (`learned_variance`). The variance of a row is the larger of the reference's and the window's own:
    with the first alone rare errors would be found too often, with the second alone frequent ones.
    ValueError where there is no row.
    """
    _require_rows(errors)
    by_reference = float(groups.variance[group_of(groups, values)].mean())
    return _one_sided(errors - expected(groups, values), by_reference, learned_variance(groups, values))


def line(test: ResidualTest, n: int, alpha: float) -> float:
    """The mean residual of n rows at which the p-value of such a test would be `alpha`."""
    return -test.standard_error * float(special.stdtrit(max(n - 1, 1), alpha))


def to_bytes(reference: ErrorReference) -> bytes:
    """The reference as a versioned npz; the same reference gives the same bytes."""
    arrays: dict[str, Any] = {
        "format": np.int64(FORMAT),
        "rows": np.int64(reference.rows),
        "numbers": np.array([reference.mean, reference.variance, reference.scale]),
    }
    for name in ("by_prediction", "by_label"):
        groups = getattr(reference, name)
        arrays |= {f"{name}.{each.name}": np.asarray(getattr(groups, each.name)) for each in fields(Groups)}
    if reference.signed is not None:
        arrays["signed"] = reference.signed.numbers()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def from_bytes(content: bytes) -> ErrorReference:
    """What `to_bytes` wrote; ValueError for another format."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        if int(arrays["format"]) != FORMAT:
            message = f"errors of a reference in format {int(arrays['format'])}, not {FORMAT}; learn it again"
            raise ValueError(message)
        mean, variance, scale = arrays["numbers"].tolist()
        groups = [
            Groups(
                classes=bool(arrays[f"{name}.classes"]),
                **{each.name: arrays[f"{name}.{each.name}"] for each in fields(Groups)[1:]},
            )
            for name in ("by_prediction", "by_label")
        ]
        signed = SignedReference.of_numbers(arrays["signed"]) if "signed" in arrays else None
        return ErrorReference(int(arrays["rows"]), mean, variance, scale, groups[0], groups[1], signed)


def _require_rows(errors: Floats) -> None:
    if not len(errors):
        message = "a window without labelled rows has no mean residual"
        raise ValueError(message)


def _one_sided(residuals: Floats, row_variance: float, learned: float) -> ResidualTest:
    _require_rows(residuals)
    n = len(residuals)
    mean = float(residuals.mean())
    own = float(residuals.var(ddof=1)) if n > 1 else 0.0
    error = math.sqrt(max(row_variance, own) / n + learned)
    return ResidualTest(mean, error, float(special.stdtr(max(n - 1, 1), -mean / error)))


def _decision(prediction: Floats, score: Floats) -> float | None:
    """The score at which the predicted class changes, where two classes are apart on the score."""
    known = ~np.isnan(prediction) & ~np.isnan(score)
    classes = np.unique(prediction[known])
    if len(classes) != 2:
        return None
    one, other = (score[known & (prediction == each)] for each in classes)
    for low, high in ((one, other), (other, one)):
        if low.max() < high.min():
            return float((low.max() + high.min()) / 2)
    return None
