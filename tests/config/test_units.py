from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from monitor.config.units import Cron, Duration, FalseAlarms


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", Duration(seconds=30)),
        ("10m", Duration(seconds=600)),
        ("1h", Duration(seconds=3600)),
        ("24h", Duration(seconds=86400)),
        ("1d", Duration(days=1)),
        ("7d", Duration(days=7)),
        ("8w", Duration(days=56)),
    ],
)
def test_days_are_calendar_days_and_hours_are_exact(text, duration):
    assert Duration.parse(text) == duration


@pytest.mark.parametrize(
    "text", ["", "1", "d", "1 d", "1D", "-1d", "1.5h", "1h30m", "1d\n", "\u0661d", "9999999999d"]
)
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="is no duration"):
        Duration.parse(text)


@given(st.integers(0, 10**6), st.sampled_from("smhdw"))
def test_a_duration_is_written_so_that_it_reads_the_same(count, unit):
    duration = Duration.parse(f"{count}{unit}")

    assert Duration.parse(str(duration)).nominal == duration.nominal
    assert duration.nominal == count * timedelta(
        **{{"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[unit]: 1}
    )


def test_a_budget_is_per_time_or_per_windows():
    day = Duration(days=1)

    assert FalseAlarms.parse("1 per 30d").days(day) == 30
    assert FalseAlarms.parse("0.5  per 4w").days(day) == 56
    assert FalseAlarms.parse("1 per 100 windows").days(Duration(seconds=21600)) == 25
    assert str(FalseAlarms.parse("1 per 1 window")) == "1 per 1 windows"
    assert FalseAlarms.parse(str(FalseAlarms.parse("2 per 30d"))) == FalseAlarms(2.0, Duration(days=30))


@pytest.mark.parametrize(
    "text", ["", "1", "1 per", "0 per 30d", "1 per 0d", "1 per 0 windows", "-1 per 30d", "1 in 30d"]
)
def test_anything_else_is_no_budget(text):
    with pytest.raises(ValueError, match="is no budget"):
        FalseAlarms.parse(text)


@pytest.mark.parametrize(
    "text", ["5 * * * *", "*/10 0-6,12 1 jan-mar mon,wed-fri", "0 0 31 12 SUN", "0-30/5 * * * *"]
)
def test_cron(text):
    assert TypeAdapter(Cron).validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "5-1 * * * *",
        "1-2-3 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 1",
        "* * * foo *",
        "*/x * * * *",
        "a * * * *",
        ", * * * *",
    ],
)
def test_bad_cron(text):
    with pytest.raises(ValidationError):
        TypeAdapter(Cron).validate_python(text)
