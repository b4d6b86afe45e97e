"""Sizes of changes are right in units that people know, and words say what moved from what to what."""

import numpy as np
import pytest

from monitor.stats.binning import bins_of
from monitor.stats.bins import (
    CategoricalBins,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
)
from monitor.stats.effects import MinimumEffect, describe, effect, material
from monitor.stats.ranks import quantile

MINIMUM = MinimumEffect()
RNG = np.random.default_rng(21)
NORMAL = RNG.normal(50, 10, 20_000)


def fresh():
    """A generator of its own for each test, so that none depends on another."""
    return np.random.default_rng(28)


def counted(bins, values, **others):
    place = np.searchsorted(bins.edges, values, side="left")
    counts = np.bincount(place, minlength=bins.edges.size + 1)
    low, high = (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf)
    return NumericCounts(counts, low=low, high=high, **others)


def numbers(values, **others):
    bins = bins_of(values, float(values.min()), float(values.max()))
    return NumericReference(bins, counted(bins, values, **others))


def categories(counts, live, *, missing=0, unseen=0, names=None):
    labels = tuple("ABCDEFGH"[: len(counts)])
    reference = CategoricalReference(CategoricalBins(labels), CategoricalCounts(np.array(counts)))
    return reference, CategoricalCounts(np.array(live), 0, unseen, missing, names or {})


REFERENCE = numbers(NORMAL)


@pytest.mark.parametrize("shift", [-1.0, -0.3, 0.0, 0.2, 1.0])
def test_location_is_in_standard_deviations(shift):
    found = effect(REFERENCE, counted(REFERENCE.bins, fresh().normal(50 + 10 * shift, 10, 20_000)))
    assert found.location.value == pytest.approx(shift, abs=0.03)
    assert found.location.error == pytest.approx(np.sqrt(2 / 20_000), rel=0.1)


def test_location_and_ks_are_the_same_for_any_monotone_scale():
    bent = numbers(np.exp(NORMAL / 10))
    live = fresh().normal(53, 10, 5000)
    straight, curved = (
        effect(REFERENCE, counted(REFERENCE.bins, live)),
        effect(bent, counted(bent.bins, np.exp(live / 10))),
    )
    assert curved.location.value == pytest.approx(straight.location.value, abs=0.01)
    assert curved.ks.value == pytest.approx(straight.ks.value, abs=0.005)


def test_ks_and_its_error():
    draw = fresh()
    windows = [effect(REFERENCE, counted(REFERENCE.bins, draw.normal(55, 10, 500))).ks for _ in range(200)]
    values = np.array([each.value for each in windows])
    assert values.mean() == pytest.approx(0.2, abs=0.02)
    assert np.mean([each.error for each in windows]) == pytest.approx(values.std(), rel=0.25)


def test_one_outlier_is_no_effect():
    live = np.append(fresh().normal(50, 10, 999), 1e9)
    assert not material(effect(REFERENCE, counted(REFERENCE.bins, live)), MINIMUM)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, False), (0.1, False), (0.25, True), (-0.25, True)])
def test_what_is_material_in_location(shift, expected):
    live = counted(REFERENCE.bins, fresh().normal(50 + 10 * shift, 10, 20_000))
    assert material(effect(REFERENCE, live), MINIMUM) is expected


def test_a_wider_spread_is_material_by_ks():
    live = counted(REFERENCE.bins, fresh().normal(50, 20, 20_000))
    found = effect(REFERENCE, live)
    assert abs(found.location.value) < 0.05
    assert material(found, MINIMUM)


def test_few_rows_show_nothing_for_sure():
    assert not material(effect(REFERENCE, counted(REFERENCE.bins, fresh().normal(50, 10, 30))), MINIMUM)


def test_the_category_that_moved_most():
    found = effect(*categories([5000, 3000, 2000], [500, 200, 300]))
    assert found.cell in {1, 2}
    assert abs(found.category.difference.value) == pytest.approx(0.1)
    assert material(found, MINIMUM)


def test_a_category_that_moved_by_a_point_is_immaterial():
    assert not material(effect(*categories([5000, 3000, 2000], [5100, 2900, 2000])), MINIMUM)


def test_a_rare_share_that_rose_ninefold_is_material():
    found = effect(*categories([99_900, 100], [19_820, 180]))
    assert found.ratio.value == pytest.approx(9, rel=0.05)
    assert abs(found.category.difference.value) < MINIMUM.share
    assert material(found, MINIMUM)


def test_so_is_a_flag_given_as_numbers():
    reference = numbers(np.repeat([0.0, 1.0], [99_900, 100]))
    live = counted(reference.bins, np.repeat([0.0, 1.0], [19_820, 180]))
    assert material(effect(reference, live), MINIMUM)


def test_a_ratio_needs_ten_expected_rows():
    assert effect(*categories([9990, 10], [995, 5])).ratio.value < 2


def test_missing_and_unseen_are_quality_and_only_a_rise_counts():
    worse = effect(*categories([500, 500], [400, 400], missing=150, unseen=50, names={"Z": 50}))
    assert worse.missing.live == 0.15
    assert worse.unseen.live == 0.05
    assert not material(worse, MINIMUM)
    assert material(worse, MINIMUM, "missing")
    assert material(worse, MINIMUM, "unseen")
    better = effect(
        numbers(NORMAL[:500], null=500), counted(numbers(NORMAL[:500]).bins, NORMAL[:500], null=1)
    )
    assert not material(better, MINIMUM, "missing")


