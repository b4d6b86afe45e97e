"""Worlds A to G: fifty numeric columns in 48 bins, with seasons, slow swings and correlated rows, or without.

A world is one deployment. Its windows come in the order in which they are asked for, and the same seed gives
the same rows always.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

COLUMNS = 50
BINS = 48
EDGES = np.linspace(-4.2, 4.2, BINS + 1)
SHARED_SWING = 0.3
"""How much of the swings' variance all columns share."""
FEWEST_ROWS = 30
SHIFTS = ("sparse", "dense", "scale", "ramp")


@dataclass(frozen=True, slots=True)
class Clock:
    """How long windows are: so many a day; the first `warm` ones of a stretch are not judged."""

    per_day: int
    warm: int

    @property
    def month(self) -> int:
        """Windows in 30 days."""
        return 30 * self.per_day

    @property
    def week(self) -> int:
        """Windows in 7 days."""
        return 7 * self.per_day

    @property
    def days(self) -> float:
        """The length of a window."""
        return 1 / self.per_day

    def hours(self, windows: Whole) -> Floats:
        """The hour in the middle of these windows, which are numbered from a Monday's first."""
        return (windows % self.per_day + 0.5) * 24 / self.per_day

    def weekdays(self, windows: Whole) -> Whole:
        """0 is Monday."""
        return windows // self.per_day % 7


