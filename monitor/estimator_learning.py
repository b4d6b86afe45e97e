"""What the reference's labelled rows teach of class shares and performance without labels."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitor import outcomes
from monitor.estimating import FEWEST_WINDOWS, shares_of
from monitor.estimators import Estimators
from monitor.expected import metrics_of
from monitor.plan import Plan
from monitor.predicted import Codes, UsableRows, ordered, usable_rows
from monitor.rows import Rows
from monitor.stats import label_shift, probability_calibration, score_calibration
from monitor.stats.intervals import Z
from monitor.stats.shift_reference import MOST_CLASSES
from monitor.types import Task

FEWEST_ROWS = 100
"""Labelled rows in each half, under which nothing is estimated."""
MOST_ROWS = 200_000
"""Of more labelled rows every j-th teaches."""
GAP, CHANCE = 0.03, 0.001
"""Probabilities this far off, and not by chance, are not calibrated."""
FITTED, HELD = 0, 1
"""The halves of the reference: every other row."""


def learn(plan: Plan, rows: Rows, windows: Sequence[slice]) -> Estimators | None:
    """Fit on every other labelled row of the reference, check on the rest, replay its windows.

    `windows`: where each window's rows are among `rows`. None for a regression, for more than 50 classes,
    without predictions, and with too few labelled rows.
    """
    classes = ordered(plan.target)
    if plan.task not in {Task.BINARY, Task.MULTICLASS} or not 2 <= len(classes) <= MOST_CLASSES:
        return None
    usable = usable_rows(plan.target, classes, rows)
    labelled = np.flatnonzero(~np.isnan(usable.labels))
    labelled = labelled[:: max(1, math.ceil(len(labelled) / MOST_ROWS))]
    halves = labelled[FITTED::2], labelled[HELD::2]
    if len(halves[FITTED]) < FEWEST_ROWS:
        return None
    found = _fitted(classes, usable, *halves)
    found = _replayed(plan, found, rows, usable, halves[HELD], windows)
    return _refitted(found, usable, labelled)


def _fitted(classes: tuple[str, ...], usable: UsableRows, fitted: Codes, held: Codes) -> Estimators:
    labels = np.nan_to_num(usable.labels).astype(np.int64)
    if usable.probabilities is None:
        return Estimators(
            classes, label_shift.learn(usable.predicted[held], None, labels[held], len(classes))
        )
    fit, hold = usable.probabilities[fitted], usable.probabilities[held]
    scaling = probability_calibration.learn(fit, labels[fitted])
    calibrator = score_calibration.learn(fit, labels[fitted])
    check = probability_calibration.check(score_calibration.apply(calibrator, hold), labels[held])
    scaled = probability_calibration.apply(scaling, hold)
    return Estimators(
        classes,
        label_shift.learn(usable.predicted[held], scaled, labels[held], calibration_rows=len(fitted)),
        scaling,
        calibrator,
        score_calibration.check(calibrator, hold, labels[held]),
        trusted=check.gap <= GAP or (check.p_value is not None and check.p_value > CHANCE),
    )


def _refitted(found: Estimators, usable: UsableRows, labelled: Codes) -> Estimators:
    """Once it is checked, the calibration of performance is fitted on both halves."""
    if usable.probabilities is None or found.calibrator is None:
        return found
    labels = usable.labels[labelled].astype(np.int64)
    return replace(found, calibrator=score_calibration.learn(usable.probabilities[labelled], labels))


def _replayed(
    plan: Plan, found: Estimators, rows: Rows, usable: UsableRows, held: Codes, windows: Sequence[slice]
) -> Estimators:
    """How much the estimates of the reference's own windows vary, on rows that the fit has not seen."""
    place = usable.place[held]
    parts = [held[(place >= each.start) & (place < each.stop)] for each in windows]
    parts = [part for part in parts if len(part) >= max(plan.min_rows // 2, 1)]
    if len(parts) < FEWEST_WINDOWS:
        return replace(found, between=np.zeros(len(found.classes)))
    replayed = [usable.take(part) for part in parts]
    estimates = [shares_of(found, each) for each in replayed]
    told = [each.statistic for each in estimates if each.statistic]
    dispersion = max(1.0, float(np.mean(told))) if told else 1.0
    shares = np.array([each.share for each in estimates])
    errors = np.array([each.error for each in estimates])
    between = np.maximum(shares.var(axis=0, ddof=1) - (errors**2).mean(axis=0) * dispersion, 0.0)
    found = replace(found, windows=len(parts), dispersion=dispersion, between=between)
    return replace(found, inflation=_inflation(plan, found, rows, replayed))


def _inflation(plan: Plan, found: Estimators, rows: Rows, parts: Sequence[UsableRows]) -> dict[str, float]:
    """By metric: root mean square of estimated minus realised, in standard errors of the estimate."""
    away: dict[str, list[float]] = {}
    for part in parts:
        window = rows.take(part.place)
        realised = {
            each.name: each.value
            for each in outcomes.measured(
                plan.target, plan.target.classes, window.labels, window.predictions, window.scores
            )
        }
        for each in metrics_of(plan, found, part, None):
            value, truth = each.value, realised.get(each.name)
            if value is None or truth is None or each.lower is None or each.upper is None:
                continue
            error = (each.upper - each.lower) / (2 * Z)
            if error > 0:
                away.setdefault(each.name, []).append((value - truth) / error)
    return {
        name: max(1.0, float(np.sqrt(np.mean(np.minimum(np.square(values), 25.0)))))
        for name, values in away.items()
        if len(values) >= FEWEST_WINDOWS
    }
