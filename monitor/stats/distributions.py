"""Panels of distributions: location, scale and cells of every column, window by window."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from monitor.stats.bins import ColumnCounts
from monitor.stats.panel import CORRELATION, LOCATION, SCALE, Floats, Layout
from monitor.stats.summaries import Summarizer, Summary, summarize


def layout_of(columns: Sequence[Summarizer]) -> Layout:
    """Numeric columns have location and scale, categorical ones a largest cell; cells where there are two."""
    numeric = np.array([number for number, each in enumerate(columns) if each.location is not None], np.int64)
    blocks = np.array([number for number, each in enumerate(columns) if each.cells > 1], np.int64)
    sizes = np.array([columns[number].cells for number in blocks.tolist()], np.int64)
    return Layout(
        len(columns),
        np.concatenate([numeric, numeric]),
        np.repeat([LOCATION, SCALE], len(numeric)),
        np.array([columns[number].variances[which] for which in (0, 1) for number in numeric.tolist()]),
        np.zeros(2 * len(numeric), bool),
        blocks,
        sizes,
        np.zeros(int(sizes.sum())),
        np.array([columns[number].location is None for number in blocks.tolist()], bool),
    )


def with_correlations(layout: Layout, pairs: int) -> Layout:
    """The layout with a column more for each pair of columns: Fisher's z, of which one row has variance 1."""
    return replace(
        layout,
        columns=layout.columns + pairs,
        column=np.concatenate([layout.column, layout.columns + np.arange(pairs)]),
        group=np.concatenate([layout.group, np.full(pairs, CORRELATION)]),
        variance=np.concatenate([layout.variance, np.ones(pairs)]),
        one_sided=np.concatenate([layout.one_sided, np.zeros(pairs, bool)]),
    )


def values_of(columns: Sequence[Summarizer], found: Sequence[Summary]) -> tuple[Floats, Floats]:
    """One window: rows (k,) behind each column and its values (c + j,); NaN where a column has no rows."""
    rows = np.array([each.observed for each in found], np.float64)
    numeric = [each for how, each in zip(columns, found, strict=True) if how.location is not None]
    cells = [
        each.cells / each.observed if each.observed else np.full(len(each.cells), np.nan)
        for how, each in zip(columns, found, strict=True)
        if how.cells > 1
    ]
    contrasts = [each.location for each in numeric] + [each.scale for each in numeric]
    return rows, np.concatenate([np.array(contrasts, np.float64), *cells])


def summaries_of(columns: Sequence[Summarizer], counts: Iterable[ColumnCounts]) -> list[Summary]:
    """Every column of one window."""
    return [summarize(how, each) for how, each in zip(columns, counts, strict=True)]
