"""How much further than chance estimated errors of a regression are off, from windows that were held out.

The model of losses is fitted on every other window and estimates the rest, then the other way round. What
realised and estimated metrics differ by, beyond the errors of both, varies between windows: its variance is
the moment estimate of DerSimonian and Laird (1986) about 0. Of the root mean square error it is that of the
logarithm, as its interval is. A split by rows would not show it: both halves then have rows of each window.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.stats import expected_loss, performance
from monitor.stats.intervals import Z
from monitor.stats.performance import NUMBER_METRICS, Codes, Flags, Floats, Metric

FEWEST_WINDOWS, FEWEST_ROWS = 10, 20
"""Fewer windows do not show how much estimates vary, and fewer rows of one tell nothing of it."""
LOGARITHMIC, SIGNED = "rmse", "bias"


def learn(
    features: NDArray[np.float32], categorical: Flags, prediction: Floats, label: Floats, window: Codes
) -> Floats:
    """Of each of `NUMBER_METRICS` the variance between windows, (3,); 0 where under ten windows tell.

    `window` (n,): the number of each row's window, in order of time, -1 for none; the rest as in
    `expected_loss.learn`. ValueError as there.
    """
    numbers, counts = np.unique(window, return_counts=True)
    numbers = numbers[(counts >= FEWEST_ROWS) & (numbers >= 0)]
    if len(numbers) < FEWEST_WINDOWS:
        return np.zeros(len(NUMBER_METRICS))
    found = []
    for part in (0, 1):
        fitted = np.isin(window, numbers[part::2])
        model = expected_loss.learn(features[fitted], categorical, prediction[fitted], label[fitted])
        for number in numbers[1 - part :: 2]:
            rows = window == number
            told = expected_loss.estimate(model, features[rows], prediction[rows])
            found.append(_differences(told, performance.regression(label[rows], prediction[rows])))
    gaps, errors = np.moveaxis(np.array(found), 2, 0)
    return np.array([_between(*each) for each in zip(gaps.T, errors.T, strict=True)])


def widened(metrics: Sequence[Metric], between: Floats) -> tuple[Metric, ...]:
    """The metrics of `expected_loss.estimate` with intervals that hold the variance between windows, too."""
    return tuple(_wider(each, float(extra)) for each, extra in zip(metrics, between, strict=True))


def _differences(told: Sequence[Metric], realised: Sequence[Metric]) -> list[tuple[float, float]]:
    """Realised minus estimated and the standard error, of each metric; NaN where one has no value."""
    truths = {each.name: each.value for each in realised}
    found = []
    for each in told:
        value, truth, upper = each.value, truths[each.name], each.upper
        if value is None or truth is None or upper is None:
            found.append((math.nan, math.nan))
        elif each.name == LOGARITHMIC:
            positive = value > 0 and truth > 0
            found.append(
                (math.log(truth / value), math.log(upper / value) / Z) if positive else (math.nan,) * 2
            )
        else:
            found.append((truth - value, (upper - value) / Z))
    return found


def _between(gaps: Floats, errors: Floats) -> float:
    """The part of the gaps' variance that their errors do not explain."""
    known = np.isfinite(gaps) & (errors > 0)
    if known.sum() < FEWEST_WINDOWS:
        return 0.0
    weights = 1 / errors[known] ** 2
    beyond = float(weights @ gaps[known] ** 2) - int(known.sum())
    return max(beyond, 0.0) / float(weights.sum())


def _wider(metric: Metric, extra: float) -> Metric:
    value, lower, upper = metric.value, metric.lower, metric.upper
    if value is None or lower is None or upper is None or extra <= 0:
        return metric
    if metric.name == LOGARITHMIC:
        own = math.log(upper / value) if value > 0 else 0.0
        wide = math.exp(min(math.hypot(own, Z * math.sqrt(extra)), 700.0))
        return replace(metric, lower=value / wide, upper=value * wide)
    half = math.hypot(upper - value, Z * math.sqrt(extra))
    least = -math.inf if metric.name == SIGNED else 0.0
    return replace(metric, lower=max(value - half, least), upper=value + half)
