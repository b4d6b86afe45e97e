from dataclasses import replace

import pytest
from export_samples import evaluation, full_view, new_model
from hypothesis import given
from hypothesis import strategies as st

from monitor.export.series import (
    BUILDERS,
    LONGEST_LABEL,
    extremity,
    label_value,
    model_labels,
    worst_columns,
)
from monitor.export.snapshot import Detail, after_evaluation, new_view
from monitor.types import Kind, Promise, Statistic


def points(view, name):
    return {
        labels[1:]: value for build in BUILDERS for family, labels, value in build(view) if family == name
    }


def statistic(column, value, threshold=1.0, **changes):
    return Statistic(Kind.COVARIATE, column, "psi", value, threshold, **changes)


def view_of(statistics, detail=Detail.COLUMNS, **changes):
    view = new_view("m", detail=detail, **changes)
    return after_evaluation(view, evaluation(statistics=tuple(statistics)), 1)


@given(st.text(max_size=400))
def test_a_label_value_is_valid_and_short(text):
    value = label_value(text)
    assert len(value) <= LONGEST_LABEL
    value.encode()


@given(st.text(min_size=100, max_size=300), st.text(min_size=100, max_size=300))
def test_different_texts_have_different_label_values(one, other):
    assert (label_value(one) == label_value(other)) == (one == other)


def test_half_a_surrogate_pair_becomes_valid_and_stays_apart():
    values = {label_value("a\ud800"), label_value("a\udfff"), label_value("a?")}
    assert len(values) == 3
    for value in values:
        value.encode()


@pytest.mark.parametrize(
    ("value", "threshold", "expected"),
    [
        (3.0, 2.0, 1.5),
        (0.0, 0.0, 0.0),
        (0.1, 0.0, float("inf")),
        (None, 1.0, 0.0),
        (1.0, None, 0.0),
        (float("nan"), 1.0, 0.0),
    ],
)
def test_extremity(value, threshold, expected):
    assert extremity(statistic("x", value, threshold)) == expected


def test_the_worst_columns_come_first_and_ties_go_by_name():
    found = worst_columns(
        [statistic("b", 1), statistic("a", 1), statistic("c", 9), statistic("a", 0.5), statistic("", 99)], 3
    )
    assert found == ("c", "a", "b")


def test_detail_bounds_the_columns():
    statistics = [statistic(f"c{index:02}", index) for index in range(30)] + [statistic("", 2.0)]
    shown = {
        detail: {key[1] for key in points(view_of(statistics, detail), "driftd_statistic")}
        for detail in Detail
    }
    assert shown[Detail.SUMMARY] == {""}
    assert shown[Detail.COLUMNS] == {"", *(f"c{index:02}" for index in range(10, 30))}
    assert len(shown[Detail.ALL]) == 31


def test_counts_over_columns_do_not_depend_on_the_detail():
    statistics = [statistic(f"c{index}", 2, drifted=True) for index in range(30)]
    for detail in Detail:
        assert points(view_of(statistics, detail), "driftd_drifted_columns") == {("covariate",): 30}


def test_a_column_over_several_lines_counts_once():
    twice = [
        statistic("a", 2, drifted=True),
        replace(statistic("a", 2, drifted=True), detector="ks"),
        statistic("b", 0),
    ]
    assert points(view_of(twice), "driftd_drifted_columns") == {("covariate",): 1}


def test_a_statistic_without_a_value_has_no_series():
    view = view_of([statistic("a", None), statistic("b", float("nan"))], Detail.ALL)
    assert points(view, "driftd_statistic") == {}
    assert points(view, "driftd_statistic_drifted") == {}


def test_missing_and_unseen_are_ratios_of_their_columns():
    assert points(full_view(), "driftd_missing_ratio") == {("temp",): 0.004, ("carrier",): 0.0}
    assert points(full_view(), "driftd_unseen_category_ratio") == {("carrier",): 0.0125}


def test_at_most_fifty_classes_and_the_largest_of_the_reference():
    reference = {f"class{index:03}": (200 - index) / 20_100 for index in range(200)}
    shares = {"reference": reference, "observed": {"class199": 0.9, "class000": 0.1}}
    view = after_evaluation(new_view("m"), evaluation(class_shares=shares), 1)
    shown = {name for name, _ in points(view, "driftd_label_ratio")}
    assert shown == {f"class{index:03}" for index in range(50)}


def test_rows_by_version_are_of_the_newest_window():
    view = after_evaluation(full_view(), evaluation(1, versions={"v8": 720}), 200)
    assert points(full_view(), "driftd_version_rows") == {("v7",): 700, ("v8",): 20}
    assert points(view, "driftd_version_rows") == {("v8",): 720}
    assert points(new_model(), "driftd_version_rows") == {}


def test_at_most_fifty_versions_and_those_with_most_rows():
    versions = {f"v{number}": 1 + number // 2 for number in range(200)}
    found = points(after_evaluation(new_view("m"), evaluation(versions=versions), 1), "driftd_version_rows")
    assert set(found) == {(f"v{number}",) for number in range(150, 200)}


def test_classes_of_a_private_label_have_no_series():
    view = after_evaluation(new_view("m", private_classes=True), evaluation(), 1)
    assert points(view, "driftd_label_ratio") == {}


def test_the_score_of_an_unknown_verdict_has_no_series_but_its_alarm_has():
    view = full_view()
    assert points(view, "driftd_alarm_score")["concept", ""] is None
    assert points(view, "driftd_alarm")["concept", ""] is False


def test_what_calibration_promises_has_series_by_kind():
    promises = (
        Promise(Kind.COVARIATE, 0.5, 0.31, 0.12, 0.74, 118.0),
        Promise(Kind.QUALITY, None, provisional=True, reason="too few windows"),
    )
    view = after_evaluation(new_view("m"), evaluation(promises=promises), 1)
    for name, covariate, quality in (
        ("driftd_alarm_false_alarms_per_30d", 0.31, None),
        ("driftd_alarm_budget_per_30d", 0.5, None),
        ("driftd_calibration_effective_windows", 118.0, None),
        ("driftd_calibration_provisional", False, True),
    ):
        assert points(view, name) == {("covariate",): covariate, ("quality",): quality}


def test_a_line_without_promises_has_no_series_of_them():
    view = after_evaluation(new_view("m"), evaluation(promises=()), 1)
    assert points(view, "driftd_calibration_provisional") == {}


def test_problems_are_counted_by_reason():
    assert points(full_view(), "driftd_column_problems") == {("all_missing",): 1, ("naive_timestamp",): 1}


def test_tags_become_labels():
    assert model_labels(full_view())["tag_tier"] == "1"
    odd = new_view("m", tags={"cost-centre": "7", "cost centre": "8"})
    assert model_labels(odd)["tag_cost_centre"] in {"7", "8"}


def test_a_model_without_any_run_has_its_counters_and_nothing_else_of_a_window():
    names = {name for build in BUILDERS for name, _, value in build(new_model()) if value is not None}
    assert names == {
        "driftd_run_interval_seconds",
        "driftd_runs_total",
        "driftd_runs_skipped_total",
        "driftd_alarms_total",
    }
