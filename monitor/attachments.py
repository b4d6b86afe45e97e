"""What is kept beside the counts of a reference: learned from it once, under one name each."""

from collections.abc import Mapping
from typing import Any, Protocol

from monitor import calibration_sampling, label_delays, loss_learning, relation_learning, rolling
from monitor.calibrating import calibrated
from monitor.calibration import Calibrations
from monitor.calibration_rows import CalibrationRows
from monitor.delays import Delays
from monitor.estimators import Estimators
from monitor.history import History
from monitor.losses import LossEstimator
from monitor.panels import Panels
from monitor.plan import Plan
from monitor.relations import Relation
from monitor.sources.base import Interval, Source

PAIRS = "pairs"
"""The pairs of columns whose correlation is watched."""
CALIBRATION = "calibration"
"""What its windows taught."""
ESTIMATORS, LOSSES = "estimators", "losses"
"""What estimates shares, performance and errors without labels."""
CALIBRATION_ROWS = "calibration rows"
"""What is weighted to calibrate probabilities for one window."""
RELATION = "relation"
"""How its labels depend on its features."""
DELAYS = "delays"
"""How late its labels came."""
PAST = "past"
"""The windows themselves, of a rolling one."""


class _Record(Protocol):
    def to_bytes(self) -> bytes: ...


def learned(
    plan: Plan, source: Source, interval: Interval | None, past: History, *, weighted: bool
) -> dict[str, bytes]:
    """Everything that the windows of the reference and its labelled rows teach.

    `weighted`: keep rows for calibration by weight, too.
    """
    windows = [each.window for each in past.windows]
    parts: dict[str, _Record | None] = {
        ESTIMATORS: past.estimators,
        LOSSES: loss_learning.learn(plan, source, interval),
        RELATION: relation_learning.learn(plan, source, interval, windows),
        DELAYS: label_delays.read(plan, source, interval, windows),
    }
    if weighted:
        parts[CALIBRATION_ROWS] = calibration_sampling.draw(plan, past.estimators, source, interval)
    found = {name: each.to_bytes() for name, each in parts.items() if each is not None}
    found[CALIBRATION] = calibrated(plan, past.windows, past.excesses).to_bytes()
    if plan.keep is not None:
        found[PAST] = rolling.to_bytes(past.windows)
    return found


def read(attached: Mapping[str, bytes], panels: Panels) -> dict[str, Any]:
    """The fields of a plan that were learned."""
    stored = attached.get(CALIBRATION)
    readers = {
        "estimators": (ESTIMATORS, Estimators.from_bytes),
        "losses": (LOSSES, LossEstimator.from_bytes),
        "calibration_rows": (CALIBRATION_ROWS, CalibrationRows.from_bytes),
        "relation": (RELATION, Relation.from_bytes),
        "delays": (DELAYS, Delays.from_bytes),
        "past": (PAST, rolling.from_bytes),
    }
    found: dict[str, Any] = {
        field: reader(attached[name]) for field, (name, reader) in readers.items() if name in attached
    }
    found["calibrations"] = Calibrations.from_bytes(stored, panels.layouts) if stored else Calibrations()
    return found
