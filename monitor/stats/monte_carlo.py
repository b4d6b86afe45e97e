"""Nulls by weighted multinomial draws, for counts too small for a limit law.

Reference rows are drawn at the reference's smoothed shares. Live rows are drawn from a mixture of the
same shares and of two overdispersed versions of them (Dirichlet-multinomial), and every draw is weighted
by the ratio of its probability under the null to that under the mixture (importance sampling with
defensive mixtures, Hesterberg 1995). So a few thousand draws resolve probabilities down to about 1e-7,
where plain draws end at 1e-3; beyond, the tail goes on exponentially.

Draws depend on the arguments alone: the seed is a digest of them. Tables are cached, on sample sizes
rounded to a geometric grid and, where the order of cells does not matter, on sorted and rounded shares:
all columns with equal deciles share one table.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from monitor.stats.bins import Counts

Floats: TypeAlias = NDArray[np.float64]
Measure: TypeAlias = Callable[[ArrayLike, ArrayLike], Floats]

MOST_DRAWS = 8_000
FEWEST_DRAWS = 1_500
DRAWN_CELLS = 400_000
"""Draws times cells stay at about this number, within the bounds above."""

TILTS = (1e-3, 1e-7)
"""The overdispersed draws center where the chi-square law has these tail probabilities."""

BEYOND = 100
"""The table ends where this many draws are left; the exponential tail begins there."""

KNOTS = 400
"""How many points of the table are kept."""

GRID = 1.02
"""Sample sizes are rounded down to powers of this; the statistic is rescaled for the rest."""

EXACT_ROWS = 8
"""Up to so many rows per cell nothing is rounded, since distances do not yet grow as they should."""

SHARE_GRID = 1.04
"""Shares are rounded to powers of this, relative to equal shares."""

TINY = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A tabulated law: log-linear between the knots, exponential beyond the last one.

    `values`: float64 (k,), rising. `log_sf`: float64 (k,), falling from 0. `mean_excess`: how far
    values beyond the last knot reach on average. `scale`: what a value is multiplied with first.
    """

    values: Floats
    log_sf: Floats
    mean_excess: float
    scale: float = 1.0

    def sf(self, value: float) -> float:
        """P(statistic >= value)."""
        x = value * self.scale
        last = float(self.values[-1])
        if x >= last:
            log_sf = float(self.log_sf[-1]) - (x - last) / self.mean_excess
        else:
            log_sf = float(np.interp(x, self.values, self.log_sf))
        return max(math.exp(log_sf), TINY) if log_sf > -700 else TINY

    def isf(self, alpha: float) -> float:
        """The value reached with probability `alpha`."""
        if not 0 < alpha <= 1:
            message = f"alpha is {alpha}; it is a probability above 0"
            raise ValueError(message)
        log_alpha = math.log(max(alpha, TINY))
        beyond = float(self.log_sf[-1]) - log_alpha
        if beyond >= 0:
            x = float(self.values[-1]) + beyond * self.mean_excess
        else:
            x = float(np.interp(-log_alpha, -self.log_sf, self.values))
        return x / self.scale


def cell_table(
    measure: Measure, growth: float, reference: Counts, rows: int, expected: Floats | None = None
) -> Table:
    """The null of a distance of cells that does not depend on their order.

    `reference`: int64 (c,), the reference's counts. `rows`: how many live rows. `expected`: float64 (c,),
    the counts by which live rows are drawn, where they are known to differ from the reference's. The
    cells that are empty in both together get half a row: a new cell is rare, not impossible.
    """
    m = int(reference.sum())
    given = None if expected is None else tuple(expected.tolist())
    cells, new, filled = _rounded(tuple(reference.tolist()), given)
    near = (_rounded_down(m, filled), _rounded_down(rows, filled))
    table = _cell_table(measure, near, cells, new)
    noise = (1 / near[0] + 1 / near[1]) / (1 / m + 1 / rows)
    return Table(table.values, table.log_sf, table.mean_excess, noise**growth)


