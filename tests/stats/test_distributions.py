"""Panels of distributions, with and without correlations of pairs."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.stats import judge, leave_out, materiality
from monitor.stats.distributions import with_correlations
from monitor.stats.effects import MinimumEffect
from monitor.stats.panel import CORRELATION
from tests.stats.panels import WEEK, calibrated, counted, locations, panel_of, scores

COLUMNS, PAIRS, ROWS = 4, 6, 500
REFERENCE = 4 * WEEK


def with_pairs(windows=REFERENCE + 48, pairs=PAIRS, *, between=0.0):
    """Columns that never move, and pairs whose z is about 0.8, with a break of the first in the last day."""
    random = np.random.default_rng(3)
    layout, panel = panel_of(counted(random, locations(random, windows, COLUMNS), rows=ROWS), REFERENCE)
    z = 0.8 + random.normal(scale=np.hypot(1 / np.sqrt(ROWS), between), size=(windows, pairs))
    z[-24:, 0] -= 0.6
    split = layout.contrasts
    values = np.concatenate([panel.values[:, :split], z, panel.values[:, split:]], axis=1)
    rows = np.concatenate([panel.rows, np.full((windows, pairs), float(ROWS))], axis=1)
    return with_correlations(layout, pairs), replace(panel, values=values, rows=rows)


def test_each_pair_is_a_column_of_one_contrast_after_the_others():
    layout, panel = with_pairs(30)
    assert layout.columns == COLUMNS + PAIRS
    assert layout.value_column[layout.contrasts - PAIRS : layout.contrasts].tolist() == list(range(4, 10))
    assert (layout.group == CORRELATION).sum() == PAIRS
    assert panel.values.shape[1] == len(layout.value_column)
    alone = layout.part(np.array([COLUMNS + 1]))
    assert (alone.columns, alone.contrasts, alone.blocks) == (1, 1, 0)


@pytest.mark.parametrize("values", [1, 60_000])
def test_pairs_in_chunks_calibrate_as_all_at_once(values, monkeypatch):
    layout, panel = with_pairs()
    reference, live = panel.take(slice(0, REFERENCE)), panel.take(slice(REFERENCE, None))
    whole = calibrated(layout, reference)
    monkeypatch.setattr(leave_out, "CHUNK_VALUES", values)
    parts = calibrated(layout, reference)
    np.testing.assert_allclose(scores(whole, live), scores(parts, live), atol=1e-8)
    np.testing.assert_allclose(whole.replayed, parts.replayed, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("between", [0.0, 0.5])
def test_a_break_is_judged_by_how_much_the_pair_varies_between_windows(between):
    layout, panel = with_pairs(between=between)
    found = calibrated(layout, panel.take(slice(0, REFERENCE)))
    split = layout.contrasts
    seen = np.sqrt(found.judge.scales.between[split - PAIRS :])
    np.testing.assert_allclose(seen, between, atol=0.05)
    pair = scores(found, panel.take(slice(-24, None)))[:, split - PAIRS]
    assert np.mean(pair) == pytest.approx(-0.6 / np.sqrt(seen[0] ** 2 + 1 / ROWS), rel=0.3)


@pytest.mark.parametrize(("change", "material"), [(-0.6, True), (0.6, True), (0.22, False)])
def test_a_pair_is_material_less_one_standard_error(change, material):
    layout, _ = with_pairs(30)
    empty = materiality.empty(layout)
    pool = replace(empty, rows=empty.rows + ROWS)
    pool.effects[2 * COLUMNS] = change * ROWS  # its standard error is 0.045
    nothing = np.zeros(layout.contrasts)
    window = materiality.Seen(
        nothing, nothing, empty.cells, np.full_like(empty.cells, 0.05), np.full(layout.columns, float(ROWS))
    )
    far = materiality.material(materiality.sizes(pool, layout, window), layout, MinimumEffect())
    assert far.tolist() == [column == COLUMNS and material for column in range(layout.columns)]


@pytest.mark.parametrize("windows", [40, 50, 80])
def test_all_judges_of_a_replay_whiten_the_same_groups(windows, monkeypatch):
    """With 21 pairs half of the windows of some folds are too few, half of all are not."""
    layout, panel = with_pairs(windows, 21)
    learned, learn = [], judge.learn

    def noted(*given):
        learned.append(learn(*given))
        return learned[-1]

    monkeypatch.setattr(judge, "learn", noted)
    calibrated(layout, panel)
    assert len(learned) > 4
    assert len({tuple(each.whitening is None for each in one.groups) for one in learned}) == 1
    assert len({len(one.levels[0].laws) for one in learned}) == 1
