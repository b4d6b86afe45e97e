"""The panels: one function per kind of picture, each with defaults that suit values held between runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any, Final

from monitor.dashboards.elements import DATASOURCE, PLAIN, Json, Override, Query, Step, thresholds

NARROWEST: Final = 80
"""Pixels of the narrowest column of a table; Grafana's own minimum makes a table of six scroll."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a panel says of itself, and the unit of its values (an id of Grafana's units)."""

    title: str
    description: str
    unit: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a table: its heading, unit, colours, and where a click leads."""

    heading: str
    unit: str = "none"
    steps: Sequence[Step] = ()
    links: Sequence[Json] = ()
    decimals: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def override(self) -> Override:
        """How the cells of this column look."""
        properties: Json = {"unit": self.unit, **self.more}
        if self.decimals is not None:
            properties["decimals"] = self.decimals
        if self.steps:
            properties["thresholds"] = thresholds(self.steps)
            properties["custom.cellOptions"] = {"type": "color-text"}
        if self.links:
            properties["links"] = list(self.links)
        return Override(self.heading, properties)


def stat(
    words: Words,
    *queries: Query,
    steps: Iterable[Step] = PLAIN,
    none: str = "",
    decimals: int | None = None,
    mappings: Sequence[Json] = (),
    names: bool = False,
) -> Json:
    """Large numbers of now. `none`: what stands where there is no series; `names`: show series' names."""
    defaults: Json = {"color": {"mode": "thresholds"}, "mappings": list(mappings)}
    if none:
        defaults["noValue"] = none
    if decimals is not None:
        defaults["decimals"] = decimals
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": "value_and_name" if names else "value",
        "wideLayout": True,
    }
    return _panel("stat", words, queries, defaults, options, steps)


def timeseries(
    words: Words,
    *queries: Query,
    steps: Iterable[Step] = PLAIN,
    line_at_steps: bool = False,
    overrides: Iterable[Override] = (),
    minimum: float | None = 0,
    maximum: float | None = None,
    none: str = "",
    links: Sequence[Json] = (),
    each: str = "",
    bars: bool = False,
    decimals: int | None = None,
) -> Json:
    """Lines over time, or bars. `line_at_steps` draws the steps as dashed lines.

    `each`: the least time that one point stands for, where what is counted is rarer than scrapes.
    """
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "stepAfter",  # a value holds until the next run
        "lineWidth": 2,
        "fillOpacity": 60 if bars else 0,
        "showPoints": "never",
        "spanNulls": bool(each),
        "axisPlacement": "auto",
        "stacking": {"mode": "normal" if bars else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if line_at_steps else "off"},
    }
    defaults: Json = {"color": {"mode": "palette-classic"}, "custom": custom, "links": list(links)}
    for name, number in (("min", minimum), ("max", maximum), ("decimals", decimals)):
        if number is not None:
            defaults[name] = number
    if none:
        defaults["noValue"] = none
    options = {"legend": _legend(), "tooltip": _tooltip("desc")}
    found = _panel("timeseries", words, queries, defaults, options, steps, overrides)
    return found | {"interval": each} if each else found


def timeline(
    words: Words,
    *queries: Query,
    steps: Iterable[Step],
    mappings: Sequence[Json] = (),
    links: Sequence[Json] = (),
    none: str = "",
) -> Json:
    """States over time: a bar per series, coloured by its value."""
    defaults: Json = {
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 80, "lineWidth": 0},
        "mappings": list(mappings),
        "links": list(links),
    }
    if none:
        defaults["noValue"] = none
    options = {
        "alignValue": "left",
        "legend": _legend(shown=False),
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": "auto",
        "tooltip": _tooltip("none"),
    }
    return _panel("state-timeline", words, queries, defaults, options, steps)


def table(
    words: Words,
    labels: Mapping[str, Cell],
    values: Iterable[tuple[Query, Cell]],
    *,
    sort: str,
    descending: bool = True,
    none: str = "",
) -> Json:
    """Rows of now, one per set of labels; each query fills a column of its own.

    `labels`: the columns made of labels, by label; other labels are not shown. `sort`: a heading.
    """
    pairs = [(Query(query.expression, instant=True), cell) for query, cell in values]
    names = {label: cell.heading for label, cell in labels.items()}
    names |= {
        f"Value #{letter}": cell.heading for letter, (_, cell) in zip(ascii_uppercase, pairs, strict=False)
    }
    if len(pairs) == 1:
        names["Value"] = names.pop("Value #A")
    organise = {
        "excludeByName": {"Time": True},
        "indexByName": {name: index for index, name in enumerate(["Time", *names])},
        "renameByName": names,
    }
    custom: Json = {
        "align": "auto",
        "cellOptions": {"type": "auto"},
        "filterable": True,
        "inspect": False,
        "minWidth": NARROWEST,
    }
    defaults: Json = {"color": {"mode": "thresholds"}, "custom": custom}
    if none:
        defaults["noValue"] = none
    options = {
        "cellHeight": "sm",
        "frameIndex": 0,
        "showHeader": True,
        "sortBy": [{"displayName": sort, "desc": descending}],
    }
    cells = [*labels.values(), *(cell for _, cell in pairs)]
    queries, overrides = [query for query, _ in pairs], [cell.override() for cell in cells]
    found = _panel("table", words, queries, defaults, options, PLAIN, overrides)
    for target in found["targets"]:
        target["format"] = "table"
    found["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": organise}]
    return found


def repeated(panel: Json, variable: str, per_row: int) -> Json:
    """The panel once for every chosen value of the variable."""
    return panel | {"repeat": variable, "repeatDirection": "h", "maxPerRow": per_row}


def _panel(
    kind: str,
    words: Words,
    queries: Sequence[Query],
    defaults: Json,
    options: Json,
    steps: Iterable[Step],
    overrides: Iterable[Override] = (),
) -> Json:
    return {
        "type": kind,
        "title": words.title,
        "description": words.description,
        "datasource": DATASOURCE,
        "targets": [_target(query, letter) for query, letter in zip(queries, ascii_uppercase, strict=False)],
        "fieldConfig": {
            "defaults": {"unit": words.unit, "thresholds": thresholds(steps), **defaults},
            "overrides": [override.json() for override in overrides],
        },
        "options": options,
    }


def _target(query: Query, letter: str) -> Json:
    found: Json = {
        "refId": letter,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "instant": query.instant,
        "range": not query.instant,
    }
    if query.legend:
        found["legendFormat"] = query.legend
    return found


def _legend(*, shown: bool = True) -> Json:
    return {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": shown}


def _tooltip(sort: str) -> Json:
    return {"mode": "multi", "sort": sort}
