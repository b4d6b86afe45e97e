"""From windows to scores that compare across columns, sizes and hours: expectation out, spread out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.stats.panel import Flags, Floats, Index, Layout, Panel
from monitor.stats.season import FoldSums, Season, design, fold_sums

FAR, LOWEST = 8.0, -5.0
"""Where the largest of several counts as the sum of their tails; the least normal score that is told."""
LEAST_SPREAD = 0.02
"""The spread of a block's channel is at least this; by theory that of 20 cells is 0.1."""
LEAST_EXPECTED = 0.002
"""The expected share of a cell is at least this, so that one row in an empty cell is no certainty."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A panel ready for regressions: values (t, v) without NaN, and sums by season and fold."""

    panel: Panel
    values: Floats
    folds: Index
    regressors: Mapping[Season, Floats]
    sums: Mapping[Season, FoldSums]
    hourly: bool

    @property
    def fold_numbers(self) -> range:
        """The folds."""
        return range(int(self.folds.max(initial=0)) + 1)

    def outside(self, fold: int | None) -> Flags:
        """Which windows are in another fold; all for None."""
        return np.ones(len(self.folds), bool) if fold is None else self.folds != fold


def prepare(panel: Panel, folds: Index, seasons: Sequence[Season], *, hourly: bool) -> Prepared:
    """The panel with its regressors; `folds` (t,) numbers contiguous stretches from 0."""
    values = without_gaps(panel.values)
    regressors = {each: design(panel.hours, panel.weekdays, each, hourly=hourly) for each in seasons}
    sums = {season: fold_sums(each, values, folds) for season, each in regressors.items()}
    return Prepared(panel, values, folds, regressors, sums, hourly)


def without_gaps(values: NDArray[np.floating]) -> Floats:
    """The mean of its column where a window has no value: nothing is known to have moved there."""
    absent = np.isnan(values)
    if not absent.any():
        return values.astype(np.float64)
    count = np.maximum((~absent).sum(axis=0), 1)
    means = np.where(absent, 0.0, values).sum(axis=0) / count
    return np.where(absent, means, values)


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Coefficients by season (p, v), and the season (v,) that each value follows."""

    coefficients: Mapping[Season, Floats]
    season: Index

    def at(self, hours: Floats, weekdays: Index, *, hourly: bool) -> Floats:
        """What is expected at these positions, float64 (t, v)."""
        found = np.zeros((len(hours), len(self.season)))
        for season, coefficients in self.coefficients.items():
            mine = self.season == season
            regressors = design(hours, weekdays, season, hourly=hourly)
            found[:, mine] = regressors @ coefficients[:, mine]
        return found


def held_out(prepared: Prepared, layout: Layout, without: int | None) -> tuple[Floats, Index]:
    """What the other folds expect of each fold, float64 (t, v), and the season that each value follows.

    The fold `without` is left out everywhere; its own rows stay 0. A column follows the season whose
    expectation errs least in the folds that it has not seen, over all of the column's values.
    """
    column, kept = layout.value_column, prepared.outside(without)
    counts = np.maximum(np.bincount(column, minlength=layout.columns), 1)
    best, season = np.full(layout.columns, np.inf), np.zeros(layout.columns, np.int64)
    found = np.zeros_like(prepared.values)
    plain: Floats | None = None
    for each, sums in prepared.sums.items():
        guess = _guess(prepared, each, sums, without)
        squares = ((prepared.values - guess)[kept] ** 2).mean(axis=0)
        plain = np.maximum(squares, 1e-12) if plain is None else plain
        error = np.bincount(column, squares / plain, layout.columns) / counts
        better = error < best - 1e-9
        best[better], season[better] = error[better], int(each)
        found[:, better[column]] = guess[:, better[column]]
    return found, season[column]


def _guess(prepared: Prepared, season: Season, sums: FoldSums, without: int | None) -> Floats:
    found = np.zeros_like(prepared.values)
    for fold in prepared.fold_numbers:
        if fold != without:
            left = (fold,) if without is None else (fold, without)
            mine = prepared.folds == fold
            found[mine] = prepared.regressors[season][mine] @ sums.fit(*left)
    return found


def expectation(prepared: Prepared, season: Index, without: int | None) -> Expected:
    """The coefficients of all folds but `without`, for the seasons that are followed."""
    left = () if without is None else (without,)
    used = set(np.unique(season).tolist())
    return Expected(
        {each: sums.fit(*left) for each, sums in prepared.sums.items() if int(each) in used}, season
    )


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Windows less what was expected: contrasts (t, c), cells (t, j), expected shares of cells."""

    rows: Floats
    contrasts: Floats
    cells: Floats
    shares: Floats


