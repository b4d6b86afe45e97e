"""From scores to statistics: memories of several lengths, the largest column, and all columns together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from monitor.stats import memory
from monitor.stats.channels import Expected, Scales
from monitor.stats.memory import Predictor
from monitor.stats.panel import Flags, Floats, Index, Layout
from monitor.stats.whitening import Whitening, whitening

MOST_WHITENED = 0.5
"""A group of more columns than this part of the windows is not whitened: its covariance is unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Channels that share a filter, and, where it is known, the covariance between them."""

    channels: Index
    predictor: Predictor
    whitening: Whitening | None


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One memory: its rate, the spread (z,) of its averages, and the law of each squared length.

    A squared length is `scale` times a chi-square of `freedom` degrees, matched by mean and variance.
    """

    rate: float
    spread: Floats
    laws: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Everything that turns a window into statistics; the first level is the window alone."""

    expected: Expected
    scales: Scales
    groups: tuple[Group, ...]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What earlier windows left: estimates (z,) of the predicted signals, averages (m, z) by level."""

    estimate: Floats
    averages: Floats


def nothing(judge: Judge) -> Memory:
    """The memory at the start, after a gap, and after an alarm closed."""
    channels = len(judge.levels[0].spread)
    return Memory(np.zeros(channels), np.zeros((len(judge.levels), channels)))


