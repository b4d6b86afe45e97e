"""What tests read out of a dashboard: its panels, its queries, and these with variables replaced."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.dashboards.files import DASHBOARDS

DASHBOARD = {made["uid"]: made for made in (make() for make in DASHBOARDS)}

VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})")
INTERVALS = {"__rate_interval": "1m", "__interval": "15s", "__range": "1h"}


@dataclass(frozen=True)
class Expression:
    """One PromQL text, and where it stands."""

    dashboard: str
    where: str
    text: str
    instant: bool = False

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.where}"


def panels(dashboard):
    """The panels, without the rows that group them."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def variables(dashboard):
    """The variables by name."""
    return {each["name"]: each for each in dashboard["templating"]["list"]}


def selected(query: str) -> str:
    """The series that a variable's `label_values(series, label)` asks for."""
    return re.fullmatch(r"label_values\((.+), \w+\)", query)[1]


def expressions() -> Iterator[Expression]:
    """Every PromQL text of every dashboard: panels, variables, events."""
    for name, dashboard in DASHBOARD.items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                where = f"{panel['title']} {target['refId']}"
                yield Expression(name, where, target["expr"], target["instant"])
        for variable in variables(dashboard).values():
            if variable["type"] == "query":
                text = selected(variable["query"]["query"])
                yield Expression(name, f"variable {variable['name']}", text, instant=True)
        for event in dashboard["annotations"]["list"]:
            yield Expression(name, f"event {event['name']}", event["expr"])


def replaced(text: str, values: Mapping[str, str] = INTERVALS) -> str:
    """The text with these variables replaced; others stay as they are."""
    return VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)
