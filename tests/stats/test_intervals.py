import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.stats import intervals
from monitor.stats.roc import area


@given(n=st.integers(1, 2000), data=st.data())
def test_share_is_scipys_exact_interval(n, data):
    successes = data.draw(st.integers(0, n))
    oracle = stats.binomtest(successes, n).proportion_ci(0.95, "exact")
    assert intervals.share(successes, n) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_mean_is_scipys_student_interval():
    values = np.random.default_rng(1).exponential(size=30)
    oracle = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = intervals.mean(float(values.mean()), float(values.std(ddof=1)), 30)
    assert found == pytest.approx((oracle.low, oracle.high))


@given(hits=st.integers(0, 500), wrong=st.integers(0, 500))
def test_f1_holds_its_value(hits, wrong):
    if hits + wrong == 0:
        return
    lower, upper = intervals.f1(hits, wrong)
    assert 0 <= lower <= 2 * hits / (2 * hits + wrong) <= upper <= 1


@given(
    value=st.floats(0, 1),
    error=st.floats(0, 0.5),
    positives=st.integers(1, 400),
    negatives=st.integers(1, 400),
)
def test_area_holds_its_value_inside_0_to_1(value, error, positives, negatives):
    lower, upper = intervals.area(value, error, positives, negatives)
    assert 0 <= lower <= value + 1e-8
    assert value - 1e-8 <= upper <= 1


def test_a_perfect_order_is_not_certain():
    lower, upper = intervals.area(1.0, 0.0, 10, 40)
    assert 0.6 < lower < 0.95
    assert upper == 1.0
    assert intervals.area(0.0, 0.0, 10, 40) == pytest.approx((0.0, 1 - lower))
    assert intervals.area(1.0, 0.0, 100, 400)[0] > lower


def test_no_error_at_all_has_no_width():
    assert intervals.root_mean_square(0.0, 0.0, 50) == (0.0, 0.0)


def test_multinomial_error_is_the_binomial_one_for_a_share():
    proportions, gradient = np.array([0.3, 0.7]), np.array([1.0, 0.0])
    assert intervals.multinomial_error(proportions, gradient, 50) == pytest.approx(np.sqrt(0.3 * 0.7 / 50))


def test_smoothing_adds_about_four_rows_half_of_them_right():
    more = intervals.smooth(np.array([[10, 0], [0, 10]])) - 10 * np.eye(2)
    assert more.sum() == pytest.approx(1.96**2, abs=0.01)
    assert np.trace(more) == pytest.approx(more.sum() / 2)


def test_areas_standard_error_is_that_of_repeated_samples():
    random = np.random.default_rng(2)
    positive = (np.arange(300) < 120)[:, None]
    drawn = [area(positive, np.round(random.normal(size=(300, 1)) + positive, 1)) for _ in range(600)]
    assert np.mean([each.error for each in drawn]) == pytest.approx(
        np.std([each.value for each in drawn]), rel=0.1
    )


@pytest.mark.parametrize(("positives", "negatives", "gap"), [(8, 150, 2.0), (15, 15, 1.0), (60, 600, 1.0)])
def test_area_holds_the_truth_in_95_of_100(positives, negatives, gap):
    random = np.random.default_rng(3)
    truth = stats.norm.cdf(gap / np.sqrt(2))
    positive = np.arange(positives + negatives) < positives
    held = 0
    for _ in range(400):
        found = area(positive[:, None], (random.normal(size=len(positive)) + gap * positive)[:, None])
        lower, upper = intervals.area(found.value, found.error, found.positives, found.negatives)
        held += lower <= truth <= upper
    assert held / 400 > 0.925
