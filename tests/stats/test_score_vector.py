"""Gradients are those of the log-likelihood; a changed coefficient is seen and named, and chance is not."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, special, stats

from monitor.stats import norms, score_vector
from monitor.stats.score_vector import (
    ScoreReference,
    compare_mean,
    gradients,
    mean_gradient,
    named,
    with_between,
)
from monitor.stats.surrogate import Encoding, Surrogate, learn
from monitor.stats.tables import Table

COEFFICIENTS = np.array([0.8, -0.8, 0.6, -0.6, 0.5, -0.4, 0.3, -0.3, 0.2, -0.1])
TASKS = pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
OUTPUTS = {"binary": 1, "multiclass": 4, "regression": 1}
CLASSES = {"binary": 2, "multiclass": 4, "regression": 0}


def handmade(task, theta, features=3) -> Surrogate:
    """A surrogate of these coefficients and intercepts, in a gradient's order."""
    theta = np.reshape(theta, (OUTPUTS[task], features + 1))
    places = np.arange(features)
    encoding = Encoding(0 * places, places, 0 * places, np.tile([[-9.0], [9.0], [0.0], [1.0]], (1, features)))
    classes = np.arange(CLASSES[task], dtype=float)
    return Surrogate(encoding, theta[:, :-1], theta[:, -1], classes, 0, np.array([-20.0, 20.0, 1.7]))


def log_likelihood(task, theta, x, label) -> float:
    theta = np.reshape(theta, (OUTPUTS[task], len(x) + 1))
    outputs = theta @ np.append(x, 1.0)
    if task == "regression":
        return float(stats.norm.logpdf(label, outputs[0], 1.7))
    if task == "binary":
        return float(special.log_expit(outputs[0] if label else -outputs[0]))
    return float(special.log_softmax(outputs)[int(label)])


def compare(known: ScoreReference, found) -> score_vector.ScoreTest:
    return compare_mean(known, mean_gradient(known, found), len(found))


def gradient_at(task, theta, x, label) -> np.ndarray:
    return gradients(handmade(task, theta), x[None], np.array([label]))[0]


@TASKS
def test_gradients_are_those_of_finite_differences(task):
    random = np.random.default_rng(3)
    for _ in range(20):
        x, theta = random.normal(size=3), random.normal(size=OUTPUTS[task] * 4)
        label = random.normal() if task == "regression" else float(random.integers(CLASSES[task]))
        found = gradient_at(task, theta, x, label)
        likelihood = partial(log_likelihood, task, x=x, label=label)
        np.testing.assert_allclose(found, optimize.approx_fprime(theta, likelihood, 1e-7), atol=1e-5)
        gradient = partial(gradient_at, task, x=x, label=label)
        error = optimize.check_grad(likelihood, gradient, theta)
        assert error < 1e-5


@TASKS
def test_gradients_are_the_product_of_a_vector_with_the_jacobian(task):
    random = np.random.default_rng(4)
    x, theta = random.normal(size=(6, 3)), random.normal(size=OUTPUTS[task] * 4)
    labels = random.integers(0, max(2, CLASSES[task]), size=6).astype(float)
    model = handmade(task, theta)
    found, vectors = gradients(model, x, labels), model.residuals(x, labels)
    for row in range(6):
        inputs = np.append(x[row], 1.0)

        def outputs(t, inputs=inputs):
            return np.reshape(t, (OUTPUTS[task], 4)) @ inputs

        jacobian = np.atleast_2d(optimize.approx_fprime(theta, outputs, 1e-6))
        assert jacobian.shape == (OUTPUTS[task], len(theta))
        np.testing.assert_allclose(found[row], vectors[row] @ jacobian, atol=1e-6)


def test_residuals_of_classes_add_to_nothing():
    random = np.random.default_rng(5)
    model = handmade("multiclass", random.normal(size=16))
    found = gradients(model, random.normal(size=(9, 3)), np.arange(9.0) % 4).reshape(9, 4, 4)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)


def draw(random, rows, coefficients=COEFFICIENTS, level=-1.0) -> tuple[Table, np.ndarray]:
    x = random.normal(size=(rows, len(coefficients)))
    labels = random.random(rows) < special.expit(x @ coefficients + level)
    return Table(x.astype(np.float32), np.zeros((rows, 0), np.int32)), labels.astype(float)


def changed(**coefficients) -> np.ndarray:
    found = COEFFICIENTS.copy()
    for name, value in coefficients.items():
        found[int(name[1:]) - 1] = value
    return found


