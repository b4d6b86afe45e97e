"""How large a shift the alarm finds: replayed windows are shifted from some window on, and judged."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from monitor.stats import channels, judge, replay
from monitor.stats.panel import ERROR, LOCATION, SHARE, Floats, Index, Layout, Panel, arcsine
from monitor.stats.replay import Calibration

HORIZONS = (1, 24, 168)
"""Within so many windows a shift is to be found."""
FOUND = 0.8
"""In this part of the starts."""
MOST_STARTS, FEWEST_STARTS = 20, 5
MOST_VALUES = 3_000_000
"""Values of a panel that are shifted at once, and scores that are followed at once."""
DEVIATIONS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
SHARES = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
"""The sizes that are tried: standard deviations, and points of a share or of error."""
RISING = (SHARE, ERROR)
"""The groups of which only a rise counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """What moves, by how much of each size that is tried.

    `weights` (k,): of each column; 0 does not move. A weight of 1 is one standard deviation where the column
    has a location, else one point of its largest category's share, of its missing rows, or of error.
    """

    weights: Floats
    sizes: tuple[float, ...]


def one_column(layout: Layout, values: Floats, column: int) -> Shift:
    """One column alone; a largest category with more than half of the rows loses, any other gains."""
    share = _largest_share(layout, values)
    crowded = layout.block_column[layout.largest & (share > 0.5)]
    weights = np.zeros(layout.columns)
    weights[column] = -1.0 if column in crowded else 1.0
    return Shift(weights, DEVIATIONS if column in _located(layout) else SHARES)


def all_columns(layout: Layout, values: Floats) -> Shift:
    """Every column, up and down in turn; what can only rise rises, and pairs of columns stay as they are.

    Where there are locations, or several columns of categories, the sizes are standard deviations: of a
    category, of being in it or not.
    """
    signs = np.where(np.arange(layout.columns) % 2 == 0, 1.0, -1.0)
    if np.isin(layout.group, RISING).any():
        return Shift(np.ones(layout.columns), SHARES)
    weights = np.zeros(layout.columns)
    weights[_located(layout)] = 1.0
    share = _largest_share(layout, values)
    named = layout.block_column[layout.largest]
    weights[named] = np.sqrt(share * (1 - share))[layout.largest]
    return Shift(weights * signs, DEVIATIONS)


def usual_column(calibration: Calibration, values: Floats) -> int:
    """The column whose variance between windows is the median one; of those with a location, if any have."""
    layout, scales = calibration.layout, calibration.judge.scales
    at = np.flatnonzero(layout.group == LOCATION)
    if len(at):
        return _median(layout.column[at], scales.between[at] / np.maximum(layout.variance[at], 1e-12))
    at = np.flatnonzero(np.isin(layout.group, RISING))
    if len(at):
        return _median(layout.column[at], scales.between[at])
    share, cells = _largest_share(layout, values), _largest_cells(layout, values)
    between = scales.cell_between[cells] / np.maximum(share * (1 - share), 1e-12)
    return _median(layout.block_column[layout.largest], between[layout.largest])


