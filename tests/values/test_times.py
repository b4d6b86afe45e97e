# ruff: noqa: DTZ001 - times without a zone are what is tested
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.values import event_time
from monitor.values.times import local_to_utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2024, 2, 10, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def shown(array, zone="UTC"):
    found = event_time(array, zone)
    assert found.micros.dtype == np.int64
    return [
        EPOCH + timedelta(microseconds=micros) if good else None
        for micros, good in zip(found.micros.tolist(), found.valid.tolist(), strict=True)
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("tz", [None, "UTC", "America/New_York"])
def test_timestamps_of_every_unit(unit, tz):
    array = pa.array([NOON.replace(tzinfo=None), None]).cast(pa.timestamp(unit)).cast(pa.int64())
    array = array.cast(pa.timestamp(unit, tz))
    assert shown(array) == [NOON, None]
    found = event_time(array, "UTC")
    assert (found.naive, found.unreadable) == (tz is None, 0)


def test_naive_times_are_read_in_the_zone():
    array = pa.array([datetime(2024, 7, 1, 12), datetime(2024, 1, 1, 12)])
    assert shown(array, BERLIN) == [
        datetime(2024, 7, 1, 10, tzinfo=UTC),
        datetime(2024, 1, 1, 11, tzinfo=UTC),
    ]


def test_an_hour_that_comes_twice_is_the_earlier_one():
    assert shown(pa.array([datetime(2024, 10, 27, 2, 30)]), BERLIN) == [
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    ]


def test_an_hour_that_is_skipped_is_the_moment_after():
    array = pa.array([datetime(2024, 3, 31, 2), datetime(2024, 3, 31, 2, 59), datetime(2024, 3, 31, 3)])
    assert shown(array, BERLIN) == [datetime(2024, 3, 31, 1, tzinfo=UTC)] * 3


zones = st.sampled_from(
    [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
)


@given(zones, st.datetimes(datetime(1905, 1, 1), datetime(2150, 1, 1)))
def test_existing_local_times_are_as_zoneinfo_says(zone, local):
    moment = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local:
        assert shown(pa.array([local], pa.timestamp("us")), zone) == [moment]


@given(zones, st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2025, 1, 1)), min_size=2, max_size=20))
def test_reading_in_a_zone_keeps_the_order(zone, moments):
    local = np.sort(pa.array(moments, pa.timestamp("us")).cast(pa.int64()).to_numpy())
    assert (np.diff(local_to_utc(local, zone)) >= 0).all()


def test_dates_are_midnight_in_the_zone():
    for kind in (pa.date32(), pa.date64()):
        array = pa.array([date(2024, 7, 1), None], kind)
        assert shown(array, BERLIN) == [datetime(2024, 6, 30, 22, tzinfo=UTC), None]
        assert event_time(array, BERLIN).naive


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-10T12:00:00Z", NOON),
        ("2024-02-10T12:00:00z", NOON),
        ("2024-02-10 12:00:00+00:00", NOON),
        ("2024-02-10 12:00:00 UTC", NOON),
        ("2024-02-10 12:00:00 +0000", NOON),
        ("2024-02-10T13:30+01:30", NOON),
        ("2024-02-10T07:00:00.000000-05", NOON),
        ("2024-02-10T12:00:00.000000000Z", NOON),
        (" 2024-02-10T12:00:00,000Z ", NOON),
        ("1707566400", NOON),
        ("1707566400000", NOON),
        ("1707566400.5", NOON + timedelta(seconds=0.5)),
        ("2024-02-10 13:00", NOON),
        ("2024-02-10T13:00:00.25", NOON + timedelta(seconds=0.25)),
        ("2024-02-10", NOON - timedelta(hours=13)),
        ("03/04/2024", None),
        ("10.02.2024 12:00", None),
        ("2024-02-30", None),
        ("2024-02-10T25:00:00Z", None),
        ("20240210", None),
        ("20240210120000", None),
        ("yesterday", None),
    ],
)
def test_texts(text, expected):
    found = event_time(pa.array([text]), BERLIN)
    assert shown(pa.array([text]), BERLIN) == [expected]
    assert found.unreadable == (expected is None)


def test_texts_of_many_forms_in_one_column():
    texts = [
        "2024-02-10T12:00:00Z",
        "2024-02-10 13:00",
        None,
        "",
        "NA",
        "03/04/2024",
        "2024-02-30",
        "1707566400",
    ]
    for array in (pa.array(texts), pa.array(texts).dictionary_encode(), pa.array(texts, pa.large_string())):
        found = event_time(array, BERLIN)
        assert shown(array, BERLIN) == [NOON, NOON, None, None, None, None, None, NOON]
        assert (found.naive, found.unreadable) == (True, 2)


def test_no_zone_is_said_only_where_there_is_none():
    assert not event_time(pa.array(["2024-02-10T12:00:00Z", "bad"]), BERLIN).naive
    assert not event_time(pa.array([None], pa.timestamp("us")), BERLIN).naive


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
def test_numbers_are_times_by_their_size(scale):
    seconds = 1_707_566_400
    assert shown(pa.array([seconds * scale, None])) == [NOON, None]
    assert shown(pa.array([float(seconds * scale), float("nan")])) == [NOON, None]
    assert event_time(pa.array([float(seconds * scale), float("nan")]), "UTC").unreadable == 0


@pytest.mark.parametrize("value", [0, -1, 20_240_210, 20_240_210_120_000, 2**63 - 1, 10**10])
def test_numbers_that_are_no_times_are_unreadable(value):
    found = event_time(pa.array([value]), "UTC")
    assert (found.valid.tolist(), found.unreadable) == ([False], 1)


def test_each_number_is_read_by_itself():
    whole = pa.array([1_707_566_400, 0, 1_707_566_400_000])
    assert shown(whole) == [NOON, None, NOON]
    assert [shown(whole.slice(index, 1))[0] for index in range(3)] == shown(whole)


def test_what_microseconds_cannot_hold_is_unreadable():
    found = event_time(pa.array([2**60, None], pa.timestamp("s", "UTC")), "UTC")
    assert (found.valid.tolist(), found.unreadable) == ([False, False], 1)


def test_far_away_years_do_not_fail():
    array = pa.array([-(2**55), 2**55, 0], pa.timestamp("us"))
    assert event_time(array, BERLIN).valid.tolist() == [True] * 3


def test_other_types_are_unreadable():
    found = event_time(pa.array([[1], None]), "UTC")
    assert (found.valid.tolist(), found.unreadable, found.micros.tolist()) == ([False, False], 1, [0, 0])
    assert event_time(pa.array([None, None]), "UTC").unreadable == 0
    assert event_time(pa.array([True]), "UTC").unreadable == 1


def test_slices_chunks_and_dictionaries():
    whole = pa.array([NOON, None, NOON + timedelta(hours=1), None] * 5, pa.timestamp("us", "UTC"))
    expected = shown(whole)
    for offset in range(9):
        assert shown(whole.slice(offset)) == expected[offset:]
        assert shown(pa.chunked_array([whole, whole]).slice(offset + 20)) == expected[offset:]
        assert shown(whole.dictionary_encode().slice(offset)) == expected[offset:]
