"""Leave-outs: what the other folds expect, and scores of the windows kept and left out, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.stats import channels
from monitor.stats.channels import Expected, Scales
from monitor.stats.panel import Floats, Index, Layout, Panel
from monitor.stats.season import Season

CHUNK_VALUES = 3_000_000
"""Values that are regressed at once; columns are taken in chunks of as many."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What one leave-out gives: scores of the windows kept, and what scores the ones left out."""

    expected: Expected
    how: Scales
    kept: Floats
    left: Floats


def leave_outs(
    panel: Panel, layout: Layout, folds: Index, seasons: Sequence[Season], *, hourly: bool
) -> Iterator[Learned]:
    """Each fold left out, then none; columns are prepared in chunks, so that memory is bounded."""
    size = max(1, int(CHUNK_VALUES / max(len(panel) * layout.value_column.size / layout.columns, 1)))
    chunks = [np.arange(first, min(first + size, layout.columns)) for first in range(0, layout.columns, size)]
    orders: list[int | None] = [*range(int(folds.max(initial=0)) + 1), None]
    found: dict[int | None, list[Learned]] = {each: [] for each in orders}
    for chunk in chunks:
        prepared = channels.prepare(panel.part(layout, chunk), folds, seasons, hourly=hourly)
        for without in orders:
            found[without].append(_learned(prepared, layout.part(chunk), without))
    for without in orders:
        yield _joined(layout, chunks, found.pop(without))


def _learned(prepared: channels.Prepared, layout: Layout, without: int | None) -> Learned:
    guess, season = channels.held_out(prepared, layout, without)
    kept = prepared.outside(without)
    rows = prepared.panel.rows
    seen = channels.residuals(layout, rows[kept], prepared.values[kept], guess[kept])
    how = channels.scales(layout, seen)
    expected = channels.expectation(prepared, season, without)
    panel = prepared.panel.take(~kept)
    other = expected.at(panel.hours, panel.weekdays, hourly=prepared.hourly)
    left = channels.residuals(layout, panel.rows, prepared.values[~kept], other)
    return Learned(expected, how, channels.scores(layout, seen, how), channels.scores(layout, left, how))


def _joined(layout: Layout, chunks: Sequence[Index], found: Sequence[Learned]) -> Learned:
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
    return Learned(expected, scales, whole(channel, kept), whole(channel, left))


def _coefficients(expected: Expected, season: Season, found: Sequence[Learned]) -> Floats:
    """The coefficients of a chunk; zeros where none of its columns follows this season."""
    if season in expected.coefficients:
        return expected.coefficients[season]
    height = next(
        len(each.expected.coefficients[season]) for each in found if season in each.expected.coefficients
    )
    return np.zeros((height, len(expected.season)))
