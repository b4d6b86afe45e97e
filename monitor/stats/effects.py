"""How large a change is, with its standard error: what decides whether a significant change matters.

All from counts, so it may be asked of one window or of the sum of several.
"""

import math
from dataclasses import dataclass

import numpy as np

from monitor.stats import distances, ranks
from monitor.stats.bins import (
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericCounts,
    NumericReference,
)
from monitor.stats.outside import out_of_range
from monitor.stats.words import number, pair, shown

FEWEST_EXPECTED = 10.0
"""A ratio of shares is judged where at least this many rows are expected."""

WIDER = 0.1
"""Less than this change of the log of the spread is not worth a word."""


@dataclass(frozen=True, slots=True)
class MinimumEffect:
    """The least change that may alarm; 0 switches a bound off.

    `sd`: of the location, in robust standard deviations. `ks`: of the distribution function. `share`: of a
    category or of missing rows. `ratio`: of a rare share. `error`: of the error rate. `correlation`: its z.
    """

    sd: float = 0.15
    ks: float = 0.075
    share: float = 0.02
    ratio: float = 2.0
    error: float = 0.02
    correlation: float = 0.2


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard error."""

    value: float
    error: float

    @property
    def sure(self) -> float:
        """The size less one standard error."""
        return abs(self.value) - self.error


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A share of rows in the reference and in the live window, and what may be said of the change."""

    reference: float
    live: float
    difference: Estimate
    ratio: Estimate | None
    """How many times more, or fewer; None where too few rows are expected."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How one column changed.

    `location` and `ks` are None for categories and where no live value is finite; `location` also for a
    constant reference. `cell` is the index of the category whose share moved most (the pooled rare ones
    are the last), `category` its change and `ratio` the largest ratio of any category; None for numbers.
    `out_of_range` is None for categories, `unseen` for numbers.
    """

    location: Estimate | None
    ks: Estimate | None
    cell: int | None
    category: ShareChange | None
    ratio: Estimate | None
    missing: ShareChange
    unseen: ShareChange | None
    out_of_range: ShareChange | None


def effect(reference: ColumnReference, live: ColumnCounts) -> Effect:
    """Measure the change of a column; ValueError where either side has no rows."""
    if not reference.counts.rows or not live.rows:
        message = "no effect without rows on both sides"
        raise ValueError(message)
    missing = _change(reference.counts.missing, reference.counts.rows, live.missing, live.rows)
    if isinstance(reference, NumericReference):
        if not isinstance(live, NumericCounts):
            message = "numeric reference, categorical counts"
            raise TypeError(message)
        outside = _change(
            out_of_range(reference.counts), reference.counts.rows, out_of_range(live), live.rows
        )
        location, distance = _numeric(reference, live)
        return Effect(location, distance, None, None, None, missing, None, outside)
    if not isinstance(live, CategoricalCounts):
        message = "categorical reference, numeric counts"
        raise TypeError(message)
    unseen = _change(reference.counts.unseen, reference.counts.rows, live.unseen, live.rows)
    cell, category, ratio = _categorical(reference, live)
    return Effect(None, None, cell, category, ratio, missing, unseen, None)


def material(size: Effect, minimum: MinimumEffect, what: str = "distribution") -> bool:
    """Whether the change, less one standard error, is at least as large as `minimum` in any respect.

    `what`: `distribution`, or the quality detector `missing`, `unseen` or `out_of_range`, for which
    only a rise counts.
    """
    if what == "distribution":
        return (
            _reaches(size.location, minimum.sd)
            or _reaches(size.ks, minimum.ks)
            or (size.category is not None and _reaches(size.category.difference, minimum.share))
            or _reaches(size.ratio, minimum.ratio)
        )
    changes = {"missing": size.missing, "unseen": size.unseen, "out_of_range": size.out_of_range}
    if what not in changes:
        message = f"{what!r} is no effect; known: distribution, {', '.join(changes)}"
        raise ValueError(message)
    change = changes[what]
    if change is None or change.difference.value <= 0:
        return False
    return _reaches(change.difference, minimum.share) or _reaches(change.ratio, minimum.ratio)


def _reaches(estimate: Estimate | None, minimum: float) -> bool:
    """Whether the estimate is surely large enough; a minimum of 0 asks for nothing."""
    if minimum <= 0:
        return True
    return estimate is not None and estimate.sure >= minimum


def _change(before: int, m: int, now: int, n: int) -> ShareChange:
    """A change of a share, from counts."""
    q, p = before / m, now / n
    # half a row each way keeps the error of an empty share above 0
    variance = sum((k + 0.5) * (rows - k + 0.5) / (rows + 1) ** 3 for k, rows in ((before, m), (now, n)))
    ratio = None
    if n * q >= FEWEST_EXPECTED:
        ratio = _ratio(math.log((now + 0.5) / (n + 1)) - math.log((before + 0.5) / (m + 1)), now, before)
    return ShareChange(q, p, Estimate(p - q, math.sqrt(variance)), ratio)


def _ratio(log_ratio: float, now: int, before: int) -> Estimate:
    """How many times more or fewer, at least 1, its error such that one error is one on the log scale."""
    value = math.exp(abs(log_ratio))
    error = math.sqrt(1 / (now + 0.5) + 1 / (before + 0.5))
    return Estimate(value, value * -math.expm1(-error))


