"""The rules as records: every metric and label exists, every alert says what it must."""

import re

import pytest
import yaml

from monitor.export.catalogue import BY_NAME
from monitor.export.rules import Links, groups, operator, prometheus
from monitor.export.rules.performance import HIGHER_IS_BETTER, LOWER_IS_BETTER, NEAR_ZERO_IS_BETTER
from monitor.export.rules.promql import TARGET
from monitor.export.rules.records import Alert, Record, Severity
from monitor.stats import performance
from monitor.types import Kind

RULES = [rule for group in groups() for rule in group.rules]
ALERTS = [rule for rule in RULES if isinstance(rule, Alert)]
RECORDS = [rule for rule in RULES if isinstance(rule, Record)]
SPEC = yaml.safe_load(prometheus(groups(), Links()))
WRITTEN = {rule.get("alert") or rule["record"]: rule for group in SPEC["groups"] for rule in group["rules"]}

SELECTOR = re.compile(r"(?<![\w:])((?:[a-z_]+:)?driftd_\w+(?::\w+)?)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*(?:"[^"]*"|%q)')
OTHERS = {"up": (), "push_time_seconds": ("model",), "process_start_time_seconds": ()}
"""What others export: Prometheus, the Pushgateway, the process of the daemon."""


def texts(rule: dict) -> list[str]:
    return [rule["expr"], *rule.get("labels", {}).values(), *rule.get("annotations", {}).values()]


def named(rule: Alert | Record) -> str:
    return rule.name


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_every_metric_exists_and_has_the_labels_that_are_asked_for(rule):
    recorded = {record.name for record in RECORDS}
    for text in texts(WRITTEN[rule.name]):
        for name, matchers in SELECTOR.findall(text):
            asked = MATCHER.findall(matchers)
            assert len(asked) == matchers.count("="), matchers
            if name not in recorded:
                assert set(asked) <= {*BY_NAME[name].labels, "job"}, f"{name}{{{matchers}}}"


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_labels_that_are_left_out_exist(rule):
    for labels, metric in re.findall(r"max without \(([^)]*)\) \(([a-z_]+)", rule.expression):
        left_out = set(labels.split(", ")) - set(TARGET.split(", "))
        known = (*BY_NAME[metric].labels,) if metric in BY_NAME else OTHERS[metric]
        assert left_out <= set(known), (labels, metric)


def test_the_pattern_of_selectors_sees_all():
    text = 'a driftd_alarm{kind="x",job=%q} + job_model:driftd_alarm:max{b="c"} or driftd_labels_overdue > 0'
    assert SELECTOR.findall(text) == [
        ("driftd_alarm", 'kind="x",job=%q'),
        ("job_model:driftd_alarm:max", 'b="c"'),
        ("driftd_labels_overdue", ""),
    ]


@pytest.mark.parametrize("alert", ALERTS, ids=named)
def test_every_alert_says_what_it_must(alert):
    rule = WRITTEN[alert.name]
    assert re.fullmatch(r"Driftd([A-Z][a-z]+)+", alert.name)
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert rule["labels"]["severity"] in set(Severity)
    assert "\n" not in rule["annotations"]["summary"]
    assert rule["annotations"]["summary"].endswith(".")
    assert ("owner" in rule["labels"]) is alert.of_model
    assert ("var-model" in rule["annotations"]["dashboard_url"]) is alert.of_model
    assert "$value" not in str(rule["labels"]), "a value in a label makes a new alert of each value"


@pytest.mark.parametrize("record", RECORDS, ids=named)
def test_recorded_names_say_level_metric_and_operation(record):
    assert re.fullmatch(r"job[a-z_]*:driftd_[a-z_]+:[a-z0-9]+", record.name)


def test_each_name_stands_once():
    assert len(WRITTEN) == len(RULES)


def test_every_kind_of_alarm_has_its_alert():
    alarmed = re.findall(r'\(driftd_alarm\{kind="(\w+)"\}\) == 1', "\n".join(a.expression for a in ALERTS))
    assert sorted(alarmed) == sorted(Kind)


def test_every_metric_of_performance_has_its_good_side():
    told = (*HIGHER_IS_BETTER, *LOWER_IS_BETTER, *NEAR_ZERO_IS_BETTER)
    known = (*performance.CLASS_METRICS, *performance.SCORE_METRICS, *performance.NUMBER_METRICS)
    assert sorted(told) == sorted(known)


def test_what_a_gauge_holds_between_runs_is_not_smoothed():
    waiting = {alert.name for alert in ALERTS if alert.wait}
    assert waiting == {
        "DriftdDown",
        "DriftdConfigReloadFailed",
        "DriftdModelNotChecked",
        "DriftdRunsFailing",
        "DriftdWindowsOverdue",
    }


def test_when_the_daemon_goes_its_alert_comes_before_the_others_end():
    minutes = {alert.name: (alert.wait, alert.hold) for alert in ALERTS}
    assert minutes["DriftdDown"] == ("10m", "")
    assert {alert.hold for alert in ALERTS if alert.of_model} == {"15m"}


def test_the_operator_gets_the_same_rules():
    made = yaml.safe_load(operator(groups(), Links()))
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert made["spec"] == SPEC


def test_links_lead_where_they_are_told_to():
    links = Links("https://wiki.example/driftd", "https://grafana.example/sub")
    spec = yaml.safe_load(prometheus(groups(), links))
    rules = {rule.get("alert"): rule for group in spec["groups"] for rule in group["rules"]}
    down, drift = rules["DriftdDown"]["annotations"], rules["DriftdLabelDrift"]["annotations"]
    assert down["runbook_url"] == "https://wiki.example/driftd#driftddown"
    assert down["dashboard_url"].startswith("https://grafana.example/sub/d/driftd-fleet?var-job=")
    assert drift["dashboard_url"].startswith("https://grafana.example/sub/d/driftd-model?var-job=")


def test_only_the_process_is_looked_for_by_its_job():
    expressions = {rule.name: rule.expression for group in groups("ml/watch") for rule in group.rules}
    assert {name for name, text in expressions.items() if "job=" in text} == {
        "DriftdDown",
        "DriftdRestarting",
    }
    assert expressions["DriftdDown"].count('{job="ml/watch"}') == 3