class Known:
    """A surrogate and its reference, learned from one draw."""

    def __init__(self, table, labels, task="binary") -> None:
        self.model, held = learn(table, labels, task)
        self.reference = score_vector.reference(self.of(table.take(held), labels[held]), self.model.owner)

    def of(self, table, labels):
        return gradients(self.model, self.model.encoding.encode(table), labels)

    def test(self, table, labels):
        return compare(self.reference, self.of(table, labels))

    def named(self, table, labels, **how):
        mean = mean_gradient(self.reference, self.of(table, labels))
        return [column for column, _ in named(self.reference, mean, len(labels), **how)]


@pytest.fixture(scope="module")
def known() -> Known:
    return Known(*draw(np.random.default_rng(0), 20_000))


def mixed(random, rows, task) -> tuple[Table, np.ndarray]:
    """Skewed, heavy-tailed and correlated numbers with gaps, a rare flag, and categories."""
    x = random.normal(size=(rows, 5))
    x[:, 1] = 0.9 * x[:, 0] + 0.44 * x[:, 1]
    codes = np.minimum(random.geometric(0.25, size=(rows, 2)) - 1, [20, 4])
    signal = x[:, 0] - 0.5 * x[:, 2] + 0.4 * (codes[:, 0] == 1) - 1
    noise = random.standard_t(3, size=rows) if task == "regression" else random.logistic(size=rows)
    x[:, 2], x[:, 3] = np.exp(x[:, 2]), random.standard_t(2, size=rows)
    x[:, 4] = random.random(rows) < 0.01
    x[random.random(rows) < 0.1, 2] = np.nan
    table = Table(x.astype(np.float32), codes.astype(np.int32))
    found = {"binary": signal > -noise, "multiclass": np.digitize(signal + noise, [-2, 0, 2])}
    return table, found.get(task, signal + noise).astype(float)


# bounds around .01: four standard errors of so many draws above, and that something is seen at all at .05
@pytest.mark.slow
@TASKS
@pytest.mark.parametrize(("rows", "times"), [(100, 200), (500, 150), (5000, 25)])
def test_nothing_changed_is_seldom_called_a_change(task, rows, times):
    p, sparse = [], []
    for seed in range(5):
        random = np.random.default_rng(seed)
        known = Known(*mixed(random, 8000, task), task)
        found = [known.test(*mixed(random, rows, task)) for _ in range(times)]
        p += [one.p_value for one in found]
        sparse += [one.sparse_p_value for one in found]
    slack = 4 * np.sqrt(0.01 / len(p))
    assert np.mean(np.array(p) < 0.01) < 0.01 + slack
    assert np.mean(np.array(sparse) < 0.01) < 0.01 + slack
    assert np.mean(np.array(p) < 0.05) > 0.004


def test_sizes_of_the_logistic_model_are_right(known):
    random = np.random.default_rng(1)
    found = [known.test(*draw(random, 500)) for _ in range(1000)]
    assert 0.003 <= np.mean([one.p_value < 0.01 for one in found]) <= 0.02
    assert np.mean([one.sparse_p_value < 0.01 for one in found]) <= 0.02
    assert np.mean([one.value for one in found]) == pytest.approx(1, abs=0.05)
    assert np.mean([one.effect for one in found]) < 0.06


# the powers of STATISTICS 4.3 at one false alarm in 720 windows of 500 rows: .53/.68, .18/.38, 1/1, .40/.06
@pytest.mark.parametrize(
    ("coefficients", "dense", "sparse", "first"),
    [
        (changed(b1=0.3), 0.45, 0.6, 0),
        (changed(b9=0.6), 0.15, 0.3, 8),
        (changed(b5=-0.5), 0.98, 0.98, 4),
        (COEFFICIENTS * 0.7, 0.25, 0.0, None),
    ],
    ids=["b1 .8 to .3", "b9 .2 to .6, error-neutral", "b5 .5 to -.5", "all times .7"],
)
def test_changes_of_the_relation_are_seen(known, coefficients, dense, sparse, first):
    random = np.random.default_rng(2)
    windows = [draw(random, 500, coefficients) for _ in range(100)]
    found = [known.test(*window) for window in windows]
    assert np.mean([one.p_value < 1 / 720 for one in found]) >= dense
    assert np.mean([one.sparse_p_value < 1 / 720 for one in found]) >= sparse
    if first is not None:
        names = Counter(column for window in windows for column in known.named(*window)[:1])
        assert names[first] > 0.9 * names.total() > 0
        assert np.mean([one.columns[one.by_feature.argmax()] == first for one in found]) > 0.5


