"""The relation of label and features changes only where neither inputs nor class shares explain it."""

import numpy as np
import pytest
from scipy import special

from monitor.stats import relation
from monitor.stats.relation import RelationReference, compare, mean_gradients, replayed, with_between
from monitor.stats.tables import Table

FEATURES = 6
SLOPES = np.array([0.9, -0.8, 0.6, -0.5, 0.4, 0.0])
MORE = np.array([[0.0] * FEATURES, SLOPES, -SLOPES[::-1]])
TASKS = pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
LEVEL = 1e-3
WINDOWS = 30


def table(x) -> Table:
    return Table(x.astype(np.float32), np.zeros((len(x), 0), np.int32))


def rows(task, count, seed, *, moved=0.0, slopes=SLOPES, more=MORE):
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, FEATURES)) + moved
    if task == "regression":
        return x, x @ slopes + random.normal(size=count)
    if task == "binary":
        return x, (random.random(count) < special.expit(x @ slopes - 1)).astype(float)
    outputs = x @ more.T + random.gumbel(size=(count, 3))
    return x, outputs.argmax(axis=1).astype(float)


def other_shares(task, count, seed):
    """Rows of unchanged P(x | y) with other labels: high ones are more frequent."""
    x, labels = rows(task, 20 * count, seed)
    weight = np.where(labels > np.median(labels), 5.0, 1.0)
    chosen = np.random.default_rng(seed).choice(len(x), count, replace=False, p=weight / weight.sum())
    return x[chosen], labels[chosen]


def inverted(task, count, seed):
    """The third feature works the other way."""
    sign = np.where(np.arange(FEATURES) == 2, -1.0, 1.0)
    return rows(task, count, seed, slopes=SLOPES * sign, more=MORE * sign)


@pytest.fixture(scope="module")
def known() -> dict[str, RelationReference]:
    return {task: learned(task) for task in ("binary", "multiclass", "regression")}


def learned(task) -> RelationReference:
    x, labels = rows(task, 8_000, 0)
    found, held = relation.learn(table(x), labels, task)
    encode = found.model.encoding.encode
    return with_between(
        found, [mean_gradients(found, encode(table(x[p])), labels[p]) for p in np.array_split(held, 20)]
    )


def windows_of(known, task, how, count=400):
    """The tests of some windows."""
    found = []
    for seed in range(1, WINDOWS + 1):
        x, labels = how(task, count, seed)
        x = known[task].model.encoding.encode(table(x))
        found.append(compare(known[task], x, labels, level=LEVEL))
    return found


def alarms(tests) -> int:
    return sum(each.p_value <= LEVEL for each in tests)


@TASKS
def test_unchanged_rows_are_no_change(known, task):
    assert alarms(windows_of(known, task, rows)) == 0


@TASKS
def test_other_inputs_are_no_change(known, task):
    assert alarms(windows_of(known, task, lambda *how: rows(*how, moved=0.6))) <= 1


@TASKS
def test_other_class_shares_are_no_change(known, task):
    assert alarms(windows_of(known, task, other_shares)) <= 1


@TASKS
def test_another_relation_is_a_change_and_its_column_is_named(known, task):
    tests = windows_of(known, task, inverted)
    assert alarms(tests) == WINDOWS
    assert sum(each.columns[0] == 2 for each in tests) >= 0.9 * WINDOWS


def test_each_test_alone_is_fooled_by_what_the_other_withstands(known):
    def alone(how):
        found = [0, 0]
        for seed in range(1, WINDOWS + 1):
            x, labels = how("binary", 2000, seed)
            window = mean_gradients(known["binary"], x, labels)
            sides = zip(
                (known["binary"].overall, known["binary"].within), window.values, window.rows, strict=True
            )
            for side, (reference, mean, count) in enumerate(sides):
                found[side] += relation.score_vector.compare_mean(reference, mean, count).p_value <= LEVEL
        return found

    shares, inputs = alone(other_shares), alone(lambda *how: rows(*how, moved=0.6))
    assert shares[0] == WINDOWS
    assert shares[1] <= 2
    assert inputs[0] <= 2
    assert inputs[1] >= 0.9 * WINDOWS


def test_rows_of_one_class_only_tell_of_that_class(known):
    x, labels = rows("binary", 2000, 5)
    only = labels == 1
    found = compare(known["binary"], x[only], labels[only], level=LEVEL)
    assert found.p_value > LEVEL


def test_a_rare_class_that_becomes_frequent_leaves_fewer_rows_that_count(known):
    x, labels = rows("binary", 4000, 6)
    usual = mean_gradients(known["binary"], x, labels)
    ones, zeros = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    few = np.concatenate([ones, zeros[: len(ones) // 10]])
    found = mean_gradients(known["binary"], x[few], labels[few])
    assert usual.rows[1] == pytest.approx(4000, rel=0.05)
    assert found.rows[0] == len(few)
    assert found.rows[1] < len(few) / 2


def test_labels_that_are_missing_or_of_no_class_are_left_out(known):
    x, labels = rows("binary", 500, 7)
    strange = labels.copy()
    strange[:100], strange[100:200] = np.nan, 7.0
    found = compare(known["binary"], x, strange, level=LEVEL)
    expected = compare(known["binary"], x[200:], labels[200:], level=LEVEL)
    assert found.p_value == expected.p_value
    assert compare(known["binary"], x, np.full(500, np.nan), level=LEVEL) is None


def test_labels_all_above_a_cap_of_the_reference_are_judged():
    x, labels = rows("regression", 4_000, 10)
    known, _ = relation.learn(table(x), np.minimum(labels, np.quantile(labels, 0.8)), "regression")
    x, labels = known.model.encoding.encode(table(x[:200])), np.full(200, 100.0)
    assert (known.shares > 0).all()
    assert compare(known, x, labels, level=LEVEL).p_value < LEVEL


@TASKS
def test_windows_of_the_reference_are_judged_by_the_others(known, task):
    x, labels = rows(task, 12_000, 9)
    encode = known[task].model.encoding.encode
    parts = np.array_split(np.arange(len(x)), 40)
    windows = [mean_gradients(known[task], encode(table(x[p])), labels[p]) for p in parts]
    found = replayed(known[task], windows)
    assert len(found) == 40
    assert (found < 0.02).sum() <= 2


@TASKS
def test_bytes_are_the_reference_again(known, task):
    again = RelationReference.from_arrays(known[task].to_arrays())
    x, labels = rows(task, 300, 11)
    x = known[task].model.encoding.encode(table(x))
    one, other = (compare(each, x, labels, level=LEVEL) for each in (known[task], again))
    assert (one.p_value, one.weaker.value, one.columns) == (other.p_value, other.weaker.value, other.columns)