@lru_cache(maxsize=4096)
def _rounded(
    reference: tuple[int, ...], expected: tuple[float, ...] | None
) -> tuple[tuple[tuple[int, float], ...], tuple[float, ...], int]:
    """What columns of about equal shares share: steps with live ratios, new shares; and the filled cells."""
    counts = np.asarray(reference)
    drawn = counts.astype(np.float64) if expected is None else np.asarray(expected)
    m = int(counts.sum())
    some = counts > 0
    filled = counts[some]
    smoothed = (filled + 0.5) / (m + filled.size / 2)
    steps = np.rint(np.log(smoothed * filled.size) / math.log(SHARE_GRID)).astype(np.int64)
    ratios = np.round(drawn[some] / filled, 4)
    new = np.sort(drawn[~some] / m)
    cells = tuple(sorted(zip(steps.tolist(), ratios.tolist(), strict=True)))
    return cells, tuple(float(f"{each:.2g}") for each in new), int(filled.size)


@lru_cache(maxsize=2048)
def _cell_table(
    measure: Measure,
    rows: tuple[int, int],
    cells: tuple[tuple[int, float], ...],
    new: tuple[float, ...],
) -> Table:
    """The table at rounded sizes (reference, live), share steps, live ratios and new shares."""
    shares = SHARE_GRID ** np.asarray([step for step, _ in cells], dtype=np.float64)
    shares /= shares.sum()
    live = shares * np.asarray([ratio for _, ratio in cells])
    rare = np.asarray(new) + 0.5 / (rows[0] + 1) / max(len(new), 1)
    live = np.concatenate([live, rare])
    padded = np.concatenate([shares, np.zeros(len(new))])
    before, now, weights = _draws(*rows, tuple(padded.tolist()), tuple((live / live.sum()).tolist()))
    return tabulate(measure(before, now), weights)


def ordered_table(measure: Measure, growth: float, shares: ArrayLike, m: int, n: int) -> Table:
    """The null of a statistic of ordered cells, whose reference shares (c,) are all above 0.

    `measure` must be hashable and equal where it measures the same.
    """
    exact = tuple(np.asarray(shares, dtype=np.float64).tolist())
    near = (_rounded_down(m, len(exact)), _rounded_down(n, len(exact)))
    table = _ordered_table(measure, near[0], near[1], exact)
    noise = (1 / near[0] + 1 / near[1]) / (1 / m + 1 / n)
    return Table(table.values, table.log_sf, table.mean_excess, noise**growth)


@lru_cache(maxsize=256)
def _ordered_table(measure: Measure, m: int, n: int, shares: tuple[float, ...]) -> Table:
    """The table at rounded sizes."""
    before, now, weights = _draws(m, n, shares, shares)
    return tabulate(measure(before, now), weights)


def tabulate(values: Floats, weights: Floats) -> Table:
    """A table from weighted draws, shape (d,) each; weights are positive, their sum is free."""
    # values that differ by rounding alone are one
    largest = float(values.max())
    values = np.round(values / largest, 12) * largest if largest > 0 else values
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    tail = np.cumsum(weights[::-1])[::-1]
    points, first = np.unique(values, return_index=True)
    log_sf = np.log(tail[first] / tail[0])
    end = max(int(np.searchsorted(first, values.size - BEYOND, side="right")) - 1, 0)
    beyond = values >= points[end]
    excess = float(np.average(values[beyond] - points[end], weights=weights[beyond]))
    # a normal tail goes on by 1/2 of this, an exponential one by 1; steps of few cells may show nothing
    usual = float(points[end] - points[0]) / max(-float(log_sf[end]), 1.0)
    excess = max(excess, usual / 8, 1e-9)
    kept = _kept(log_sf[: end + 1])
    return Table(points[kept], np.minimum(log_sf[kept], 0.0), excess)


