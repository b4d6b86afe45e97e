"""Replay: what the alarm would have said of the reference, every window judged by the others alone.

Nested leave-one-fold-out: each fold is scored by a judge that was learned from the other folds, whose own
scales come from leaving out one fold of those. A tail on the replayed scores says how often chance gives
a score; a guard on the tail is for what a finite reference leaves unknown (Gandy and Kvaloy 2013).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.stats import channels, judge, memory, tails
from monitor.stats.channels import Residuals
from monitor.stats.judge import Judge
from monitor.stats.leave_out import Learned, leave_outs
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
GUARD, WIDE_GUARD = 0.8, 0.9
"""Confidence of the guard: where folds and `WELL_KNOWN` windows are enough, and where they are not."""
WELL_KNOWN = 60.0


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
    `alone`: guarded, of the window without memory. `replayed` (t,): log10 of windows by chance, by the tails
    of the other folds, NaN where memory was not yet filled. `effective`: windows that count as independent.
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


def calibrate(panel: Panel, layout: Layout, how: Settings, window_days: float) -> Calibration:
    """Calibrate on the windows of a reference; at least two of them."""
    folds = folds_of(len(panel), window_days, how.rates)
    longest = float(np.bincount(folds).max(initial=1))
    how = replace(how, rates=tuple(rate for rate in how.rates if rate == 1 or 5 / rate <= longest))
    segments = panel.segments * (MOST_FOLDS + 1) + folds
    *others, whole = leave_outs(panel, layout, folds, how.seasons, hourly=how.hourly)
    shared = _shared(layout, [*others, whole], folds, segments, how.rates)
    said: list[Floats] = []
    for without, learned in enumerate(others):
        kept = folds != without
        found = judge.learn(layout, learned.expected, learned.how, learned.kept, segments[kept], shared)
        averages, _ = judge.follow(found, learned.left, segments[~kept], judge.nothing(found))
        said.append(judge.statistics(layout, found, averages))
    final = judge.learn(layout, whole.expected, whole.how, whole.kept, segments, shared)
    effective = _effective(layout, whole.kept, segments)
    full = int(len(panel) / max(WEEK / window_days, FOLD_WINDOWS))
    return _with_tails(panel, layout, how, final, np.concatenate(said), folds, effective, full)


def _shared(
    layout: Layout, learned: Sequence[Learned], folds: Index, segments: Index, rates: tuple[float, ...]
) -> judge.Shared:
    """A group is predicted where that is worth it whichever fold is left out, and where none is."""
    outside = [folds != without for without in range(len(learned) - 1)] + [np.ones(len(folds), bool)]
    found = [
        judge.filters(layout, each.kept, segments[kept]) for each, kept in zip(learned, outside, strict=True)
    ]
    predicted = tuple(all(one.gain > 0 for one in each) for each in zip(*found, strict=True))
    return judge.Shared(rates, predicted, min(int(kept.sum()) for kept in outside))


def _effective(layout: Layout, scores: Floats, segments: Index) -> float:
    """Windows over one plus twice the correlation time, of the group of channels that lasts longest."""
    clipped = np.clip(scores, -memory.CLIP, memory.CLIP)
    times = [memory.correlation_time(clipped[:, each], segments) for each in judge.groups_of(layout)]
    return len(scores) / (1 + 2 * max(times, default=0.0))


def _with_tails(
    panel: Panel,
    layout: Layout,
    how: Settings,
    found: Judge,
    said: Floats,
    folds: Index,
    effective: float,
    full_folds: int,
) -> Calibration:
    """Tails of each statistic over the replayed windows whose memory was filled, then of the whole."""
    segments = panel.segments * (MOST_FOLDS + 1) + folds
    filled = _filled(segments, how.rates[-1])
    own, sure = judge.per_level(found), guard(full_folds, effective)
    tails_of = _Tails(said, segments, how, own, sure)
    parts, whole, guarded = tails_of.fit(filled)
    replayed = np.full(len(panel), np.nan)
    for fold in np.unique(folds[filled]).tolist():
        mine = filled & (folds == fold)
        others, _, tail = tails_of.fit(filled & (folds != fold))
        replayed[mine] = tail.rarity(combined(others[own:], said[mine, own:]))
    alone = tails_of.alone(parts, filled)
    return Calibration(
        layout, how, found, parts, whole, guarded, alone, replayed, len(panel), effective, full_folds
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Tails:
    """Replayed statistics (t, s), the first `own` of them of windows without memory, and how to fit tails."""

    said: Floats
    segments: Index
    how: Settings
    own: int
    sure: tuple[float, float]

    def fit(self, chosen: Flags) -> tuple[tuple[Tail, ...], Tail, Tail]:
        """The tail of each statistic over these windows, of their maximum, and that with the guard."""
        parts = tuple(self._one(each, chosen) for each in self.said[chosen].T)
        whole = self._one(combined(parts[self.own :], self.said[chosen, self.own :]), chosen)
        return parts, whole, tails.guarded(whole, int(chosen.sum()), *self.sure)

    def alone(self, parts: Sequence[Tail], chosen: Flags) -> Tail:
        """The guarded tail of windows without memory."""
        tail = self._one(combined(parts[: self.own], self.said[chosen, : self.own]), chosen)
        return tails.guarded(tail, int(chosen.sum()), *self.sure)

    def _one(self, scores: Floats, chosen: Flags) -> Tail:
        return tails.fit(scores, self.segments[chosen], self.how.share, self.how.apart)


def guard(full_folds: int, effective: float) -> tuple[float, float]:
    """The confidence of the guard, and what part of a peak counts as independent."""
    known = full_folds >= FULL_FOLDS and effective >= WELL_KNOWN
    confidence = GUARD if known else WIDE_GUARD
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