def test_a_change_that_leaves_the_error_rate_alike_is_seen(known):
    before, after = (draw(np.random.default_rng(9), 4000, b) for b in (COEFFICIENTS, changed(b9=0.6)))

    def error_rate(table, labels):
        outputs = known.model.encoding.encode(table) @ known.model.coefficients[0] + known.model.intercepts[0]
        return np.mean((outputs > 0) != labels)

    assert error_rate(*after) == pytest.approx(error_rate(*before), abs=0.015)
    assert known.test(*after).p_value < 1e-6
    assert known.named(*after) == [8]


def test_the_column_that_changed_is_named_and_not_its_correlates():
    def correlated(random, rows, slope):
        x = random.normal(size=(rows, 4))
        x[:, 1] = 0.9 * x[:, 0] + 0.44 * x[:, 1]
        codes = random.integers(0, 4, size=(rows, 1)).astype(np.int32)
        labels = random.random(rows) < special.expit(slope * x[:, 0] + 0.5 * x[:, 2] + (codes[:, 0] == 2))
        return Table(x.astype(np.float32), codes), labels.astype(float)

    random = np.random.default_rng(0)
    known = Known(*correlated(random, 10_000, 0.5))
    window = correlated(random, 3000, 1.1)
    assert known.test(*window).by_feature_p[known.test(*window).columns == 1] < 1e-6
    assert known.named(*window) == [0]


def test_a_category_whose_label_changed_is_named():
    def coded(random, rows, of_two):
        x = random.normal(size=(rows, 2))
        codes = random.integers(0, 5, size=(rows, 2)).astype(np.int32)
        labels = random.random(rows) < special.expit(x[:, 0] + of_two * (codes[:, 1] == 2))
        return Table(x.astype(np.float32), codes), labels.astype(float)

    random = np.random.default_rng(0)
    known = Known(*coded(random, 10_000, 0.0))
    assert known.named(*coded(random, 2000, 1.5))[0] == 3


def test_the_level_of_the_label_is_the_intercept(known):
    window = draw(np.random.default_rng(1), 4000, level=0.0)
    assert known.named(*window, most=1) == [-1]


@pytest.mark.parametrize("what", ["label", "column"])
def test_one_outlier_does_not_decide(what):
    random = np.random.default_rng(0)

    def linear(rows):
        x = random.normal(size=(rows, 3))
        return Table(x.astype(np.float32), np.zeros((rows, 0), np.int32)), x[:, 0] + random.normal(size=rows)

    known = Known(*linear(4000), "regression")
    table, labels = linear(500)
    before = known.test(table, labels)
    if what == "label":
        labels[7] = 1e9
    else:
        table.numbers[7] = 1e9
    after = known.test(table, labels)
    assert before.p_value > 0.05
    assert after.p_value > 0.01
    raw = known.of(table, labels)
    raw[7] = 1e9
    assert compare(known.reference, raw).p_value > 0.01


def test_windows_that_vary_are_quiet_once_that_is_known(known):
    random = np.random.default_rng(0)

    def mean(coefficients=COEFFICIENTS):
        return mean_gradient(
            known.reference, known.of(*draw(random, 2000, coefficients, random.normal(-1, 0.2)))
        )

    means, rows = np.array([mean() for _ in range(60)]), np.full(60, 2000)
    wide = with_between(known.reference, means, rows)
    null = [mean() for _ in range(200)]
    assert np.mean([compare_mean(known.reference, one, 2000).p_value < 0.01 for one in null]) > 0.2
    assert np.mean([compare_mean(wide, one, 2000).p_value < 0.01 for one in null]) <= 0.02
    moved = [mean(changed(b1=0.3)) for _ in range(30)]
    assert np.mean([compare_mean(wide, one, 2000).p_value < 0.01 for one in moved]) > 0.9
    assert [named(wide, one, 2000)[0][0] for one in moved] == [0] * 30


def test_windows_alike_add_next_to_nothing(known):
    random = np.random.default_rng(0)
    means = [mean_gradient(known.reference, known.of(*draw(random, 500))) for _ in range(200)]
    wide = with_between(known.reference, np.array(means), np.full(200, 500))
    assert wide.between.mean() * 500 < 0.2
    assert with_between(known.reference, np.array(means[:1]), np.array([500])) is known.reference
    np.testing.assert_allclose(
        wide.whitener @ wide.colour, known.reference.whitener @ known.reference.colour, atol=1e-12
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 300))
def test_the_order_of_rows_does_not_matter(known, seed, rows):
    random = np.random.default_rng(seed)
    table, labels = draw(random, rows)
    order = random.permutation(rows)
    a, b = known.test(table, labels), known.test(table.take(order), labels[order])
    assert a.value == pytest.approx(b.value)
    assert a.p_value == pytest.approx(b.p_value)


