"""Every dashboard is what Grafana's own types allow, down to the options of each panel."""

import copy
import json
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from tests.dashboards.grafana import DASHBOARD, panels

FOLDER = Path(__file__).parent / "schema"

OF_THE_PLUGIN = {"expr", "titleFormat", "useValueForTime"}
"""Keys of an annotation that Grafana's Prometheus plugin reads, and the common type does not know."""


@cache
def schema(name: str, definition: str) -> Draft7Validator:
    known = json.loads((FOLDER / f"{name}.json").read_text())
    return Draft7Validator({**known, "$ref": f"#/definitions/{definition}"})


def faults(value, name: str, definition: str) -> list[str]:
    return [
        f"{error.json_path}: {error.message[:200]}" for error in schema(name, definition).iter_errors(value)
    ]


def of_dashboard(dashboard) -> list[str]:
    known = copy.deepcopy(dashboard)
    for event in known["annotations"]["list"]:
        for key in OF_THE_PLUGIN:
            event.pop(key, None)
    return faults(known, "dashboard", "Dashboard")


def customs(panel):
    """The custom field options of a panel: its defaults, and each override on top of them."""
    config = panel["fieldConfig"]
    default = config["defaults"].get("custom", {})
    yield default
    for override in config["overrides"]:
        changed = {
            each["id"].removeprefix("custom."): each["value"]
            for each in override["properties"]
            if each["id"].startswith("custom.")
        }
        yield {**default, **changed}


def plain(panel):
    """The other field options: its defaults, and each override on top of them."""
    config = panel["fieldConfig"]
    yield config["defaults"]
    for override in config["overrides"]:
        pairs = {each["id"]: each["value"] for each in override["properties"]}
        yield {name: value for name, value in pairs.items() if not name.startswith("custom.")}


def of_panel(panel) -> list[str]:
    kind = panel["type"]
    found = faults(panel["options"], kind, "Options")
    if kind != "stat":
        found += [fault for custom in customs(panel) for fault in faults(custom, kind, "FieldConfig")]
    found += [fault for config in plain(panel) for fault in faults(config, "dashboard", "FieldConfig")]
    found += [
        fault for target in panel["targets"] for fault in faults(target, "query", "PrometheusDataQuery")
    ]
    return found


@pytest.mark.parametrize("name", DASHBOARD)
def test_a_dashboard_is_of_grafanas_type(name):
    assert of_dashboard(DASHBOARD[name]) == []


@pytest.mark.parametrize("name", DASHBOARD)
def test_every_panel_has_options_and_queries_of_its_plugins_type(name):
    assert {panel["title"]: found for panel in panels(DASHBOARD[name]) if (found := of_panel(panel))} == {}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("titel",), "x"),
        (("graphTooltip",), 7),
        (("panels", 1, "gridPos", "w"), "4"),
        (("panels", 1, "fieldConfig", "defaults", "thresholds", "mode"), "nonsense"),
        (("templating", "list", 0, "refresh"), 9),
        (("links", 0, "typ"), "link"),
    ],
)
def test_the_schema_of_a_dashboard_is_strict(place, value):
    dashboard = copy.deepcopy(DASHBOARD["driftd-fleet"])
    inner = dashboard
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert len(of_dashboard(dashboard)) > 0


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (
            "timeseries",
            lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(lineInterpolation="steps"),
        ),
        ("timeseries", lambda panel: panel["options"]["legend"].update(displayMode="lists")),
        ("stat", lambda panel: panel["options"].update(graphMode="lines")),
        ("table", lambda panel: panel["options"].update(sort="Model")),
        (
            "table",
            lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(cellOptions={"type": "red"}),
        ),
        ("state-timeline", lambda panel: panel["options"].update(showValue="sometimes")),
        ("stat", lambda panel: panel["targets"][0].update(legend="x")),
    ],
)
def test_the_schemas_of_panels_are_strict(kind, change):
    panel = copy.deepcopy(next(each for each in panels(DASHBOARD["driftd-fleet"]) if each["type"] == kind))
    assert of_panel(panel) == []
    change(panel)
    assert len(of_panel(panel)) > 0
