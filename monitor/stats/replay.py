"""Replay: what the alarm would have said of the reference, every window judged by the others alone.

Nested leave-one-fold-out: each fold is scored by a judge that was learned from the other folds, whose own
scales come from leaving out one fold of those. A tail on the replayed scores says how often chance gives
a score; a guard on the tail is for what a finite reference leaves unknown (Gandy and Kvaloy 2013).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.stats import channels, judge, memory, tails
from monitor.stats.channels import Expected, Residuals, Scales
from monitor.stats.judge import Judge
from monitor.stats.panel import Flags, Floats, Index, Layout, Panel
from monitor.stats.season import Season
from monitor.stats.tails import Tail

WEEK = 7.0
FEWEST_FOLDS, MOST_FOLDS = 4, 8
FOLD_WINDOWS = 20
FULL_FOLDS = 3
"""Of fewer folds of a week and of `FOLD_WINDOWS` windows the calibration is provisional."""
ENOUGH = 25.0
"""Fewer effective windows make a calibration provisional."""
GUARD, SLOW_GUARD, SHORT_GUARD = 0.8, 0.9, 0.95
"""Confidence of the guard: usually; where too few windows are independent; where folds are too few."""
CHUNK_VALUES = 3_000_000
"""Values that are regressed at once; columns are taken in chunks of as many."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What follows from the window's length.

    `rates` of the memories; `apart`: windows in 24 hours; `share`: the quantile where tails begin.
    """

    rates: tuple[float, ...]
    hourly: bool
    apart: int
    share: float
    seasons: tuple[Season, ...]


def settings(window_days: float, seasons: Sequence[Season], windows: int) -> Settings:
    """Memories of a window, about 2, 7 and 25 of hours; of a window, 2 and 5 where windows are days."""
    per_day = 1 / window_days
    rates = (
        (1.0, 0.4, 0.15, 0.04) if per_day >= 12 else (1.0, 0.4, 0.15) if per_day >= 2 else (1.0, 0.4, 0.18)
    )
    return Settings(
        rates,
        hourly=window_days < 1,
        apart=max(1, round(per_day)),
        share=0.9 if windows >= 300 else 0.8,
        seasons=tuple(seasons) if window_days < WEEK else (Season.NONE,),
    )


def folds_of(windows: int, window_days: float, rates: Sequence[float]) -> Index:
    """Contiguous folds (t,), four to eight, of a week or more where there are windows enough."""
    wanted = max(WEEK / window_days, 5 / rates[-1])
    count = min(max(FEWEST_FOLDS, min(MOST_FOLDS, int(windows / wanted))), windows)
    return np.arange(windows) * count // max(windows, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A judge with the tails that turn its statistics into windows between chance peaks.

    `parts`: the tail of each statistic; `whole`: of their maximum, as estimated; `guarded`: with the guard.
    `alone`: guarded, of the window without memory. `replayed` (t,): log10 of windows by chance, NaN where
    memory was not yet filled. `effective`: windows that count as independent.
    """

    layout: Layout
    settings: Settings
    judge: Judge
    parts: tuple[Tail, ...]
    whole: Tail
    guarded: Tail
    alone: Tail
    replayed: Floats
    windows: int
    effective: float
    full_folds: int

    @property
    def provisional(self) -> bool:
        """Whether the reference is too short or too autocorrelated for the usual guard."""
        return self.full_folds < FULL_FOLDS or self.effective < ENOUGH


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    """What one leave-out gives: scores of the windows kept, and what scores the ones left out."""

    expected: Expected
    how: Scales
    kept: Floats
    left: Floats


