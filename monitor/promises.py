"""What calibration promises of each kind: the false alarms to expect at its line, and how sure that is."""

import numpy as np

from monitor.calibration import Calibrated
from monitor.plan import Plan
from monitor.stats import tails
from monitor.stats.replay import ENOUGH, FOLD_WINDOWS, FULL_FOLDS, Calibration
from monitor.stats.tails import Tail
from monitor.types import Kind, Promise

MONTH = 30.0
LIMIT = 0.95
"""Confidence of each limit of the false alarms to expect."""
NOT_REPLAYED = "judged as if rows were independent, and no budget is promised"


def promises(plan: Plan) -> tuple[Promise, ...]:
    """By kind, in the order of the budget."""
    return tuple(_promise(plan, kind) for kind in plan.budgets)


def line_of(plan: Plan, kind: Kind, calibrated: Calibrated) -> float:
    """The replayed score from which on the kind's alarm opens."""
    windows = plan.budgets[kind] * plan.parts_of(kind) / plan.window_days
    return calibrated.calibration.guarded.line(windows)


def _promise(plan: Plan, kind: Kind) -> Promise:
    budget = plan.counted * MONTH / plan.budgets[kind] if plan.calendar is not None else None
    calibrated = plan.calibrated(kind)
    if calibrated is None:
        why = plan.calibrations.why_not.get(kind, "nothing of this kind is replayed")
        return Promise(kind, budget, provisional=True, reason=f"{why}: {NOT_REPLAYED}")
    found = calibrated.calibration
    line = line_of(plan, kind, calibrated)
    replayed = int(np.isfinite(found.replayed).sum())
    expected, lower, upper = (
        _per_month(plan, kind, tail, line)
        for tail in (
            found.whole,
            tails.guarded(found.whole, replayed, 1 - LIMIT),
            tails.guarded(found.whole, replayed, LIMIT),
        )
    )
    return Promise(
        kind,
        budget,
        expected if budget is not None else None,
        lower if budget is not None else None,
        upper if budget is not None else None,
        found.effective,
        found.provisional,
        provisional_reason(found),
    )


def _per_month(plan: Plan, kind: Kind, tail: Tail, line: float) -> float:
    """False alarms in 30 days at this line; what is not replayed spends its own part of the budget."""
    days = float(10.0 ** tail.rarity(np.array([line]))[0]) * plan.window_days
    others = (1 - 1 / plan.parts_of(kind)) * plan.counted * MONTH / plan.budgets[kind]
    return plan.counted * MONTH / days + others


def provisional_reason(found: Calibration) -> str:
    """Why a calibration is provisional; empty where it is not."""
    if found.full_folds < FULL_FOLDS:
        return (
            f"{found.windows} windows make {found.full_folds} of the {FULL_FOLDS} folds, "
            f"each of a week and {FOLD_WINDOWS} windows, that are needed"
        )
    if found.effective < ENOUGH:
        return (
            f"{found.windows} autocorrelated windows count as {found.effective:.0f} independent ones; "
            f"{ENOUGH:.0f} are needed"
        )
    return ""
