import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from monitor.stats import performance, score_calibration
from monitor.stats.expected_performance import binary, multiclass, reweighted

NAMES = (*performance.CLASS_METRICS, *performance.SCORE_METRICS)


def named(found):
    return {each.name: each for each in found}


def values(found):
    return {each.name: each.value for each in found}


def reasons(found):
    return {each.name: each.reason for each in found if each.reason is not None}


def errors(found):
    """Standard errors, from intervals that no end of the range cuts."""
    return {each.name: (each.upper - each.lower) / (2 * 1.959964) for each in found}


def rows(seed, n, level=-1.0):
    random = np.random.default_rng(seed)
    odds = 1.5 * random.normal(size=n) + level
    return special.expit(1.6 * odds + 0.4), special.expit(odds), random


def class_rows(seed, n, shares):
    random = np.random.default_rng(seed)
    truth = special.softmax(1.2 * random.normal(size=(n, len(shares))) + np.log(shares), axis=1)
    shown = truth**1.5 * np.linspace(1, 1.5, len(shares))
    return shown / shown.sum(axis=1, keepdims=True), truth, random


def draw(truth, random):
    if truth.ndim == 1:
        return random.random(len(truth)) < truth
    return (truth.cumsum(axis=1) > random.random(len(truth))[:, None]).argmax(axis=1)


