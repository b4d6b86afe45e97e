"""The rules of Grafana's dashboard-linter hold, or are left out with a reason; and each rule bites."""

import copy

import pytest

from tests.dashboards import lint
from tests.dashboards.grafana import DASHBOARD, panels, variables

ANY_INSTANCE = "a model's series are the same whichever instance of the daemon evaluates it"
FIRST_ERROR = "a series of errors begins with the first error, and of that there is no increase"

LEFT_OUT = {
    ("driftd-fleet", lint.template_instance): ANY_INSTANCE,
    ("driftd-fleet", lint.target_instance): ANY_INSTANCE,
    ("driftd-model", lint.template_instance): ANY_INSTANCE,
    ("driftd-model", lint.target_instance): ANY_INSTANCE,
    ("driftd-column", lint.template_instance): ANY_INSTANCE,
    ("driftd-column", lint.target_instance): ANY_INSTANCE,
    ("driftd-daemon", lint.target_counter_agg): FIRST_ERROR,
    ("driftd-model", lint.target_counter_agg): FIRST_ERROR,
}
BROKEN_BY = {
    ("driftd-daemon", lint.target_counter_agg): {"Errors", "Errors by model"},
    ("driftd-model", lint.target_counter_agg): {"Problems of measuring"},
}
"""Where only these panels may break the rule."""


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", DASHBOARD)
def test_the_rules_hold(name, rule):
    broken = set(rule(DASHBOARD[name]))
    if (name, rule) in LEFT_OUT:
        assert broken, f"{rule.__name__} holds: it need not be left out"
        assert broken <= BROKEN_BY.get((name, rule), broken)
    else:
        assert broken == set()


def first(dashboard):
    return panels(dashboard)[0]


def expression(text):
    return lambda dashboard: first(dashboard)["targets"][0].update(expr=text)


def variable(which, **changed):
    return lambda dashboard: variables(dashboard)[which].update(changed)


JOB, INSTANCE = 'job=~"$job"', 'instance=~"$instance"'
BREAKS = {
    lint.template_datasource: variable("datasource", name="prometheus"),
    lint.template_job: variable("job", multi=False),
    lint.template_instance: variable("instance", allValue=".*"),
    lint.template_label_promql: variable("model", query={"query": "label_values(driftd_alarm{, model)"}),
    lint.template_on_time_change_reload: variable("model", refresh=1),
    lint.panel_datasource: lambda dashboard: first(dashboard)["targets"][0].update(datasource={"uid": "x"}),
    lint.panel_title_description: lambda dashboard: first(dashboard).update(description=""),
    lint.panel_units: lambda dashboard: first(dashboard)["fieldConfig"]["defaults"].update(unit="seconds"),
    lint.panel_no_targets: lambda dashboard: first(dashboard).update(targets=[]),
    lint.target_logql: lambda dashboard: first(dashboard)["targets"][0].update(datasource={"type": "loki"}),
    lint.target_logql_auto: expression("rate(x[$__auto])"),
    lint.target_promql: expression("sum(up"),
    lint.target_rate_interval: expression(f"rate(x_total{{{JOB}, {INSTANCE}}}[5m])"),
    lint.target_job: expression(f"max(up{{{INSTANCE}}})"),
    lint.target_instance: expression(f"max(up{{{JOB}}})"),
    lint.target_counter_agg: expression(f"max_over_time(x_total{{{JOB}, {INSTANCE}}}[$__rate_interval])"),
    lint.uneditable_dashboard: lambda dashboard: dashboard.update(editable=True),
}


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_every_rule_bites(rule):
    dashboard = copy.deepcopy(DASHBOARD["driftd-daemon"])
    before = set(rule(dashboard))
    BREAKS[rule](dashboard)
    assert set(rule(dashboard)) > before
