"""Calibrated statistics of one kind, window after window, become decisions and one alarm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import numpy as np
from scipy import special

from monitor import alarms, verdicts
from monitor.calibration import Calibrated, Standing, fresh, pack_standing, unpack_standing
from monitor.naming import Named, correlation_of, named
from monitor.panels import gap, panel_of
from monitor.plan import Plan
from monitor.state import Reading
from monitor.stats import channels, judge, materiality, replay
from monitor.stats.effects import MinimumEffect
from monitor.stats.judge import Memory
from monitor.stats.materiality import Pool, Seen
from monitor.stats.panel import CORRELATION, Floats, Index, Layout
from monitor.types import AlarmState, Decision, Kind, Window
from monitor.verdicts import Found
from monitor.windows import micros, moment

NAMED_BEYOND = 0.01
"""A column is named whose own evidence chance gives to any column with at most this probability."""
DENSE_NAMED = 3
"""How many columns are named where all moved together and none stands out."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One window on its way to a decision.

    `own`: what it decides by itself, without calibration. `reading`: what calibration reads of it; None
    where nothing is known. `words`: of a column, what moved, from what to what.
    """

    window: Window
    own: Decision
    reading: Reading | None
    tick: datetime
    words: Callable[[str], str]


Step: TypeAlias = tuple[Decision, AlarmState]
"""The decision on one window, and the alarm's memory after it."""


def advance(
    plan: Plan, kind: Kind, alarm: AlarmState, memory: bytes, windows: Sequence[Heard]
) -> tuple[list[Step], bytes]:
    """Take the windows of one kind in time order, and what the last one leaves to the next.

    On closing, at gaps, and after each window of a planned event the memory of the statistics restarts.
    """
    calibrated = plan.calibrated(kind)
    if calibrated is not None:
        return _Walk(plan, kind, calibrated).take(alarm, memory, windows)
    steps = []
    for each in windows:
        steps.append(_step(plan, alarm, each, each.own))
        alarm = steps[-1][1]
    return steps, b""


def _step(plan: Plan, alarm: AlarmState, each: Heard, decision: Decision) -> Step:
    """The decision on a window and the alarm after it; a planned event only notes what would open one."""
    event = plan.event_in(each.window)
    if event is None:
        return decision, alarms.advance(alarm, each.window, decision, each.tick)
    return alarms.noted(alarm, decision, event.reason), alarms.passed(alarm, each.window)


class _Walk:
    """The windows of one kind on their way: scores of a whole stretch at once, alarms one by one."""

    def __init__(self, plan: Plan, kind: Kind, calibrated: Calibrated) -> None:
        self.plan, self.kind, self.names = plan, kind, calibrated.columns
        self.calibration = calibrated.calibration
        self.layout = self.calibration.layout
        self.keep = 1 - min(level.rate for level in self.calibration.judge.levels)

    def take(self, alarm: AlarmState, memory: bytes, windows: Sequence[Heard]) -> tuple[list[Step], bytes]:
        """Decide on each window; one of which nothing is known leaves the memory as it was."""
        standing = unpack_standing(memory, self.calibration)
        steps: list[Step] = []
        stretch: _Stretch | None = None
        for number, each in enumerate(windows):
            decision = each.own
            if each.reading is not None:
                if gap(standing.last, each.window):
                    standing, stretch = fresh(self.calibration), None
                stretch = stretch or self._stretch(standing, windows[number:])
                decision, pool, began = stretch.next(each, standing)
                standing = replace(standing, pool=pool, began=began, last=each.window.end)
            before = alarm
            decision, alarm = _step(self.plan, alarm, each, decision)
            if (before.open and not alarm.open) or self.plan.event_in(each.window) is not None:
                standing, stretch = replace(fresh(self.calibration), last=each.window.end), None
            steps.append((decision, alarm))
        if stretch is not None:
            standing = replace(standing, memory=stretch.memory)
        return steps, pack_standing(standing)

    def _stretch(self, standing: Standing, rest: Sequence[Heard]) -> "_Stretch":
        """The windows from here to the next gap, scored."""
        found: list[Heard] = []
        for each in rest:
            if each.reading is None:
                continue
            if found and gap(found[-1].window.end, each.window):
                break
            found.append(each)
        return _Stretch(self, standing.memory, found)

    def found(self, each: Heard, rarity: float, alone: float, moved: "_Moved") -> Decision:
        """What the calibrated statistics of one window say, beside what the window decides by itself."""
        plan, budget = self.plan, self.plan.budgets[self.kind]
        days = plan.days_of(self.kind, rarity)
        quiet = not verdicts.significant(plan.days_of(self.kind, alone), budget)
        said = Found(days, quiet=quiet)
        if verdicts.significant(days, budget):
            material = moved.material(self.layout, plan.minimum)
            named = self._named(each, moved)
            began = self._began(each.window, moved)
            said = Found(days, quiet, material, named.columns, named.words, named.more, began)
        return verdicts.joined(each.own, said, budget, timed=plan.calendar is not None)

    def _began(self, window: Window, moved: "_Moved") -> datetime | None:
        """When the column that moved most surely began to, where that was before this window."""
        first = int(moved.began[moved.columns(self.layout, self.plan.minimum)[0]])
        return moment(first) if 0 < first < _start(window) else None

    def _named(self, each: Heard, moved: "_Moved") -> Named:
        """The columns that moved, as they are called."""
        numbers = {self.names[number]: number for number in moved.columns(self.layout, self.plan.minimum)}
        watched = self.plan.panels.pair_columns if self.kind is Kind.COVARIATE else {}

        def correlation(name: str) -> tuple[float, float] | None:
            return correlation_of(self.layout, moved.pool, moved.window, numbers[name])

        return named(list(numbers), watched, correlation, each.words)