def _kept(log_sf: Floats) -> Counts:
    """The numbers of at most about `KNOTS` points, evenly in probability above 0.1 and in its log below."""
    body = np.log(np.linspace(1.0, 0.1, KNOTS // 4))
    tail = np.linspace(math.log(0.1), min(float(log_sf[-1]), math.log(0.1)), KNOTS - KNOTS // 4)
    wanted = np.concatenate([body, tail])
    kept = np.searchsorted(-log_sf, -wanted, side="left")
    return np.unique(np.concatenate([[0], np.minimum(kept, log_sf.size - 1), [log_sf.size - 1]]))


@lru_cache(maxsize=2)
def _draws(
    m: int, n: int, shares: tuple[float, ...], live: tuple[float, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Reference counts at `shares`, live counts at `live`, each (d, c), and the weights (d,) of the draws.

    All statistics of a column ask for the same draws, one after the other.
    """
    rng = np.random.Generator(np.random.SFC64(zlib.crc32(repr((m, n, shares, live)).encode())))
    draws = min(max(DRAWN_CELLS // len(shares), FEWEST_DRAWS), MOST_DRAWS)
    known = np.asarray(shares)
    some = known > 0
    before = np.zeros((draws, known.size), dtype=np.int64)
    before[:, some] = rng.multinomial(m, known[some] / known[some].sum(), size=draws)
    now, weights = _weighted(rng, n, np.asarray(live) / math.fsum(live), draws)
    return before, now, weights


def _weighted(
    rng: np.random.Generator, n: int, shares: Floats, draws: int
) -> tuple[NDArray[np.int64], Floats]:
    """Counts of n rows at `shares` and their weights, from the mixture of plain and overdispersed draws."""
    if shares.size == 1:
        return np.full((draws, 1), n, dtype=np.int64), np.ones(draws)
    each = draws // (len(TILTS) + 1)
    plain = draws - each * len(TILTS)
    parts = [rng.multinomial(n, shares, size=plain)]
    freedom = max(int(np.count_nonzero(shares * n >= 0.5)) - 1, 1)
    # a cell that is all but impossible is given a fair chance, so that its effect is seen at all
    base = np.maximum(shares, 0.25 / n)
    base /= base.sum()
    tilted = [_concentration(n, freedom, tail) * base for tail in TILTS]
    for alpha in tilted:
        proportions = rng.standard_gamma(alpha, size=(each, shares.size)) + 1e-290
        parts.append(rng.multinomial(n, proportions / proportions.sum(axis=1, keepdims=True)))
    counts = np.concatenate(parts)
    log_null = counts @ np.log(shares)
    mixture = np.full(draws, plain / draws)
    for alpha in tilted:
        mixture += each / draws * np.exp(np.minimum(_log_overdispersed(counts, alpha) - log_null, 700.0))
    return counts, 1.0 / mixture


def _concentration(n: int, freedom: int, tail: float) -> float:
    """The Dirichlet's total at which the mean chi-square lies where its law has the tail probability."""
    inflation = min(max(float(special.chdtri(freedom, tail)) / freedom, 1.05), 0.9 * n)
    return max((n - inflation) / max(inflation - 1, 1e-3), 1e-2)


def _log_overdispersed(counts: NDArray[np.int64], alpha: Floats) -> Floats:
    """Log probability (d,) of counts (d, c) under the Dirichlet-multinomial law.

    Without the multinomial coefficient, which cancels against that of the null.
    """
    total = float(alpha.sum())
    constant = math.lgamma(total) - math.lgamma(total + float(counts[0].sum()))
    per_cell = special.gammaln(counts + alpha) - special.gammaln(alpha)
    return np.asarray(per_cell.sum(axis=1) + constant)


def _rounded_down(rows: int, cells: int) -> int:
    """The sample size on the geometric grid."""
    if rows <= EXACT_ROWS * cells:
        return rows
    return int(GRID ** math.floor(math.log(rows) / math.log(GRID) + 1e-9))
