import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from monitor.stats import label_shift, probability_calibration
from monitor.stats.label_shift import assumption_test, bbse_hard, bbse_soft, estimate, learn, mlls

TWO, TWO_SHIFTED = [0.8, 0.2], [0.4, 0.6]
THREE, THREE_SHIFTED = [0.5, 0.3, 0.2], [0.15, 0.15, 0.7]
TEN = np.linspace(1, 2.5, 10) / 17.5
TEN_SHIFTED = (
    np.where(np.arange(10) < 3, 3, 0.3) * TEN[::-1] / (np.where(np.arange(10) < 3, 3, 0.3) @ TEN[::-1])
)


def rows(random, n, prior, live=None, gap=1.4, turned=0.0):
    """Probabilities of an over-confident model learned under `prior`, on n rows with the shares `live`.

    `turned` moves the inputs of all classes: p(x | y) is another one then.
    """
    k = len(prior)
    label = random.choice(k, n, p=prior if live is None else live)
    votes = gap * random.normal(size=(n, k))
    votes[np.arange(n), label] += gap * gap
    votes[:, 0] += turned
    return special.softmax(2.5 * (votes + np.log(prior)), axis=1), label


def learned(random, n, prior, **how):
    """A calibrator of n rows, and a reference of n others."""
    calibrator = probability_calibration.learn(*rows(random, n, prior, **how))
    told, label = rows(random, n, prior, **how)
    calibrated = probability_calibration.apply(calibrator, told)
    return calibrator, learn(told.argmax(axis=1), calibrated, label)


def window(random, calibrator, n, prior, live=None, **how):
    told, _ = rows(random, n, prior, live, **how)
    return told.argmax(axis=1), probability_calibration.apply(calibrator, told)


def some_window(seed, n=1000, prior=THREE, live=THREE_SHIFTED, reference=2000, **how):
    random = np.random.default_rng(seed)
    calibrator, found = learned(random, reference, prior)
    return found, *window(random, calibrator, n, prior, live, **how)


def assert_sound(found):
    assert found.share.sum() == pytest.approx(1)
    assert found.share.min() >= 0
    for each in (found.share, found.lower, found.upper, found.error):
        assert np.isfinite(each).all()
    assert ((found.lower >= 0) & (found.lower <= found.share + 1e-12)).all()
    assert ((found.upper <= 1 + 1e-12) & (found.upper >= found.share - 1e-12)).all()
    assert found.p_value is None or 0 <= found.p_value <= 1


class TestEstimate:
    def test_with_probabilities_it_is_the_likeliest_else_bbse(self):
        reference, predicted, calibrated = some_window(1)
        assert estimate(reference, predicted, calibrated).method == "mlls"
        hard = estimate(reference, predicted, None)
        assert (hard.method, hard.p_value, hard.statistic, hard.reason) == (
            "bbse_hard",
            None,
            None,
            "untested",
        )
        assert hard.valid
        without = label_shift.ShiftReference(reference.confusion, None)
        assert estimate(without, predicted, calibrated).method == "bbse_hard"
        with pytest.raises(ValueError, match="has no probabilities"):
            mlls(without, predicted, calibrated)

    @pytest.mark.parametrize(
        ("prior", "live"), [(TWO, TWO_SHIFTED), (THREE, THREE_SHIFTED), (TEN, TEN_SHIFTED)]
    )
    def test_all_find_a_large_shift(self, prior, live):
        reference, predicted, calibrated = some_window(2, 20_000, prior, live, 20_000)
        for found in (
            mlls(reference, predicted, calibrated),
            bbse_soft(reference, predicted, calibrated),
            bbse_hard(reference, predicted),
        ):
            np.testing.assert_allclose(found.share, live, atol=0.03)
            assert found.valid
        assert np.abs(np.bincount(predicted) / 20_000 - live).max() > 0.05

    def test_bbse_is_the_direct_solution(self):
        reference, predicted, calibrated = some_window(3)
        confusion = reference.confusion / reference.rows
        direct = np.linalg.solve(confusion, np.bincount(predicted) / len(predicted))
        np.testing.assert_allclose(bbse_hard(reference, predicted).share, direct, atol=3e-3)
        direct = np.linalg.solve(reference.scores.soft_mean, calibrated.mean(axis=0))
        np.testing.assert_allclose(bbse_soft(reference, predicted, calibrated).share, direct, atol=3e-3)

    def test_the_likeliest_has_the_smallest_error(self):
        reference, predicted, calibrated = some_window(4)
        ours = mlls(reference, predicted, calibrated).error
        soft = bbse_soft(reference, predicted, calibrated).error
        assert (ours < soft).all()
        assert (soft < bbse_hard(reference, predicted).error).all()

    @pytest.mark.parametrize("calibrated", [False, True])
    def test_classes_in_another_order(self, calibrated):
        random, order = np.random.default_rng(5), np.array([2, 0, 1])
        told, label = rows(random, 1000, THREE)
        live, _ = rows(random, 500, THREE, THREE_SHIFTED)
        place = np.argsort(order)

        def found(told, label, live):
            reference = learn(told.argmax(axis=1), told if calibrated else None, label)
            return estimate(reference, live.argmax(axis=1), live if calibrated else None)

        one, other = found(told, label, live), found(told[:, order], place[label], live[:, order])
        for name in ("share", "lower", "upper", "error"):
            np.testing.assert_allclose(getattr(other, name), getattr(one, name)[order], atol=1e-4)

    def test_the_same_again(self):
        one, other = (estimate(*some_window(6, 30_000)) for _ in range(2))
        np.testing.assert_array_equal(one.upper, other.upper)
        assert one.p_value == other.p_value

    def test_dispersion_widens_and_forgives(self):
        reference, predicted, calibrated = some_window(7, turned=2.0)
        plain = estimate(reference, predicted, calibrated)
        wide = estimate(reference, predicted, calibrated, dispersion=50.0)
        np.testing.assert_allclose(wide.error, np.sqrt(50) * plain.error, rtol=0.01)
        assert (plain.valid, plain.reason, wide.valid) == (False, "not_label_shift", True)
        assert wide.statistic == plain.statistic


