"""Every metric and label that a dashboard reads, groups by or shows is one that driftd exports."""

import re

import pytest

from monitor.export.catalogue import BY_NAME
from monitor.export.family import MetricType
from tests.dashboards.grafana import DASHBOARD, expressions, panels, replaced
from tests.dashboards.promql import grouped, selectors

TARGET = {"job", "instance"}
"""Labels that Prometheus adds to every series of a target."""

OF_THE_PROCESS = {"process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"}
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "scrape_samples_scraped"}

EXPRESSIONS = list(expressions())


def labels(metric: str) -> set[str] | None:
    """The labels that the series of this name have; None where there is no such metric."""
    if metric in OF_THE_PROCESS | OF_PROMETHEUS:
        return TARGET
    if metric in BY_NAME:
        return {*BY_NAME[metric].labels, *TARGET}
    base, _, part = metric.rpartition("_")
    if base in BY_NAME and BY_NAME[base].type is MetricType.HISTOGRAM and part in {"bucket", "sum", "count"}:
        return {*BY_NAME[base].labels, *TARGET, "le"}
    return None


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_metrics_and_labels_exist(expression):
    text = replaced(expression.text)
    known = set()
    for selector in selectors(text):
        own = labels(selector.metric)
        assert own is not None, f"driftd exports no {selector.metric}"
        assert set(selector.labels) <= own
        known |= own
    assert grouped(text) <= known


@pytest.mark.parametrize("name", DASHBOARD)
def test_legends_name_labels_that_the_query_leaves(name):
    for panel in panels(DASHBOARD[name]):
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            assert named <= grouped(replaced(target["expr"])), panel["title"]


@pytest.mark.parametrize("name", DASHBOARD)
def test_tables_show_labels_that_every_query_leaves(name):
    for panel in panels(DASHBOARD[name]):
        if panel["type"] == "table":
            renamed = panel["transformations"][1]["options"]["renameByName"]
            shown = {field for field in renamed if not field.startswith("Value")}
            for target in panel["targets"]:
                assert shown <= grouped(replaced(target["expr"])), panel["title"]


def test_a_misspelt_metric_is_found():
    assert labels("driftd_alarms") is None
    assert labels("driftd_runs_total_bucket") is None
    assert labels("driftd_run_duration_seconds_bucket") == {"model", "stage", "job", "instance", "le"}


def test_every_metric_is_on_a_dashboard():
    """What nobody would look at need not be exported."""
    shown = {each.metric for expression in EXPRESSIONS for each in selectors(replaced(expression.text))}
    assert [name for name in BY_NAME if not {name, f"{name}_bucket"} & shown] == []