def test_infinite_values_are_out_of_range():
    found = effect(REFERENCE, counted(REFERENCE.bins, NORMAL[:900], pos_inf=60, neg_inf=40))
    assert found.out_of_range.live == pytest.approx(0.1)
    assert material(found, MINIMUM, "out_of_range")
    assert not material(found, MINIMUM)


def test_bounds_of_zero_ask_for_nothing():
    off = MinimumEffect(0, 0, 0, 0, 0)
    assert material(effect(REFERENCE, REFERENCE.counts), off)


def test_all_missing_has_no_location():
    found = effect(REFERENCE, counted(REFERENCE.bins, np.array([]), null=10))
    assert found.location is None
    assert found.ks is None
    assert found.missing.live == 1


def test_a_constant_column_that_moved_has_ks_but_no_location():
    reference = numbers(np.full(500, 7.0))
    found = effect(reference, counted(reference.bins, np.full(300, 8.0)))
    assert found.location is None
    assert found.ks.value == 1
    assert material(found, MINIMUM)


def test_no_rows_and_unknown_effects_are_refused():
    with pytest.raises(ValueError, match="rows on both sides"):
        effect(REFERENCE, counted(REFERENCE.bins, np.array([])))
    with pytest.raises(ValueError, match="known: distribution"):
        material(effect(REFERENCE, REFERENCE.counts), MINIMUM, "psi")
    with pytest.raises(TypeError, match="categorical counts"):
        effect(REFERENCE, CategoricalCounts(np.array([1])))
    with pytest.raises(TypeError, match="numeric counts"):
        effect(categories([1], [1])[0], REFERENCE.counts)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.99])
def test_quantiles_from_bins_agree_with_numpy(share):
    live = fresh().normal(55, 12, 3000)
    found = quantile(REFERENCE, counted(REFERENCE.bins, live), share)
    assert found == pytest.approx(float(np.quantile(live, share)), abs=0.5)


def test_quantiles_of_whole_numbers_are_whole():
    values = fresh().poisson(3, 5000).astype(float)
    reference = numbers(values)
    assert quantile(reference, reference.counts, 0.5) == pytest.approx(3)


def test_words_for_a_median():
    live = counted(REFERENCE.bins, np.full(500, 14.0))
    assert describe("temp", REFERENCE, live, "psi") == f"temp moved: median {np.median(NORMAL):.3g} to 14"


def test_words_for_a_spread():
    live = counted(REFERENCE.bins, 50 + (NORMAL[:5000] - 50) * 2)
    assert describe("temp", REFERENCE, live, "ks").startswith("temp moved: interquartile range 13.")


def test_words_for_a_rare_number():
    reference = numbers(np.repeat([0.0, 1.0], [99_900, 100]))
    live = counted(reference.bins, np.repeat([0.0, 1.0], [19_820, 180]))
    assert describe("fraud", reference, live, "psi") == "fraud moved: share above 0 0.1 % to 0.9 %"


def test_words_for_a_category():
    reference, live = categories([9900, 100], [920, 80])
    assert describe("carrier", reference, live, "psi") == "carrier moved: category 'B' 1 % to 8 %"
    assert describe("carrier", reference, live, private=True) == "carrier moved: a category 1 % to 8 %"


def test_words_for_the_rare_ones_together():
    reference, _ = categories([900], [900])
    live = CategoricalCounts(np.array([800]), other=200)
    assert describe("c", reference, live) == "c moved: the rare categories 0 % to 20 %"


def test_words_for_what_is_missing():
    reference, live = categories([995], [700], missing=300)
    assert describe("carrier", reference, live, "missing") == "carrier: missing 0 % to 30 %"
    nothing = counted(REFERENCE.bins, np.array([]), null=9)
    assert describe("temp", REFERENCE, nothing) == "temp moved: missing 0 % to 100 %"


def test_words_for_new_categories():
    reference, live = categories([100, 100], [46, 46], unseen=8, names={"ZZ": 8})
    assert describe("carrier", reference, live, "unseen") == "carrier: new category 'ZZ' 0 % to 8 %"
    reference, live = categories([100, 100], [46, 46], unseen=8, names={"ZZ": 5, "YY": 3})
    assert describe("carrier", reference, live, "unseen") == "carrier: new categories 'ZZ', 'YY' 0 % to 8 %"
    assert (
        describe("carrier", reference, live, "unseen", private=True) == "carrier: new categories 0 % to 8 %"
    )


def test_words_for_values_out_of_range():
    reference = numbers(np.arange(101.0))
    live = counted(reference.bins, np.array([50.0] * 9 + [500.0]))
    assert describe("x", reference, live, "out_of_range") == "x: outside 0 to 100 0 % to 10 %"
    assert describe("x", reference, live, "out_of_range", private=True) == "x: outside its range 0 % to 10 %"


@pytest.mark.parametrize("live", [np.full(500, 1414.0), 50 + (NORMAL[:5000] - 50) * 3, NORMAL[:500]])
def test_words_for_a_private_column_hold_none_of_its_values(live):
    said = describe("salary", REFERENCE, counted(REFERENCE.bins, live), "psi", private=True)
    assert said.startswith("salary moved: ")
    assert "1414" not in said.replace(" ", "")
    for value in (quantile(REFERENCE, REFERENCE.counts, 0.5), 1414.0):
        assert f"{value:.3g}" not in said


def test_names_from_the_data_cannot_break_the_line():
    reference, live = categories([100], [50], unseen=50, names={"evil\nname\x1b[31m" + "x" * 90: 50})
    said = describe("c\r\n", reference, live, "unseen")
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) < 120
