"""Whether the residuals of a regression moved or became wider, beside what their absolute size says."""

from collections.abc import Iterator

from monitor import outcomes
from monitor.budget import days_by_chance, level
from monitor.plan import Plan
from monitor.state import PendingWindow
from monitor.stats import signed_residuals
from monitor.stats.residuals import ErrorReference
from monitor.stats.signed_residuals import SignedTest
from monitor.types import Kind, Statistic
from monitor.verdicts import Measurement

RESIDUAL_MEAN, RESIDUAL_SPREAD = "residual_mean", "residual_spread"
TOKENS = {
    RESIDUAL_MEAN: "of a regression: how far the mean of label minus prediction moved, either way, in units "
    "of the reference's 99th percentile of the absolute error; kind `performance`",
    RESIDUAL_SPREAD: "of a regression: by how much the standard deviation of label minus prediction rose, in "
    "the same units; kind `performance`",
}


def tests_of(plan: Plan, window: PendingWindow) -> tuple[SignedTest, SignedTest] | None:
    """Of mean and spread; None of classes, and where no row has both label and prediction."""
    errors = plan.errors
    usable = outcomes.judged(window)
    if errors is None or errors.signed is None or not usable.any():
        return None
    values = signed_residuals.residuals(window.labels[usable], window.predictions[usable], errors.scale)
    return signed_residuals.compare(errors.signed, values)


def measured(plan: Plan, window: PendingWindow, tests: int) -> Iterator[Measurement]:
    """Both statistics, `tests` of which share the budget of the kind."""
    found = tests_of(plan, window)
    if found is None:
        return
    budget, rows = plan.budgets[Kind.PERFORMANCE], int(outcomes.judged(window).sum())
    alpha = level(budget, plan.window_days) / tests
    for token, each in zip(TOKENS, found, strict=True):
        line = each.line(rows, alpha)
        size = abs(each.moved) if each.two_sided else each.moved
        yield Measurement(
            Statistic(Kind.PERFORMANCE, "", token, size, line, each.p_value, drifted=size >= line),
            days_by_chance(each.p_value, tests, plan.window_days),
            material=size - each.standard_error >= plan.minimum.error,
            words=words(plan, found),
            informs=plan.calibrated(Kind.PERFORMANCE) is not None,
        )


def values(errors: ErrorReference, found: tuple[SignedTest, SignedTest]) -> tuple[float, float]:
    """Mean and spread of the window's residuals, as calibration reads them."""
    assert errors.signed is not None
    return errors.signed.mean + found[0].moved, errors.signed.spread + found[1].moved


def words(plan: Plan, found: tuple[SignedTest, SignedTest]) -> str:
    """Mean and spread of the residuals in units of the label, from what to what."""
    errors = plan.errors
    assert errors is not None
    assert errors.signed is not None
    before = (errors.signed.mean, errors.signed.spread)
    now = values(errors, found)
    (mean, spread), (mean_now, spread_now) = (
        tuple(each * errors.scale for each in pair) for pair in (before, now)
    )
    return f"mean residual {mean:.3g} to {mean_now:.3g}, spread {spread:.3g} to {spread_now:.3g}"
