"""The rows whose features await their labels, and the relation as bytes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor import relation_learning, relations
from monitor.errors import StoreError
from monitor.relations import Relation, table_of
from monitor.rows import Classes
from monitor.scan import scan
from monitor.types import Window
from tests.run_model import DAY, LIVE, REFERENCE_DAYS, ROWS, Memory, day, days, model

WINDOW = Window(LIVE, LIVE + DAY)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("relations"), days(0, REFERENCE_DAYS), Memory(a=day(REFERENCE_DAYS)))


def sample_of(plan):
    return scan(plan, (WINDOW,), ["a"], Classes(()), 1).windows[0].sample


def test_columns_are_the_features_in_the_order_of_their_numbers(plan):
    assert plan.relation.names == ("x", "colour")
    assert plan.relation.windows == REFERENCE_DAYS
    assert plan.relation.decides


def test_places_are_those_of_the_windows_rows(plan, monkeypatch):
    monkeypatch.setattr(relations, "KEPT_ROWS", 40)
    places, features = plan.relation.kept(sample_of(plan))
    assert len(places) == len(features) == 40
    assert (np.diff(places) > 0).all()
    x = day(REFERENCE_DAYS)["x"].to_numpy()[places]
    assert np.corrcoef(x, features[:, 0].astype(float))[0, 1] > 0.99


def test_a_window_of_fewer_rows_is_kept_whole(plan):
    places, _ = plan.relation.kept(sample_of(plan))
    assert places.tolist() == list(range(ROWS))


def test_many_features_leave_fewer_rows(plan, monkeypatch):
    width = len(plan.relation.reference.model.encoding)
    monkeypatch.setattr(relations, "KEPT_VALUES", 10 * width)
    assert plan.relation.kept(sample_of(plan))[1].shape == (10, width)


def test_categories_that_the_reference_lacks_share_one_code(plan):
    sample = sample_of(plan)
    table = table_of(sample, ("x",), {"colour": ("green", "red")})
    codes = {text: code for code, text in enumerate(("green", "red", "blue"))}
    expected = [codes[text] for text in sample.frame()["colour"]]
    assert table.codes[:, 0].tolist() == expected


def test_infinite_values_count_as_missing(plan):
    rows = day(REFERENCE_DAYS)
    rows.loc[0, "x"] = np.inf
    found = table_of(sample_of(replace(plan, live=Memory(a=rows))), ("x",), {})
    assert np.isnan(found.numbers).sum() == 1


def test_private_features_are_not_read(tmp_path):
    columns = (
        'timestamp: ts, id: id, prediction: pred, probability: proba, label: y, positive: "yes", '
        "features: {private: [colour]}"
    )
    plan = model(tmp_path, days(0, REFERENCE_DAYS), Memory(), columns=columns)
    assert plan.relation.names == ("x",)


def test_a_reference_without_labels_teaches_none(tmp_path):
    rows = days(0, REFERENCE_DAYS).assign(y=None)
    assert model(tmp_path, rows, Memory()).relation is None


@pytest.mark.parametrize(("known", "taught"), [(150, False), (2_000, True)])
def test_few_labels_teach_none(tmp_path, known, taught):
    rows = days(0, REFERENCE_DAYS)
    rows["y"] = rows["y"].where(np.arange(len(rows)) < known)
    assert (model(tmp_path, rows, Memory()).relation is not None) is taught


def test_few_windows_inform_only(tmp_path):
    rows = pd.concat([day(number, rows=900) for number in range(4)], ignore_index=True)
    plan = model(tmp_path, rows, Memory())
    assert not plan.relation.decides
    assert not plan.splits_concept


def test_of_very_many_windows_some_are_read_evenly_spread():
    windows = [day(number) for number in range(5)]
    assert relation_learning._spread(windows, 5) is windows
    assert relation_learning._spread(range(11), 3) == [0, 5, 10]


def test_so_many_windows_are_read_that_the_relation_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(relation_learning, "MOST_ROWS", relation_learning.FEWEST_ROWS)
    plan = model(tmp_path, days(0, REFERENCE_DAYS), Memory())
    assert plan.relation.decides


def test_bytes_are_the_relation_again(plan):
    again = Relation.from_bytes(plan.relation.to_bytes())
    assert (again.names, again.categories) == (plan.relation.names, plan.relation.categories)
    assert again.encoding == plan.relation.encoding
    assert (again.windows, again.tail) == (plan.relation.windows, plan.relation.tail)
    for one, other in zip(again.kept(sample_of(plan)), plan.relation.kept(sample_of(plan)), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(StoreError):
        Relation.from_bytes(b"driftd relation 99\n")