class TestBinary:
    @pytest.mark.parametrize("digits", [1, 17])
    @pytest.mark.parametrize("n", [3, 40, 3000])
    def test_certain_rows_have_the_realised_values(self, n, digits):
        score, truth, random = rows(n, n)
        score = np.round(score, digits)
        label = draw(truth, random)
        label[:2] = True, False
        predicted = score > 0.5
        found = binary(predicted, score, label.astype(float))
        assert values(found) == pytest.approx(values(performance.binary(label, predicted, score)))
        assert reasons(found) == reasons(performance.binary(label, predicted, score))
        assert all(each.upper - each.lower < 1e-6 for each in found if each.value is not None)

    @pytest.mark.parametrize("label", [np.zeros(9, bool), np.ones(9, bool)])
    @pytest.mark.parametrize("called", [False, True])
    def test_one_class_has_the_realised_reasons(self, label, called):
        predicted, score = np.full(9, called), np.linspace(0.1, 0.9, 9)
        found = binary(predicted, score, label.astype(float))
        realised = performance.binary(label, predicted, score)
        assert reasons(found) == reasons(realised)
        assert values(found) == pytest.approx(values(realised))

    def test_accuracy_in_closed_form(self):
        score, truth, _ = rows(1, 800)
        found = named(binary(score > 0.5, score, truth))
        right = np.where(score > 0.5, truth, 1 - truth)
        error = np.sqrt((truth * (1 - truth)).sum()) / 800
        assert found["accuracy"].value == pytest.approx(right.mean())
        assert found["accuracy"].upper - found["accuracy"].lower == pytest.approx(2 * 1.959964 * error)
        assert found["error_rate"].value == pytest.approx(1 - right.mean())

    def test_the_area_is_over_all_pairs(self):
        score, truth, _ = rows(2, 60)
        score = np.round(score, 1)
        above = (score[:, None] > score) + 0.5 * (score[:, None] == score)
        pairs = truth[:, None] * (1 - truth)
        np.fill_diagonal(pairs, 0.0)
        found = named(binary(None, score, truth))["roc_auc"]
        assert found.value == pytest.approx((pairs * above).sum() / pairs.sum())

    @pytest.mark.parametrize("digits", [1, 17])
    def test_drawn_labels_agree_with_values_and_errors(self, digits):
        score, truth, random = rows(3, 1500)
        score = np.round(score, digits)
        drawn = [
            list(values(performance.binary(draw(truth, random), score > 0.5, score)).values())
            for _ in range(600)
        ]
        found = binary(score > 0.5, score, truth)
        spread = np.std(drawn, axis=0)
        # four standard errors of 600 draws
        assert (np.abs(list(values(found).values()) - np.mean(drawn, axis=0)) < 0.16 * spread).all()
        np.testing.assert_allclose(list(errors(found).values()), spread, rtol=0.12)

    def test_dispersion_multiplies_the_errors(self):
        score, truth, _ = rows(4, 2000)
        one, three = (errors(binary(score > 0.5, score, truth, dispersion=each)) for each in (1.0, 3.0))
        assert three == pytest.approx({name: 3 * each for name, each in one.items()})

    def test_the_error_of_the_calibration_does_not_shrink_with_the_window(self):
        score, truth, random = rows(5, 4000)
        shown = np.column_stack([1 - score, score])
        labels = draw(truth, random).astype(int)
        calibrator = score_calibration.learn(shown[::2], labels[::2])
        error = score_calibration.check(calibrator, shown[1::2], labels[1::2])

        def width(n, calibration_error):
            score, truth, _ = rows(6, n)
            found = named(binary(score > 0.5, score, truth, calibration_error=calibration_error))["accuracy"]
            return found.upper - found.lower

        assert width(200_000, None) < width(2_000, None) / 9
        assert width(200_000, error) > width(2_000, error) / 3
        # two halves of 2,000 rows: the calibration is about as far off as a window of as many rows
        assert width(2_000, error) == pytest.approx(width(2_000, None) * np.sqrt(2), rel=0.15)

    @settings(max_examples=60)
    @given(
        seed=st.integers(0, 10_000),
        n=st.integers(1, 60),
        digits=st.sampled_from([0, 1, 17]),
        sure=st.sampled_from([0, 1, 17]),
        dispersion=st.floats(1, 50),
    )
    def test_a_value_in_its_interval_in_its_range_or_a_reason(self, seed, n, digits, sure, dispersion):
        random = np.random.default_rng(seed)
        score, expected = np.round(random.random(n), digits), np.round(random.random(n) ** 4, sure)
        predicted = random.random(n) < random.random()
        found = binary(predicted, score, expected, dispersion=dispersion)
        assert tuple(each.name for each in found) == NAMES
        for each in found:
            assert (each.value is None) is (each.reason is not None)
            if each.value is not None:
                assert 0 <= each.lower <= each.value <= each.upper
                assert each.name == "log_loss" or each.upper <= 1
                assert np.isfinite(each.upper)
        order = random.permutation(n)
        other = binary(predicted[order], score[order], expected[order], dispersion=dispersion)
        for name in NAMES:
            assert values(other)[name] == pytest.approx(values(found)[name], abs=1e-9)

    def test_nothing_there_is_told(self):
        score, truth, _ = rows(7, 50)
        assert set(reasons(binary(None, score, truth)).values()) == {"no_prediction"}
        assert set(reasons(binary(np.zeros(0, bool), np.zeros(0), np.zeros(0))).values()) == {"no_labels"}
        assert len(reasons(binary(None, np.zeros(0), np.zeros(0)))) == 8

    @pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan, np.inf])
    def test_bad_probabilities(self, bad):
        score, truth, random = rows(8, 300)
        labels = draw(truth, random).astype(int)
        shown = np.column_stack([1 - score, score])
        calibrator = score_calibration.learn(shown, labels)
        error = score_calibration.check(calibrator, shown, labels)
        score[7] = bad
        found = binary(score > 0.5, score, truth, calibration_error=error)
        assert reasons(found) == dict.fromkeys(performance.SCORE_METRICS, "bad_probability")
        score[7], truth[7] = 0.5, bad
        assert reasons(binary(score > 0.5, score, truth)) == dict.fromkeys(NAMES, "bad_probability")

    def test_what_does_not_fit_is_refused(self):
        with pytest.raises(ValueError, match="rows differ"):
            binary(None, np.zeros(3), np.zeros(2))
        with pytest.raises(ValueError, match="rows differ"):
            binary(np.zeros(3, bool), np.zeros(2), np.zeros(2))
        for wrong in (0.5, np.nan):
            with pytest.raises(ValueError, match="at least 1"):
                binary(None, np.zeros(2), np.zeros(2), dispersion=wrong)


