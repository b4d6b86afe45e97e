"""What a window's predictions say of its class shares and of the model's performance, before any label."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from monitor.budget import days_by_chance, level
from monitor.estimators import Estimators
from monitor.expected import metrics_of
from monitor.given_label import unexplained
from monitor.plan import Plan
from monitor.predicted import Floats, UsableRows, usable_rows
from monitor.recalibration import recalibrated
from monitor.rows import Rows
from monitor.scan import WindowData
from monitor.stats import label_shift, probability_calibration
from monitor.stats.label_shift import ShareEstimate
from monitor.stats.performance import Metric
from monitor.types import (
    Kind,
    LabelShift,
    PerformanceChange,
    PerformanceMetric,
    Reason,
    Role,
    Statistic,
)
from monitor.verdicts import Measurement

ESTIMATED = "estimated"
"""The source of what follows from predictions alone."""
SHRUNK = 2.0
"""The share of its squared error by which an estimate is drawn to the reference (James and Stein 1961)."""
ESTIMATED_SHARES = "estimated_shares"
TOKENS = {
    ESTIMATED_SHARES: "largest difference of an estimated class share from the reference's; kind `label`, "
    "while a window has too few labels"
}
"""The token of this statistic and what it means."""
FEWEST_WINDOWS = 10
"""Fewer replayed windows do not show how much estimates vary."""
BEYOND = frozenset({"out_of_range", "unseen"})
"""Statistics of values that the reference does not have; other faults count where their alarm is open."""
SUPPORT = 0.1
"""Where this share of a column's values is broken or beyond the reference, estimates rest on nothing."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What is said of one window before its labels: for its line, and for the verdict on labels."""

    label_shift: LabelShift | None = None
    performance: tuple[PerformanceMetric, ...] = ()
    measurement: Measurement | None = None
    change: PerformanceChange | None = None

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistic of the shares, if there is one."""
        return (self.measurement.statistic,) if self.measurement is not None else ()


def estimate(
    plan: Plan, data: WindowData, statistics: Sequence[Statistic], moved_columns: Sequence[str]
) -> Estimated:
    """Class shares and performance of a window's rows.

    `statistics` tell whether its inputs are in order; `moved_columns` are in alarm, of covariate or quality:
    class shares that do not explain how these moved are not valid.
    """
    found, rows = plan.estimators, data.rows
    if len(rows) < plan.min_rows:
        return Estimated()
    if plan.losses is not None and data.sample is not None:
        told = _told(plan, plan.losses.estimate(data.sample), _broken(plan, statistics, moved_columns))
        return Estimated(performance=told, change=_change("mae", told, told))
    if found is None:
        return Estimated()
    judged = Kind.LABEL in plan.budgets
    usable = usable_rows(plan.target, found.classes, rows)
    if not len(usable.predicted):
        return Estimated(measurement=_nothing(plan, rows) if judged else None)
    shares = shares_of(found, usable)
    if unexplained(plan, shares.share, moved_columns, data.profile.columns):
        shares = replace(shares, valid=False, reason=label_shift.NOT_LABEL_SHIFT)
    moved = _measurement(plan, found, shares) if judged else None
    shifted = _shrunk(found, shares) if shares.valid else None
    distrust = _distrust(plan, found, statistics, moved_columns)
    # class shares that explain the window say how labels depend on features now; weights then would not
    own, unsure = recalibrated(plan, found, data.sample) if shifted is None else (found, None)
    told = _told(plan, metrics_of(plan, own, usable, shifted), distrust or unsure)
    plain = told if shifted is None else _told(plan, metrics_of(plan, found, usable, None), distrust)
    return Estimated(_label_shift(found, shares), told, moved, _change("accuracy", plain, told))


def shares_of(found: Estimators, usable: UsableRows) -> ShareEstimate:
    """The class shares that the predictions of these rows tell."""
    scaled = None
    if usable.probabilities is not None and found.scaling is not None:
        scaled = probability_calibration.apply(found.scaling, usable.probabilities)
    return label_shift.estimate(found.shift, usable.predicted, scaled, found.dispersion)


def _deviation(found: Estimators, shares: ShareEstimate) -> Floats:
    """By class how much the estimate varies while nothing changes, by its own error and between windows."""
    deviation: Floats = np.sqrt(shares.error**2 + found.between * (1 + 1 / max(found.windows, 1)))
    return deviation


def _shrunk(found: Estimators, shares: ShareEstimate) -> ShareEstimate | None:
    """The shares drawn towards the reference's, so that chance moves little; None where all is chance."""
    away, deviation = shares.share - found.shift.prior, _deviation(found, shares)
    square = np.divide(away**2, deviation**2, out=np.zeros(len(away)), where=deviation > 0).max()
    if square <= SHRUNK:
        return None
    share = found.shift.prior + (1 - SHRUNK / square) * away
    gap = share - shares.share
    return replace(
        shares,
        share=share,
        lower=np.clip(shares.lower + gap, 0, 1),
        upper=np.clip(shares.upper + gap, 0, 1),
    )


def _nothing(plan: Plan, rows: Rows) -> Measurement:
    """No row can be used, and why."""
    predicted = bool(np.isfinite(rows.predictions).any())
    reason = Reason.BAD_PROBABILITY if predicted else Reason.NO_PREDICTION
    return Measurement(
        Statistic(Kind.LABEL, _column(plan), ESTIMATED_SHARES, None, reason=reason), None, material=False
    )


