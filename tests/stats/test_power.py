"""Shifts of replayed windows: they move what they say, and what is found is found in new windows too."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.stats import power
from monitor.stats.panel import ERROR, LOCATION, SHARE, Layout, arcsine
from monitor.stats.power import DEVIATIONS, HORIZONS, SHARES, Shift, Trial
from tests.stats.panels import WEEK, alarms, calibrated, counted, locations, panel_of

MONTH_OF_WINDOWS = np.log10(720)
COLUMNS, ROWS = 4, 500


def contrasts(group, columns, *, variance=1.0, rising=True):
    number, nothing = np.arange(columns), np.zeros(0, np.int64)
    return Layout(
        columns,
        number,
        np.full(columns, group),
        np.full(columns, variance),
        np.full(columns, rising),
        nothing,
        nothing,
        np.zeros(0),
        np.zeros(0, bool),
    )


def categories(columns, cells):
    """The layout of columns of categories, and three windows in which the second one is the largest."""
    nothing, number = np.zeros(0, np.int64), np.arange(columns)
    layout = Layout(
        columns,
        nothing,
        nothing,
        np.zeros(0),
        np.zeros(0, bool),
        number,
        np.full(columns, cells),
        np.zeros(columns * cells),
        np.ones(columns, bool),
    )
    shares = np.tile([0.1, 0.6, *[0.3 / (cells - 2)] * (cells - 2)], (3, columns))
    return layout, shares


class TestShifted:
    def test_a_location_moves_by_standard_deviations(self):
        moved = power.shifted(
            contrasts(LOCATION, 2, variance=4.0), np.zeros((3, 2)), np.array([0.0, -1.0]), 0.5
        )
        assert moved.tolist() == [[0.0, -1.0]] * 3

    def test_a_share_of_missing_rows_grows_by_points(self):
        values = arcsine(np.array([[0.0, 0.2]]))
        moved = power.shifted(contrasts(SHARE, 2), values, np.ones(2), 0.05)
        assert np.sin(moved) ** 2 == pytest.approx(np.array([[0.05, 0.25]]))

    def test_an_error_grows_by_points(self):
        moved = power.shifted(contrasts(ERROR, 2), np.full((1, 2), 0.1), np.ones(2), 0.02)
        assert moved == pytest.approx(0.12)

    @pytest.mark.parametrize(("points", "largest"), [(0.1, 0.7), (-0.1, 0.5), (0.9, 1.0), (-0.9, 0.0)])
    def test_the_largest_category_moves_and_the_others_make_room(self, points, largest):
        layout, values = categories(2, 4)
        moved = power.shifted(layout, values, np.array([0.0, 1.0]), points)
        assert moved[:, :4].tolist() == values[:, :4].tolist()
        assert moved[:, 4:].sum(axis=1) == pytest.approx(1.0)
        assert moved[:, 5] == pytest.approx(largest)
        assert moved[:, 6] / max(1 - largest, 1e-9) == pytest.approx(
            values[:, 6] / 0.4 if largest < 1 else 0.0
        )

    def test_unknown_stays_unknown_and_the_windows_given_stay_as_they_are(self):
        values = np.array([[np.nan, 0.0]])
        moved = power.shifted(contrasts(LOCATION, 2), values, np.ones(2), 1.0)
        assert np.isnan(moved[0, 0])
        assert values[0, 1] == 0.0


class TestShift:
    def test_all_columns_go_up_and_down_in_turn(self):
        shift = power.all_columns(contrasts(LOCATION, 3, rising=False), np.zeros((5, 3)))
        assert (shift.weights.tolist(), shift.sizes) == ([1.0, -1.0, 1.0], DEVIATIONS)

    @pytest.mark.parametrize("group", [SHARE, ERROR])
    def test_what_can_only_rise_rises(self, group):
        shift = power.all_columns(contrasts(group, 3), np.zeros((5, 3)))
        assert (shift.weights.tolist(), shift.sizes) == ([1.0, 1.0, 1.0], SHARES)

    def test_categories_move_by_the_deviation_of_being_in_the_largest(self):
        layout, values = categories(2, 4)
        shift = power.all_columns(layout, values)
        assert shift.weights == pytest.approx(np.sqrt(0.6 * 0.4) * np.array([1, -1]))

    def test_a_crowded_category_alone_loses_rows(self):
        layout, values = categories(2, 4)
        assert power.one_column(layout, values, 1).weights.tolist() == [0.0, -1.0]
        assert power.one_column(layout, values, 1).sizes == SHARES


SWING = np.array([0.1, 0.02, 0.06, 0.3])
"""The second column swings least, the last one most."""


@pytest.fixture(scope="module")
def counts():
    """Three weeks of a reference."""
    random = np.random.default_rng(11)
    return counted(random, locations(random, 3 * WEEK, COLUMNS, swing=SWING), rows=ROWS)


@pytest.fixture(scope="module")
def reference(counts):
    layout, panel = panel_of(counts, len(counts))
    return calibrated(layout, panel), panel


@pytest.fixture(scope="module")
def trial(reference):
    return Trial(*reference, MONTH_OF_WINDOWS)


def test_the_usual_column_varies_as_the_middle_one(reference):
    calibration, panel = reference
    assert power.usual_column(calibration, panel.values) == 2


def test_smaller_shifts_need_more_windows_and_more_columns(trial):
    layout, values = trial.calibration.layout, trial.values
    one = trial.smallest(power.one_column(layout, values, 2))
    every = trial.smallest(power.all_columns(layout, values))
    assert list(one) == sorted(one, reverse=True)
    assert one[0] > one[-1]
    assert all(together <= alone for together, alone in zip(every, one, strict=True))


def test_what_never_moves_is_not_found_and_what_moves_far_is(trial):
    weights = np.eye(COLUMNS)[1]
    assert trial.found(weights, 0.0).max() < 0.2
    assert trial.found(weights, 3.0).tolist() == [1.0] * len(HORIZONS)
    assert trial.smallest(Shift(weights * 0, DEVIATIONS)) == (None,) * len(HORIZONS)


@pytest.mark.parametrize(("factor", "least", "most"), [(1.5, 0.7, 1.0), (0.3, 0.0, 0.3)])
def test_what_is_found_in_the_reference_is_found_in_new_windows(
    counts, reference, trial, factor, least, most
):
    size = dict(zip(HORIZONS, trial.smallest(Shift(np.eye(COLUMNS)[1], DEVIATIONS)), strict=True))[24]
    found = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        location = locations(random, 72, COLUMNS, swing=SWING)
        location[-24:, 1] += factor * size
        _, panel = panel_of(np.concatenate([counts, counted(random, location, rows=ROWS)]), len(counts))
        found.append(alarms(reference[0], panel.take(slice(len(counts), None)))[-24:].any())
    assert least <= np.mean(found) <= most


def test_windows_of_incidents_are_left_out(reference):
    calibration, panel = reference
    replayed = calibration.replayed.copy()
    replayed[200:210] = 9.0
    trial = Trial(replace(calibration, replayed=replayed), panel, MONTH_OF_WINDOWS)
    beyond = int((replayed >= MONTH_OF_WINDOWS).sum())
    assert len(trial.panel) == len(panel) - beyond
    assert beyond >= 10


def test_few_windows_are_taken_again_from_the_first_on():
    random = np.random.default_rng(3)
    layout, panel = panel_of(counted(random, locations(random, 40, 2), rows=ROWS), 40)
    trial = Trial(calibrated(layout, panel), panel, MONTH_OF_WINDOWS)
    assert trial.places.max() < 40
    assert trial.found(np.ones(2), 3.0)[-1] == 1.0


def test_wide_panels_are_tried_from_fewer_windows_on(reference, monkeypatch):
    calibration, panel = reference
    monkeypatch.setattr(power, "MOST_VALUES", 5_000)
    trial = Trial(calibration, panel, MONTH_OF_WINDOWS)
    assert trial.starts == power.FEWEST_STARTS
    assert len(trial.panel) == 5_000 // panel.values.shape[1]
