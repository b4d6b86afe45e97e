"""Rows become finite features of bounded number, and the models are scikit-learn's on half of the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LogisticRegression, Ridge

from monitor.stats import surrogate
from monitor.stats.surrogate import Kind, Surrogate, learn
from monitor.stats.tables import Table

TASKS = ["binary", "multiclass", "regression"]
EACH_TASK = pytest.mark.parametrize("task", TASKS)


def sample(task="binary", rows=2000, seed=0) -> tuple[Table, np.ndarray]:
    """Six numeric columns: one constant, one never known, one with gaps; categories of 30, 5 and 1 kinds."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 6))
    numbers[:, 3], numbers[:, 4] = 7.0, np.nan
    signal = numbers[:, 0] - 0.5 * numbers[:, 1] + random.logistic(size=rows)
    numbers[random.random(rows) < 0.2, 2] = np.nan
    codes = np.minimum(random.geometric(0.25, size=(rows, 3)) - 1, [30, 4, 0])
    codes[random.random(rows) < 0.1, 1] = -1
    labels = {"binary": signal > 0, "multiclass": np.digitize(signal, [-1, 1]), "regression": signal}[task]
    return Table(numbers.astype(np.float32), codes.astype(np.int32)), labels.astype(np.float64)


def described(encoding) -> list[tuple[Kind, int, int]]:
    return [
        (Kind(k), int(c), int(v))
        for k, c, v in zip(encoding.kinds, encoding.columns, encoding.codes, strict=True)
    ]


def test_features_are_values_gaps_and_the_frequent_categories():
    table, labels = sample(rows=8000)
    found = described(learn(table, labels, "binary")[0].encoding)
    assert [(kind, column) for kind, column, _ in found if column < 6] == [
        (Kind.VALUE, 0),
        (Kind.VALUE, 1),
        (Kind.VALUE, 2),
        (Kind.MISSING, 2),
        (Kind.VALUE, 5),
    ]
    assert [code for kind, column, code in found if column == 6 and kind is Kind.CATEGORY] == list(range(10))
    assert (Kind.OTHERS, 6, 0) in found
    assert {code for _, column, code in found if column == 7} == {-1, 0, 1, 2, 3, 4}
    assert not [column for _, column, _ in found if column == 8]


