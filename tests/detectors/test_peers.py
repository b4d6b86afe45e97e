"""Inputs on which other tools are known to fail: here each gets its right answer."""

import numpy as np
import pytest

LINE = 1e-4
"""About the level of one test of fifty in daily windows."""

DISTANCES = ["psi", "ks", "wasserstein", "jensen_shannon", "hellinger", "chi2", "l1", "l2", "linf"]
CELLS = ["psi", "jensen_shannon", "hellinger", "chi2", "l0", "l1", "l2", "linf"]


def rng(seed=51):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("token", DISTANCES)
def test_half_a_standard_deviation_is_drift(columns, normal, token):
    _, p = columns.measure(token, columns.numeric(normal), rng().normal(0.5, 1, 20_000))
    assert p < 1e-9


@pytest.mark.parametrize("token", DISTANCES)
def test_one_outlier_in_the_window_does_not_hide_drift(columns, normal, token):
    reference, live = columns.numeric(normal), rng().normal(0.5, 1, 20_000)
    clean, _ = columns.measure(token, reference, live)
    dirty, p = columns.measure(token, reference, np.append(live, 1e6))
    assert p < 1e-9
    assert dirty == pytest.approx(clean, rel=0.01)


@pytest.mark.parametrize("n", [180, 1000, 20_000])
@pytest.mark.parametrize("token", DISTANCES)
def test_one_outlier_in_the_window_is_no_drift(columns, normal, token, n):
    reference = columns.numeric(normal)
    _, p = columns.measure(token, reference, np.append(rng().normal(size=n), 1e6))
    assert p > LINE


@pytest.mark.parametrize("token", DISTANCES)
def test_one_outlier_in_the_reference_does_not_hide_drift(columns, normal, token):
    reference = columns.numeric(np.append(normal, 1e6))
    _, p = columns.measure(token, reference, rng().normal(0.5, 1, 20_000))
    assert p < 1e-9


@pytest.mark.parametrize("token", DISTANCES)
def test_one_outlier_in_the_reference_is_no_drift(columns, normal, token):
    _, p = columns.measure(token, columns.numeric(np.append(normal, 1e6)), rng().normal(size=2000))
    assert p > LINE


@pytest.mark.parametrize("token", DISTANCES)
def test_the_unit_of_a_column_does_not_matter(columns, normal, token):
    tiny = columns.numeric(normal * 1e-6 + 1)
    value, p = columns.measure(token, tiny, (rng().normal(size=2000) + 10) * 1e-6 + 1)
    assert p < 1e-9
    if token == "wasserstein":
        assert value == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("token", ["psi", "chi2", "jensen_shannon", "hellinger", "l1", "linf", "unseen"])
def test_one_row_of_a_new_category_in_a_thousand_is_no_drift(columns, token):
    reference = columns.categorical(rng().choice(list("ABC"), 20_000).tolist())
    live = [*rng(52).choice(list("ABC"), 999).tolist(), "new"]
    value, p = columns.measure(token, reference, live)
    assert value > 0
    assert p > LINE


@pytest.mark.parametrize("token", CELLS)
def test_three_thousand_zip_codes_without_drift_are_no_drift(columns, token):
    weights = rng(53).dirichlet(np.ones(3000))
    codes = [f"{number:05}" for number in range(3000)]
    reference = columns.categorical(rng(54).choice(codes, 50_000, p=weights).tolist(), rare_under=5)
    for seed in range(3):
        _, p = columns.measure(token, reference, rng(60 + seed).choice(codes, 5000, p=weights).tolist())
        assert p > LINE


def test_three_thousand_zip_codes_bring_as_many_new_ones_as_expected(columns):
    weights = rng(53).dirichlet(np.ones(3000))
    codes = [f"{number:05}" for number in range(3000)]
    reference = columns.categorical(rng(54).choice(codes, 5000, p=weights).tolist())
    value, p = columns.measure("unseen", reference, rng(55).choice(codes, 2000, p=weights).tolist())
    assert value > 0.03
    assert p > LINE


def test_psi_of_a_thousand_clean_rows_is_about_its_noise(columns):
    found = [
        columns.measure(
            "psi", columns.numeric(rng(seed).normal(size=1000)), rng(99 + seed).normal(size=1000)
        )[0]
        for seed in range(30)
    ]
    assert 0.01 < np.mean(found) < 0.03
    assert max(found) < 0.08


@pytest.mark.parametrize("token", DISTANCES)
def test_extreme_drift_has_a_number(columns, normal, token):
    value, p = columns.measure(token, columns.numeric(normal), np.full(5000, 1e9))
    assert np.isfinite(value)
    assert 0 < p < 1e-9


@pytest.mark.parametrize("token", ["psi", "jensen_shannon", "hellinger", "chi2", "l1", "linf"])
def test_a_fraud_flag_that_rises_ninefold_is_drift(columns, token):
    reference = columns.categorical(["0"] * 99_900 + ["1"] * 100)
    _, p = columns.measure(token, reference, ["0"] * 19_820 + ["1"] * 180)
    assert p < 1e-9


@pytest.mark.parametrize(("m", "n"), [(10_000, 10_000), (50, 50), (100, 100), (200, 200)])
def test_clean_deciles_alarm_as_rarely_as_they_say(columns, m, n):
    p_values = [
        columns.measure(token, columns.numeric(rng(seed).normal(size=m)), rng(10_000 + seed).normal(size=n))[
            1
        ]
        for seed in range(150)
        for token in ("psi", "chi2")
    ]
    assert np.mean(np.array(p_values) < 0.05) < 0.1
    assert min(p_values) > 1e-5


@pytest.mark.parametrize("token", CELLS)
def test_twenty_categories_in_a_small_window_are_no_drift(columns, token):
    names = [f"c{number}" for number in range(20)]
    reference = columns.categorical(rng(57).choice(names, 5000).tolist())
    for seed in range(10):
        _, p = columns.measure(token, reference, rng(70 + seed).choice(names, 200).tolist())
        assert p > LINE


@pytest.mark.parametrize("token", [*CELLS, "ks", "wasserstein"])
def test_the_same_share_of_missing_values_adds_nothing(columns, token):
    values = np.concatenate([np.arange(7000.0), np.full(3000, np.nan)])
    value, p = columns.measure(token, columns.numeric(values), values)
    assert value == 0
    assert p == 1


@pytest.mark.parametrize("token", [*CELLS, "ks"])
def test_a_constant_that_stays_is_no_drift(columns, token):
    reference, same = columns.numeric(np.full(5000, 3.0)), np.full(400, 3.0)
    assert columns.measure(token, reference, same) == (0, 1)


@pytest.mark.parametrize("token", ["ks", "out_of_range"])
def test_a_constant_that_changes_is_drift(columns, token):
    _, p = columns.measure(token, columns.numeric(np.full(5000, 3.0)), np.full(400, 4.0))
    assert p < 1e-9


@pytest.mark.parametrize("token", CELLS)
def test_a_categorical_constant_that_changes_is_drift(columns, token):
    _, p = columns.measure(token, columns.categorical(["a"] * 5000), ["b"] * 400)
    assert p < LINE
