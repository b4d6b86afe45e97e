import pickle
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.stats import expected_loss, performance
from monitor.stats.expected_loss import dump, estimate, learn, load

CATEGORICAL = np.array([False, True, False, False])


def named(found):
    return {each.name: each for each in found}


def values(found):
    return {each.name: each.value for each in found}


def rows(seed, n, shift=0.0, scale=1.0):
    """Spread by the first column and by the category, bias by the third column."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 4)).astype(np.float32)
    features[:, 0] += shift
    features[:, 1] = random.integers(0, 6, n)
    features[random.random(n) < 0.1, 3] = np.nan
    spread = np.exp(0.4 * features[:, 0]) * np.where(features[:, 1] == 3, 2.0, 1.0)
    prediction = 5.0 + random.normal(size=n)
    label = prediction - 0.5 * features[:, 2] + spread * random.normal(size=n)
    return features, scale * prediction, scale * label


def model_of(seed, n):
    features, prediction, label = rows(seed, n)
    return learn(features, CATEGORICAL, prediction, label)


@pytest.fixture(scope="module")
def model():
    return model_of(1, 5000)


class TestEstimate:
    @pytest.mark.parametrize("shift", [0.0, 0.6])
    def test_the_realised_loss_is_found_where_features_move(self, model, shift):
        features, prediction, label = rows(2, 20_000, shift)
        found, realised = (
            values(each)
            for each in (estimate(model, features, prediction), performance.regression(label, prediction))
        )
        assert found["mae"] == pytest.approx(realised["mae"], rel=0.06)
        assert found["rmse"] == pytest.approx(realised["rmse"], rel=0.1)
        assert found["bias"] == pytest.approx(realised["bias"], abs=0.08)

    def test_a_category_with_a_larger_loss_is_known(self, model):
        features, prediction, label = rows(3, 20_000)
        hard = features[:, 1] == 3
        found = values(estimate(model, features[hard], prediction[hard]))
        realised = values(performance.regression(label[hard], prediction[hard]))
        assert found["mae"] == pytest.approx(realised["mae"], rel=0.1)
        assert found["mae"] > 1.4 * values(estimate(model, features[~hard], prediction[~hard]))["mae"]

    def test_losses_are_in_units_of_the_label(self):
        for scale in (1e-6, 1e6):
            features, prediction, label = rows(1, 2000, scale=scale)
            found = estimate(learn(features, CATEGORICAL, prediction, label), features, prediction)
            realised = values(performance.regression(label, prediction))
            assert values(found)["mae"] == pytest.approx(realised["mae"], rel=0.1)
            assert values(found)["rmse"] == pytest.approx(realised["rmse"], rel=0.1)

    def test_intervals_shrink_with_the_window_down_to_the_models_own_error(self, model):
        def width(n):
            features, prediction, _ = rows(4, n)
            return {each.name: each.upper - each.lower for each in estimate(model, features, prediction)}

        small, large, huge = width(200), width(5_000), width(80_000)
        for name in ("mae", "rmse", "bias"):
            assert large[name] < small[name] / 2
            assert huge[name] > large[name] / 2

    def test_dispersion_multiplies_the_errors(self, model):
        features, prediction, _ = rows(5, 2000)
        one, two = (named(estimate(model, features, prediction, dispersion=each)) for each in (1.0, 2.0))
        for name in ("mae", "bias"):
            width = one[name].upper - one[name].lower
            assert two[name].upper - two[name].lower == pytest.approx(2 * width)

    def test_coverage(self):
        """Nominal 95 %; squares have heavy tails, so that their spread is known less well."""
        held = []
        for seed in range(12):
            fitted = model_of(10_000 + seed, 1500)
            for n in (200, 5000):
                features, prediction, label = rows(20_000 + seed, n)
                pairs = zip(
                    estimate(fitted, features, prediction),
                    performance.regression(label, prediction),
                    strict=True,
                )
                held.append([each.lower <= truth.value <= each.upper for each, truth in pairs])
        assert np.mean(held) > 0.87
        assert np.mean(held, axis=0).min() > 0.8

    @settings(max_examples=20)
    @given(seed=st.integers(0, 10_000), n=st.integers(1, 50))
    def test_values_in_their_intervals_whatever_the_order_of_rows(self, model, seed, n):
        features, prediction, _ = rows(seed, n)
        features[0] = np.nan
        features[-1, 1] = 77
        features[n // 2, 0] = np.inf
        found = estimate(model, features, prediction)
        for each in found:
            assert each.lower <= each.value <= each.upper
            assert np.isfinite([each.lower, each.upper]).all()
        assert min(found[0].lower, found[1].lower) >= 0
        order = np.random.default_rng(seed).permutation(n)
        assert values(estimate(model, features[order], prediction[order])) == pytest.approx(values(found))

    def test_nothing_there_is_told(self, model):
        found = estimate(model, np.zeros((0, 4), np.float32), np.zeros(0))
        assert [each.reason for each in found] == ["no_labels"] * 3
        for bad in (np.nan, np.inf):
            found = estimate(model, np.zeros((2, 4), np.float32), np.array([1.0, bad]))
            assert [(each.name, each.value, each.reason) for each in found] == [
                (name, None, "undefined") for name in performance.NUMBER_METRICS
            ]

    def test_what_does_not_fit_is_refused(self, model):
        with pytest.raises(ValueError, match="of 4 columns"):
            estimate(model, np.zeros((2, 3), np.float32), np.zeros(2))
        with pytest.raises(ValueError, match=r"dispersion 0\.5"):
            estimate(model, np.zeros((2, 4), np.float32), np.zeros(2), dispersion=0.5)


class TestLearn:
    def test_a_perfect_model_has_no_loss(self):
        features, prediction, _ = rows(6, 300)
        found = estimate(learn(features, CATEGORICAL, prediction, prediction), features, prediction)
        assert [(each.value, each.lower, each.upper) for each in found] == [(0.0, 0.0, 0.0)] * 3

    def test_a_constant_error_is_that(self):
        features, prediction, _ = rows(7, 300)
        found = estimate(learn(features, CATEGORICAL, prediction, prediction - 2.0), features, prediction)
        assert values(found) == pytest.approx({"mae": 2.0, "rmse": 2.0, "bias": 2.0})

    def test_rows_without_label_are_left_out(self):
        features, prediction, label = rows(8, 600)
        more = np.concatenate([label, np.full(50, np.nan)])
        one = learn(features, CATEGORICAL, prediction, label)
        other = learn(
            np.concatenate([features, features[:50]]),
            CATEGORICAL,
            np.concatenate([prediction, prediction[:50]]),
            more,
        )
        assert estimate(one, features, prediction) == estimate(other, features, prediction)

    def test_columns_without_a_value_and_constant_ones(self):
        features, prediction, label = rows(9, 400)
        features[:, 0] = np.nan
        features[:, 1] = np.nan
        features[:, 2] = 1.0
        found = values(estimate(learn(features, CATEGORICAL, prediction, label), features, prediction))
        assert found["mae"] == pytest.approx(np.abs(prediction - label).mean(), rel=0.15)

    def test_rare_categories_are_one(self):
        features, prediction, label = rows(10, 2000)
        features[:, 1] = np.arange(2000)
        model = learn(features, CATEGORICAL, prediction, label)
        assert len(model.orders[1]) == expected_loss.CATEGORIES
        assert np.isfinite(values(estimate(model, features, prediction))["mae"])

    def test_few_rows_have_the_mean(self):
        features, prediction, label = rows(11, 24)
        found = named(estimate(learn(features, CATEGORICAL, prediction, label), features, prediction))
        assert found["mae"].lower < np.abs(prediction - label).mean() < found["mae"].upper

    @pytest.mark.parametrize(
        ("n", "kinds", "labels", "message"),
        [(10, 4, 10, "needs 20"), (0, 4, 0, "needs 20"), (50, 3, 50, "kinds 3"), (50, 4, 49, "labels")],
    )
    def test_what_does_not_fit_is_refused(self, n, kinds, labels, message):
        features, prediction, label = rows(12, n)
        with pytest.raises(ValueError, match=message):
            learn(features, np.zeros(kinds, bool), prediction, label[:labels])


def sealed(header, body):
    content = header + body
    return struct.pack("<II", len(header), zlib.crc32(content)) + content


class Evil:
    def __reduce__(self):
        return (eval, ("1 / 0",))


class TestBytes:
    def test_there_and_back(self, model):
        features, prediction, _ = rows(13, 300)
        again = load(dump(model))
        assert estimate(again, features, prediction) == estimate(model, features, prediction)

    def test_a_model_without_trees(self):
        features, prediction, _ = rows(14, 100)
        again = load(dump(learn(features, CATEGORICAL, prediction, prediction)))
        assert values(estimate(again, features, prediction))["mae"] == 0.0

    def test_damaged_bytes_are_refused(self, model):
        dumped = dump(model)
        changed = bytearray(dumped)
        changed[len(dumped) // 2] ^= 1
        header = dumped[8 : 8 + struct.unpack_from("<II", dumped)[0]]
        body = dumped[8 + len(header) :]
        for wrong in (b"", dumped[:5], dumped[:-1], bytes(changed), sealed(b"{}", body), sealed(b"no", b"")):
            with pytest.raises(ValueError, match="damaged"):
                load(wrong)
        for wrong in (sealed(header, b""), sealed(header, body[:-20]), sealed(header, pickle.dumps("text"))):
            with pytest.raises(ValueError):
                load(wrong)

    def test_another_version_is_refused_before_anything_is_read(self, model, monkeypatch):
        monkeypatch.setattr(expected_loss, "SKLEARN", "0.0.1")
        old = dump(model)
        monkeypatch.undo()
        with pytest.raises(ValueError, match=r"0\.0\.1"):
            load(old)

    def test_a_pickle_that_names_anything_else_is_not_run(self, model):
        header = dump(model)[8 : 8 + struct.unpack_from("<II", dump(model))[0]]
        with pytest.raises(ValueError, match=r"names builtins\.eval"):
            load(sealed(header, pickle.dumps(Evil())))

    @pytest.mark.parametrize(
        ("field", "value"),
        [("left", 10**6), ("right", 0), ("feature_idx", 5), ("feature_idx", -1), ("is_categorical", 1)],
    )
    def test_trees_that_lead_astray_are_refused(self, field, value):
        model = model_of(15, 600)
        model.trees[0]._predictors[0][0].nodes[field][0] = value
        with pytest.raises(ValueError, match="damaged"):
            load(dump(model))