def _median(columns: Index, variances: Floats) -> int:
    return int(columns[np.argsort(variances, kind="stable")[(len(columns) - 1) // 2]])


def _located(layout: Layout) -> Index:
    found: Index = layout.column[layout.group == LOCATION]
    return found


def _largest_cells(layout: Layout, values: Floats) -> Index:
    """(b,) the cell of each block that holds most rows."""
    means = np.nan_to_num(values[:, layout.contrasts :]).mean(axis=0)
    found = [
        start + int(np.argmax(means[start : start + size]))
        for start, size in zip(layout.starts.tolist(), layout.sizes.tolist(), strict=True)
    ]
    return np.array(found, np.int64)


def _largest_share(layout: Layout, values: Floats) -> Floats:
    """(b,) the mean share of each block's largest cell."""
    cells = _largest_cells(layout, values)
    found: Floats = np.clip(np.nan_to_num(values[:, layout.contrasts + cells]).mean(axis=0), 0.0, 1.0)
    return found


def shifted(layout: Layout, values: Floats, weights: Floats, size: float) -> Floats:
    """The values (t, c + j) of windows in which each column moved by its weight times the size."""
    found = values.copy()
    own = size * weights[layout.column]
    moved = found[:, : layout.contrasts]
    moved += np.where(layout.group == LOCATION, own * np.sqrt(layout.variance), 0.0)
    moved += np.where(layout.group == ERROR, own, 0.0)
    shares = layout.group == SHARE
    moved[:, shares] = arcsine(np.sin(moved[:, shares]) ** 2 + own[shares])
    largest = _largest_cells(layout, values)
    for block in np.flatnonzero(layout.largest & (weights[layout.block_column] != 0)).tolist():
        first = layout.contrasts + int(layout.starts[block])
        cells = found[:, first : first + int(layout.sizes[block])]
        place = int(largest[block] - layout.starts[block])
        _move_category(cells, place, size * float(weights[layout.block_column[block]]))
    return found


def _move_category(cells: Floats, place: int, points: float) -> None:
    """The category at `place` moves, the others make room in proportion; shares stay shares."""
    before = cells[:, place].copy()
    after = np.clip(before + points, 0.0, 1.0)
    rest = 1 - before
    cells *= np.where(rest > 0, (1 - after) / np.where(rest > 0, rest, 1.0), 1.0)[:, None]
    cells[:, place] = after


class Trial:
    """Shifts of one kind, from several windows on, against its line.

    The windows are those of the reference that are under the line, in time order, the first again after the
    last; before its start each shift is preceded by windows that fill the longest memory. `line`: log10 of
    the windows by chance at which an alarm opens.
    """

    def __init__(self, calibration: Calibration, panel: Panel, line: float) -> None:
        layout = calibration.layout
        calm = np.flatnonzero(~(calibration.replayed >= line))
        most = max(FEWEST_STARTS * 10, MOST_VALUES // max(layout.value_column.size, 1))
        self.panel = panel.take((calm if len(calm) else np.arange(len(panel)))[-most:])
        self.calibration, self.line = calibration, line
        self.before = round(1 / min(level.rate for level in calibration.judge.levels))
        length = self.before + HORIZONS[-1]
        many = MOST_VALUES // (length * len(layout.channel_column))
        self.starts = int(min(MOST_STARTS, max(FEWEST_STARTS, many), len(self.panel)))
        first = np.arange(self.starts) * len(self.panel) // self.starts
        self.places = (first[:, None] + np.arange(length)) % len(self.panel)
        self.values: Floats = self.panel.values.astype(np.float64)
        self.plain = self._scores(self.values)

    def _scores(self, values: Floats) -> Floats:
        found = replay.residuals_of(self.calibration, replace(self.panel, values=values))
        return channels.scores(self.calibration.layout, found, self.calibration.judge.scales)

    def smallest(self, shift: Shift) -> tuple[float | None, ...]:
        """By horizon the smallest size that is found; None where not even the largest is."""

        @lru_cache
        def found(size: float) -> Floats:
            return self.found(shift.weights, size)

        def first(number: int) -> float | None:
            place = bisect_left(shift.sizes, FOUND, key=lambda size: found(size)[number])
            return shift.sizes[place] if place < len(shift.sizes) else None

        return tuple(first(number) for number in range(len(HORIZONS)))

    def found(self, weights: Floats, size: float) -> Floats:
        """By horizon the part of the starts in which a shift of this size reaches the line."""
        moved = self._scores(shifted(self.calibration.layout, self.values, weights, size))
        before, after = self.places[:, : self.before], self.places[:, self.before :]
        scores = np.concatenate([self.plain[before], moved[after]], axis=1)
        segments = np.repeat(np.arange(self.starts), scores.shape[1])
        said = self.calibration.judge
        averages, _ = judge.follow(said, scores.reshape(len(segments), -1), segments, judge.nothing(said))
        rarity = replay.say(self.calibration, averages).rarity.reshape(self.starts, -1)[:, self.before :]
        return np.array([(rarity[:, :within] >= self.line).any(axis=1).mean() for within in HORIZONS])