def _categorical(
    reference: CategoricalReference, live: CategoricalCounts
) -> tuple[int | None, ShareChange | None, Estimate | None]:
    """The category that moved most, its change, and the largest ratio; over rows of known categories."""
    before = np.append(reference.counts.categories, reference.counts.other)
    now = np.append(live.categories, live.other)
    m, n = int(before.sum()), int(now.sum())
    if not m or not n:
        return None, None, None
    moved = np.abs(now / n - before / m).round(12)
    # of two that mirror each other the rarer one tells more
    cell = int(np.lexsort((-before, moved))[-1])
    candidates = np.flatnonzero(before * (n / m) >= FEWEST_EXPECTED)
    changes = (_change(int(before[each]), m, int(now[each]), n).ratio for each in candidates)
    ratios = [ratio for ratio in changes if ratio is not None]
    largest = max(ratios, key=lambda each: each.sure, default=None)
    return cell, _change(int(before[cell]), m, int(now[cell]), n), largest


def _numeric(reference: NumericReference, live: NumericCounts) -> tuple[Estimate | None, Estimate | None]:
    """Change of location in robust standard deviations, and the Kolmogorov-Smirnov distance."""
    before, now = reference.counts.bins, live.bins
    m, n = int(before.sum()), int(now.sum())
    if not m or not n:
        return None, None
    scores = ranks.normal_scores(before)
    center, spread = ranks.moments(scores, before)
    location = None
    if spread > 0:
        shifted, own = ranks.moments(scores, now)
        error = math.sqrt((own / spread) ** 2 / n + 1 / m)
        location = Estimate((shifted - center) / spread, error)
    f, g = np.cumsum(now) / n, np.cumsum(before) / m
    widest = int(np.argmax(np.abs(f - g)))
    variance = f[widest] * (1 - f[widest]) / n + g[widest] * (1 - g[widest]) / m
    return location, Estimate(float(distances.ks(before, now)), math.sqrt(max(float(variance), 0.0)))


def describe(
    name: str,
    reference: ColumnReference,
    live: ColumnCounts,
    detector: str = "",
    *,
    private: bool = False,
) -> str:
    """What moved, in words, from what to what; for a private column without any of its values.

    "temp moved: median 57 to 14", "carrier moved: category 'ZZ' 1 % to 8 %", "temp: missing 0.5 % to
    30 %". A quality detector's token picks its own share.
    """
    size, who = effect(reference, live), shown(name)
    if detector == "missing":
        return f"{who}: missing {_percents(size.missing)}"
    if detector == "unseen" and size.unseen is not None and isinstance(live, CategoricalCounts):
        names = [] if private else [repr(shown(each)) for each in list(live.unseen_names)[:3]]
        new = (
            f"new category {names[0]}" if len(names) == 1 else " ".join(["new categories", ", ".join(names)])
        )
        return f"{who}: {new.strip()} {_percents(size.unseen)}"
    if isinstance(reference, NumericReference) and isinstance(live, NumericCounts):
        if detector == "out_of_range" and size.out_of_range is not None:
            limits = [number(each) for each in (reference.bins.low, reference.bins.high)]
            where = "its range" if private else " to ".join(limits)
            return f"{who}: outside {where} {_percents(size.out_of_range)}"
        return f"{who} moved: {_numbers(reference, live, size, private=private)}"
    return f"{who} moved: {_categories(reference, size, private=private)}"


def _percents(change: ShareChange) -> str:
    """Two shares in percent."""
    return f"{number(100 * change.reference)} % to {number(100 * change.live)} %"


def _numbers(reference: NumericReference, live: NumericCounts, size: Effect, *, private: bool) -> str:
    """The median where it moved most, else the spread, else the share above a value."""
    if size.ks is None:
        return f"missing {_percents(size.missing)}"
    both = (reference.counts, live)
    low, middle, high = (
        [ranks.quantile(reference, each, share) for each in both] for share in (0.25, 0.5, 0.75)
    )
    before, now = high[0] - low[0], high[1] - low[1]
    wider = abs(math.log(now / before)) if before > 0 and now > 0 else 0.0
    shift = abs(size.location.value) if size.location is not None else math.inf
    if middle[0] != middle[1] and shift >= wider:
        way = "up" if middle[1] > middle[0] else "down"
        size_words = f" by {shift:.2g} standard deviations" if shift < math.inf else ""
        return f"median {way}{size_words}" if private else f"median {pair(*middle)}"
    if wider > WIDER:
        return (
            f"spread {number(now / before)} times" if private else f"interquartile range {pair(before, now)}"
        )
    return _above(reference, live, private=private)


def _above(reference: NumericReference, live: NumericCounts, *, private: bool) -> str:
    """The share of finite values above the edge where the distribution functions differ most."""
    f, g = (np.cumsum(each.bins) / each.observed for each in (live, reference.counts))
    widest = int(np.argmax(np.abs(f - g)[:-1])) if reference.bins.edges.size else 0
    where = (
        "a value" if private or not reference.bins.edges.size else number(float(reference.bins.edges[widest]))
    )
    shares = [number(100 * (1 - float(each[widest]))) for each in (g, f)]
    return f"share above {where} {shares[0]} % to {shares[1]} %"


def _categories(reference: ColumnReference, size: Effect, *, private: bool) -> str:
    """The category whose share moved most; missing rows where there is nothing else."""
    if size.cell is None or size.category is None or not isinstance(reference, CategoricalReference):
        return f"missing {_percents(size.missing)}"
    if size.cell == len(reference.bins.categories):
        who = "the rare categories"
    else:
        who = "a category" if private else f"category {shown(reference.bins.categories[size.cell])!r}"
    return f"{who} {_percents(size.category)}"
