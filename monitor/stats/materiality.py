"""Whether what moved since it began to move is large enough to matter: estimate minus one standard error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.stats.channels import Residuals
from monitor.stats.effects import FEWEST_EXPECTED, MinimumEffect
from monitor.stats.panel import CORRELATION, ERROR, LOCATION, SCALE, SHARE, Flags, Floats, Layout

CALM = 2.0
"""A column none of whose averages is beyond this many spreads has not begun to move."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Rows since each column began to move (k,), and sums over them of effects (c,) and of cells (j,).

    An effect is the residual of a contrast in the units of `MinimumEffect`, times the rows behind it.
    """

    rows: Floats
    effects: Floats
    cells: Floats


def empty(layout: Layout) -> Pool:
    """The pool in which nothing has begun to move."""
    return Pool(np.zeros(layout.columns), np.zeros(layout.contrasts), np.zeros(layout.cell_variance.size))


def add(pool: Pool, layout: Layout, rows: Floats, window: "Seen", keep: float) -> Pool:
    """The pool with one more window; `keep` forgets what is older than the longest memory."""
    cell_column = layout.block_column[layout.cell_block]
    return Pool(
        pool.rows * keep + rows,
        pool.effects * keep + window.effects * rows[layout.column],
        pool.cells * keep + window.cells * rows[cell_column],
    )


def restarted(pool: Pool, layout: Layout, calm: Flags) -> Pool:
    """The pool without the columns (k,) that are calm."""
    moving = ~calm
    return Pool(
        pool.rows * moving,
        pool.effects * moving[layout.column],
        pool.cells * moving[layout.block_column[layout.cell_block]],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One window as effects (c,), with what contrasts (c,) and cells (j,) were expected to be; rows (k,).

    Effects: robust standard deviations, points of a share, points of error, Fisher's z. `cells`: residual
    shares.
    """

    effects: Floats
    expected: Floats
    cells: Floats
    shares: Floats
    rows: Floats


def seen(layout: Layout, found: Residuals, values: NDArray[np.floating], place: int) -> Seen:
    """The effects of the window at `place` from residuals and values (t, v); 0 where it has no value."""
    moved = found.contrasts[place]
    contrasts = np.nan_to_num(values[place, : layout.contrasts].astype(np.float64))
    before = contrasts - moved
    expected = np.where(layout.group == SHARE, np.sin(before) ** 2, before)
    spread = np.where(layout.group <= SCALE, np.sqrt(np.maximum(layout.variance, 1e-12)), 1.0)
    share = np.sin(contrasts) ** 2 - expected
    effects = np.where(layout.group == SHARE, share, moved / spread)
    return Seen(effects, expected, found.cells[place], found.shares[place], found.rows[place])


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """How large the pooled changes surely are: (c,) effects and ratios of shares, (b,) KS, shares, ratios."""

    effects: Floats
    effect_ratio: Floats
    distance: Floats
    share: Floats
    ratio: Floats


def sizes(pool: Pool, layout: Layout, window: Seen) -> Sizes:
    """Estimates less one standard error, at least 0, by what the newest window was expected to be."""
    count = np.maximum(pool.rows, 1.0)
    own = count[layout.column]
    moved = pool.effects / own
    now = np.clip(window.expected + moved, 0.0, 1.0)
    share = layout.group == SHARE
    variance = np.where(share, now * (1 - now), np.where(layout.group <= SCALE, 1.0, layout.variance))
    effects = np.maximum(np.where(layout.one_sided, moved, np.abs(moved)) - np.sqrt(variance / own), 0.0)
    ratio = _times(np.where(share, moved, 0.0), np.where(share, window.expected, 0.0), own)
    cell_rows = count[layout.block_column][layout.cell_block]
    cells, shares = pool.cells / cell_rows, window.shares
    distance = _largest(layout, np.abs(_running(layout, cells)), _running(layout, shares), cell_rows)
    return Sizes(
        effects,
        np.where(layout.one_sided & (moved < 0), 1.0, ratio),
        distance,
        _largest(layout, np.abs(cells), shares, cell_rows),
        _greatest(layout, _times(cells, shares, cell_rows)),
    )


def _running(layout: Layout, cells: Floats) -> Floats:
    """Running sums within each block."""
    total = np.cumsum(cells)
    before = np.concatenate([[0.0], total])[layout.starts]
    found: Floats = total - before[layout.cell_block]
    return found


def _largest(layout: Layout, moved: Floats, shares: Floats, rows: Floats) -> Floats:
    inside = np.clip(shares, 0.0, 1.0)
    return _greatest(layout, np.maximum(moved - np.sqrt(inside * (1 - inside) / rows), 0.0))


def _greatest(layout: Layout, values: Floats) -> Floats:
    found: Floats = np.maximum.reduceat(values, layout.starts) if layout.blocks else np.zeros(0)
    return found


def _times(moved: Floats, shares: Floats, rows: Floats) -> Floats:
    """How many times more, or fewer, a share surely became; 1 where too few rows are expected."""
    now = np.clip(shares + moved, 0.0, 1.0) * rows + 0.5
    log = np.abs(np.log(now / (np.maximum(shares, 0.0) * rows + 0.5)))
    sure = np.exp(np.maximum(log - np.sqrt(1 / now), 0.0))
    found: Floats = np.where(shares * rows >= FEWEST_EXPECTED, sure, 1.0)
    return found


def material(found: Sizes, layout: Layout, minimum: MinimumEffect) -> Flags:
    """Which columns (k,) moved materially.

    Numeric ones in location or KS, categories in a share or its ratio, missing rows likewise, errors by
    `minimum.error`, pairs by `minimum.correlation`; where all contrasts must move, all must have moved so
    far.
    """
    group = layout.group
    far = np.where(group == LOCATION, _reaches(found.effects, minimum.sd), False)
    far |= (group == SHARE) & (
        _reaches(found.effects, minimum.share) | _reaches(found.effect_ratio, minimum.ratio)
    )
    far |= (group == ERROR) & _reaches(found.effects, minimum.error)
    far |= (group == CORRELATION) & _reaches(found.effects, minimum.correlation)
    columns = np.zeros(layout.columns, bool)
    if layout.together:
        columns[layout.column] = far.all()
        return columns
    np.logical_or.at(columns, layout.column, far)
    numeric = np.isin(layout.block_column, layout.column)
    ordered = _reaches(found.distance, minimum.ks)
    named = _reaches(found.share, minimum.share) | _reaches(found.ratio, minimum.ratio)
    np.logical_or.at(columns, layout.block_column, np.where(numeric, ordered, named))
    return columns


def together(found: Sizes, layout: Layout, minimum: MinimumEffect) -> bool:
    """Whether the locations of all columns moved as far together as that of one would have to."""
    located = found.effects[layout.group == LOCATION]
    return bool(_reaches(np.sqrt((located**2).sum()), minimum.sd))


def _reaches(size: Floats | np.floating, minimum: float) -> Flags:
    """A minimum of 0 asks for nothing."""
    return np.asarray(size >= minimum) if minimum > 0 else np.ones(np.shape(size), bool)


def moving(layout: Layout, averages: Sequence[Floats], window: int) -> Flags:
    """Which columns (k,) have begun to move by this window, by any of their averages (t, z)."""
    highest = np.max([np.abs(each[window]) for each in averages], axis=0)
    moved: Flags = by_column(layout, highest) >= CALM
    return moved


def by_column(layout: Layout, channels: Floats) -> Floats:
    """The largest of each column's channels (z,), float64 (k,)."""
    found = np.full(layout.columns, -np.inf)
    np.maximum.at(found, layout.channel_column, channels)
    return found
