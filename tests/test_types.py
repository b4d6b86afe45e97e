import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import tokens, types
from monitor.types import KIND_OF, LABEL_KINDS, AlarmState, Kind, Reason, Role, Stage, Window, iso, utc

DAY = datetime(2024, 2, 10, tzinfo=UTC)


@given(st.datetimes(timezones=st.timezones()))
def test_iso_is_utc_with_a_z_and_reads_back(moment):
    text = iso(moment)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (DAY, "2024-02-10T00:00:00Z"),
        (DAY + timedelta(microseconds=1), "2024-02-10T00:00:00.000001Z"),
        (DAY.replace(tzinfo=timezone(timedelta(hours=1))), "2024-02-09T23:00:00Z"),
    ],
)
def test_iso_writes_whole_seconds_where_it_can(moment, text):
    assert iso(moment) == text


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="2024-02-10 00:00:00 has no zone"):
        utc(DAY.replace(tzinfo=None))


def test_a_window_is_known_by_its_start_or_its_file():
    assert Window(DAY, DAY + timedelta(days=1)).key == "2024-02-10T00:00:00Z"
    assert Window(None, None, "batch-7.parquet").key == "batch-7.parquet"
    with pytest.raises(ValueError, match="a start or a file"):
        _ = Window(None, None).key


def test_windows_sort_by_time_and_files_by_name():
    assert Window(DAY, DAY + timedelta(days=7)) < Window(DAY + timedelta(days=1), DAY + timedelta(days=2))
    assert min(Window(None, None, "b"), Window(None, None, "a")).file == "a"


def test_kinds_and_roles():
    assert [str(kind) for kind in Kind] == [
        "covariate",
        "prediction",
        "label",
        "performance",
        "concept",
        "quality",
    ]
    assert {Kind.LABEL, Kind.PERFORMANCE, Kind.CONCEPT} == LABEL_KINDS
    assert KIND_OF == {
        Role.FEATURE: Kind.COVARIATE,
        Role.PREDICTION: Kind.PREDICTION,
        Role.PROBABILITY: Kind.PREDICTION,
        Role.LABEL: Kind.LABEL,
    }


@pytest.mark.parametrize("token", [*Reason, *Stage], ids=str)
def test_tokens_are_fit_for_labels_of_metrics(token):
    assert re.fullmatch(r"[a-z][a-z_]*", token)
    assert token.name == token.upper()


def test_types_offers_the_tokens():
    assert types.Reason is tokens.Reason
    assert types.Stage is tokens.Stage


def test_the_empty_alarm_is_not_open():
    assert not AlarmState().open
    assert AlarmState(since=DAY).open
