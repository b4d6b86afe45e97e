"""Columns made of plain values, and detectors by their token."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

import monitor.detectors  # noqa: F401 - registers every detector
from monitor.detectors.base import DETECTORS
from monitor.stats.binning import bins_of
from monitor.stats.bins import (
    CategoricalBins,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
)


def count_numbers(bins, values):
    """Counts of float values; NaN is NaN, infinities count apart."""
    values = np.asarray(values, dtype=np.float64)
    finite = values[np.isfinite(values)]
    place = np.searchsorted(bins.edges, finite, side="left")
    return NumericCounts(
        np.bincount(place, minlength=bins.edges.size + 1).astype(np.int64),
        nan=int(np.isnan(values).sum()),
        pos_inf=int(np.isposinf(values).sum()),
        neg_inf=int(np.isneginf(values).sum()),
        low=float(finite.min(initial=np.inf)),
        high=float(finite.max(initial=-np.inf)),
        low_sum=float(finite[place == 0].sum()),
        high_sum=float(finite[place == bins.edges.size].sum()),
    )


def numeric(values):
    """The reference of a numeric column."""
    values = np.asarray(values, dtype=np.float64)
    finite = values[np.isfinite(values)]
    bins = bins_of(finite, float(finite.min()), float(finite.max()))
    return NumericReference(bins, count_numbers(bins, values))


def count_categories(bins, values):
    """Counts of categories; None is missing."""
    found = Counter(values)
    missing = found.pop(None, 0)
    named = [found.pop(name, 0) for name in bins.categories]
    other = sum(found.pop(name, 0) for name in bins.rare)
    return CategoricalCounts(np.array(named, np.int64), other, sum(found.values()), missing, dict(found))


def categorical(values, rare_under=0):
    """The reference of a categorical column; categories with fewer rows than `rare_under` are pooled."""
    found = Counter(value for value in values if value is not None)
    frequent = tuple(name for name, rows in found.most_common() if rows >= rare_under)
    singletons = sum(rows == 1 for rows in found.values())
    bins = CategoricalBins(frequent, frozenset(found) - frozenset(frequent), singletons=singletons)
    return CategoricalReference(bins, count_categories(bins, values))


def count(reference, values):
    """Counts of live values in the reference's bins."""
    counted = count_numbers if isinstance(reference, NumericReference) else count_categories
    return counted(reference.bins, values)


def detector(token):
    """A detector with its default parameters."""
    member = DETECTORS.get(token)
    return member.build(member.parameters())


def measure(token, reference, values):
    """(value, p-value) of live values."""
    live, chosen = count(reference, values), detector(token)
    value = chosen.value(reference, live)
    return value, chosen.null(reference, live).sf(value)


@pytest.fixture(scope="session")
def columns():
    """What builds and measures columns: numeric, categorical, count, detector, measure."""
    return SimpleNamespace(
        numeric=numeric, categorical=categorical, count=count, detector=detector, measure=measure
    )


@pytest.fixture(scope="session")
def normal():
    """20,000 reference values, standard normal."""
    return np.random.default_rng(41).standard_normal(20_000)