class TestMulticlass:
    @pytest.mark.parametrize("shares", [[0.5, 0.3, 0.2], [0.6, 0.4, 0.0, 0.0], [1.0, 0.0]])
    @pytest.mark.parametrize("n", [4, 300])
    def test_certain_rows_have_the_realised_values(self, n, shares):
        random = np.random.default_rng(n)
        k = len(shares)
        label = random.choice(k, n, p=shares)
        shown = np.round(random.dirichlet(np.ones(k), n), 2)
        predicted = random.integers(0, k, n)
        found = multiclass(predicted, shown, np.eye(k)[label])
        realised = performance.multiclass(label, predicted, shown, k)
        assert reasons(found) == reasons(realised)
        assert values(found) == pytest.approx(values(realised))

    def test_two_classes_are_those_of_binary(self):
        score, truth, random = rows(11, 900)
        shown, expected = (np.column_stack([1 - each, each]) for each in (score, truth))
        error = score_calibration.check(
            score_calibration.learn(shown, draw(truth, random) * 1), shown, draw(truth, random) * 1
        )
        one = named(binary(score > 0.5, score, truth, calibration_error=error))
        two = named(multiclass((score > 0.5) * 1, shown, expected, calibration_error=error))
        for name, times in (("accuracy", 1), ("roc_auc", 1), ("log_loss", 1), ("brier", 2)):
            assert two[name].value == pytest.approx(times * one[name].value)
            width = times * (one[name].upper - one[name].lower)
            assert two[name].upper - two[name].lower == pytest.approx(width, rel=0.05)

    @pytest.mark.parametrize(
        ("n", "shares"), [(1500, [0.5, 0.3, 0.2]), (250, [0.6, 0.35, 0.045, 0.005])], ids=["common", "rare"]
    )
    def test_drawn_labels_agree_with_values_and_errors(self, n, shares):
        shown, truth, random = class_rows(12, n, np.array(shares))
        k, predicted = len(shares), shown.argmax(axis=1)
        drawn = [
            list(values(performance.multiclass(draw(truth, random), predicted, shown, k)).values())
            for _ in range(400)
        ]
        found = multiclass(predicted, shown, truth)
        spread = np.std(drawn, axis=0)
        # values within a fifth of their spread, errors within a fourth: a class of a row or two is no sample
        assert (np.abs(list(values(found).values()) - np.mean(drawn, axis=0)) < 0.2 * spread + 1e-3).all()
        np.testing.assert_allclose(list(errors(found).values()), spread, rtol=0.25)

    @settings(max_examples=40)
    @given(seed=st.integers(0, 10_000), n=st.integers(1, 40), k=st.integers(2, 6), sure=st.booleans())
    def test_a_value_in_its_interval_in_its_range_or_a_reason(self, seed, n, k, sure):
        random = np.random.default_rng(seed)
        shown, expected = random.dirichlet(np.full(k, 0.3), n), random.dirichlet(np.full(k, 0.1), n)
        expected = np.eye(k)[expected.argmax(axis=1)] if sure else expected
        predicted = random.integers(0, k, n)
        found = multiclass(predicted, shown, expected)
        assert tuple(each.name for each in found) == NAMES
        for each in found:
            assert (each.value is None) is (each.reason is not None)
            if each.value is not None:
                assert 0 <= each.lower <= each.value <= each.upper
                assert each.upper <= {"log_loss": np.inf, "brier": 2}.get(each.name, 1)
        order = random.permutation(n)
        other = values(multiclass(predicted[order], shown[order], expected[order]))
        for name in NAMES:
            assert other[name] == pytest.approx(values(found)[name], abs=1e-9)

    def test_a_class_that_may_not_occur_counts_with_its_probability(self):
        expected = np.tile([0.6, 0.4 - 1e-9, 1e-9], (50, 1))
        predicted = np.arange(50) % 2
        without = multiclass(
            predicted, expected[:, :2], expected[:, :2] / expected[:, :2].sum(axis=1)[:, None]
        )
        found = values(multiclass(predicted, expected, expected))
        for name in ("precision", "recall", "f1"):
            assert found[name] == pytest.approx(values(without)[name], abs=1e-5)

    def test_nothing_there_and_what_does_not_fit(self):
        shown, truth, _ = class_rows(13, 30, np.array([0.5, 0.3, 0.2]))
        assert set(reasons(multiclass(None, shown, truth)).values()) == {"no_prediction"}
        nothing = np.zeros((0, 3))
        assert set(reasons(multiclass(np.zeros(0, int), nothing, nothing)).values()) == {"no_labels"}
        with pytest.raises(ValueError, match="but there are 3 classes"):
            multiclass(np.full(30, 3), shown, truth)
        with pytest.raises(ValueError, match="but there are 3 classes"):
            multiclass(np.full(30, -1), shown, truth)
        shown[0] = np.nan
        found = multiclass(np.zeros(30, int), shown, truth)
        assert reasons(found) == dict.fromkeys(performance.SCORE_METRICS, "bad_probability")


