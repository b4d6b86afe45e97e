"""Windows of the past become calibrations, kind by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.calibration import Calibrated, Calibrations
from monitor.panels import panel_of, read_rows, segments_of
from monitor.plan import Plan
from monitor.profile import StoredProfile
from monitor.state import Reading
from monitor.stats import replay
from monitor.stats.panel import Panel
from monitor.types import Kind, Window

FEWEST_WINDOWS = 10
"""Of fewer windows nothing is replayed: two-sample nulls judge instead, and no budget is promised."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One window of the past: its profile, and by kind that reads labels what calibration reads of it.

    `open`: the kinds whose alarm was open after it.
    """

    window: Window
    profile: StoredProfile
    labels: Mapping[Kind, Reading] = field(default_factory=dict)
    open: frozenset[Kind] = frozenset()


def calibrated(plan: Plan, pasts: Sequence[Past], excesses: Mapping[tuple[str, str], float]) -> Calibrations:
    """Every kind with windows enough, replayed on those without an open alarm; the others say why not.

    `excesses`: how far the lines of single statistics are above two-sample ones.
    """
    kinds: dict[Kind, Calibrated] = {}
    why_not: dict[Kind, str] = {}
    for kind in plan.panels.columns:
        found = calibrated_kind(plan, pasts, kind)
        if isinstance(found, str):
            why_not[kind] = found
        else:
            kinds[kind] = found
    usable = {key: excess for key, excess in excesses.items() if kinds or not key[0]}
    return Calibrations(kinds, usable, why_not, _most(pasts))


def _most(pasts: Sequence[Past]) -> dict[str, float]:
    """By column the largest share that one cell had in any window."""
    found: dict[str, float] = {}
    for past in pasts:
        for name, column in past.profile.columns.items():
            observed = int(column.cells.sum())
            if observed:
                found[name] = max(found.get(name, 0.0), float(column.cells.max()) / observed)
    return found


def calibrated_kind(plan: Plan, pasts: Sequence[Past], kind: Kind) -> Calibrated | str:
    """One kind, replayed; the reason why not where there are too few windows."""
    read = judged(plan, pasts, kind)
    if len(read) < FEWEST_WINDOWS:
        return f"{len(read)} windows of the reference can be judged, fewer than {FEWEST_WINDOWS}"
    how = replay.settings(plan.window_days, plan.seasons, len(read))
    found = replay.calibrate(panel(plan, kind, read), plan.panels.layouts[kind], how, plan.window_days)
    return Calibrated(plan.panels.columns[kind], found, tuple(window.key for window, _ in read))


def judged(plan: Plan, pasts: Sequence[Past], kind: Kind) -> list[tuple[Window, Reading]]:
    """The windows without an open alarm in which one kind can be judged, and what is read of them."""
    calm = [past for past in pasts if kind not in past.open]
    return [(past.window, reading) for past in calm if (reading := reading_of(plan, past, kind)) is not None]


def panel(plan: Plan, kind: Kind, read: Sequence[tuple[Window, Reading]]) -> Panel:
    """The same as arrays; at least one window."""
    windows = [window for window, _ in read]
    readings = [reading for _, reading in read]
    return panel_of(plan.panels.layouts[kind], readings, windows, plan.zone, segments_of(windows))


def reading_of(plan: Plan, past: Past, kind: Kind) -> Reading | None:
    """What calibration reads of one kind in one window of the past."""
    return past.labels.get(kind) or read_rows(plan.panels, past.profile, kind)
