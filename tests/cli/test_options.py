"""Texts of options become values, or say what to write instead."""

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cli import options


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-10T00:00Z", datetime(2024, 2, 10, tzinfo=UTC)),
        ("2024-02-10T01:30:15.5+01:30", datetime(2024, 2, 10, 0, 0, 15, 500_000, tzinfo=UTC)),
        ("2024-02-10 00:00:00+00:00", datetime(2024, 2, 10, tzinfo=UTC)),
        ("20240210T000000Z", datetime(2024, 2, 10, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone(text, expected):
    assert options.moment(text) == expected


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (options.moment, "2024-02-10", "add one, as in 2024-02-10T00:00Z for UTC"),
        (options.moment, "2024-02-10T05:00", "add one, as in 2024-02-10T05:00Z for UTC"),
        (options.moment, "now", "'now' is not a time"),
        (options.moment, "0001-01-01T00:00+23:00", "is too far away"),
        (options.duration, "1 day", "'1 day' is not a duration"),
        (options.duration, "-1d", "'-1d' is not a duration"),
        (options.duration, "9" * 30 + "w", "is too long"),
        (options.size, "much", "'much' is not a size"),
        (options.count, "0", "is not a whole number from 1"),
        (options.count, "²", "is not a whole number from 1"),
        (options.gateway, "http://h:port", "this is no URL; write it as http://localhost:9091"),
        (options.gateway, "http://me:secret@h", "a password in the URL is not in this version"),
    ],
)
def test_what_is_none_is_refused_with_the_right_form(read, text, message):
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read(text)
    assert message in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_form_that_is_proposed_is_taken():
    for text in ("2024-02-10", "2024-02-10T05:00", "2024-02-10 05:00:01"):
        with pytest.raises(argparse.ArgumentTypeError) as refused:
            options.moment(text)
        proposed = str(refused.value).split("as in ")[1].removesuffix(" for UTC")
        assert options.moment(proposed).isoformat().startswith("2024-02-10")


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30), ("1.5h", 5400), ("250ms", 0.25), ("2w", 14 * 86400)]
)
def test_durations(text, expected):
    assert options.duration(text) == timedelta(seconds=expected)


@pytest.mark.parametrize(("text", "expected"), [("4GiB", 2**32), ("500 MB", 5 * 10**8), ("1024", 1024)])
def test_sizes(text, expected):
    assert options.size(text) == expected


@pytest.mark.parametrize("text", ["localhost:9091", "http://h/path", "https://[::1]:9091"])
def test_gateways(text):
    assert options.gateway(text).endswith(text)
