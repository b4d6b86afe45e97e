"""One column of one model: what each detector says of it over time."""

from typing import Final

from monitor.dashboards import panels
from monitor.dashboards.elements import (
    COLUMN,
    GREEN,
    MODEL,
    ORANGE,
    RED,
    Json,
    Override,
    Query,
    Step,
    dashboard_link,
    query_variable,
    selector,
    value_names,
)
from monitor.dashboards.events import explaining
from monitor.dashboards.layout import Place, Row, dashboard
from monitor.dashboards.model import ONE, alarms, variables
from monitor.dashboards.panels import Cell, Words
from monitor.dashboards.shared import EXTREMITY_STEPS, TO_DAEMON, TO_FLEET

HERE: Final = (ONE, 'kind=~"$kind"', 'column="$column"')
BY_DETECTOR: Final = "kind, detector, segment"
DRIFTED_STEPS: Final = (Step(None, GREEN), Step(1, ORANGE))
DRIFTED_NAMES: Final = value_names({"0": ("within", GREEN), "1": ("beyond", ORANGE)})


def _statistic(name: str, *matchers: str) -> str:
    return f"max by ({BY_DETECTOR}) ({selector(name, *HERE, *matchers)})"


VALUE, LINE, DRIFTED = (
    _statistic(name)
    for name in ("driftd_statistic", "driftd_statistic_threshold", "driftd_statistic_drifted")
)
EXTREMITY: Final = f"{VALUE} / ({LINE} > 0)"


def column() -> Json:
    """The dashboard."""
    statistics = selector("driftd_statistic", ONE, 'column!=""')
    here = selector("driftd_statistic", *HERE)
    return dashboard(
        COLUMN,
        "driftd / Column",
        "One column of one model: what each detector says of it, against its line, over time. A column that "
        "is not in the list is not among those that driftd exports (export.detail in the model file).",
        variables=(
            *variables(),
            query_variable("column", "The column to show.", f"label_values({statistics}, column)"),
            query_variable("detector", "Detectors to show.", f"label_values({here}, detector)", several=True),
        ),
        links=(
            TO_FLEET,
            dashboard_link("Model", "The model of this column", MODEL, "${model:queryparam}"),
            TO_DAEMON,
        ),
        events=(alarms(), *explaining(ONE)),
        rows=(
            Row(
                "Against its line",
                (Place(_now(), 10, 9), Place(_extremity(), 14, 9), Place(_drifted(), 24, 7)),
            ),
            Row(
                "Every detector on its own scale", (Place(panels.repeated(_detector(), "detector", 3), 8, 8),)
            ),
            Row("Cells that are no values", (Place(_missing(), 12, 8), Place(_unseen(), 12, 8))),
        ),
        since="now-30d",
    )


def _now() -> Json:
    return panels.table(
        Words(
            "Now",
            "Each detector's value in the newest window with enough rows, and the line from which on it "
            "counts as drifted.",
            "none",
        ),
        {"detector": Cell("Detector"), "kind": Cell("Kind"), "segment": Cell("Segment")},
        (
            (Query(VALUE), Cell("Value", "short", decimals=4)),
            (Query(LINE), Cell("Line", "short", decimals=4)),
            (Query(EXTREMITY), Cell("Value / line", "short", EXTREMITY_STEPS, decimals=2)),
        ),
        sort="Value / line",
    )


def _extremity() -> Json:
    return panels.timeseries(
        Words("Value / line", "From 1 on the statistic counts as drifted.", "short"),
        Query(EXTREMITY, "{{detector}} {{kind}} {{segment}}"),
        steps=EXTREMITY_STEPS,
        line_at_steps=True,
    )


def _drifted() -> Json:
    return panels.timeline(
        Words(
            "Beyond its line",
            "When each statistic was at or beyond its line. This informs; alarms weigh all columns together.",
            "none",
        ),
        Query(DRIFTED, "{{detector}} {{kind}} {{segment}}"),
        steps=DRIFTED_STEPS,
        mappings=DRIFTED_NAMES,
    )


def _detector() -> Json:
    chosen = 'detector="$detector"'
    dashed = {"custom.lineStyle": {"fill": "dash", "dash": [8, 8]}, "custom.lineWidth": 1}
    return panels.timeseries(
        Words(
            "$detector",
            "The value of $detector and its line (dashes), which follows the number of rows.",
            "short",
        ),
        Query(_statistic("driftd_statistic", chosen), "{{kind}} {{segment}}"),
        Query(_statistic("driftd_statistic_threshold", chosen), "line of {{kind}} {{segment}}"),
        overrides=(
            Override("/^line of/", {**dashed, "color": {"mode": "fixed", "fixedColor": RED}}, regex=True),
        ),
    )


def _missing() -> Json:
    missing = selector("driftd_missing_ratio", ONE, 'column="$column"')
    return panels.timeseries(
        Words("Missing", "Share of rows without a value, or with one of another type.", "percentunit"),
        Query(f"max({missing})", "missing"),
    )


def _unseen() -> Json:
    unseen = selector("driftd_unseen_category_ratio", ONE, 'column="$column"')
    return panels.timeseries(
        Words(
            "Unseen categories",
            "Share of rows with a category that the reference does not have; empty for a column of numbers.",
            "percentunit",
        ),
        Query(f"max({unseen})", "unseen"),
        none="a column of numbers has none",
    )