def calibrate(panel: Panel, layout: Layout, how: Settings, window_days: float) -> Calibration:
    """Calibrate on the windows of a reference; at least two of them."""
    folds = folds_of(len(panel), window_days, how.rates)
    longest = float(np.bincount(folds).max(initial=1))
    rates = tuple(rate for rate in how.rates if rate == 1 or 5 / rate <= longest)
    how = replace(how, rates=rates)
    segments = panel.segments * (MOST_FOLDS + 1) + folds
    said = np.full((len(panel), 0), np.nan)
    final: Judge | None = None
    effective, fewest = 0.0, len(panel) - int(np.bincount(folds).max(initial=0))
    for without, learned in _leave_outs(panel, layout, folds, how):
        kept = folds != without if without is not None else np.ones(len(panel), bool)
        found = judge.learn(
            layout, learned.expected, learned.how, learned.kept, segments[kept], how.rates, fewest
        )
        if without is None:
            final = found
            effective = _effective(layout, learned.kept, segments)
            continue
        averages, _ = judge.follow(found, learned.left, segments[~kept], judge.nothing(found))
        statistics = judge.statistics(layout, found, averages)
        if not said.shape[1]:
            said = np.full((len(panel), statistics.shape[1]), np.nan)
        said[~kept] = statistics
    assert final is not None
    full = int(len(panel) / max(WEEK / window_days, FOLD_WINDOWS))
    return _with_tails(panel, layout, how, final, said, segments, effective, full)


def _effective(layout: Layout, scores: Floats, segments: Index) -> float:
    """Windows over one plus twice the correlation time, of the group of channels that lasts longest."""
    clipped = np.clip(scores, -memory.CLIP, memory.CLIP)
    times = [memory.correlation_time(clipped[:, each], segments) for each in judge.groups_of(layout)]
    return len(scores) / (1 + 2 * max(times, default=0.0))


def _leave_outs(
    panel: Panel, layout: Layout, folds: Index, how: Settings
) -> Iterator[tuple[int | None, _Learned]]:
    """Each fold left out, then none; columns are prepared in chunks, so that memory is bounded."""
    size = max(1, int(CHUNK_VALUES / max(len(panel) * layout.value_column.size / layout.columns, 1)))
    chunks = [np.arange(first, min(first + size, layout.columns)) for first in range(0, layout.columns, size)]
    orders: list[int | None] = [*range(int(folds.max(initial=0)) + 1), None]
    found: dict[int | None, list[_Learned]] = {each: [] for each in orders}
    for chunk in chunks:
        prepared = channels.prepare(panel.part(layout, chunk), folds, how.seasons, hourly=how.hourly)
        for without in orders:
            found[without].append(_learned(prepared, layout.part(chunk), without))
    for without in orders:
        yield without, _joined(layout, chunks, found.pop(without))


def _learned(prepared: channels.Prepared, layout: Layout, without: int | None) -> _Learned:
    guess, season = channels.held_out(prepared, layout, without)
    kept = prepared.outside(without)
    rows = prepared.panel.rows
    seen = channels.residuals(layout, rows[kept], prepared.values[kept], guess[kept])
    how = channels.scales(layout, seen)
    expected = channels.expectation(prepared, season, without)
    panel = prepared.panel.take(~kept)
    other = expected.at(panel.hours, panel.weekdays, hourly=prepared.hourly)
    left = channels.residuals(layout, panel.rows, prepared.values[~kept], other)
    return _Learned(expected, how, channels.scores(layout, seen, how), channels.scores(layout, left, how))


def _joined(layout: Layout, chunks: Sequence[Index], found: Sequence[_Learned]) -> _Learned:
    """The chunks of columns side by side, in the order of the whole layout."""
    if len(found) == 1:
        return found[0]

    def whole(column: Index, pieces: Sequence[Floats]) -> Floats:
        placed = np.zeros((*pieces[0].shape[:-1], len(column)))
        for chunk, piece in zip(chunks, pieces, strict=True):
            placed[..., np.isin(column, chunk)] = piece
        return placed

    value, channel = layout.value_column, layout.channel_column
    seasons = sorted({season for each in found for season in each.expected.coefficients})
    season = whole(value, [each.expected.season.astype(np.float64) for each in found]).astype(np.int64)
    expected = Expected(
        {each: whole(value, [_coefficients(one.expected, each, found) for one in found]) for each in seasons},
        season,
    )
    how = [each.how for each in found]
    cell_column, block_channel = layout.block_column[layout.cell_block], layout.block_channel_column
    scales = Scales(
        whole(layout.column, [each.between for each in how]),
        whole(layout.block_column, [each.dispersion for each in how]),
        whole(cell_column, [each.cell_between for each in how]),
        whole(block_channel, [each.centre for each in how]),
        whole(block_channel, [each.spread for each in how]),
    )
    kept, left = ([each.kept for each in found], [each.left for each in found])
    return _Learned(expected, scales, whole(channel, kept), whole(channel, left))


