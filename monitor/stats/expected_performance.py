"""CBPE: the performance of a classifier that calibrated probabilities lead to expect, without labels.

Confidence-based performance estimation: each row's label is one draw from its calibrated probability,
independent of the others. The metrics, their names and their conventions are `performance`'s; where every
probability is 0 or 1 so are the values. All holds as long as the calibration does: a change of the relation
between features and label cannot be seen here.
"""

import math

import numpy as np

from monitor.stats import performance
from monitor.stats.intervals import Z
from monitor.stats.performance import Codes, Flags, Floats, Metric, bad_probabilities
from monitor.stats.score_calibration import CalibrationError

ALL = (*performance.CLASS_METRICS, *performance.SCORE_METRICS)
RATIOS = (("precision", 1.0, 1.0, 0.0), ("recall", 1.0, 0.0, 1.0), ("f1", 2.0, 1.0, 1.0))
"""Each a multiple of the hits over this much of the rows called so and this much of the rows that are so."""
FEWEST_PAIRS = 1e-9
"""Expected pairs of a positive and a negative row under which there is no area."""


def binary(
    predicted: Flags | None,
    score: Floats,
    expected: Floats,
    *,
    calibration_error: CalibrationError | None = None,
    dispersion: float = 1.0,
) -> tuple[Metric, ...]:
    """What `performance.binary` is expected to say of these n rows once their labels are there.

    `predicted` (n,): whether each row was called positive. `score` (n,): the model's own probability of
    the positive class, whose area, log loss and Brier score are meant. `expected` (n,) in [0, 1]: the
    calibrated probability that the row is positive. The 95 % intervals are for the value that the labels
    will give: they hold the chance of the labels (the Poisson-binomial variance, by the delta method for
    ratios and for the area) and `calibration_error`, without which the calibration is taken as exact;
    `dispersion` >= 1 multiplies the standard errors.

    Reasons: of `performance.binary`, for `one_class` read: no positive or no negative row is expected;
    `bad_probability` for all where any of `expected` is outside [0, 1] or NaN. ValueError for arrays of
    several lengths or a dispersion under 1. Formula: Bialek et al. (2023), the NannyML documentation.

    >>> chance = np.array([0.9, 0.8, 0.3, 0.2])
    >>> found = binary(chance > 0.5, chance, chance)
    >>> [(each.name, round(each.value, 3)) for each in found][:3]
    [('accuracy', 0.8), ('error_rate', 0.2), ('precision', 0.85)]
    """
    n = _length(expected, score, predicted, dispersion)
    if n == 0 or bad_probabilities(expected):
        return _absent(ALL, performance.BAD_PROBABILITY if n else performance.NO_LABELS)
    errors = _Errors(score, expected, calibration_error, dispersion)
    by_class = _binary_by_class(predicted, expected, errors)
    if bad_probabilities(score):
        return (*by_class, *_absent(performance.SCORE_METRICS, performance.BAD_PROBABILITY))
    found = _area(score, expected)
    area = _metric("roc_auc", found[0], errors.of(found[1])) if found else None
    losses = -_logarithm(1 - score)
    gains = -_logarithm(score) - losses
    squares, less = score**2, 1 - 2 * score
    return (
        *by_class,
        area or Metric("roc_auc", None, reason=performance.ONE_CLASS),
        _metric("log_loss", float((losses + expected * gains).mean()), errors.of(gains / n), math.inf),
        _metric("brier", float((squares + expected * less).mean()), errors.of(less / n)),
    )


def multiclass(
    predicted: Codes | None,
    probabilities: Floats,
    expected: Floats,
    *,
    calibration_error: CalibrationError | None = None,
    dispersion: float = 1.0,
) -> tuple[Metric, ...]:
    """What `performance.multiclass` is expected to say of these n rows and k classes.

    `predicted` (n,): class codes from 0 to k - 1. `probabilities` (n, k): the model's own. `expected`
    (n, k): the calibrated ones, rows sum to 1. The rest as in `binary`. Macro averages are over the
    classes that occur in the labels: a class counts with the probability that it does. ValueError also
    for a code outside of the range.

    >>> chance = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2]])
    >>> round(multiclass(np.array([0, 1]), chance, chance)[0].value, 3)
    0.7
    """
    n = _length(expected, probabilities, predicted, dispersion)
    if n == 0 or bad_probabilities(expected):
        return _absent(ALL, performance.BAD_PROBABILITY if n else performance.NO_LABELS)
    errors = _Errors(probabilities, expected, calibration_error, dispersion)
    occurs, differs = _occurring(expected)
    by_class = _by_class(predicted, expected, errors, occurs)
    if bad_probabilities(probabilities):
        return (*by_class, *_absent(performance.SCORE_METRICS, performance.BAD_PROBABILITY))
    losses = -_logarithm(probabilities)
    squares = np.einsum("ij,ij->i", probabilities, probabilities)[:, None] - 2 * probabilities + 1
    return (
        *by_class,
        _mean_area(probabilities, expected, errors, differs),
        _metric("log_loss", float((expected * losses).sum() / n), errors.of(losses / n), math.inf),
        _metric("brier", float((expected * squares).sum() / n), errors.of(squares / n), 2.0),
    )


