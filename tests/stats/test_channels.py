"""Scores are residuals over their spread; chi-squares are Pearson's; folds expect each other's windows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monitor.stats import channels
from monitor.stats.panel import Layout
from monitor.stats.season import Season
from tests.stats.panels import counted, locations, panel_of

WINDOWS, ROWS, COLUMNS = 24 * 28, 500, 4
FOLDS = np.arange(WINDOWS) * 4 // WINDOWS


def windows(seed=0, **world):
    random = np.random.default_rng(seed)
    return panel_of(counted(random, locations(random, WINDOWS, COLUMNS, **world), rows=ROWS), WINDOWS)


def prepared_of(panel, seasons=tuple(Season)):
    return channels.prepare(panel, FOLDS, seasons, hourly=True)


def seen(layout, panel, without=None):
    """Residuals of what no fold has seen, and the season of each value."""
    prepared = prepared_of(panel)
    guess, season = channels.held_out(prepared, layout, without)
    return channels.residuals(layout, panel.rows, prepared.values, guess), season


def test_each_fold_is_expected_by_the_others():
    layout, panel = windows()
    prepared = prepared_of(panel, (Season.NONE,))
    guess, _ = channels.held_out(prepared, layout, None)
    for fold in range(4):
        mean = panel.values[fold != FOLDS].mean(axis=0)
        np.testing.assert_allclose(guess[fold == FOLDS], np.broadcast_to(mean, (168, len(mean))), atol=1e-5)


def test_the_fold_left_out_has_no_say_in_any_other():
    layout, panel = windows(season=0.3)
    values = panel.values.copy()
    values[FOLDS == 2] = 9.0
    before, season = channels.held_out(prepared_of(panel), layout, 2)
    after, same = channels.held_out(prepared_of(replace(panel, values=values)), layout, 2)
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(season, same)
    assert not before[FOLDS == 2].any()


@pytest.mark.parametrize(("height", "expected"), [(0.0, Season.NONE), (0.3, Season.HOUR)])
def test_a_column_follows_the_season_that_it_has(height, expected):
    layout, panel = windows(season=height)
    _, season = seen(layout, panel)
    assert (season == expected).mean() > 0.7
    for column in range(COLUMNS):
        assert len(set(season[layout.value_column == column].tolist())) == 1


def test_missing_values_are_as_the_mean_of_their_column():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(channels.without_gaps(values), [[1, 0], [3, 0], [2, 0]])


def test_what_varies_no_more_than_its_rows_has_no_variance_between_windows():
    layout, panel = windows()
    found, _ = seen(layout, panel)
    how = channels.scales(layout, found)
    assert (how.between < 0.15 * layout.variance / ROWS).all()
    assert (how.dispersion * ROWS < 0.1).all()


def test_the_variance_between_windows_is_found():
    random = np.random.default_rng(2)
    layout, panel = panel_of(
        counted(random, 0.1 * random.normal(size=(WINDOWS, COLUMNS)), rows=ROWS), WINDOWS
    )
    found, _ = seen(layout, panel)
    how = channels.scales(layout, found)
    assert how.between[:COLUMNS] == pytest.approx([0.01] * COLUMNS, rel=0.2)
    given = channels.scores(layout, found, how)
    np.testing.assert_allclose(given.std(axis=0), 1, atol=0.1)
    np.testing.assert_allclose(given.mean(axis=0), 0, atol=0.1)


@pytest.mark.parametrize("size", [4, 0.25])
def test_scores_of_windows_of_other_sizes_are_about_as_wide(size):
    """Only noise of rows: a window with four times the rows varies half as much, and scores alike."""
    random = np.random.default_rng(4)
    still = np.zeros((WINDOWS, COLUMNS))
    counts = [counted(random, still, rows=rows) for rows in (ROWS, int(ROWS * size))]
    layout, both = panel_of(np.concatenate(counts), WINDOWS)
    panel, other = both.take(slice(0, WINDOWS)), both.take(slice(WINDOWS, None))
    found, _ = seen(layout, panel)
    how = channels.scales(layout, found)
    expected = np.broadcast_to(panel.values.mean(axis=0), other.values.shape)
    given = channels.scores(layout, channels.residuals(layout, other.rows, other.values, expected), how)
    np.testing.assert_allclose(given.std(axis=0), 1, atol=0.25)


def blocks(sizes, variance=None):
    """A layout of blocks alone, every one with its largest cell."""
    count = len(sizes)
    return Layout(
        count,
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
        np.zeros(0),
        np.zeros(0, bool),
        np.arange(count),
        np.array(sizes),
        np.zeros(sum(sizes)) if variance is None else np.array(variance),
        np.ones(count, bool),
    )


NOTHING = channels.Scales(np.zeros(0), np.zeros(2), np.zeros(5), np.zeros(4), np.ones(4))
SINGLE = channels.Scales(np.zeros(0), np.zeros(1), np.zeros(3), np.zeros(1), np.ones(1))


def test_chi_squares_are_those_of_pearson_and_largest_cells_are_standardised():
    expected = np.array([[0.5, 0.3, 0.2, 0.6, 0.4]])
    counts = np.array([[60, 25, 15, 50, 50.0]])
    layout = blocks([3, 2])
    found = channels.residuals(layout, np.array([[100.0, 100.0]]), counts / 100, expected)
    given = channels.scores(layout, found, NOTHING)[0]
    for place, cells in enumerate((slice(0, 3), slice(3, 5))):
        chi, _ = stats.chisquare(counts[0, cells], 100 * expected[0, cells])
        freedom = cells.stop - cells.start - 1
        assert given[place] == pytest.approx(np.cbrt(chi / freedom))
        spread = np.sqrt(expected[0, cells] * (1 - expected[0, cells]) / 100)
        largest = (np.abs(counts[0, cells] / 100 - expected[0, cells]) / spread).max()
        chance = 1 - (1 - 2 * stats.norm.sf(largest)) ** freedom
        assert given[2 + place] == pytest.approx(stats.norm.isf(chance))


def test_cells_that_are_no_shares_have_the_variance_given():
    layout = blocks([2], [4.0, 9.0])
    found = channels.residuals(layout, np.array([[25.0]]), np.array([[1.0, 2.0]]), np.zeros((1, 2)))
    chi = 25 * (1 / 4 + 4 / 9) / 2
    wide = replace(SINGLE, cell_between=np.zeros(2), centre=np.zeros(2), spread=np.ones(2))
    largest = stats.norm.isf(2 * stats.norm.sf(2 / np.sqrt(9 / 25)))
    assert channels.scores(layout, found, wide)[0].tolist() == pytest.approx([np.cbrt(chi), largest])


@pytest.mark.parametrize("count", [1, 3, 30])
def test_the_largest_of_several_is_normal_by_their_number(count):
    draws = np.abs(np.random.default_rng(1).normal(size=(200_000, count))).max(axis=1)
    found = channels.normal_of_largest(draws[:, None], np.array([count]))[:, 0]
    assert found.mean() == pytest.approx(0, abs=0.02)
    assert found.std() == pytest.approx(1, abs=0.02)
    far = channels.normal_of_largest(np.array([[7.999], [8.001], [60.0]]), np.array([count]))[:, 0]
    assert 0 < far[1] - far[0] < 0.01
    assert np.isfinite(far).all()


def test_one_row_in_a_cell_expected_empty_is_not_certain():
    layout = replace(blocks([3]), largest=np.zeros(1, bool))
    shares = np.array([[0.4, 0.5, 0.1]])
    found = channels.residuals(layout, np.array([[10.0]]), shares, np.array([[0.5, 0.5, 0.0]]))
    assert found.shares.tolist() == [[0.5, 0.5, channels.LEAST_EXPECTED]]
    assert channels.scores(layout, found, SINGLE)[0, 0] < 3


def test_windows_without_rows_score_nothing_and_do_not_narrow_the_scales():
    layout, panel = windows()
    rows, values = panel.rows.copy(), panel.values.copy()
    absent = np.zeros(WINDOWS, bool)
    absent[::3] = True
    rows[absent, 1] = 0
    values[np.ix_(absent, layout.value_column == 1)] = np.nan
    found, _ = seen(layout, replace(panel, rows=rows, values=values))
    how = channels.scales(layout, found)
    given = channels.scores(layout, found, how)
    mine = layout.channel_column == 1
    assert not given[np.ix_(absent, mine)].any()
    np.testing.assert_allclose(given[np.ix_(~absent, mine)].std(axis=0), 1, atol=0.15)


def test_expectations_at_positions_are_those_of_the_season_followed():
    layout, panel = windows(season=0.3)
    prepared = prepared_of(panel)
    _, season = channels.held_out(prepared, layout, None)
    expected = channels.expectation(prepared, season, None)
    found = expected.at(panel.hours, panel.weekdays, hourly=True)
    for each in Season:
        mine = season == each
        fitted = prepared.regressors[each] @ prepared.sums[each].fit()
        np.testing.assert_allclose(found[:, mine], fitted[:, mine])
