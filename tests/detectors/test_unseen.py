"""Unseen: new categories are expected as often as the reference had some but once."""

import pytest


def test_the_value_is_the_share_of_rows_in_new_categories(columns):
    reference = columns.categorical(["a", "b"] * 500)
    value, p = columns.measure("unseen", reference, ["a"] * 92 + ["new"] * 5 + ["other"] * 3)
    assert value == pytest.approx(0.08)
    assert p < 1e-6


def test_rare_categories_of_the_reference_are_not_new(columns):
    reference = columns.categorical(["a"] * 500 + ["b"] * 3 + ["c"], rare_under=5)
    assert columns.measure("unseen", reference, ["a", "b", "c"])[0] == 0


def test_singletons_raise_what_is_expected(columns):
    settled = columns.categorical(["a"] * 1000)
    growing = columns.categorical(["a"] * 950 + [f"once-{number}" for number in range(50)])
    live = ["a"] * 190 + [f"new-{number}" for number in range(10)]
    assert columns.measure("unseen", settled, live)[1] < 1e-5
    assert columns.measure("unseen", growing, live)[1] > 0.3
