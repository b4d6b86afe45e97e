import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from monitor.export.lines import line
from monitor.types import (
    DriftNorm,
    Evaluation,
    Kind,
    PerformanceMetric,
    Problem,
    Promise,
    Reason,
    Severity,
    State,
    Statistic,
    StreamSummary,
    Verdict,
    Window,
)

START = datetime(2024, 2, 10, tzinfo=UTC)
END = datetime(2024, 2, 11, tzinfo=UTC)
EVALUATION = Evaluation(
    "flight-delay",
    Window(START, END),
    END + timedelta(hours=1),
    720,
    700,
    False,
    False,
    0.12,
    (
        Verdict(
            Kind.COVARIATE,
            State.ALARM,
            True,
            3.1,
            Severity.ALARM,
            True,
            2120.0,
            START,
            ("temp",),
            {"temp": START},
            "temp moved",
        ),
    ),
    (Statistic(Kind.COVARIATE, "temp", "psi", 4.1, 0.06, 1e-12, True),),
    (PerformanceMetric("accuracy", "realised", 0.79, 0.76, 0.82, 0.81),),
    (Problem("humid", Reason.ALL_MISSING, "humid: no value"),),
    (DriftNorm(Kind.COVARIATE, 1.0, 2.0, 1.5, 1.2),),
    {"reference": {"0": 0.8, "1": 0.2}},
    StreamSummary(1200, 0.21),
    (
        Promise(Kind.COVARIATE, 0.5, 0.31, 0.12, 0.74, 118.0),
        Promise(Kind.LABEL, 0.25, provisional=True, reason="too few windows"),
    ),
    {"v7": 720},
)

EXPECTED = (
    '{"model": "flight-delay",'
    ' "window": {"start": "2024-02-10T00:00:00Z", "end": "2024-02-11T00:00:00Z", "file": null},'
    ' "rows": 720, "labelled_rows": 700, "restated": false, "final": false, "seconds": 0.12,'
    ' "verdicts": [{"kind": "covariate", "segment": "", "state": "alarm", "alarm": true, "score": 3.1,'
    ' "severity": "alarm", "material": true, "days_by_chance": 2120.0, "since": "2024-02-10T00:00:00Z",'
    ' "columns": ["temp"], "column_since": {"temp": "2024-02-10T00:00:00Z"}, "reason": "temp moved"}],'
    ' "statistics": [{"kind": "covariate", "segment": "", "column": "temp", "detector": "psi", "value": 4.1,'
    ' "threshold": 0.06, "p_value": 1e-12, "drifted": true, "reason": null}],'
    ' "performance": [{"metric": "accuracy", "source": "realised", "value": 0.79, "lower": 0.76,'
    ' "upper": 0.82, "reference": 0.81, "reason": null}],'
    ' "label_shift": null,'
    ' "problems": [{"column": "humid", "reason": "all_missing", "message": "humid: no value"}],'
    ' "norms": [{"kind": "covariate", "l0": 1.0, "l1": 2.0, "l2": 1.5, "linf": 1.2}],'
    ' "class_shares": {"reference": {"0": 0.8, "1": 0.2}},'
    ' "stream": {"width": 1200, "error_rate": 0.21},'
    ' "promises": [{"kind": "covariate", "budget_per_30d": 0.5, "false_alarms_per_30d": 0.31,'
    ' "lower": 0.12, "upper": 0.74, "effective_windows": 118.0, "provisional": false, "reason": ""},'
    ' {"kind": "label", "budget_per_30d": 0.25, "false_alarms_per_30d": null,'
    ' "lower": null, "upper": null, "effective_windows": null, "provisional": true,'
    ' "reason": "too few windows"}],'
    ' "versions": {"v7": 720}, "label_arrival": null, "estimates": {}, "change": null,'
    ' "tick": "2024-02-11T01:00:00Z"}'
)


def test_every_key_stands_in_the_order_of_the_interface():
    assert line(EVALUATION) == EXPECTED


def test_a_window_that_is_a_file_and_holds_nothing():
    empty = Evaluation("m", Window(None, None, "day-1.csv"), START, 0, 0, False, True, 0.0, (), (), (), ())
    content = json.loads(line(empty))
    assert content["window"] == {"start": None, "end": None, "file": "day-1.csv"}
    assert content["verdicts"] == content["statistics"] == content["problems"] == []
    assert content["stream"] is None
    assert content["label_shift"] is None


def test_what_is_unknown_is_null_with_its_reason():
    unknown = Statistic(Kind.LABEL, "y", "psi", None, reason=Reason.NO_LABELS)
    (statistic,) = json.loads(line(replace(EVALUATION, statistics=(unknown,))))["statistics"]
    assert statistic["value"] is None
    assert statistic["reason"] == "no_labels"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused_with_its_window(value):
    bad = Statistic(Kind.COVARIATE, "temp", "psi", value)
    with pytest.raises(ValueError, match="model flight-delay, window 2024-02-10T00:00:00Z"):
        line(replace(EVALUATION, statistics=(bad,)))


def test_numbers_of_numpy_are_plain_numbers():
    from_numpy = replace(
        EVALUATION,
        rows=np.int64(720),
        labelled_rows=np.uint32(700),
        final=np.bool_(False),
        seconds=np.float64(0.12),
        statistics=(Statistic(Kind.COVARIATE, "temp", "psi", np.float64(4.1), 0.06, 1e-12, np.bool_(True)),),
    )
    assert line(from_numpy) == EXPECTED


def test_times_of_another_zone_are_told_in_utc():
    zone = timezone(timedelta(hours=5, minutes=30))
    moved = replace(EVALUATION, window=Window(START.astimezone(zone), END.astimezone(zone)))
    assert line(moved) == EXPECTED


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="has no zone"):
        line(replace(EVALUATION, tick=datetime(2024, 2, 11)))  # noqa: DTZ001 - what is refused


def test_names_of_any_script_stay_one_line_of_ascii():
    odd = Statistic(Kind.COVARIATE, "größe\n\u2028", "psi", 1.0)
    text = line(replace(EVALUATION, statistics=(odd,)))
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text)["statistics"][0]["column"] == "größe\n\u2028"