def coverage(windows, n, reference, prior, live, scored):
    """The share of intervals that hold the truth, over windows and classes."""
    held = []
    for seed in range(windows):
        random = np.random.default_rng([seed, n, reference])
        if scored:
            calibrator, found = learned(random, reference, prior)
            predicted, calibrated = window(random, calibrator, n, prior, live)
        else:
            told, label = rows(random, reference, prior)
            found = learn(told.argmax(axis=1), None, label, classes=len(prior))
            predicted, calibrated = rows(random, n, prior, live)[0].argmax(axis=1), None
        told = estimate(found, predicted, calibrated)
        held.append((told.lower <= live) & (np.asarray(live) <= told.upper))
    return np.mean(held)


class TestCoverage:
    """Nominal 95 %; three standard errors are 4.6 points of 200 windows, and 8.4 of 60."""

    @pytest.mark.parametrize(("n", "reference"), [(200, 1000), (5000, 1000)])
    @pytest.mark.parametrize("live", [TWO, TWO_SHIFTED, [1.0, 0.0]])
    def test_two_classes(self, live, n, reference):
        assert coverage(200, n, reference, TWO, live, scored=False) > 0.9
        assert coverage(60, n, reference, TWO, live, scored=True) > 0.86

    @pytest.mark.parametrize("live", [THREE, THREE_SHIFTED])
    def test_three_classes(self, live):
        assert coverage(100, 1000, 1000, THREE, live, scored=False) > 0.9
        assert coverage(30, 1000, 1000, THREE, live, scored=True) > 0.87

    @pytest.mark.parametrize("n", [200, 5000])
    def test_ten_classes(self, n):
        assert coverage(20, n, 2000, TEN, TEN_SHIFTED, scored=False) > 0.9
        assert coverage(8, n, 2000, TEN, TEN_SHIFTED, scored=True) > 0.88

    def test_fifty_classes(self):
        shares = np.linspace(1, 3, 50) / 100
        assert coverage(4, 3000, 5000, shares, shares[::-1], scored=False) > 0.88


class TestAssumption:
    @pytest.mark.parametrize("live", [THREE, THREE_SHIFTED])
    def test_label_shift_is_seldom_refused(self, live):
        found = [estimate(*some_window(100 + seed, live=live)) for seed in range(25)]
        assert np.mean([each.valid for each in found]) > 0.9
        assert np.mean([each.statistic for each in found]) == pytest.approx(1, abs=0.25)

    @pytest.mark.parametrize(("prior", "live"), [(TWO, TWO_SHIFTED), (THREE, THREE_SHIFTED)])
    def test_another_relation_of_inputs_and_labels_is(self, prior, live):
        found = [estimate(*some_window(seed, 3000, prior, live, 3000, turned=1.5)) for seed in range(15)]
        assert np.mean([each.reason == "not_label_shift" for each in found]) > 0.8

    def test_alone(self):
        rows = some_window(8)
        found = assumption_test(*rows)
        assert found.p_value == estimate(*rows).p_value
        assert found.degrees == pytest.approx(6, abs=0.1)