def residuals(layout: Layout, rows: Floats, values: Floats, expected: Floats) -> Residuals:
    """The residuals of windows with these values and expectations, float64 (t, v)."""
    split = layout.contrasts
    shares = np.where(
        layout.cell_variance > 0,
        expected[:, split:],
        np.clip(expected[:, split:], LEAST_EXPECTED, 1 - LEAST_EXPECTED),
    )
    return Residuals(rows, values[:, :split] - expected[:, :split], values[:, split:] - shares, shares)


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """What makes residuals comparable.

    `between` (c,): variance between windows. `dispersion` (b,): over-dispersion of a block, per row.
    `cell_between` (j,). `centre`, `spread` (b + l,): of the channels of blocks.
    """

    between: Floats
    dispersion: Floats
    cell_between: Floats
    centre: Floats
    spread: Floats


def scales(layout: Layout, found: Residuals) -> Scales:
    """Variance components by moments, from residuals of windows that the expectation has not seen."""
    known = found.rows > 0
    rows = np.maximum(found.rows, 1.0)
    within = layout.variance / rows[:, layout.column]
    between = np.maximum(0.0, _mean(found.contrasts**2 - within, known[:, layout.column]))
    block_known = known[:, layout.block_column]
    size = np.maximum(_mean(rows[:, layout.block_column], block_known), 1.0)
    dispersion = np.maximum(0.0, _mean(_omnibus(layout, found) - 1, block_known)) / size
    over = _mean(found.cells**2 - _cell_within(layout, found), block_known[:, layout.cell_block])
    nothing = np.zeros(len(layout.block_channel_column))
    raw = Scales(between, dispersion, np.maximum(0.0, over), nothing, nothing + 1)
    channels, known = _block_channels(layout, found, raw), known[:, layout.block_channel_column]
    centre = _mean(channels, known)
    spread = np.maximum(np.sqrt(_mean((channels - centre) ** 2, known)), LEAST_SPREAD)
    return Scales(between, dispersion, raw.cell_between, centre, spread)


def scores(layout: Layout, found: Residuals, how: Scales) -> Floats:
    """Scores (t, z), about 0 and 1: contrasts, chi-squares, largest cells; 0 where a column has no rows."""
    known = found.rows > 0
    rows = np.maximum(found.rows, 1.0)
    wide = np.sqrt(np.maximum(how.between + layout.variance / rows[:, layout.column], 1e-18))
    channels = (_block_channels(layout, found, how) - how.centre) / how.spread
    together = np.concatenate([found.contrasts / wide, channels], axis=1)
    return np.where(known[:, layout.channel_column], together, 0.0)


def _mean(values: Floats, known: Flags) -> Floats:
    found: Floats = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return found


def _omnibus(layout: Layout, found: Residuals) -> Floats:
    """Pearson's chi-square of each block over its degrees of freedom, float64 (t, b)."""
    if not layout.blocks:
        return np.zeros((len(found.rows), 0))
    plain = layout.cell_variance > 0
    weight = np.where(plain, layout.cell_variance, found.shares)
    squares = np.add.reduceat(found.cells**2 / weight, layout.starts, axis=1)
    freedom = np.maximum(layout.sizes - np.where(plain[layout.starts], 0, 1), 1)
    chi: Floats = found.rows[:, layout.block_column] * squares / freedom
    return chi


def _cell_within(layout: Layout, found: Residuals) -> Floats:
    """The variance of each cell within its window, float64 (t, j)."""
    one = np.where(layout.cell_variance > 0, layout.cell_variance, found.shares * (1 - found.shares))
    within: Floats = one / np.maximum(found.rows[:, layout.block_column[layout.cell_block]], 1.0)
    return within


def _block_channels(layout: Layout, found: Residuals, how: Scales) -> Floats:
    """Cube roots of chi-squares, which are nearly normal (Wilson and Hilferty 1931), and largest cells."""
    rows = found.rows[:, layout.block_column]
    omnibus = np.cbrt(_omnibus(layout, found) / (1 + how.dispersion * rows))
    if not layout.largest.any():
        return omnibus
    wide = np.sqrt(how.cell_between + _cell_within(layout, found))
    largest = np.maximum.reduceat(np.abs(found.cells) / wide, layout.starts, axis=1)[:, layout.largest]
    return np.concatenate([omnibus, normal_of_largest(largest, layout.sizes[layout.largest] - 1)], axis=1)


def normal_of_largest(largest: Floats, count: Index) -> Floats:
    """The normal score of the largest of `count` (l,) absolute normal scores, float64 (t, l) (Sidak 1967).

    >>> normal_of_largest(np.array([[1.96]]), np.array([1])).round(2).tolist()
    [[1.64]]
    """
    far = largest > FAR
    near = np.where(far, 1.0, largest)
    beyond = -np.expm1(count * np.log1p(-np.minimum(2 * special.ndtr(-near), 1 - 1e-12)))
    log = np.where(far, np.log(2 * count) + special.log_ndtr(-np.where(far, largest, 1.0)), np.log(beyond))
    found: Floats = np.maximum(-special.ndtri_exp(np.minimum(log, -1e-12)), LOWEST)
    return found
