"""Panels of simulated windows, small enough for tests: normal columns counted in equally likely bins."""

import numpy as np
from scipy import signal, special

from monitor.stats import channels, judge, replay
from monitor.stats.bins import (
    CategoricalBins,
    CategoricalCounts,
    CategoricalReference,
    NumericBins,
    NumericCounts,
    NumericReference,
)
from monitor.stats.distributions import layout_of, summaries_of, values_of
from monitor.stats.panel import Panel
from monitor.stats.season import Season
from monitor.stats.summaries import summarizer

BINS = 40
HOUR = 1 / 24
WEEK = 168


def numeric_reference(bins):
    fixed = NumericBins(np.arange(len(bins) - 1.0), np.zeros(len(bins), np.int64), 0.0, 1.0, 0.0, 1.0)
    return NumericReference(fixed, NumericCounts(np.asarray(bins)))


def categorical_reference(counts, other=0):
    names = tuple(f"level {number}" for number in range(len(counts)))
    return CategoricalReference(CategoricalBins(names), CategoricalCounts(np.asarray(counts), other=other))


def locations(random, windows, columns, *, season=0.0, swing=0.0, persistence=0.9):
    """Where each column lies in each window, float64 (t, k)."""
    hours = np.arange(windows)[:, None] % 24
    found = season * np.sin(2 * np.pi * hours / 24 + random.uniform(0, 6, columns))
    news = np.sqrt(1 - persistence**2) * random.normal(size=(windows, columns))
    return found + swing * signal.lfilter([1.0], [1.0, -persistence], news, axis=0)


def counted(random, location, deviation=None, rows=2000):
    """Counts of normal rows, (t, k, 40)."""
    edges = special.ndtri(np.arange(1, BINS) / BINS)
    deviation = np.ones_like(location) if deviation is None else deviation
    below = special.ndtr((edges - location[..., None]) / deviation[..., None])
    ends = np.zeros((*location.shape, 1))
    return random.multinomial(rows, np.diff(np.concatenate([ends, below, ends + 1], axis=-1), axis=-1))


def panel_of(counts, learned, levels=None):
    """The layout that the first `learned` windows fix, and all windows; `levels` (t, k, m) are categories.

    As `values_of` makes them window by window, at once.
    """
    columns = list(np.moveaxis(counts, 1, 0))
    references = [numeric_reference(each[:learned].sum(axis=0)) for each in columns]
    if levels is not None:
        more = list(np.moveaxis(levels, 1, 0))
        references += [categorical_reference(each[:learned].sum(axis=0)) for each in more]
        columns += [np.pad(each, ((0, 0), (0, 1))) for each in more]
    how = [summarizer(each) for each in references]
    shares = [each / each.sum(axis=1, keepdims=True) for each in columns]
    numeric = counts.shape[1]
    parts = [shares[k] @ how[k].location[:, None] for k in range(numeric)]
    parts += [shares[k] @ how[k].scale[:, None] for k in range(numeric)]
    parts += [share @ np.eye(each.cells)[each.cell_of] for share, each in zip(shares, how, strict=True)]
    rows = np.stack([each.sum(axis=1) for each in columns], axis=1).astype(float)
    return layout_of(how), timed(rows, np.concatenate(parts, axis=1))


def window_by_window(counts, learned, levels):
    """The same by `summarize` and `values_of`."""
    references = [numeric_reference(each) for each in counts[:learned].sum(axis=0)]
    references += [categorical_reference(each) for each in levels[:learned].sum(axis=0)]
    how = [summarizer(each) for each in references]
    pairs = []
    for numbers, categories in zip(counts, levels, strict=True):
        window = [*map(NumericCounts, numbers), *map(CategoricalCounts, categories)]
        pairs.append(values_of(how, summaries_of(how, window)))
    rows, values = (np.stack(each) for each in zip(*pairs, strict=True))
    return layout_of(how), timed(rows, values)


def timed(rows, values):
    windows = np.arange(len(rows))
    return Panel(windows % 24 + 0.5, windows // 24 % 7, np.zeros(len(rows), np.int64), rows, values)


def calibrated(layout, reference):
    settings = replay.settings(HOUR, tuple(Season), len(reference))
    return replay.calibrate(reference, layout, settings, HOUR)


def scores(calibration, panel):
    residuals = replay.residuals_of(calibration, panel)
    return channels.scores(calibration.layout, residuals, calibration.judge.scales)


def alarms(calibration, panel):
    """Windows that chance gives less than once in 30 days."""
    nothing = judge.nothing(calibration.judge)
    averages, _ = judge.follow(calibration.judge, scores(calibration, panel), panel.segments, nothing)
    return replay.say(calibration, averages).rarity >= np.log10(720)