class TestReweighted:
    def test_label_shift_is_undone(self):
        random = np.random.default_rng(14)
        prior, share = np.array([0.8, 0.15, 0.05]), np.array([0.2, 0.3, 0.5])
        labels = random.choice(3, 60_000, p=share)
        place = labels * 1.5 + random.normal(size=60_000)
        density = np.exp(-0.5 * (place[:, None] - 1.5 * np.arange(3)) ** 2)
        before = density * prior / (density * prior).sum(axis=1, keepdims=True)
        found = reweighted(before, prior, share)
        np.testing.assert_allclose(found, density * share / (density * share).sum(axis=1, keepdims=True))
        realised = values(performance.multiclass(labels, before.argmax(axis=1), before, 3))
        expected = values(multiclass(before.argmax(axis=1), before, found))
        assert expected == pytest.approx(realised, abs=0.015)
        assert (
            abs(values(multiclass(before.argmax(axis=1), before, before))["accuracy"] - realised["accuracy"])
            > 0.1
        )

    @given(seed=st.integers(0, 1000), k=st.integers(2, 5))
    def test_rows_sum_to_one_and_the_same_shares_change_nothing(self, seed, k):
        random = np.random.default_rng(seed)
        expected, prior = random.dirichlet(np.full(k, 0.2), 20), random.dirichlet(np.ones(k))
        share = np.round(random.dirichlet(np.full(k, 0.2)), 1) + np.eye(k)[0]
        np.testing.assert_allclose(reweighted(expected, prior, share).sum(axis=1), 1.0)
        np.testing.assert_allclose(reweighted(expected, prior, 7 * prior), expected, atol=1e-12)

    def test_classes_without_share(self):
        never = reweighted(np.array([[0.9, 0.1], [1.0, 0.0]]), np.array([1.0, 1.0]), np.array([0.0, 1.0]))
        assert never.tolist() == [[0.0, 1.0], [0.0, 1.0]]
        unseen = reweighted(np.array([[0.8, 0.2]]), np.array([1.0, 0.0]), np.array([0.5, 0.5]))
        assert np.isfinite(unseen).all()

    @pytest.mark.parametrize(
        "wrong", [np.zeros(2), np.array([-1.0, 2.0]), np.array([np.nan, 1.0]), np.ones(3)]
    )
    def test_shares_that_are_none_are_refused(self, wrong):
        with pytest.raises(ValueError, match="are no shares of 2 classes"):
            reweighted(np.full((1, 2), 0.5), np.ones(2), wrong)
        with pytest.raises(ValueError, match="are no shares of 2 classes"):
            reweighted(np.full((1, 2), 0.5), wrong, np.ones(2))


class TestCoverage:
    """Nominal 95 %, of the window's realised value; three standard errors of 60 windows are 8 points."""

    @staticmethod
    def held(sample, estimate, realise, fitted, n, windows):
        found = {name: [] for name in NAMES}
        for seed in range(windows):
            parts = [sample(3 * seed + part, size) for part, size in enumerate((fitted, fitted, n))]
            (shown, labels), (held_out, seen), (live, hidden) = parts
            calibrator = score_calibration.learn(shown, labels)
            error = score_calibration.check(calibrator, held_out, seen)
            expected = score_calibration.apply(calibrator, live)
            for each, truth in zip(estimate(live, expected, error), realise(hidden, live), strict=True):
                if each.value is not None and truth.value is not None:
                    found[each.name].append(each.lower <= truth.value <= each.upper)
        return {name: np.mean(each) for name, each in found.items()}

    @pytest.mark.parametrize(
        ("fitted", "n", "windows"), [(1000, 200, 100), (1000, 20_000, 50), (5000, 2000, 50)]
    )
    def test_binary(self, fitted, n, windows):
        def sample(seed, n):
            score, truth, random = rows(seed, n)
            return np.column_stack([1 - score, score]), draw(truth, random).astype(int)

        found = self.held(
            sample,
            lambda live, expected, error: binary(
                live[:, 1] > 0.5, live[:, 1], expected[:, 1], calibration_error=error
            ),
            lambda hidden, live: performance.binary(hidden == 1, live[:, 1] > 0.5, live[:, 1]),
            fitted,
            n,
            windows,
        )
        assert min(found.values()) >= 0.89
        assert np.mean(list(found.values())) <= 0.985

    @pytest.mark.parametrize(("fitted", "n", "windows"), [(1000, 200, 30), (1000, 5000, 20)])
    def test_multiclass(self, fitted, n, windows):
        def sample(seed, n):
            shown, truth, random = class_rows(seed, n, np.array([0.4, 0.3, 0.2, 0.1]))
            return shown, draw(truth, random)

        found = self.held(
            sample,
            lambda live, expected, error: multiclass(
                live.argmax(axis=1), live, expected, calibration_error=error
            ),
            lambda hidden, live: performance.multiclass(hidden, live.argmax(axis=1), live, 4),
            fitted,
            n,
            windows,
        )
        assert min(found.values()) >= 0.88