HOURLY = Clock(24, 72)
DAILY = Clock(1, 14)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens without any drift.

    `season`: height of the day's wave and of the weekend's step. `swing`: deviation of the autocorrelated
    location, whose correlation of neighbours is `persistence`. `traffic`: how far the rows per window vary
    over a day. `correlated`: correlation of the columns within a row.
    """

    season: float = 0.0
    swing: float = 0.0
    persistence: float = 0.9
    traffic: float = 0.0
    correlated: float = 0.0


SCENARIOS = {
    "A": Scenario(),
    "B": Scenario(season=0.3, traffic=0.6),
    "C": Scenario(swing=0.05),
    "D": Scenario(season=0.3, traffic=0.6, swing=0.05),
    "E": Scenario(season=0.3, traffic=0.6, swing=0.05, persistence=0.98),
    "F": Scenario(season=0.3, traffic=0.6, swing=0.05, correlated=0.5),
    "G": Scenario(correlated=0.5),
}


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """What is added to each column's location (t, k), and what its deviation is multiplied by (t, k)."""

    location: Floats
    deviation: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Windows from number `first` on: their rows (t,), and the counts (t, k, 48) of all columns."""

    first: int
    rows: Whole
    counts: Whole

    @property
    def windows(self) -> Whole:
        """Their numbers."""
        return self.first + np.arange(len(self.rows))


class World:
    """One deployment: `rows` per window, all randomness from `seed`."""

    def __init__(self, scenario: Scenario, rows: int, clock: Clock, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self._scenario, self._rows, self._clock = scenario, rows, clock
        self._phase = self.random.uniform(0, 2 * np.pi, COLUMNS)
        self._weekend = self.random.normal(0, 0.5, COLUMNS)
        self._sign = self.random.choice([-1.0, 1.0], COLUMNS)
        self._together = self.random.normal()
        self._apart = self.random.normal(size=COLUMNS)
        self._now = 0

    def shift(self, kind: str, windows: int) -> Shift:
        """A shift that begins after the windows that are not judged; which columns it hits is random."""
        clock, chosen = self._clock, self.random.permutation(COLUMNS)
        since = np.arange(windows) - clock.warm
        on = (since >= 0).astype(float)[:, None]
        location, deviation = np.zeros((windows, COLUMNS)), np.ones((windows, COLUMNS))
        if kind == "sparse":
            location[:, chosen[:2]] += 0.25 * on
        elif kind == "dense":
            location += 0.05 * self.random.choice([-1, 1], COLUMNS) * on
        elif kind == "scale":
            deviation[:, chosen[:5]] += 0.2 * on
        else:
            location[:, chosen[:5]] += 0.4 * np.clip(since / clock.week, 0, 1)[:, None]
        return Shift(location, deviation)

    def draw(self, windows: int, shift: Shift | None = None) -> Stretch:
        """The next windows."""
        first, self._now = self._now, self._now + windows
        numbers = first + np.arange(windows)
        location, deviation = self._location(numbers), np.ones((windows, COLUMNS))
        if shift is not None:
            location, deviation = location + shift.location, deviation * shift.deviation
        rows = self._traffic(numbers)
        if self._scenario.correlated:
            return Stretch(first, rows, self._rows_counted(rows, location, deviation))
        return Stretch(first, rows, self.random.multinomial(rows[:, None], _shares(location, deviation)))

    def _location(self, numbers: Whole) -> Floats:
        found = np.zeros((len(numbers), COLUMNS))
        season, clock = self._scenario.season, self._clock
        if season:
            angle = 2 * np.pi * (numbers % clock.per_day)[:, None] / 24
            wave = np.sin(angle + self._phase) * (clock.per_day > 1)
            found += season * (wave + self._weekend * (clock.weekdays(numbers) >= 5).astype(float)[:, None])
        if self._scenario.swing:
            found += self._swings(len(numbers))
        return found

    def _swings(self, windows: int) -> Floats:
        stays = self._scenario.persistence
        comes = np.sqrt(1 - stays**2)
        news = self.random.normal(size=(windows, 1 + COLUMNS))
        found = np.zeros((windows, COLUMNS))
        for place, new in enumerate(news):
            self._together = stays * self._together + comes * new[0]
            self._apart = stays * self._apart + comes * new[1:]
            shared = np.sqrt(SHARED_SWING) * self._together * self._sign
            found[place] = self._scenario.swing * (shared + np.sqrt(1 - SHARED_SWING) * self._apart)
        return found

    def _traffic(self, numbers: Whole) -> Whole:
        if not self._scenario.traffic:
            return np.full(len(numbers), self._rows)
        wave = np.sin(2 * np.pi * (numbers % self._clock.per_day - 9) / 24)
        rows = np.round(self._rows * (1 + self._scenario.traffic * wave))
        return np.maximum(FEWEST_ROWS, rows).astype(int)

    def _rows_counted(self, rows: Whole, location: Floats, deviation: Floats) -> Whole:
        """Counts of rows whose columns are correlated, row by row."""
        shared, width = self._scenario.correlated, EDGES[1] - EDGES[0]
        found = np.zeros((len(rows), COLUMNS, BINS), int)
        offset = (np.arange(COLUMNS) * BINS)[None]
        for place, size in enumerate(rows.tolist()):
            common = np.sqrt(shared) * self.random.normal(size=(size, 1)) * self._sign
            values = common + np.sqrt(1 - shared) * self.random.normal(size=(size, COLUMNS))
            values = location[place] + deviation[place] * values
            bins = np.clip(((values - EDGES[0]) / width).astype(int), 0, BINS - 1) + offset
            found[place] = np.bincount(bins.ravel(), minlength=COLUMNS * BINS).reshape(COLUMNS, BINS)
        return found


def _shares(location: Floats, deviation: Floats) -> Floats:
    """Of each bin, the outer ones open: float64 (t, k, 48)."""
    below = special.ndtr((EDGES[None, None, 1:-1] - location[..., None]) / deviation[..., None])
    ends = np.zeros((*location.shape, 1))
    shares = np.clip(np.diff(np.concatenate([ends, below, ends + 1], -1), axis=-1), 0, 1)
    found: Floats = shares / shares.sum(-1, keepdims=True)
    return found


def deployment(world: World, clock: Clock, weeks: int, days: int) -> list[Stretch]:
    """The reference, a stable stretch, then a week of each shift, in this order."""
    stretches = [world.draw(weeks * clock.week), world.draw(days * clock.per_day)]
    for kind in SHIFTS:
        windows = clock.warm + clock.week
        shift = world.shift(kind, windows)
        stretches.append(world.draw(windows, shift))
    return stretches
