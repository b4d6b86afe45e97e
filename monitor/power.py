"""How large a shift the alarm of each kind finds, in the units that people know."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.calibration import Calibrated
from monitor.plan import Plan
from monitor.stats import power
from monitor.stats.panel import ERROR, Panel
from monitor.stats.power import DEVIATIONS, HORIZONS, Shift, Trial
from monitor.types import Kind

DEVIATION, SHARE_OF_ROWS, ERROR_RATE = "sd", "share", "error"
"""Standard deviations of a column, parts of its rows, and error in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Found:
    """The smallest shift that is found, by windows since it began; None where none that was tried is.

    `columns` move: one, or all; `name` is that of the one, empty for the model's own errors.
    """

    name: str
    columns: int
    unit: str
    within: Mapping[int, float | None]


@dataclass(frozen=True, slots=True)
class Power:
    """What one kind finds, from `starts` windows on: one usual column, and all; None for a single column."""

    starts: int
    one: Found
    every: Found | None


def rarity_line(plan: Plan, kind: Kind) -> float:
    """The log10 of windows by chance at which the kind's alarm opens."""
    return float(np.log10(plan.budgets[kind] * plan.parts_of(kind) / plan.window_days))


def power_of(plan: Plan, kind: Kind, calibrated: Calibrated, panel: Panel) -> Power:
    """Shift the windows of the reference's panel, and see what the calibrated kind makes of them."""
    trial = Trial(calibrated.calibration, panel, rarity_line(plan, kind))
    layout, values = trial.calibration.layout, trial.values
    column = power.usual_column(trial.calibration, values)
    one = _found(trial, power.one_column(layout, values, column), calibrated.columns[column])
    every = power.all_columns(layout, values)
    several = np.count_nonzero(every.weights) > 1
    return Power(trial.starts, one, _found(trial, every, "") if several else None)


def _found(trial: Trial, shift: Shift, name: str) -> Found:
    unit = ERROR_RATE if (trial.calibration.layout.group == ERROR).any() else SHARE_OF_ROWS
    unit = DEVIATION if shift.sizes is DEVIATIONS else unit
    columns = int(np.count_nonzero(shift.weights))
    return Found(name, columns, unit, dict(zip(HORIZONS, trial.smallest(shift), strict=True)))
