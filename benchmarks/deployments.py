"""One simulated deployment: its windows summarised and judged by the monitor's own code, then counted."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from worlds import SHIFTS, Clock, Floats, Whole

from monitor.stats import channels, judge, replay
from monitor.stats.bins import (
    CategoricalBins,
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericBins,
    NumericCounts,
    NumericReference,
)
from monitor.stats.distributions import layout_of, summaries_of, values_of
from monitor.stats.panel import Layout, Panel
from monitor.stats.replay import Calibration
from monitor.stats.season import Season
from monitor.stats.summaries import Summarizer, summarizer

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Counts (t, m) of one column in the fine bins or categories, stretch by stretch; the reference first."""

    numeric: bool
    stretches: Sequence[Whole]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scheme did in one deployment.

    `pages` per 30 days and `share` of windows in alarm are of the stable stretch, `delays` are windows until
    the first alarm, infinite for none within a week.
    """

    pages: float
    share: float
    delays: Mapping[str, float]
    effective: float = float("nan")
    provisional: bool = False
    seconds: float = field(default=0.0, compare=False)


def reference_of(column: Column) -> ColumnReference:
    """What the column's reference fixes."""
    total = column.stretches[0].sum(axis=0)
    counts = counts_of(column, total)
    if isinstance(counts, CategoricalCounts):
        names = tuple(f"level {number}" for number in range(len(counts.categories)))
        return CategoricalReference(CategoricalBins(names), counts)
    edges = np.arange(len(total) - 1, dtype=np.float64)
    return NumericReference(NumericBins(edges, np.zeros(len(total), np.int64), 0.0, 1.0, 0.0, 1.0), counts)


def counts_of(column: Column, counts: Whole) -> ColumnCounts:
    """Counts of one window; of categories the last are the pooled rare ones."""
    if column.numeric:
        return NumericCounts(counts)
    return CategoricalCounts(counts[:-1], other=int(counts[-1]))


def summarised(how: Summarizer, counts: Whole) -> Floats:
    """Windows of one column: location and scale where it has them, then cells as shares, float64 (t, v)."""
    weights = [np.eye(how.cells)[how.cell_of]]
    if how.location is not None and how.scale is not None:
        weights.insert(0, np.stack([how.location, how.scale], axis=1))
    found: Floats = counts @ np.concatenate(weights, axis=1) / counts.sum(axis=1, keepdims=True)
    return found


def panels(
    columns: Iterable[Column], rows: Sequence[Whole], firsts: Sequence[int], clock: Clock
) -> tuple[Layout, list[Panel]]:
    """The layout that the reference fixes, and every stretch; columns are read once, one after another."""
    how: list[Summarizer] = []
    pieces: list[list[Floats]] = [[] for _ in rows]
    sample: list[ColumnCounts] = []
    for column in columns:
        how.append(summarizer(reference_of(column)))
        for piece, counts in zip(pieces, column.stretches, strict=True):
            piece.append(summarised(how[-1], counts))
        sample.append(counts_of(column, column.stretches[1][0]))
    layout = layout_of(how)
    found = [
        _panel(_ordered(how, piece), layout.columns, size, first + np.arange(len(size)), clock)
        for piece, size, first in zip(pieces, rows, firsts, strict=True)
    ]
    _, single = values_of(how, summaries_of(how, sample))
    np.testing.assert_allclose(found[1].values[0], single, atol=1e-9)
    return layout, found


def _ordered(how: Sequence[Summarizer], pieces: Sequence[Floats]) -> Floats:
    numeric = [piece for each, piece in zip(how, pieces, strict=True) if each.location is not None]
    cells = [
        piece if each.location is None else piece[:, 2:] for each, piece in zip(how, pieces, strict=True)
    ]
    locations, scales = ([piece[:, [which]] for piece in numeric] for which in (0, 1))
    return np.concatenate([*locations, *scales, *cells], axis=1)


def _panel(values: Floats, columns: int, rows: Whole, windows: Whole, clock: Clock) -> Panel:
    return Panel(
        clock.hours(windows),
        clock.weekdays(windows),
        np.zeros(len(windows), np.int64),
        np.repeat(rows[:, None].astype(float), columns, axis=1),
        values,
    )


def calibrated(layout: Layout, reference: Panel, clock: Clock) -> Calibration:
    """By the settings of the window's length, every season allowed."""
    settings = replay.settings(clock.days, tuple(Season), len(reference))
    return replay.calibrate(reference, layout, settings, clock.days)


def alarms(calibration: Calibration, panel: Panel, budget: float) -> Flags:
    """The windows rarer than one in `budget` windows, (t,)."""
    nothing = judge.nothing(calibration.judge)
    residuals = replay.residuals_of(calibration, panel)
    scores = channels.scores(calibration.layout, residuals, calibration.judge.scales)
    averages, _ = judge.follow(calibration.judge, scores, panel.segments, nothing)
    found: Flags = replay.say(calibration, averages).rarity >= np.log10(budget)
    return found


def judged(columns: Iterable[Column], rows: Sequence[Whole], firsts: Sequence[int], clock: Clock) -> Outcome:
    """Calibrate on the first stretch, watch the second, and look for the shifts of the others."""
    layout, (reference, *watched) = panels(columns, rows, firsts, clock)
    start = time.perf_counter()
    calibration = calibrated(layout, reference, clock)
    seconds = time.perf_counter() - start
    found = [alarms(calibration, each, clock.month) for each in watched]
    return outcome(found, clock, calibration.effective, calibration.provisional, seconds)


def outcome(
    found: Sequence[Flags],
    clock: Clock,
    effective: float = float("nan"),
    provisional: bool = False,
    seconds: float = 0.0,
) -> Outcome:
    """Alarms of the stable stretch, then of each shift, as pages, shares and delays."""
    stable, *shifted = [each[clock.warm :] for each in found]
    months = len(stable) / clock.month
    delays = {kind: delay(each) for kind, each in zip(SHIFTS, shifted, strict=True)}
    return Outcome(
        pages(stable, clock.per_day) / months,
        float(stable.mean()),
        delays,
        effective,
        provisional,
        seconds,
    )


def pages(alarm: Flags, apart: int) -> int:
    """How many alarms had no page in the windows of the 24 hours before.

    >>> pages(np.array([True, True, False, True]), 3)
    2
    """
    found, last = 0, -apart
    for place in np.flatnonzero(alarm).tolist():
        if place - last >= apart:
            found, last = found + 1, place
    return found


def delay(alarm: Flags) -> float:
    """Windows until the first alarm, 1 for the first window."""
    places = np.flatnonzero(alarm)
    return float(places[0] + 1) if len(places) else float("inf")