def _coefficients(expected: Expected, season: Season, found: Sequence[_Learned]) -> Floats:
    """The coefficients of a chunk; zeros where none of its columns follows this season."""
    if season in expected.coefficients:
        return expected.coefficients[season]
    height = next(
        len(each.expected.coefficients[season]) for each in found if season in each.expected.coefficients
    )
    return np.zeros((height, len(expected.season)))


def _with_tails(
    panel: Panel,
    layout: Layout,
    how: Settings,
    found: Judge,
    said: Floats,
    segments: Index,
    effective: float,
    full_folds: int,
) -> Calibration:
    """Tails of each statistic over the replayed windows whose memory was filled, then of the whole."""
    filled = _filled(segments, how.rates[-1])
    said, segments = said[filled], segments[filled]
    parts = tuple(tails.fit(each, segments, how.share, how.apart) for each in said.T)
    own = judge.per_level(found)
    together = combined(parts[own:], said[:, own:])
    whole = tails.fit(together, segments, how.share, how.apart)
    alone = tails.fit(combined(parts[:own], said[:, :own]), segments, how.share, how.apart)
    replayed = np.full(len(panel), np.nan)
    confidence, worth = guard(full_folds, effective)
    guarded = tails.guarded(whole, len(said), confidence, worth)
    replayed[filled] = guarded.rarity(together)
    return Calibration(
        layout,
        how,
        found,
        parts,
        whole,
        guarded,
        tails.guarded(alone, len(said), confidence, worth),
        replayed,
        len(panel),
        effective,
        full_folds,
    )


def guard(full_folds: int, effective: float) -> tuple[float, float]:
    """The confidence of the guard, and what part of a peak counts as independent."""
    confidence = SHORT_GUARD if full_folds < FULL_FOLDS else SLOW_GUARD if effective < ENOUGH else GUARD
    return confidence, min(1.0, effective / ENOUGH)


def _filled(segments: Index, rate: float) -> Flags:
    """Windows that are not among the first 1 / rate of their segment, nor of its first third."""
    found = np.zeros(len(segments), bool)
    for part in memory.parts(segments):
        length = part.stop - part.start
        found[part.start + min(int(1 / rate), length // 3) : part.stop] = True
    return found


def combined(parts: Sequence[Tail], statistics: Floats) -> Floats:
    """The rarest of the statistics (t, s), each in log10 of windows by chance, float64 (t,)."""
    found: Floats = np.max([tail.rarity(statistics[:, number]) for number, tail in enumerate(parts)], axis=0)
    return found


def residuals_of(calibration: Calibration, panel: Panel) -> Residuals:
    """The windows less what is expected of them."""
    how = calibration.judge.expected
    expected = how.at(panel.hours, panel.weekdays, hourly=calibration.settings.hourly)
    values: Floats = np.where(np.isnan(panel.values), expected, panel.values)
    return channels.residuals(calibration.layout, panel.rows, values, expected)


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Of each window (t,): log10 of the windows by chance, with memory and alone; which statistic led."""

    rarity: Floats
    alone: Floats
    leading: Index


def say(calibration: Calibration, averages: Sequence[Floats]) -> Said:
    """What the tails make of windows whose averages are these."""
    statistics = judge.statistics(calibration.layout, calibration.judge, averages)
    own, parts = judge.per_level(calibration.judge), calibration.parts
    rare = np.stack([tail.rarity(statistics[:, number]) for number, tail in enumerate(parts)], axis=1)
    return Said(
        calibration.guarded.rarity(rare[:, own:].max(axis=1)),
        calibration.alone.rarity(rare[:, :own].max(axis=1)),
        own + np.argmax(rare[:, own:], axis=1),
    )