def reweighted(expected: Floats, prior: Floats, share: Floats) -> Floats:
    """Probabilities (n, k) under other class shares: each column times `share` / `prior`, rows sum to 1.

    `prior` (k,): the class shares that `expected` (n, k) was calibrated on; `share` (k,): those of now,
    estimated elsewhere. Right under label shift (Saerens, Latinne and Decaestecker 2002). A class whose
    prior is 0 keeps its column; a row all of whose classes have share 0 gets `share`. ValueError for
    negative, NaN or all-zero shares.

    >>> reweighted(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), np.array([0.8, 0.2])).round(3).tolist()
    [[0.8, 0.2]]
    """
    for shares in (prior, share):
        if shares.shape != expected.shape[1:] or not (shares >= 0).all() or not 0 < shares.sum() < math.inf:
            message = f"{shares} are no shares of {expected.shape[1]} classes"
            raise ValueError(message)
    prior, share = prior / prior.sum(), share / share.sum()
    ratio = np.divide(share, prior, out=np.ones(len(prior)), where=prior > 0)
    tilted = expected * (ratio / ratio.max())
    total = tilted.sum(axis=1, keepdims=True)
    tilted[total[:, 0] <= 0] = share
    shifted: Floats = tilted / np.where(total > 0, total, 1.0)
    return shifted


class _Errors:
    """Standard errors of functions of the labels, from their gradients: (n,) of two classes, else (n, k)."""

    def __init__(
        self, score: Floats, expected: Floats, error: CalibrationError | None, dispersion: float
    ) -> None:
        two = expected.ndim == 1
        self._expected, self._dispersion = expected, dispersion
        self._spread = expected * (1 - expected) if two else expected
        self._bins: Codes | None = None
        if error is not None:
            self._bins = error.bins_of(score).ravel()
            self._variances = error.variances(expected.ndim)

    def of(self, gradient: Floats, more: float = 0.0) -> float:
        if gradient.ndim == 2:
            # what is common to all classes of a row changes nothing; without it their variances add up
            gradient = gradient - np.einsum("ij,ij->i", self._expected, gradient)[:, None]
        variance = more + float(np.vdot(self._spread * gradient, gradient))
        if self._bins is not None:
            pull = np.bincount(self._bins, gradient.ravel(), minlength=len(self._variances))
            variance += float(self._variances @ pull**2)
        return self._dispersion * math.sqrt(max(variance, 0.0))


def _occurring(expected: Floats) -> tuple[Floats, Floats]:
    """The probability of each class (k,) that any row has it, and that some have it and others not."""
    with np.errstate(divide="ignore"):
        none = np.exp(np.log1p(-np.minimum(expected, 1.0)).sum(axis=0))
        every = np.exp(np.log(expected).sum(axis=0))
    return 1 - none, np.maximum(1 - none - every, 0.0)


def _binary_by_class(predicted: Flags | None, expected: Floats, errors: _Errors) -> tuple[Metric, ...]:
    if predicted is None:
        return _absent(performance.CLASS_METRICS, performance.NO_PREDICTION)
    n, called = len(expected), int(np.count_nonzero(predicted))
    real, hits = float(expected.sum()), float(expected[predicted].sum())
    right = min((hits + (n - called) - (real - hits)) / n, 1.0)
    found = _both(right, errors.of(np.where(predicted, 1 / n, -1 / n)))
    for name, times, by_called, by_real in RATIOS:
        below = by_called * called + by_real * real
        if below > 0:
            value = min(times * hits / below, 1.0)
            pull = value * by_real
            gradient = np.where(predicted, (times - pull) / below, -pull / below)
            found.append(_metric(name, value, errors.of(gradient)))
        else:
            found.append(
                Metric(
                    name, None, reason=performance.UNDEFINED if name == "precision" else performance.ONE_CLASS
                )
            )
    return tuple(found)