def test_numbers_are_winsorised_standardised_and_zero_where_missing():
    table, labels = sample(rows=8000)
    encoding = learn(table, labels, "binary")[0].encoding
    numbers = np.array([[0.0] * 6, [1e30] * 6, [-1e30] * 6, [np.nan] * 6], np.float32)
    found = encoding.encode(Table(numbers, np.zeros((4, 3), np.int32)))
    first = found[:, 0]
    assert abs(first[0]) < 0.1
    assert 2.3 < first[1] < 2.9
    assert -2.9 < first[2] < -2.3
    assert first[3] == 0
    gap = described(encoding).index((Kind.MISSING, 2, 0))
    assert found[:, gap].tolist() == [0, 0, 0, 1]
    x = encoding.encode(table)
    np.testing.assert_allclose(x[:, :2].mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(x[:, :2].std(axis=0), 1, atol=0.05)


def test_a_category_never_seen_counts_among_the_others():
    table, labels = sample(rows=8000)
    encoding = learn(table, labels, "binary")[0].encoding
    codes = np.array([[999, 999, 999]], np.int32)
    found = encoding.encode(Table(np.zeros((1, 6), np.float32), codes))[0]
    of = {place for place, (_, column, _) in enumerate(described(encoding)) if column == 6}
    assert [described(encoding)[place][0] for place in of if found[place]] == [Kind.OTHERS]


@EACH_TASK
def test_models_are_those_of_scikit_learn(task):
    table, labels = sample(task)
    model, held = learn(table, labels, task)
    fitted = np.setdiff1d(np.arange(len(table)), held)
    assert len(held) == len(table) // 2
    x, target = model.encoding.encode(table.take(fitted)), labels[fitted]
    if task == "regression":
        low, high, deviation = model.label_scale
        target = np.clip(target, low, high)
        expected = Ridge(alpha=1.0).fit(x, target)
        assert deviation == pytest.approx((target - expected.predict(x)).std(), rel=1e-6)
        assert deviation == pytest.approx(1.8, rel=0.1)
    else:
        expected = LogisticRegression(max_iter=1000).fit(x, target)
    np.testing.assert_allclose(model.coefficients, np.atleast_2d(expected.coef_))
    np.testing.assert_allclose(model.intercepts, np.atleast_1d(expected.intercept_))


@EACH_TASK
def test_coordinates_and_features_are_bounded(task):
    random = np.random.default_rng(0)
    rows = 1000
    table = Table(random.normal(size=(rows, 230)).astype(np.float32), np.zeros((rows, 0), np.int32))
    signal = 3 * table.numbers[:, 229] + random.normal(size=rows)
    labels = {"binary": signal > 0, "multiclass": np.digitize(signal, [-2, 2]), "regression": signal}[task]
    model, held = learn(table, labels.astype(np.float64), task)
    assert len(model.owner) <= len(held) // surrogate.ROWS_PER_COORDINATE
    assert 229 in model.encoding.columns


def test_the_rarest_of_many_classes_are_pooled():
    random = np.random.default_rng(0)
    table = Table(random.normal(size=(6000, 20)).astype(np.float32), np.zeros((6000, 0), np.int32))
    labels = np.minimum(random.geometric(0.05, size=6000), 60).astype(np.float64)
    model, held = learn(table, labels, "multiclass")
    assert model.pools == 1
    assert len(model.classes) + 1 == len(model.intercepts) <= surrogate.MOST_CLASSES
    assert {1.0, 2.0, 3.0} <= set(model.classes.tolist())
    assert model.known(np.array([1.0, 59.0, -5.0, np.nan])).tolist() == [True, True, True, False]
    x = model.encoding.encode(table.take(held[:5]))
    residuals = model.residuals(x, np.full(5, 1234.0))
    assert (residuals[:, -1] > 0).all()
    assert (residuals[:, :-1] < 0).all()


def test_a_label_of_no_class_has_no_likelihood():
    table, labels = sample()
    model, held = learn(table, labels, "binary")
    assert model.known(np.array([0.0, 1.0, 2.0, np.nan])).tolist() == [True, True, False, False]
    with pytest.raises(ValueError, match="of no class"):
        model.residuals(model.encoding.encode(table.take(held[:1])), np.array([2.0]))


def test_rare_classes_too_few_to_pool_are_left_out():
    table, labels = sample("multiclass")
    labels[:6] = 17.0
    model, held = learn(table, labels, "multiclass")
    assert model.classes.tolist() == [0, 1, 2]
    assert not model.pools
    assert not (labels[held] == 17).any()


@EACH_TASK
def test_missing_labels_are_left_out(task):
    table, labels = sample(task)
    labels[::3] = np.nan
    _, held = learn(table, labels, task)
    assert len(held) == pytest.approx(np.isfinite(labels).sum() / 2, abs=1)
    assert np.isfinite(labels[held]).all()


@EACH_TASK
def test_what_cannot_be_learned_is_said(task):
    table, labels = sample(task)
    with pytest.raises(ValueError, match="take"):
        learn(table, np.where(np.arange(len(labels)) < 150, labels, np.nan), task)
    with pytest.raises(ValueError, match=r"alike|differ"):
        learn(table, np.ones(len(table)), task)
    nothing = Table(np.zeros((2000, 3), np.float32), np.zeros((2000, 1), np.int32))
    with pytest.raises(ValueError, match="no column varies"):
        learn(nothing, labels, task)


def test_a_relation_without_noise_stays_finite():
    random = np.random.default_rng(0)
    table = Table(random.normal(size=(1000, 2)).astype(np.float32), np.zeros((1000, 0), np.int32))
    model, held = learn(table, table.numbers[:, 0].astype(np.float64), "regression")
    found = model.residuals(model.encoding.encode(table.take(held)), np.zeros(len(held)))
    assert np.isfinite(found).all()


@EACH_TASK
def test_it_survives_as_arrays(task):
    table, labels = sample(task)
    model, held = learn(table, labels, task)
    again = Surrogate.from_arrays(model.to_arrays())
    x = again.encoding.encode(table.take(held))
    np.testing.assert_array_equal(x, model.encoding.encode(table.take(held)))
    np.testing.assert_array_equal(again.residuals(x, labels[held]), model.residuals(x, labels[held]))
    np.testing.assert_array_equal(again.owner, model.owner)


MODELS = {task: learn(*sample(task), task)[0] for task in TASKS}
ANY_NUMBER = st.floats(width=32, allow_infinity=False)


@EACH_TASK
@settings(max_examples=25, deadline=None)
@given(
    numbers=arrays(np.float32, (4, 6), elements=ANY_NUMBER),
    codes=arrays(np.int32, (4, 3), elements=st.integers(-1, 1000)),
    label=st.floats(allow_nan=False, allow_infinity=False),
)
def test_no_row_gives_nan(task, numbers, codes, label):
    model = MODELS[task]
    x = model.encoding.encode(Table(numbers, codes))
    assert np.isfinite(x).all()
    labels = np.full(4, label if task == "regression" else 1.0)
    assert np.isfinite(model.residuals(x, labels)).all()