def _start(window: Window) -> int:
    """In microseconds; 0 of a window without time, which tells no onset."""
    return micros(window.start) if window.start is not None else 0


class _Stretch:
    """Windows between which memory lasts, scored together; `memory` is after the last of them."""

    def __init__(self, walk: _Walk, memory: Memory, windows: Sequence[Heard]) -> None:
        readings = [each.reading for each in windows if each.reading is not None]
        segments = np.zeros(len(readings), np.int64)
        calibration = walk.calibration
        spans = [each.window for each in windows]
        self.walk = walk
        self.panel = panel_of(walk.layout, readings, spans, walk.plan.zone, segments)
        self.residuals = replay.residuals_of(calibration, self.panel)
        scores = channels.scores(walk.layout, self.residuals, calibration.judge.scales)
        self.averages, self.memory = judge.follow(calibration.judge, scores, segments, memory)
        self.said = replay.say(calibration, self.averages)
        self.place = 0

    def next(self, heard: Heard, standing: Standing) -> tuple[Decision, Pool, Index]:
        """The decision on the next window, and what has begun to move after it, and when."""
        place, walk = self.place, self.walk
        layout = walk.layout
        self.place += 1
        window = materiality.seen(layout, self.residuals, self.panel.values, place)
        pool = materiality.add(standing.pool, layout, self.panel.rows[place], window, walk.keep)
        moving = materiality.moving(layout, self.averages, place)
        began = np.where(moving, np.where(standing.began > 0, standing.began, _start(heard.window)), 0)
        decision = heard.own
        if self.panel.rows[place].any():
            moved = _Moved(pool, window, began, *self._leading(place))
            rarity, alone = float(self.said.rarity[place]), float(self.said.alone[place])
            decision = walk.found(heard, rarity, alone, moved)
        return decision, materiality.restarted(pool, layout, ~moving), began

    def _leading(self, place: int) -> tuple[Floats, Index | None]:
        """How far each channel moved at the memory that led, and the channels that led together, if any."""
        said = self.walk.calibration.judge
        level, which = divmod(int(self.said.leading[place]), judge.per_level(said))
        at = self.averages[level][place : place + 1]
        whitened = [group.channels for group in said.groups if group.whitening is not None]
        evidence = judge.channel_evidence(self.walk.layout, said.groups, at)[0]
        return evidence, whitened[which - 1] if which else None


@dataclass(frozen=True, slots=True, eq=False)
class _Moved:
    """What moved in one window: sizes since it began, evidence (z,) by channel.

    `began`: (k,), when each column began to move, in microseconds, 0 where it did not. `led`: the channels
    that were surest together; None where one was by itself.
    """

    pool: Pool
    window: Seen
    began: Index
    evidence: Floats
    led: Index | None

    def material(self, layout: Layout, minimum: MinimumEffect) -> bool:
        """Whether a column moved far enough, or all of them together did."""
        found = materiality.sizes(self.pool, layout, self.window)
        if materiality.material(found, layout, minimum).any():
            return True
        if self.led is None or (layout.group[self.led] == CORRELATION).any():
            return False
        return materiality.together(found, layout, minimum)

    def columns(self, layout: Layout, minimum: MinimumEffect) -> list[int]:
        """Columns that moved, the surest first: material ones, then those that stand out; at least one."""
        evidence = materiality.by_column(layout, self.evidence)
        ranked: list[int] = np.argsort(-evidence, kind="stable").tolist()
        line = -float(special.ndtri(NAMED_BEYOND / len(self.evidence)))
        beyond = [number for number in ranked if evidence[number] >= line]
        if not beyond:
            return ranked[:1] if self.led is None else self._together(layout, self.led)[:DENSE_NAMED]
        far = materiality.material(materiality.sizes(self.pool, layout, self.window), layout, minimum)
        return [number for number in beyond if far[number]] or beyond

    def _together(self, layout: Layout, led: Index) -> list[int]:
        """The columns of these channels, the surest first."""
        alone = np.full(len(self.evidence), -np.inf)
        alone[led] = self.evidence[led]
        ranked: list[int] = np.argsort(-materiality.by_column(layout, alone), kind="stable").tolist()
        return ranked[: len({*layout.channel_column[led].tolist()})]
