"""Probabilities calibrated for one window, on rows of the reference weighted as they are like its own."""

from dataclasses import replace

from monitor.estimators import Estimators
from monitor.plan import Plan
from monitor.sample import Sample, comparable
from monitor.stats import importance, score_calibration
from monitor.types import Reason

FEWEST_EFFECTIVE = 200
"""Effective rows under which nothing is calibrated by weight: as many as learning needs."""
HALVES = slice(0, None, 2), slice(1, None, 2)
"""One is fitted and the other checks it; the sample is in random order."""


def recalibrated(plan: Plan, found: Estimators, sample: Sample | None) -> tuple[Estimators, Reason | None]:
    """M-CBPE (Bialek and others 2024): the estimators with this window's calibration and its error.

    As they are where the model file does not ask for it; and with a reason where too few rows, of the window
    or of what is like it in the reference, tell the weights.
    """
    rows = plan.calibration_rows
    if rows is None or found.calibrator is None:
        return found, None
    if sample is None:
        return found, Reason.NOT_WEIGHTED
    try:
        weights = importance.weights(*comparable(rows.features, sample))
    except ValueError:
        return found, Reason.NOT_WEIGHTED
    if importance.effective(weights) < FEWEST_EFFECTIVE:
        return found, Reason.NOT_WEIGHTED
    halves = [(rows.probabilities[half], rows.labels[half], weights[half]) for half in HALVES]
    fitted = score_calibration.learn(*halves[0])
    return replace(
        found,
        calibrator=score_calibration.learn(rows.probabilities, rows.labels, weights),
        error=score_calibration.check(fitted, *halves[1]),
    ), None
