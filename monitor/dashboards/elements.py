"""What every dashboard is made of: queries, variables, links, and how values become colours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]
"""An object of Grafana's JSON."""

DATASOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#808080"

EVERYTHING: Final = ".+"
"""The value of a variable whose "All" is chosen."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query. `instant`: of the end of the time range alone, else over all of it."""

    expression: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """From `value` on a number has this colour; None is the colour below all steps."""

    value: float | None
    color: str


@dataclass(frozen=True, slots=True)
class Override:
    """What is different of the fields that `name` names; `regex` says that it is a regular expression."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    regex: bool = False

    def json(self) -> Json:
        """The override as Grafana has it."""
        return {
            "matcher": {"id": "byRegexp" if self.regex else "byName", "options": self.name},
            "properties": [{"id": name, "value": value} for name, value in self.properties.items()],
        }


def above(**colors: float) -> tuple[Step, ...]:
    """Green, and from each number on the colour of its name.

    >>> above(orange=1, red=3)[2]
    Step(value=3, color='red')
    """
    return (Step(None, GREEN), *(Step(value, color) for color, value in colors.items()))


def below(**colors: float) -> tuple[Step, ...]:
    """Green from the last number on, and below each number the colour of its name.

    >>> [(step.value, step.color) for step in below(red=0.5, orange=0.8)]
    [(None, 'red'), (0.5, 'orange'), (0.8, 'green')]
    """
    starts: list[float | None] = [None, *colors.values()]
    return tuple(map(Step, starts, [*colors, GREEN]))


PLAIN: Final = (Step(None, BLUE),)
"""A number that is neither good nor bad."""


def thresholds(steps: Iterable[Step]) -> Json:
    """The steps as Grafana has them."""
    return {"mode": "absolute", "steps": [{"value": step.value, "color": step.color} for step in steps]}


def value_names(names: Mapping[str, tuple[str, str]]) -> list[Json]:
    """A mapping of values to words: by value its text and colour."""
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(names.items())
    }
    return [{"type": "value", "options": options}]


def selector(metric: str, *matchers: str) -> str:
    """The series of a metric that the dashboard's job, and these matchers, choose.

    >>> selector("driftd_alarm", 'model="$model"')
    'driftd_alarm{job=~"$job", model="$model"}'
    """
    chosen = ", ".join(('job=~"$job"', *matchers))
    return f"{metric}{{{chosen}}}"


def datasource_variable() -> Json:
    """Which Prometheus."""
    return {
        "name": "datasource",
        "label": "Data Source",
        "description": "The Prometheus that scrapes driftd.",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "options": [],
    }


def query_variable(name: str, description: str, query: str, *, several: bool = False) -> Json:
    """A variable whose values Prometheus tells; `several` can be chosen, and are at first all."""
    found: Json = {
        "name": name,
        "label": name.capitalize(),
        "description": description,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "regex": "",
        "refresh": 2,  # with the time range: a model that is gone now was there then
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "options": [],
    }
    if several:
        found |= {"allValue": EVERYTHING, "current": {"text": ["All"], "value": ["$__all"]}}
    return found


def job_variable() -> Json:
    """Which daemons, by the job that scrapes them."""
    return query_variable(
        "job",
        "The scrape jobs of driftd.",
        "label_values(driftd_build_info, job)",
        several=True,
    )


FLEET, MODEL, COLUMN, DAEMON = "driftd-fleet", "driftd-model", "driftd-column", "driftd-daemon"
"""The dashboards, by what identifies them in Grafana's addresses and names their file."""

_WHERE: Final = "${datasource:queryparam}&${job:queryparam}"


def address(dashboard: str, *parameters: str) -> str:
    """The address of a dashboard, with the data source, the jobs and the time range of this one."""
    return f"/d/{dashboard}?{'&'.join((_WHERE, *parameters))}&${{__url_time_range}}"


def field_link(title: str, dashboard: str, *parameters: str) -> Json:
    """A link from a value to a dashboard."""
    return {"title": title, "url": address(dashboard, *parameters), "targetBlank": False}


def dashboard_link(title: str, tooltip: str, dashboard: str, *parameters: str) -> Json:
    """A link in the head of a dashboard to another one; the time range goes along."""
    return {
        "title": title,
        "tooltip": tooltip,
        "type": "link",
        "url": f"/d/{dashboard}?{'&'.join((_WHERE, *parameters))}",
        "icon": "dashboard",
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
    }
