from datetime import timedelta

import pytest
from export_samples import DAY, START, evaluation, full_view, new_model
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from monitor.export.catalogue import BY_NAME
from monitor.export.family import MetricType
from monitor.export.history import History
from monitor.export.snapshot import after_evaluation

TICK = START + DAY + timedelta(hours=1)
OF_NO_MODEL = {
    "driftd_build_info",
    "driftd_config_last_reload_successful",
    "driftd_config_last_reload_success_timestamp_seconds",
}


@pytest.fixture
def history():
    """One model at two ticks, another at the second."""
    found = History("drift")
    found.add(full_view(), TICK)
    found.add(after_evaluation(full_view(), evaluation(1, rows=721), 200), TICK + DAY)
    found.add(new_model(), TICK + DAY)
    return found


def families(history):
    return {each.name: each for each in text_string_to_metric_families(history.text().decode())}


def test_every_gauge_of_a_model_is_there_and_no_counter(history):
    gauges = {name for name, family in BY_NAME.items() if family.type is MetricType.GAUGE}
    assert families(history).keys() == gauges - OF_NO_MODEL


def test_each_tick_has_a_sample_of_what_was_known_then(history):
    samples = families(history)["driftd_window_rows"].samples
    assert [(float(each.timestamp), each.value) for each in samples] == [
        (TICK.timestamp(), 720),
        ((TICK + DAY).timestamp(), 721),
    ]
    assert samples[0].labels == {"job": "drift", "model": "flight-delay"}


def test_what_was_never_evaluated_is_an_empty_file():
    assert History("drift").text() == b"# EOF\n"
