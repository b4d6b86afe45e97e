"""Lines that the model file fixes, held against the reference: how often its own windows reach them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.alarms import CLOSES_AFTER_WINDOWS
from monitor.config.schema import DetectorConfig, ModelConfig
from monitor.history import History
from monitor.panels import segments_of
from monitor.plan import Plan, Test
from monitor.promises import MONTH
from monitor.stats import tails
from monitor.stats.panel import Flags
from monitor.types import Kind

HUNDRED = 100.0
"""Without time the budget counts so many windows instead of days."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How often windows of the reference reach one entry's line, with the columns of one kind.

    `entry`: its place in the model file's `detectors`. `columns`: those that do, the most often first.
    `alarms`, `budget`: per 30 days, per 100 windows where there is no time.
    """

    entry: int
    kind: Kind
    detector: str
    line: float
    columns: tuple[str, ...]
    reached: int
    windows: int
    alarms: float
    budget: float
    timed: bool

    def __str__(self) -> str:
        """What a person is told."""
        more = len(self.columns) - 1
        others = f" or of {more} more column{'s' if more > 1 else ''}" if more else ""
        period = "30 days" if self.timed else "100 windows"
        return (
            f"{self.detector} of {self.columns[0]!r}{others} reaches {self.line:g} in {self.reached} of "
            f"{self.windows} windows of the reference: about {self.alarms:.2g} alarms per {period}, "
            f"the budget of {self.kind} is {self.budget:.2g}"
        )


def over_budget(config: ModelConfig, plan: Plan, history: History) -> Iterator[Reached]:
    """The entries whose fixed line alone would spend more than the budget of a kind."""
    for number, entry in enumerate(config.detectors):
        if not isinstance(entry, DetectorConfig) or entry.threshold is None:
            continue
        tests = [test for test in plan.tests if test.fixed is not None and _entry_of(config, test) == number]
        for kind in plan.budgets:
            mine = [test for test in tests if test.kind is kind]
            found = _reached(plan, history, number, mine) if mine and history.measured else None
            if found is not None and found.alarms > found.budget:
                yield found


def _entry_of(config: ModelConfig, test: Test) -> int:
    """The last entry that sets this test: it is the one that holds."""
    return max(
        (
            number
            for number, entry in enumerate(config.detectors)
            if isinstance(entry, DetectorConfig) and entry.detector == test.detector.token
            if test.column.name in entry.columns or "*" in entry.columns
        ),
        default=-1,
    )


def _reached(plan: Plan, history: History, entry: int, tests: Sequence[Test]) -> Reached:
    names = [test.column.name for test in tests]
    line = float(tests[0].fixed or 0.0)
    values = np.stack([history.fixed[test.column.name, test.detector.token] for test in tests])
    hits: Flags = np.asarray(values >= line)
    often = np.argsort(-hits.sum(axis=1), kind="stable").tolist()
    hit: Flags = np.asarray(hits.any(axis=0))
    alarms = _alarms(plan, history, hit)
    period = MONTH if plan.calendar is not None else HUNDRED
    return Reached(
        entry,
        tests[0].kind,
        tests[0].detector.token,
        line,
        tuple(names[number] for number in often if hits[number].any()) or tuple(names[:1]),
        int(hit.sum()),
        len(history.measured),
        alarms * period,
        plan.counted * period / plan.budgets[tests[0].kind],
        plan.calendar is not None,
    )


def _alarms(plan: Plan, history: History, hit: Flags) -> float:
    """Alarms per day, windows where there is no time, as the budget counts them.

    Each counts the days that it is open at least, and none is open longer than the reference is.
    """
    apart = max(1, round(1 / plan.window_days)) if plan.calendar is not None else CLOSES_AFTER_WINDOWS
    peaks = tails.peaks(hit.astype(np.float64), 0.5, apart, segments_of(history.measured))
    days = len(hit) * plan.window_days
    return min(len(peaks) * plan.counted, max(days, len(peaks))) / days