def _by_class(
    predicted: Codes | None, expected: Floats, errors: _Errors, occurs: Floats
) -> tuple[Metric, ...]:
    if predicted is None:
        return _absent(performance.CLASS_METRICS, performance.NO_PREDICTION)
    n, k = expected.shape
    if not 0 <= int(predicted.min()) <= int(predicted.max()) < k:
        message = f"class codes from {predicted.min()} to {predicted.max()}, but there are {k} classes"
        raise ValueError(message)
    own = expected[np.arange(n), predicted]
    called = np.bincount(predicted, minlength=k).astype(np.float64)
    hits, real = np.bincount(predicted, own, minlength=k), expected.sum(axis=0)
    chosen = predicted[:, None] == np.arange(k)
    right = min(float(own.mean()), 1.0)
    found = _both(right, errors.of(chosen / n))
    counted = np.where(called > 0, 1.0, occurs)
    for name, times, by_called, by_real in RATIOS:
        below = by_called * called + by_real * real
        inverse = np.divide(1.0, below, out=np.zeros(k), where=below > 0)
        values = np.minimum(times * hits * inverse, 1.0)
        # without a label recall is 0, whatever it is expected to be with one
        weights = occurs if name == "recall" else np.ones(k)
        value = float((weights * values).sum() / counted.sum())
        gradient = (weights * inverse / counted.sum()) * (times * chosen - by_real * values)
        jump = np.where(called > 0, values if name == "recall" else 0.0, values - value) / counted.sum()
        found.append(_metric(name, value, errors.of(gradient, occurs * (1 - occurs) @ jump**2)))
    return tuple(found)


def _mean_area(probabilities: Floats, expected: Floats, errors: _Errors, occurs: Floats) -> Metric:
    """The areas of the classes against the rest, each weighted by the probability that it has one."""
    gradient, values, weights = np.zeros(expected.shape), np.zeros(len(occurs)), occurs.copy()
    for code in range(len(occurs)):
        found = _area(probabilities[:, code], expected[:, code])
        if found is None:
            weights[code] = 0.0
        else:
            values[code], gradient[:, code] = found
    total = float(weights.sum())
    if total <= 0:
        return Metric("roc_auc", None, reason=performance.ONE_CLASS)
    value = float(weights @ values) / total
    jump = (values - value) / total
    error = errors.of(gradient * (weights / total), float(weights * (1 - weights) @ jump**2))
    return _metric("roc_auc", value, error)


def _area(score: Floats, expected: Floats) -> tuple[float, Floats] | None:
    """The expected area of one class against the rest, and its gradient (n,) with respect to the labels.

    Expected pairs of a positive above a negative row, ties half, over expected pairs of both sides; a row
    is no pair with itself.
    """
    order = np.argsort(score)
    ordered, own = score[order], expected[order]
    below, zeros, sizes = np.arange(len(score)) + 0.5, 1 - own, None
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(starts) < len(score):
        sizes = np.diff(np.append(starts, len(score)))
        below, zeros = np.repeat(np.cumsum(sizes) - sizes / 2, sizes), np.add.reduceat(zeros, starts)
    ones = (1 if sizes is None else sizes) - zeros
    positives, negatives = float(ones.sum()), float(zeros.sum())
    alone = float((own * (1 - own)).sum())
    pairs = positives * negatives - alone
    if pairs < FEWEST_PAIRS:
        return None
    right = float(ones @ (np.cumsum(zeros) - zeros / 2)) - alone / 2
    value = min(max(right / pairs, 0.0), 1.0)
    rise = below + own * (1 - 2 * value) - positives - 0.5 - value * (negatives - positives - 1)
    gradient = np.empty(len(score))
    gradient[order] = rise / pairs
    return value, gradient


def _both(right: float, error: float) -> list[Metric]:
    return [_metric("accuracy", right, error), _metric("error_rate", 1 - right, error)]


def _metric(name: str, value: float, error: float, highest: float = 1.0) -> Metric:
    value = min(max(value, 0.0), highest)
    return Metric(name, value, max(value - Z * error, 0.0), min(value + Z * error, highest))


def _logarithm(probability: Floats) -> Floats:
    """Like `performance`, no certainty taken at its word."""
    tiny = float(np.finfo(np.float64).eps)
    clipped: Floats = np.log(np.clip(probability, tiny, 1 - tiny))
    return clipped


def _absent(names: tuple[str, ...], reason: str) -> tuple[Metric, ...]:
    return tuple(Metric(name, None, reason=reason) for name in names)


def _length(expected: Floats, score: Floats, predicted: Flags | Codes | None, dispersion: float) -> int:
    if score.shape != expected.shape or (predicted is not None and len(predicted) != len(expected)):
        message = f"scores {score.shape}, expected {expected.shape}: the rows differ"
        raise ValueError(message)
    if not dispersion >= 1:
        message = f"the dispersion is {dispersion}, but it is at least 1"
        raise ValueError(message)
    return len(expected)
