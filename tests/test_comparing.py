"""Estimates beside what labels tell."""

import pytest

from monitor.comparing import change_words, compared, recorded
from monitor.estimating import ESTIMATED
from monitor.types import EstimateRecord, PerformanceChange, PerformanceMetric, Reason


def test_the_parts_of_a_change_sum_to_it():
    change = PerformanceChange("accuracy", 0.8, -0.02, 0.01)
    assert compared(change, ()) == change
    assert change_words(change) == ""
    found = compared(change, (PerformanceMetric("accuracy", "realised", 0.64),))
    parts = found.inputs + found.class_shares + found.relation
    assert parts == pytest.approx(found.realised - found.reference)
    assert "what inputs mean -0.15" in change_words(found)


def test_without_an_estimate_nothing_is_explained():
    assert compared(None, (PerformanceMetric("accuracy", "realised", 0.64),)) is None
    assert change_words(None) == ""


def test_the_record_counts_windows_errors_and_intervals_that_held():
    performance = (
        PerformanceMetric("accuracy", "realised", 0.8),
        PerformanceMetric("accuracy", ESTIMATED, 0.9, 0.85, 0.95),
        PerformanceMetric("f1", ESTIMATED, 0.9, 0.85, 0.95),
        PerformanceMetric("brier", "realised", 0.1),
        PerformanceMetric("brier", ESTIMATED, 0.1, 0.0, 0.2, reason=Reason.OUTSIDE_SUPPORT),
    )
    once = recorded({}, performance)
    assert once == {"accuracy": EstimateRecord(1, pytest.approx(0.1), pytest.approx(0.1), 0)}
    assert recorded(once, performance)["accuracy"].windows == 2
