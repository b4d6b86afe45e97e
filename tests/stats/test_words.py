"""Numbers and names as a person reads them."""

import pytest

from monitor.stats.words import LONGEST, number, pair, shown


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (57.0, "57"),
        (0.5, "0.5"),
        (1234.5, "1230"),
        (2e-9, "2e-09"),
        (99.96, "100"),
        (1e7, "1e+07"),
    ],
)
def test_numbers_have_three_digits(value, said):
    assert number(value) == said


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (57.0, 14.0, "57 to 14"),
        (1_700_000_000.0, 1_700_086_400.0, "1700000000 to 1700086400"),
        (1.0, 1.0, "1.0 to 1.0"),
    ],
)
def test_pairs_have_as_many_digits_as_tell_them_apart(before, now, said):
    found = pair(before, now)
    if said.startswith("17"):
        first, second = found.split(" to ")
        assert float(first) < float(second)
    else:
        assert found == said


def test_names_are_printable_and_short():
    assert shown("carrier") == "carrier"
    assert shown("a\nb\x00") == "a?b?"
    assert len(shown("x" * 1000)) == LONGEST
