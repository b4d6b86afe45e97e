"""Panels in rows, and the whole of a dashboard around them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.dashboards.elements import DATASOURCE, Json

WIDTH: Final = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Place:
    """A panel and its size on the grid."""

    panel: Json
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, from left to right; the next line begins where the last is full."""

    title: str
    places: Sequence[Place]


def dashboard(
    identifier: str,
    title: str,
    description: str,
    *,
    variables: Sequence[Json],
    links: Sequence[Json],
    rows: Iterable[Row],
    since: str,
    events: Sequence[Json] = (),
) -> Json:
    """A dashboard that cannot be edited in Grafana: a change belongs in the code, where it is tested.

    `since`: the beginning of the time range that is shown at first. `events`: marks on all its pictures.
    """
    return {
        "uid": identifier,
        "title": title,
        "description": description,
        "tags": ["driftd"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(variables)},
        "annotations": {"list": list(events)},
        "links": list(links),
        "panels": _placed(rows),
    }


def event(name: str, expression: str, title: str, color: str) -> Json:
    """A mark on every picture while the expression is more than 0; `title` may name {{labels}}."""
    return {
        "name": name,
        "enable": True,
        "iconColor": color,
        "datasource": DATASOURCE,
        "expr": expression,
        "titleFormat": title,
    }


def moment(name: str, expression: str, title: str, color: str) -> Json:
    """A mark on every picture at the times, in seconds, that are the expression's values."""
    return event(name, f"1000 * {expression}", title, color) | {"useValueForTime": True}


def _placed(rows: Iterable[Row]) -> list[Json]:
    placed: list[Json] = []
    top = 0
    for row in rows:
        heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
        placed.append(heading | {"gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}})
        top, left, height = top + 1, 0, 0
        for place in row.places:
            if left + place.width > WIDTH:
                top, left, height = top + height, 0, 0
            position = {"x": left, "y": top, "w": place.width, "h": place.height}
            placed.append(place.panel | {"gridPos": position})
            left, height = left + place.width, max(height, place.height)
        top += height
    return [panel | {"id": number} for number, panel in enumerate(placed, 1)]
