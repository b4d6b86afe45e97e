"""Columns of many kinds: how the rows of a window fall into fine bins, or categories.

Every window of every column is one multinomial draw with exact probabilities, as if its rows were drawn one
by one. The bins are the reference's quantiles, four times coarser than those of the monitor, with tails that
halve down to one row as there; values with mass of their own have a bin of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from deployments import Column
from scipy import signal, special, stats
from worlds import FEWEST_ROWS, HOURLY, SHARED_SWING, SHIFTS, Clock, Floats, Whole

MARGINALS = (
    "normal",
    "heavy tails",
    "log-normal",
    "many zeros",
    "counts",
    "5 levels",
    "50 levels",
    "500 levels",
    "mixed",
)
MIXED = MARGINALS[:-1]
BINS = 64
HALVINGS = 8
TAIL_FREEDOM = 3
ZEROS = 0.6
MEAN_COUNT = 4.0
KEPT_LEVELS = 60
"""Rarer categories are pooled before they are drawn."""
SEASON, SWING, PERSISTENCE, TRAFFIC = 0.3, 0.05, 0.9, 0.6
AFFORDABLE = 50
"""Columns above which a cell has fewer deployments and days."""


@dataclass(frozen=True, slots=True)
class Design:
    """One cell: columns of this marginal, so many of them, and what happens to them without drift."""

    marginal: str
    columns: int
    rows: int
    swings: bool
    season: bool
    clock: Clock
    weeks: int

    @property
    def name(self) -> str:
        """What the table calls it."""
        words = [f"{self.columns:,} columns", f"{self.rows:,} rows"]
        words += ["swings"] * self.swings + ["season"] * self.season
        length = "hourly" if self.clock == HOURLY else "daily"
        return ", ".join([self.marginal, *words, f"{length} {self.weeks} wk"])

    @property
    def effort(self) -> float:
        """What part of the deployments is made."""
        return 0.1 if self.columns > 200 else 0.2 if self.columns > AFFORDABLE else 0.5

    @property
    def days(self) -> int:
        """Length of the stable stretch."""
        if self.clock != HOURLY:
            return 300
        return 90 if self.columns <= AFFORDABLE else 45


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A deployment: the reference, a stable stretch and the shifts; columns are drawn as they are read."""

    columns: Iterator[Column]
    rows: Sequence[Whole]
    firsts: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Of all windows: location and deviation of each column (t, k), rows (t,), and where stretches begin."""

    location: Floats
    deviation: Floats
    rows: Whole
    starts: Sequence[int]


def draw(design: Design, seed: int, days: int) -> Drawn:
    """A deployment whose stable stretch has so many days."""
    random = np.random.default_rng(seed)
    paths = _paths(design, random, days)
    stretches = np.split(np.arange(len(paths.rows)), paths.starts[1:])
    return Drawn(
        _columns(design, paths, stretches, random),
        [paths.rows[each] for each in stretches],
        list(paths.starts),
    )


def _columns(
    design: Design, paths: Paths, stretches: Sequence[Whole], random: np.random.Generator
) -> Iterator[Column]:
    for number in range(design.columns):
        kind = MIXED[number % len(MIXED)] if design.marginal == "mixed" else design.marginal
        shares = _shares(kind, paths.location[:, number], paths.deviation[:, number], random)
        counts = random.multinomial(paths.rows, shares)
        yield Column(not kind.endswith("levels"), [counts[each] for each in stretches])


def _paths(design: Design, random: np.random.Generator, days: int) -> Paths:
    clock, columns = design.clock, design.columns
    lengths = [design.weeks * clock.week, days * clock.per_day]
    lengths += [clock.warm + clock.week] * len(SHIFTS)
    windows = np.arange(sum(lengths))
    starts = (np.cumsum(lengths) - lengths).tolist()
    location, deviation = np.zeros((len(windows), columns)), np.ones((len(windows), columns))
    if design.season:
        location += _season(windows, clock, columns, random)
    if design.swings:
        location += _swings(len(windows), columns, random)
    for kind, first in zip(SHIFTS, starts[2:], strict=True):
        since = np.arange(clock.week)
        here = first + clock.warm + since
        added, factor = _shift(kind, columns, since / clock.week, random)
        location[here] += added
        deviation[here] *= factor
    rows = np.full(len(windows), design.rows)
    if design.season and clock == HOURLY:
        wave = 1 + TRAFFIC * np.sin(2 * np.pi * (clock.hours(windows) - 9) / 24)
        rows = np.maximum(FEWEST_ROWS, np.round(design.rows * wave)).astype(np.int64)
    return Paths(location, deviation, rows, starts)


def _season(windows: Whole, clock: Clock, columns: int, random: np.random.Generator) -> Floats:
    """A wave of the day, which windows of a day do not see, and a step at the weekend."""
    phase, step = random.uniform(0, 2 * np.pi, columns), random.normal(0, 0.5, columns)
    wave = np.sin(2 * np.pi * clock.hours(windows)[:, None] / 24 + phase) * (clock == HOURLY)
    found: Floats = SEASON * (wave + step * (clock.weekdays(windows) >= 5)[:, None])
    return found


def _swings(windows: int, columns: int, random: np.random.Generator) -> Floats:
    """Autoregressive paths, in part shared by all columns."""
    sign = random.choice([-1.0, 1.0], columns)
    start = random.normal(size=1 + columns)
    news = np.sqrt(1 - PERSISTENCE**2) * random.normal(size=(windows, 1 + columns))
    paths, _ = signal.lfilter([1.0], [1.0, -PERSISTENCE], news, axis=0, zi=PERSISTENCE * start[None])
    together = np.sqrt(SHARED_SWING) * paths[:, :1] * sign
    found: Floats = SWING * (together + np.sqrt(1 - SHARED_SWING) * paths[:, 1:])
    return found


def _shift(kind: str, columns: int, week: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """What is added and multiplied in the week of a shift: of two columns, of all, of a tenth twice."""
    chosen = random.permutation(columns)
    few, tenth = chosen[: min(2, columns)], chosen[: max(1, columns // 10)]
    added, factor = np.zeros((len(week), columns)), np.ones((len(week), columns))
    if kind == "sparse":
        added[:, few] = 0.25
    elif kind == "dense":
        added += 0.05 * random.choice([-1, 1], columns)
    elif kind == "scale":
        factor[:, tenth] = 1.2
    else:
        added[:, tenth] = 0.4 * week[:, None]
    return added, factor


def _shares(kind: str, location: Floats, deviation: Floats, random: np.random.Generator) -> Floats:
    """Of each fine bin or category in each window, (t, m)."""
    if kind.endswith("levels"):
        found = _levels(int(kind.split(maxsplit=1)[0]), location, deviation, random)
    else:
        below = _below(kind, location[:, None], deviation[:, None])
        ends = np.zeros((len(location), 1))
        found = np.diff(np.concatenate([ends, below, ends + 1], axis=1), axis=1)
    found = np.maximum(found, 0)
    shares: Floats = found / found.sum(axis=1, keepdims=True)
    return shares


def _below(kind: str, location: Floats, deviation: Floats) -> Floats:
    """The distribution at the edges of the fine bins: of 64 parts, and of tails that halve."""
    tail = 2.0 ** -np.arange(1, HALVINGS + 1) / BINS
    parts = np.unique(np.concatenate([tail, np.arange(1, BINS) / BINS, 1 - tail]))
    if kind == "normal":
        return special.ndtr((special.ndtri(parts) - location) / deviation)
    if kind == "heavy tails":
        edges = special.stdtrit(TAIL_FREEDOM, parts)
        return special.stdtr(TAIL_FREEDOM, (edges - location) / deviation)
    if kind == "log-normal":
        values = (np.exp(special.ndtri(parts)) - 1 - location) / deviation
        return special.ndtr(np.log(np.maximum(values + 1, 1e-12)))
    if kind == "many zeros":
        hidden = special.ndtri(np.concatenate([[ZEROS], parts[parts > ZEROS]]))
        return special.ndtr((hidden - location) / deviation)
    counts = np.arange(int(stats.poisson.ppf(1 - 1e-6, MEAN_COUNT)))
    mean = MEAN_COUNT * np.exp(location / np.sqrt(MEAN_COUNT))
    wider = np.broadcast_to(deviation**2, mean.shape)
    several = stats.nbinom.cdf(counts, mean / np.maximum(wider - 1, 1e-9), 1 / np.maximum(wider, 1 + 1e-9))
    return np.where(wider > 1, several, special.pdtr(counts, mean))


def _levels(count: int, location: Floats, deviation: Floats, random: np.random.Generator) -> Floats:
    """Categories with shares like 1 / rank, tilted so that a shift is as visible as of a normal column."""
    base = 1 / np.arange(1, count + 1)
    base /= base.sum()
    first, second = random.normal(size=(2, count))
    first = _standard(first, base)
    second = _standard(second - first * (base * first * second).sum(), base)
    tilt = location[:, None] * first + np.sqrt(2) * np.log(deviation)[:, None] * second
    shares = base * np.exp(tilt)
    if count > KEPT_LEVELS:
        return np.column_stack([shares[:, :KEPT_LEVELS], shares[:, KEPT_LEVELS:].sum(axis=1)])
    return np.column_stack([shares, np.zeros(len(shares))])


def _standard(scores: Floats, weights: Floats) -> Floats:
    centred = scores - weights @ scores
    found: Floats = centred / np.sqrt(weights @ centred**2)
    return found