def groups_of(layout: Layout) -> list[Index]:
    """The channels of each group: contrasts by group, chi-squares, largest cells."""
    found = [np.flatnonzero(layout.group == each) for each in np.unique(layout.group)]
    first, last = layout.contrasts, layout.contrasts + layout.blocks
    found += [np.arange(first, last), np.arange(last, len(layout.channel_column))]
    return [each for each in found if len(each)]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all judges of one replay have in common, so that their statistics mean the same.

    `rates` of the memories; `predicted`: by group, whether its past predicts it; `fewest`: the windows that
    any of the judges learns from.
    """

    rates: tuple[float, ...]
    predicted: tuple[bool, ...]
    fewest: int


def filters(layout: Layout, scores: Floats, segments: Index) -> list[Predictor]:
    """By group, what the past of scores (t, z) predicts."""
    clipped = np.clip(scores, -memory.CLIP, memory.CLIP)
    return [
        memory.predictor(*(memory.correlation(clipped[:, which], lag, segments) for lag in (1, 2)))
        for which in groups_of(layout)
    ]


def learn(
    layout: Layout, expected: Expected, how: Scales, scores: Floats, segments: Index, shared: Shared
) -> Judge:
    """Filters, spreads and covariances from scores (t, z) of windows that no expectation has seen."""
    found = zip(groups_of(layout), filters(layout, scores, segments), shared.predicted, strict=True)
    plain = [Group(which, one if predicted else Predictor(), None) for which, one, predicted in found]
    new, _ = _surprises(plain, scores, segments, np.zeros(scores.shape[1]))
    spread = _spread(new)
    groups = [
        Group(each.channels, each.predictor, whitening((new / spread)[:, each.channels]))
        if _whitened(layout, each.channels, shared.fewest) and new[:, each.channels].any()
        else each
        for each in plain
    ]
    levels = [_level(groups, scores, 1.0, segments)]
    levels += [_level(groups, new, rate, segments) for rate in shared.rates]
    return Judge(expected, how, tuple(groups), tuple(levels))


def _whitened(layout: Layout, channels: Index, windows: int) -> bool:
    """Contrasts of several columns, where there are windows enough to know how they move together."""
    if channels[-1] >= layout.contrasts or layout.one_sided[channels].any():
        return False
    return 1 < len(channels) <= MOST_WHITENED * windows


def _level(groups: Sequence[Group], source: Floats, rate: float, segments: Index) -> Level:
    averages = memory.average(source, rate, segments, np.zeros(source.shape[1]))
    averages = averages[warm(segments, rate)]
    spread = _spread(averages)
    return Level(rate, spread, tuple(_law(squares) for squares in _lengths(groups, averages / spread)))


def _spread(averages: Floats) -> Floats:
    """A channel that never varied is as wide as its theory says: nothing that it shows later is certain."""
    found = np.sqrt((averages**2).mean(axis=0))
    return np.where(found > 1e-6, found, 1.0)


def _law(squares: Floats) -> tuple[float, float]:
    mean, variance = float(squares.mean()), float(squares.var())
    if mean <= 0 or variance <= 0:
        return 1.0, 1.0
    return variance / mean / 2, 2 * mean * mean / variance


def warm(segments: Index, rate: float) -> Flags:
    """The windows whose average has filled since its segment began; all where none has."""
    found = np.zeros(len(segments), bool)
    for part in memory.parts(segments):
        found[part.start + int(1 / rate) - 1 : part.stop] = True
    return found if found.any() else ~found


def _surprises(
    groups: Sequence[Group], scores: Floats, segments: Index, estimate: Floats
) -> tuple[Floats, Floats]:
    found, after = scores.copy(), np.zeros(scores.shape[1])
    for each in groups:
        which = each.channels
        found[:, which], after[which] = memory.surprises(
            scores[:, which], each.predictor, segments, estimate[which]
        )
    return found, after


def follow(judge: Judge, scores: Floats, segments: Index, before: Memory) -> tuple[list[Floats], Memory]:
    """By level the averages (t, z) in units of their spread, and the memory after the last window.

    Memory goes on into the first segment and starts from nothing in the others.
    """
    new, estimate = _surprises(judge.groups, scores, segments, before.estimate)
    sources = [scores, *[new] * (len(judge.levels) - 1)]
    averages = [
        memory.average(source, level.rate, segments, old)
        for source, level, old in zip(sources, judge.levels, before.averages, strict=True)
    ]
    standard = [each / level.spread for each, level in zip(averages, judge.levels, strict=True)]
    last = np.stack([each[-1] for each in averages]) if len(scores) else before.averages
    return standard, Memory(estimate if len(scores) else before.estimate, last)


def statistics(layout: Layout, judge: Judge, averages: Sequence[Floats]) -> Floats:
    """-log10 of nominal p-values (t, s): by level the largest channel, then each squared length."""
    found = []
    for level, each in zip(judge.levels, averages, strict=True):
        found.append(_rare(layout, _highest(layout, judge.groups, each)))
        for squares, (scale, freedom) in zip(_lengths(judge.groups, each), level.laws, strict=True):
            found.append(_chi_square_rarity(squares / scale, freedom))
    return np.stack(found, axis=1)


def per_level(judge: Judge) -> int:
    """How many statistics each level has."""
    return 1 + len(judge.levels[0].laws)


def _highest(layout: Layout, groups: Sequence[Group], averages: Floats) -> Floats:
    if layout.together:
        found: Floats = averages[:, : layout.contrasts].min(axis=1)
        return found
    highest: Floats = channel_evidence(layout, groups, averages).max(axis=1)
    return highest


def channel_evidence(layout: Layout, groups: Sequence[Group], averages: Floats) -> Floats:
    """How far each channel moved, by itself and given the others, float64 (t, z)."""
    split = layout.contrasts
    found = averages.copy()
    found[:, :split] = np.where(layout.one_sided, averages[:, :split], np.abs(averages[:, :split]))
    for each in groups:
        if each.whitening is not None:
            own = np.abs(each.whitening.adjusted(averages[:, each.channels]))
            found[:, each.channels] = np.maximum(found[:, each.channels], own)
    return found


def _rare(layout: Layout, highest: Floats) -> Floats:
    tests = (
        2 * int((~layout.one_sided).sum()) + int(layout.one_sided.sum()) + len(layout.block_channel_column)
    )
    tests = 1 if layout.together else tests
    found: Floats = -(special.log_ndtr(-highest) + np.log(tests)) / np.log(10)
    return found


def _lengths(groups: Sequence[Group], averages: Floats) -> list[Floats]:
    """The squared length of each whitened group, (t,)."""
    return [
        each.whitening.distance(averages[:, each.channels]) for each in groups if each.whitening is not None
    ]


def _chi_square_rarity(value: Floats, freedom: float) -> Floats:
    """-log10 of the chi-square's upper tail, by its leading term where that is below the smallest number."""
    tail = special.chdtrc(freedom, value)
    half, shape = value / 2, freedom / 2
    leading = -half + (shape - 1) * np.log(np.maximum(half, 1e-300)) - special.gammaln(shape)
    found: Floats = -np.where(tail > 1e-290, np.log(np.maximum(tail, 1e-300)), leading) / np.log(10)
    return found
