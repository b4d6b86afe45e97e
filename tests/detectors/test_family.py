"""What every detector on counts keeps to, third parties' included."""

import numpy as np
import pytest

from monitor.detectors.base import DETECTORS
from monitor.errors import DetectorError
from monitor.types import ColumnType

TOKENS = [
    "chi2",
    "hellinger",
    "jensen_shannon",
    "ks",
    "l0",
    "l1",
    "l2",
    "linf",
    "missing",
    "out_of_range",
    "psi",
    "unseen",
    "wasserstein",
]
QUALITY = {"missing", "out_of_range", "unseen"}
RNG = np.random.default_rng(81)


def reference(columns, type_):
    if type_ is ColumnType.NUMERIC:
        return columns.numeric(RNG.normal(size=2000))
    return columns.categorical(RNG.choice(list("ABCD"), 2000).tolist())


def live(type_, rows):
    if type_ is ColumnType.NUMERIC:
        return np.random.default_rng(82).normal(size=rows)
    return np.random.default_rng(82).choice(list("ABCD"), rows).tolist()


def test_all_are_registered_with_a_description():
    assert set(TOKENS) <= set(DETECTORS.tokens())
    assert all(member.description for member in DETECTORS)


@pytest.mark.parametrize("token", TOKENS)
def test_the_token_and_the_family_are_as_registered(columns, token):
    chosen = columns.detector(token)
    assert chosen.token == token
    assert chosen.quality is (token in QUALITY)
    assert chosen.types


@pytest.mark.parametrize("token", TOKENS)
def test_clean_rows_have_a_value_below_the_line(columns, token):
    chosen = columns.detector(token)
    for type_ in chosen.types:
        before = reference(columns, type_)
        counts = columns.count(before, live(type_, 500))
        value, null = chosen.value(before, counts), chosen.null(before, counts)
        assert value >= 0
        assert 1e-3 < null.sf(value) <= 1
        assert value < null.isf(1e-4)


@pytest.mark.parametrize("token", TOKENS)
def test_the_other_type_and_empty_sides_are_refused_in_words(columns, token):
    chosen = columns.detector(token)
    for type_ in ColumnType:
        before = reference(columns, type_)
        if type_ not in chosen.types:
            counts = columns.count(before, live(type_, 50))
            with pytest.raises(DetectorError, match="this detector takes"):
                chosen.value(before, counts)
            with pytest.raises(DetectorError, match="this detector takes"):
                chosen.null(before, counts)
            continue
        nothing = columns.count(before, [])
        with pytest.raises(DetectorError, match="the live window has no"):
            chosen.value(before, nothing)


@pytest.mark.parametrize("token", TOKENS)
def test_a_column_that_is_all_missing_has_a_missing_share_and_no_distance(columns, token):
    chosen = columns.detector(token)
    for type_ in chosen.types:
        before = reference(columns, type_)
        counts = columns.count(before, [np.nan if type_ is ColumnType.NUMERIC else None] * 40)
        if token in QUALITY:
            assert chosen.value(before, counts) == (1 if token == "missing" else 0)
        else:
            with pytest.raises(DetectorError, match="the live window has no value"):
                chosen.value(before, counts)


@pytest.mark.parametrize("token", [each for each in TOKENS if each not in QUALITY])
def test_the_same_counts_are_at_no_distance(columns, token):
    chosen = columns.detector(token)
    for type_ in chosen.types:
        before = reference(columns, type_)
        assert chosen.value(before, before.counts) == 0
        assert chosen.null(before, before.counts).sf(0.0) == 1