class TestBadInputs:
    def test_constant_probabilities_say_nothing(self):
        constant, label = np.tile([0.8, 0.2], (1000, 1)), (np.arange(1000) % 5 == 0).astype(int)
        reference = learn(np.zeros(1000, int), constant, label)
        live = np.zeros(300, int), constant[:300]
        for found in (mlls(reference, *live), bbse_soft(reference, *live), bbse_hard(reference, live[0])):
            assert_sound(found)
            np.testing.assert_allclose(found.share, [0.8, 0.2], atol=0.02)
            assert found.upper.min() == 1
            assert found.lower.max() == 0
            assert found.p_value is None

    def test_a_singular_confusion_matrix_is_told(self):
        random = np.random.default_rng(9)
        reference = learn(random.integers(0, 3, 900), None, random.integers(0, 3, 900))
        found = estimate(reference, random.integers(0, 3, 500), None)
        assert (found.valid, found.reason) == (True, "confusion_singular")
        assert (found.upper - found.lower).min() > 0.9

    def test_classes_with_few_labels_or_none_have_wide_intervals(self):
        random = np.random.default_rng(10)
        told, label = rows(random, 3000, [0.5, 0.49, 0.01])
        kept = (label != 2) | (np.cumsum(label == 2) <= 10)
        for chosen in (kept, label != 2):
            reference = learn(told[chosen].argmax(axis=1), told[chosen], label[chosen])
            for scores in (told[:500], None):
                found = estimate(reference, told[:500].argmax(axis=1), scores)
                assert_sound(found)
                assert found.reason == "few_labels" or scores is None or not found.valid
                assert found.upper[2] > 0.03
        assert (found.lower[2], found.upper[2]) == (0, 1)

    def test_one_class_in_the_window(self):
        reference, predicted, calibrated = some_window(11, 3000)
        only = predicted == 1
        for found in (
            mlls(reference, predicted[only], calibrated[only]),
            bbse_hard(reference, predicted[only]),
        ):
            assert_sound(found)
            assert found.share[1] > 0.9

    def test_a_perfect_model(self):
        label = np.arange(900) % 3
        reference = learn(label, np.eye(3)[label], label)
        live = np.repeat([0, 1], [250, 50])
        for found in (mlls(reference, live, np.eye(3)[live]), bbse_hard(reference, live)):
            assert_sound(found)
            np.testing.assert_allclose(found.share, [5 / 6, 1 / 6, 0], atol=2e-3)
            assert found.upper[2] < 0.15

    @pytest.mark.parametrize("scored", [False, True])
    def test_no_row(self, scored):
        reference, _, _ = some_window(12)
        found = estimate(reference, np.zeros(0, int), np.zeros((0, 3)) if scored else None)
        assert_sound(found)
        assert (found.valid, found.reason) == (False, "no_rows")
        np.testing.assert_array_equal(found.upper - found.lower, 1)
        assert bbse_soft(reference, np.zeros(0, int), np.zeros((0, 3))).reason == "no_rows"

    def test_what_is_refused(self):
        reference, predicted, calibrated = some_window(13, 20)
        with pytest.raises(ValueError, match="but there are 3 classes"):
            estimate(reference, predicted + 2, None)
        with pytest.raises(ValueError, match="20 rows and 3 classes"):
            estimate(reference, predicted, calibrated[:, :2])
        with pytest.raises(ValueError, match="must be numbers"):
            estimate(reference, predicted, calibrated * np.nan)

    @given(
        seed=st.integers(0, 1000),
        k=st.integers(2, 5),
        learned_rows=st.sampled_from([1, 3, 60]),
        n=st.sampled_from([1, 3, 60]),
        spread=st.sampled_from([0.0, 1.0, 1000.0]),
    )
    def test_whatever_is_finite(self, seed, k, learned_rows, n, spread):
        random = np.random.default_rng(seed)
        told, live = (special.softmax(spread * random.normal(size=(m, k)), axis=1) for m in (learned_rows, n))
        reference = learn(told.argmax(axis=1), told, random.integers(0, k, learned_rows))
        predicted = live.argmax(axis=1)
        for found in (
            mlls(reference, predicted, live),
            bbse_soft(reference, predicted, live),
            bbse_hard(reference, predicted),
        ):
            assert_sound(found)


def test_of_many_rows_two_classes_count_all():
    reference, predicted, calibrated = some_window(14, 40_000, TWO, TWO_SHIFTED)
    again = np.concatenate([calibrated] * 5)
    once = estimate(reference, predicted, calibrated)
    often = estimate(reference, np.concatenate([predicted] * 5), again)
    np.testing.assert_allclose(often.share, once.share, atol=1e-3)
    assert (often.error < once.error).all()
