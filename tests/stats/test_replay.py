"""The replayed alarm keeps its budget, finds shifts, and judges no fold by its own windows."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.stats import judge, leave_out, replay
from monitor.stats.panel import Panel
from tests.stats.panels import (
    WEEK,
    alarms,
    calibrated,
    counted,
    locations,
    panel_of,
    scores,
    window_by_window,
)

COLUMNS, ROWS = 20, 2000
REFERENCE, STABLE = 4 * WEEK, 30 * 24
DEPLOYMENTS = 8
SCENARIOS = {"independent": {}, "season": {"season": 0.3}, "swings": {"swing": 0.05}}
FOLD = 2


def pages(alarm):
    found, last = 0, -24
    for place in np.flatnonzero(alarm):
        if place - last >= 24:
            found, last = found + 1, place
    return found


def deployment(seed, scenario, columns=COLUMNS):
    """A calibration, a stable month and a day each of a few columns moved and of some wider ones."""
    random = np.random.default_rng(seed)
    location = locations(random, REFERENCE + STABLE + 48, columns, **scenario)
    deviation = np.ones_like(location)
    location[-48:-24, :2] += 0.25
    deviation[-24:, :4] *= 1.2
    layout, panel = panel_of(counted(random, location, deviation, ROWS), REFERENCE)
    calibration = calibrated(layout, panel.take(slice(0, REFERENCE)))
    stable = panel.take(slice(REFERENCE, REFERENCE + STABLE))
    return calibration, stable, panel.take(slice(-48, -24)), panel.take(slice(-24, None))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_false_pages_stay_within_the_budget_and_shifts_are_found(scenario):
    false, delays = 0, []
    for seed in range(DEPLOYMENTS):
        calibration, stable, moved, wider = deployment(seed, SCENARIOS[scenario])
        assert not calibration.provisional
        false += pages(alarms(calibration, stable))
        for shifted in (moved, wider):
            alarm = alarms(calibration, shifted)
            assert alarm.any()
            delays.append(int(alarm.argmax()) + 1)
    assert false < DEPLOYMENTS  # the budget allows one each
    assert max(delays) <= 3


@pytest.fixture(scope="module")
def quiet():
    """Four weeks in which the first two columns swing together."""
    random = np.random.default_rng(5)
    location = locations(random, REFERENCE, 6)
    location[:, :2] += 0.08 * random.normal(size=(REFERENCE, 1))
    return location


def in_fold():
    mine = np.flatnonzero(replay.folds_of(REFERENCE, 1 / 24, (1.0, 0.4, 0.15, 0.04)) == FOLD)
    return slice(int(mine[0]), int(mine[-1]) + 1)


def moved_day(location, deviation):
    location[in_fold().start + 48 : in_fold().start + 72, 3] += 0.15


def wild_window(location, deviation):
    deviation[in_fold().start + 100, 4] *= 1.6


def opposite_signs(location, deviation):
    location[in_fold(), 0] *= -1


PLANTS = (moved_day, wild_window, opposite_signs)


def planted(quiet, plant=None):
    location, deviation = quiet.copy(), np.ones_like(quiet)
    if plant is not None:
        plant(location, deviation)
    return panel_of(counted(np.random.default_rng(6), location, deviation, ROWS), REFERENCE)


@pytest.fixture(scope="module")
def undisturbed(quiet):
    layout, panel = planted(quiet)
    return calibrated(layout, panel)


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_odd_in_one_fold_scores_high_in_the_replay(quiet, undisturbed, plant):
    calibration = calibrated(*planted(quiet, plant))
    replayed = calibration.replayed
    odd = np.zeros(REFERENCE, bool)
    odd[in_fold()] = True
    assert np.nanmax(undisturbed.replayed) < np.log10(REFERENCE * 10)
    assert np.nanmax(replayed[odd]) > np.nanmax(replayed[~odd]) + 0.3
    assert np.nanargmax(replayed) in range(in_fold().start, in_fold().stop)


def judges(layout, panel):
    """What judged each fold, and its statistics, in the order of folds."""
    found, said = [], []
    follow, statistics = judge.follow, judge.statistics

    def heard(judge_, *rest):
        found.append(judge_)
        return follow(judge_, *rest)

    def noted(*given):
        said.append(statistics(*given))
        return said[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "follow", heard)
        patch.setattr(judge, "statistics", noted)
        calibrated(layout, panel)
    return found, said


def numbers(judge_):
    """Everything that a judge has learned, as one array."""
    parts = [*judge_.expected.coefficients.values(), judge_.expected.season]
    scales = judge_.scales
    parts += [scales.between, scales.dispersion, scales.cell_between, scales.centre, scales.spread]
    parts += [each.whitening.inverse for each in judge_.groups if each.whitening is not None]
    parts += [np.array([each.predictor.gain, each.predictor.persistence]) for each in judge_.groups]
    parts += [part for level in judge_.levels for part in (level.spread, np.array(level.laws))]
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize("part", ["centre", "scale", "correlation", "all"])
def test_no_fold_is_judged_by_its_own_windows(quiet, part):
    layout, panel = planted(quiet)
    values, split = panel.values.copy(), layout.contrasts
    here = in_fold()
    if part == "centre":
        values[here, 3] += 1
    elif part == "scale":
        values[here.start + 7, :split] += 5
    elif part == "correlation":
        values[here, 0] *= -1
    else:
        values[here] = np.random.default_rng(0).random((here.stop - here.start, values.shape[1]))
    disturbed = Panel(panel.hours, panel.weekdays, panel.segments, panel.rows, values)
    before, said_before = judges(layout, panel)
    after, said_after = judges(layout, disturbed)
    np.testing.assert_array_equal(numbers(before[FOLD]), numbers(after[FOLD]))
    assert not np.array_equal(said_before[FOLD], said_after[FOLD])
    others = [fold for fold in range(len(before)) if fold != FOLD]
    for fold in others:
        assert not np.array_equal(numbers(before[fold]), numbers(after[fold]))


def test_a_moved_week_scores_high_in_the_replay(quiet):
    layout, panel = planted(quiet)
    values = panel.values.copy()
    values[in_fold(), 3] += 0.3
    calibration = calibrated(layout, replace(panel, values=values))
    assert np.nanmax(calibration.replayed) >= np.log10(720)


def same(one, other):
    """Coefficients of a season that a column does not follow may differ: they are not used."""
    first, second = (
        replace(each.judge, expected=replace(each.judge.expected, coefficients={})) for each in (one, other)
    )
    np.testing.assert_allclose(numbers(first), numbers(second), rtol=1e-7, atol=1e-9)
    hours, weekdays = np.arange(WEEK) % 24 + 0.5, np.arange(WEEK) // 24
    expected = [each.judge.expected.at(hours, weekdays, hourly=True) for each in (one, other)]
    np.testing.assert_allclose(*expected, atol=1e-9)
    np.testing.assert_allclose(one.replayed, other.replayed, rtol=1e-6, atol=1e-6)
    for a, b in zip((*one.parts, one.guarded), (*other.parts, other.guarded), strict=True):
        assert a.line(720) == pytest.approx(b.line(720), rel=1e-6)


@pytest.fixture(scope="module")
def mixed():
    """Numeric columns, half of them seasonal, and categorical ones between which mass moves."""
    random = np.random.default_rng(8)
    location = locations(random, 5 * WEEK, 5, swing=0.05)
    location[:, 2:] += locations(random, 5 * WEEK, 3, season=0.4)
    levels = random.multinomial(ROWS, [0.5, 0.3, 0.15, 0.05], size=(5 * WEEK, 2))
    layout, panel = panel_of(counted(random, location, rows=ROWS), REFERENCE, levels)
    return layout, panel.take(slice(0, REFERENCE)), panel.take(slice(REFERENCE, None))


def test_panels_of_these_tests_are_those_of_the_monitor():
    random = np.random.default_rng(9)
    counts = counted(random, locations(random, 30, 2))
    levels = random.multinomial(50, [0.7, 0.2, 0.1], size=(30, 1))
    layout, panel = panel_of(counts, 20, levels)
    expected, one_by_one = window_by_window(counts, 20, levels)
    np.testing.assert_array_equal(layout.sizes, expected.sizes)
    np.testing.assert_array_equal(panel.rows, one_by_one.rows)
    np.testing.assert_allclose(panel.values, one_by_one.values, atol=1e-12)


@pytest.fixture(scope="module")
def whole(mixed):
    layout, reference, _ = mixed
    return calibrated(layout, reference)


@pytest.mark.parametrize("values", [1, 60_000])
def test_columns_in_chunks_calibrate_as_all_at_once(mixed, whole, values, monkeypatch):
    layout, reference, live = mixed
    monkeypatch.setattr(leave_out, "CHUNK_VALUES", values)
    parts = calibrated(layout, reference)
    same(whole, parts)
    np.testing.assert_allclose(scores(whole, live), scores(parts, live), atol=1e-8)


def test_a_column_without_rows_scores_nothing_and_others_as_before(mixed, whole):
    layout, _, live = mixed
    rows, values = live.rows.copy(), live.values.copy()
    absent = 4
    rows[:, absent] = 0
    values[:, layout.value_column == absent] = np.nan
    without = scores(whole, replace(live, rows=rows, values=values))
    mine = layout.channel_column == absent
    assert mine.sum() == 3
    assert (without[:, mine] == 0).all()
    np.testing.assert_array_equal(without[:, ~mine], scores(whole, live)[:, ~mine])


def test_a_categorical_column_has_two_channels(mixed):
    layout, _, _ = mixed
    assert (layout.channel_column == 5).sum() == 2


@pytest.mark.parametrize("sizes", [[1] * 168, [1, 50, 17, 100]])
def test_windows_followed_one_by_one_are_as_all_at_once(mixed, whole, sizes):
    _, _, live = mixed
    given = scores(whole, live)
    segments = np.zeros(len(given), np.int64)
    together, last = judge.follow(whole.judge, given, segments, judge.nothing(whole.judge))
    memory, pieces = judge.nothing(whole.judge), []
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        averages, memory = judge.follow(
            whole.judge, given[end - size : end], segments[end - size : end], memory
        )
        pieces.append(averages)
    for level, expected in enumerate(together):
        np.testing.assert_allclose(np.concatenate([each[level] for each in pieces]), expected, atol=1e-10)
    np.testing.assert_allclose(memory.averages, last.averages, atol=1e-10)
    np.testing.assert_allclose(memory.estimate, last.estimate, atol=1e-10)


def test_a_short_reference_is_provisional_and_has_a_wider_guard(mixed):
    layout, reference, _ = mixed
    short = calibrated(layout, reference.take(slice(0, 2 * WEEK)))
    assert short.provisional
    assert short.guarded.line(720) > short.whole.line(720)


def test_two_windows_can_be_calibrated(mixed):
    layout, reference, live = mixed
    found = calibrated(layout, reference.take(slice(0, 2)))
    assert found.provisional
    assert np.isfinite(scores(found, live)).all()