def _column(plan: Plan) -> str:
    """The label, as statistics name it."""
    return next((each.name for each in plan.columns(Role.LABEL)), plan.names.label or "")


def _label_shift(found: Estimators, shares: ShareEstimate) -> LabelShift:
    def by_class(values: Floats) -> dict[str, float]:
        return dict(zip(found.classes, values.tolist(), strict=True))

    return LabelShift(
        shares.method,
        shares.valid,
        by_class(shares.share),
        by_class(shares.lower),
        by_class(shares.upper),
        shares.p_value,
        Reason(shares.reason) if shares.reason is not None else None,
    )


def _measurement(plan: Plan, found: Estimators, shares: ShareEstimate) -> Measurement:
    """The largest difference from the reference, against what windows of the reference vary.

    Half of the kind's budget: the labels, once they come, have all of it.
    """
    prior = found.shift.prior
    away = np.abs(shares.share - prior)
    deviation = _deviation(found, shares)
    code = int(np.argmax(np.divide(away, deviation, out=np.zeros(len(away)), where=deviation > 0)))
    tests = 2 * len(prior)
    freedom = found.windows - 1 if found.windows >= FEWEST_WINDOWS else math.inf
    p_value = min(1.0, 2 * _upper(freedom, float(away[code] / max(deviation[code], 1e-300))))
    alpha = level(plan.budgets[Kind.LABEL], plan.window_days) / tests
    line = float(deviation[code]) * _quantile(freedom, alpha / 2)
    private = plan.names.private
    name = "a class" if private else repr(found.classes[code])
    words = (
        f"share of {name}, estimated from predictions, {prior[code]:.1%} to {shares.share[code]:.1%} "
        f"({shares.lower[code]:.1%} to {shares.upper[code]:.1%})"
    )
    known = shares.valid and shares.reason != label_shift.NO_ROWS
    material = float(away[code] - deviation[code]) >= plan.minimum.share
    return Measurement(
        Statistic(
            Kind.LABEL,
            _column(plan),
            ESTIMATED_SHARES,
            float(away[code]),
            line,
            p_value,
            drifted=known and float(away[code]) >= line,
        ),
        days_by_chance(p_value, tests, plan.window_days) if known else None,
        material=material,
        words=words,
        informs=not known,
    )


def _upper(freedom: float, value: float) -> float:
    """P(T > value) of Student's t, of the normal for infinite degrees of freedom."""
    return float(special.ndtr(-value) if math.isinf(freedom) else special.stdtr(freedom, -value))


def _quantile(freedom: float, probability: float) -> float:
    """The value that is exceeded with this probability."""
    inverse = special.ndtri(probability) if math.isinf(freedom) else special.stdtrit(freedom, probability)
    return -float(inverse)


def _distrust(
    plan: Plan, found: Estimators, statistics: Sequence[Statistic], moved_columns: Sequence[str]
) -> Reason | None:
    """Why estimates of performance are not to be trusted in this window; None where they are."""
    return _broken(plan, statistics, moved_columns) if found.trusted else Reason.NOT_CALIBRATED


def _broken(plan: Plan, statistics: Sequence[Statistic], moved_columns: Sequence[str]) -> Reason | None:
    """Whether a feature is broken in alarm, or beyond the reference, in many rows."""
    features = {each.name for each in plan.columns(Role.FEATURE)}
    broken = any(
        each.drifted
        and each.column in features
        and (each.value or 0) >= SUPPORT
        and (each.detector in BEYOND or each.column in moved_columns)
        for each in statistics
        if each.kind is Kind.QUALITY
    )
    return Reason.OUTSIDE_SUPPORT if broken else None


def _told(plan: Plan, metrics: Sequence[Metric], distrust: Reason | None) -> tuple[PerformanceMetric, ...]:
    """The metrics beside the reference's; `distrust` where they have no reason of their own."""
    metrics = [_finite(each) for each in metrics]
    reference: Mapping[str, float] = plan.labelled.performance if plan.labelled is not None else {}
    return tuple(
        PerformanceMetric(
            each.name,
            ESTIMATED,
            each.value,
            each.lower,
            each.upper,
            reference.get(each.name),
            Reason(each.reason) if each.reason is not None else distrust,
        )
        for each in metrics
    )


def _finite(metric: Metric) -> Metric:
    """The metric, or that it is undefined where a number of it is beyond all bounds."""
    numbers = (metric.value, metric.lower, metric.upper)
    if all(each is None or math.isfinite(each) for each in numbers):
        return metric
    return Metric(metric.name, None, reason=Reason.UNDEFINED)


def _change(
    metric: str, plain: Sequence[PerformanceMetric], told: Sequence[PerformanceMetric]
) -> PerformanceChange | None:
    """What the inputs explain, and what the class shares add to that."""
    own, whole = (next((each for each in found if each.metric == metric), None) for found in (plain, told))
    if own is None or whole is None or own.value is None or whole.value is None or own.reference is None:
        return None
    return PerformanceChange(metric, own.reference, own.value - own.reference, whole.value - own.value)