@settings(max_examples=30, deadline=None)
@given(rows=arrays(np.float64, (3, 11), elements=st.floats(-1e12, 1e12)))
def test_no_gradient_counts_for_more_than_the_limit(known, rows):
    reference = known.reference
    white = mean_gradient(reference, rows) @ reference.whitener
    assert norms.l2(white) <= reference.limit * (1 + 1e-6)
    raw = norms.l2((rows - reference.centre) @ reference.whitener, axis=1)
    assert norms.l2(white) <= raw.mean() * (1 + 1e-6) + 1e-9
    found = compare(reference, rows)
    assert np.isfinite([found.value, found.p_value, found.effect, *found.by_feature]).all()
    assert 0 <= found.p_value <= 1
    assert 0 <= found.sparse_p_value <= 1


def test_means_of_parts_add_up(known):
    table, labels = draw(np.random.default_rng(0), 100)
    every = known.of(table, labels)
    parts = 0.3 * mean_gradient(known.reference, every[:30]) + 0.7 * mean_gradient(
        known.reference, every[30:]
    )
    np.testing.assert_allclose(parts, mean_gradient(known.reference, every))


def test_the_value_is_hotellings_where_nothing_is_clipped():
    random = np.random.default_rng(0)
    rows = random.uniform(-1, 1, size=(20_000, 3)) @ random.normal(size=(3, 3))
    reference = score_vector.reference(rows, np.arange(3))
    window = random.uniform(-1, 1, size=(400, 3)) @ random.normal(size=(3, 3)) * 0.1
    gap = window.mean(axis=0) - rows.mean(axis=0)
    expected = gap @ np.linalg.solve(np.cov(rows.T) * (1 / 400 + 1 / 20_000), gap)
    assert compare(reference, window).value ** 2 * 3 == pytest.approx(expected, rel=0.03)


def test_the_effect_does_not_grow_with_the_rows():
    random = np.random.default_rng(0)
    reference = score_vector.reference(random.normal(size=(20_000, 4)), np.arange(4))
    found = [compare(reference, random.normal([0.3, 0, 0, 0], size=(n, 4))) for n in (1000, 50_000)]
    assert [one.effect for one in found] == [pytest.approx(0.3, abs=0.07), pytest.approx(0.3, abs=0.03)]
    assert found[1].value > 2 * found[0].value


def test_a_window_without_rows_has_no_result(known):
    with pytest.raises(ValueError, match="no rows"):
        mean_gradient(known.reference, np.empty((0, 11)))
    assert known.of(*draw(np.random.default_rng(0), 0)).shape == (0, 11)


def test_a_window_of_one_class_is_a_change(known):
    table, _ = draw(np.random.default_rng(0), 300)
    assert known.test(table, np.zeros(300)).p_value < 1e-6
    assert known.named(table, np.zeros(300))[0] == -1


@TASKS
def test_constant_and_unknown_columns_have_no_say(task):
    random = np.random.default_rng(0)
    table, labels = mixed(random, 4000, task)
    table.numbers[:, 3], table.numbers[:, 4] = 5.0, np.nan
    known = Known(table, labels, task)
    table, labels = mixed(random, 300, task)
    found = known.test(table, labels)
    assert set(found.columns.tolist()) == {-1, 0, 1, 2, 5, 6}
    assert found.p_value > 0.001


def test_a_coordinate_that_does_not_vary_is_ignored():
    random = np.random.default_rng(0)
    rows = np.column_stack([random.normal(size=(1000, 2)), np.full(1000, 3.0)])
    reference = score_vector.reference(rows, np.arange(3))
    found = compare(reference, rows[:100] + np.array([0, 0, 1.0]))
    assert found.p_value > 0.01
    assert (found.by_feature[2], found.by_feature_p[2]) == (0, 1)
    with pytest.raises(ValueError, match="alike"):
        score_vector.reference(np.ones((100, 2)), np.arange(2))
    with pytest.raises(ValueError, match="do not tell"):
        score_vector.reference(np.ones((10, 10)), np.arange(10))


def test_it_survives_as_arrays(known):
    again = ScoreReference.from_arrays(known.reference.to_arrays())
    assert all(isinstance(array, np.ndarray) for array in known.reference.to_arrays().values())
    table, labels = draw(np.random.default_rng(0), 200)
    a, b = (compare(one, known.of(table, labels)) for one in (known.reference, again))
    assert (a.value, a.p_value, a.effect) == (b.value, b.p_value, b.effect)
    assert isinstance(again.rows, int)
