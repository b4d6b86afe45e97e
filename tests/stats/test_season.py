"""What is expected at a position of the calendar is what least squares of the other folds say."""

import numpy as np
import pytest

from monitor.stats.season import HARMONICS, WEEKEND_HARMONICS, FoldSums, Season, design, fold_sums

WINDOWS = np.arange(4 * 168)
HOURS, WEEKDAYS = WINDOWS % 24 + 0.5, WINDOWS // 24 % 7
FOLDS = WINDOWS // 168


def fitted(regressors, values):
    """The sums of one fold, fitted."""
    return fold_sums(regressors, values, np.zeros(len(values), np.int64)).fit()


@pytest.mark.parametrize(
    ("season", "hourly", "columns"),
    [
        (Season.NONE, True, 1),
        (Season.HOUR, True, 1 + 2 * HARMONICS),
        (Season.HOUR, False, 1),
        (Season.WEEK, True, 7 + 2 * HARMONICS + 2 * WEEKEND_HARMONICS),
        (Season.WEEK, False, 7),
    ],
)
def test_every_season_has_its_regressors_and_none_twice(season, hourly, columns):
    found = design(HOURS, WEEKDAYS, season, hourly=hourly)
    assert found.shape == (len(WINDOWS), columns)
    assert np.linalg.matrix_rank(found) == columns


@pytest.mark.parametrize("season", Season)
def test_a_day_or_a_week_later_the_same_is_expected(season):
    found = design(HOURS, WEEKDAYS, season, hourly=True)
    np.testing.assert_allclose(found[168:336], found[:168], atol=1e-12)
    if season < Season.WEEK:
        np.testing.assert_allclose(found[24:48], found[:24], atol=1e-12)


def test_two_waves_of_the_day_are_followed_exactly():
    angle = 2 * np.pi * HOURS / 24
    values = (3 + np.sin(angle) - 2 * np.cos(2 * angle))[:, None]
    regressors = design(HOURS, WEEKDAYS, Season.HOUR, hourly=True)
    np.testing.assert_allclose(regressors @ fitted(regressors, values), values, atol=1e-4)


def test_means_of_weekdays_are_followed_exactly():
    means = np.array([1.0, 5.0, 2.0, 0.0, -3.0, 8.0, 7.0])
    days = np.arange(28)
    regressors = design(np.full(28, 12.0), days % 7, Season.WEEK, hourly=False)
    found = regressors[:7] @ fitted(regressors, means[days % 7][:, None])
    np.testing.assert_allclose(found[:, 0], means, atol=1e-3)


def test_a_weekday_that_never_occurred_is_expected_to_be_as_a_monday():
    days = np.arange(15) % 5
    regressors = design(np.full(15, 12.0), days, Season.WEEK, hourly=False)
    saturday = design(np.array([12.0]), np.array([5]), Season.WEEK, hourly=False)
    found = saturday @ fitted(regressors, np.full((15, 1), 4.0))
    assert found.item() == pytest.approx(4.0, abs=1e-3)


@pytest.mark.parametrize("without", [(), (1,), (0, 3)])
def test_folds_left_out_have_no_say(without):
    random = np.random.default_rng(1)
    values = random.normal(size=(len(WINDOWS), 3))
    regressors = design(HOURS, WEEKDAYS, Season.WEEK, hourly=True)
    kept = ~np.isin(FOLDS, without)
    expected, *_ = np.linalg.lstsq(regressors[kept], values[kept])
    found = fold_sums(regressors, values, FOLDS).fit(*without)
    np.testing.assert_allclose(regressors @ found, regressors @ expected, atol=1e-4)
    disturbed = np.where(kept[:, None], values, 1e6)
    np.testing.assert_array_equal(fold_sums(regressors, disturbed, FOLDS).fit(*without), found)


def test_nothing_left_is_no_expectation_and_no_error():
    sums = FoldSums(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)))
    np.testing.assert_array_equal(sums.fit(0), np.zeros((2, 3)))
