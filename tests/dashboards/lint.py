"""The rules of Grafana's dashboard-linter, each a function from a dashboard to what breaks the rule."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.dashboards.grafana import INTERVALS, panels, replaced, selected, variables
from tests.dashboards.promql import Selector, selectors

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
UNITS: Final = set(json.loads((Path(__file__).parent / "schema" / "units.json").read_text()))
RATE_INTERVAL: Final = 60.0
ON_TIME_RANGE: Final = 2

assert INTERVALS["__rate_interval"] == "1m"

Rule = Callable[[dict], Iterator[str]]


def template_datasource(dashboard):
    """One data source variable, named datasource."""
    found = [each for each in variables(dashboard).values() if each["type"] == "datasource"]
    if [(each["name"], each["label"], each["query"]) for each in found] != [
        ("datasource", "Data Source", "prometheus")
    ]:
        yield "variables"


def template_job(dashboard):
    """A variable job that chooses several or all."""
    yield from _target_variable(dashboard, "job")


def template_instance(dashboard):
    """A variable instance that chooses several or all."""
    yield from _target_variable(dashboard, "instance")


def _target_variable(dashboard, name):
    found = variables(dashboard).get(name, {})
    wanted = {
        "type": "query",
        "label": name.capitalize(),
        "multi": True,
        "allValue": ".+",
        "datasource": DATASOURCE,
    }
    yield from (key for key, value in wanted.items() if found.get(key) != value)


def template_label_promql(dashboard):
    """Variables ask with valid PromQL."""
    for variable in _queries(dashboard):
        if not _parsed(selected(variable["query"]["query"])):
            yield variable["name"]


def template_on_time_change_reload(dashboard):
    """Variables are asked for again when the time range changes."""
    yield from (each["name"] for each in _queries(dashboard) if each["refresh"] != ON_TIME_RANGE)


def panel_datasource(dashboard):
    """Panels and their queries use the variable."""
    for panel in panels(dashboard):
        if any(each.get("datasource") != DATASOURCE for each in (panel, *panel["targets"])):
            yield panel["title"]


def panel_title_description(dashboard):
    """Panels have a title and a description."""
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']}"


def panel_units(dashboard):
    """Panels have a unit that Grafana knows, and so has every override."""
    for panel in panels(dashboard):
        config = panel["fieldConfig"]
        units = [config["defaults"].get("unit")]
        units += [
            each["value"] for one in config["overrides"] for each in one["properties"] if each["id"] == "unit"
        ]
        if not UNITS.issuperset(units):
            yield panel["title"]


def panel_no_targets(dashboard):
    """Panels have a query."""
    yield from (panel["title"] for panel in panels(dashboard) if not panel["targets"])


def target_logql(dashboard):
    """Queries of logs are valid LogQL: there are none, since all queries go to Prometheus."""
    for panel, target in _targets(dashboard):
        if target["datasource"]["type"] != "prometheus":
            yield panel["title"]


def target_logql_auto(dashboard):
    """Queries of logs use $__auto: there are none."""
    yield from (panel["title"] for panel, target in _targets(dashboard) if "$__auto" in target["expr"])


def target_promql(dashboard):
    """Queries are valid PromQL."""
    yield from (panel["title"] for panel, target in _targets(dashboard) if not _parsed(target["expr"]))


def target_rate_interval(dashboard):
    """A rate is taken over $__rate_interval, an increase too, or over the whole time range at its end."""
    for panel, target, selector in _selectors(dashboard):
        rates = {"rate", "irate"} if target["instant"] else {"rate", "irate", "increase"}
        if rates & set(selector.functions[:1]) and selector.range_seconds != RATE_INTERVAL:
            yield panel["title"]


def target_job(dashboard):
    """Every selector chooses by job."""
    yield from _without_matcher(dashboard, "job")


def target_instance(dashboard):
    """Every selector chooses by instance."""
    yield from _without_matcher(dashboard, "instance")


def _without_matcher(dashboard, label):
    for panel, _, selector in _selectors(dashboard):
        if selector.labels.get(label) != f"${label}":
            yield panel["title"]


def target_counter_agg(dashboard):
    """A counter stands in a rate or an increase."""
    for panel, _, selector in _selectors(dashboard):
        if selector.metric.endswith("_total") and not {"rate", "irate", "increase"} & set(
            selector.functions[:1]
        ):
            yield panel["title"]


def uneditable_dashboard(dashboard):
    """What is generated is not edited by hand."""
    if dashboard["editable"]:
        yield "editable"


def _queries(dashboard):
    return [each for each in variables(dashboard).values() if each["type"] == "query"]


def _targets(dashboard):
    return [(panel, target) for panel in panels(dashboard) for target in panel["targets"]]


def _selectors(dashboard) -> Iterator[tuple[dict, dict, Selector]]:
    for panel, target in _targets(dashboard):
        for selector in _parsed(target["expr"]):
            yield panel, target, selector


def _parsed(text) -> list[Selector]:
    """The selectors; none where it is no PromQL, which is a rule of its own."""
    try:
        return selectors(replaced(text))
    except ValueError:
        return []


RULES: Final[tuple[Rule, ...]] = (
    template_datasource,
    template_job,
    template_instance,
    template_label_promql,
    template_on_time_change_reload,
    panel_datasource,
    panel_title_description,
    panel_units,
    panel_no_targets,
    target_logql,
    target_logql_auto,
    target_promql,
    target_rate_interval,
    target_job,
    target_instance,
    target_counter_agg,
    uneditable_dashboard,
)
