"""One model: verdicts over time, what moved and how far, performance, labels, and what can be relied on."""

from collections.abc import Callable
from typing import Final

from monitor.dashboards import model_outcomes, panels
from monitor.dashboards.elements import (
    COLUMN,
    MODEL,
    Json,
    Query,
    dashboard_link,
    datasource_variable,
    job_variable,
    query_variable,
    selector,
)
from monitor.dashboards.events import explaining
from monitor.dashboards.layout import Place, Row, dashboard, event
from monitor.dashboards.panels import Cell, Words
from monitor.dashboards.shared import (
    ALARM_NAMES,
    ALARM_STEPS,
    COLUMN_CELL_LINKS,
    COLUMN_LINKS,
    EXTREMITY_STEPS,
    LATE_STEPS,
    ONE_IS_BAD,
    ONE_IS_ODD,
    SCORE_STEPS,
    TO_DAEMON,
    TO_FLEET,
)

ONE: Final = 'model="$model"'
KINDS: Final = (ONE, 'kind=~"$kind"')
WORST: Final = 20
"""So many columns are listed; driftd itself exports as many by default."""
DRAWN: Final = 8
"""So many columns are drawn over time."""

BY_DETECTOR: Final = "kind, column, detector, segment"
ALARM: Final = f"max by (kind, segment) ({selector('driftd_alarm', *KINDS)})"
SCORE: Final = f"max by (kind, segment) ({selector('driftd_alarm_score', *KINDS)})"


def _statistic(name: str, at: str = "") -> str:
    series = selector(name, *KINDS, 'column!=""')
    return f"max by ({BY_DETECTOR}) ({series}{at})"


def _extremity(at: str = "") -> str:
    """Value / threshold of every statistic: the one scale on which detectors can be compared."""
    value, line = _statistic("driftd_statistic", at), _statistic("driftd_statistic_threshold", at)
    return f"{value} / ({line} > 0)"


def _worst_at_end(by_column: Callable[[str], str]) -> str:
    """A value by column, of the columns where it is largest at the end of the time range."""
    return f"{by_column('')} and on (column) topk({DRAWN}, {by_column(' @ end()')})"


def variables() -> tuple[Json, ...]:
    """One model, and kinds of alarm."""
    return (
        datasource_variable(),
        job_variable(),
        query_variable("model", "The model to show.", 'label_values(driftd_model_info{job=~"$job"}, model)'),
        query_variable(
            "kind",
            "Kinds of alarm to show: what it is that moved.",
            f"label_values({selector('driftd_alarm', ONE)}, kind)",
            several=True,
        ),
    )


def alarms() -> Json:
    """The time of every open alarm, marked on the pictures."""
    return event("Alarms", f"{ALARM} == 1", "{{kind}} alarm {{segment}}", "red")


def model() -> Json:
    """The dashboard."""
    metric = query_variable(
        "metric",
        "Performance metrics to show.",
        f"label_values({selector('driftd_performance', ONE)}, metric)",
        several=True,
    )
    return dashboard(
        MODEL,
        "driftd / Model",
        "One model: which kinds are in alarm and since when, which columns moved and how far, whether its "
        "performance is hurt, and whether labels are late.",
        variables=(*variables(), metric),
        links=(TO_FLEET, dashboard_link("Column", "One column", COLUMN, "${model:queryparam}"), TO_DAEMON),
        events=(alarms(), *explaining(ONE)),
        rows=(
            Row("Now", tuple(Place(each, 4, 4) for each in _now())),
            Row("Verdicts", (Place(_verdicts(), 24, 8), Place(_scores(), 12, 8), Place(_moved(), 12, 8))),
            Row(
                "What moved, and how far",
                (
                    *(Place(each, 12, 9) for each in (_columns(), _worst(), _norms(), _missing())),
                    Place(_versions(), 24, 6),
                ),
            ),
            *model_outcomes.rows(),
        ),
        since="now-30d",
    )


def _now() -> tuple[Json, ...]:
    success, interval = (
        selector(name, ONE)
        for name in ("driftd_last_success_timestamp_seconds", "driftd_run_interval_seconds")
    )
    end, rows = selector("driftd_window_end_timestamp_seconds", ONE), selector("driftd_window_rows", ONE)
    drifted = selector("driftd_drifted_columns", *KINDS)
    return (
        panels.stat(
            Words("Open alarms", "Open alarms of the chosen kinds.", "none"),
            Query(f"sum({ALARM})", instant=True),
            steps=ONE_IS_BAD,
        ),
        panels.stat(
            Words(
                "Worst score",
                "How rare by chance, against the budget of false alarms: from 1 on, where the change is also "
                "material, an alarm opens.",
                "short",
            ),
            Query(f"max({SCORE})", instant=True),
            steps=SCORE_STEPS,
            decimals=2,
        ),
        panels.stat(
            Words("Columns moved", "The most columns beyond their line, of any chosen kind.", "none"),
            Query(f"max({drifted})", instant=True),
            steps=ONE_IS_ODD,
        ),
        panels.stat(
            Words(
                "Last success, in intervals",
                "Time since the last run that did not fail, in intervals of the model's schedule.",
                "short",
            ),
            Query(f"(time() - max({success})) / max({interval})", instant=True),
            steps=LATE_STEPS,
            decimals=1,
        ),
        panels.stat(
            Words("Data lag", "Time since the end of the newest window that was evaluated.", "s"),
            Query(f"time() - max({end})", instant=True),
        ),
        panels.stat(
            Words("Rows", "Rows in the newest window with enough of them.", "short"),
            Query(f"max({rows})", instant=True),
        ),
    )


def _verdicts() -> Json:
    return panels.timeline(
        Words(
            "Alarms by kind",
            "Covariate: inputs moved. Prediction: answers moved. Label: classes moved. Performance: more "
            "often wrong. Concept: the same input means something else. Quality: broken rather than moved.",
            "none",
        ),
        Query(ALARM, "{{kind}} {{segment}}"),
        steps=ALARM_STEPS,
        mappings=ALARM_NAMES,
    )


def _scores() -> Json:
    return panels.timeseries(
        Words(
            "Score by kind",
            "How rare by chance, against the budget of false alarms. From 1 on, where the change is also "
            "material, the alarm opens. Undefined, no line.",
            "short",
        ),
        Query(SCORE, "{{kind}} {{segment}}"),
        steps=SCORE_STEPS,
        line_at_steps=True,
    )


def _moved() -> Json:
    drifted = selector("driftd_drifted_columns", *KINDS)
    return panels.timeseries(
        Words("Columns beyond their line", "How many columns moved, by kind.", "none"),
        Query(f"max by (kind) ({drifted})", "{{kind}}"),
        decimals=0,
    )


def _columns() -> Json:
    worst = f"topk({WORST}, {_extremity()})"
    value, line = _statistic("driftd_statistic"), _statistic("driftd_statistic_threshold")
    return panels.table(
        Words(
            "Columns that moved most",
            f"The {WORST} statistics farthest beyond, or nearest to, their line. Values of different "
            "detectors compare by value / line alone. A click on a column opens it.",
            "none",
        ),
        {
            "column": Cell("Column", links=COLUMN_CELL_LINKS),
            "kind": Cell("Kind"),
            "detector": Cell("Detector"),
            "segment": Cell("Segment"),
        },
        (
            (Query(f"{value} and {worst}"), Cell("Value", "short", decimals=3)),
            (Query(f"{line} and {worst}"), Cell("Line", "short", decimals=3)),
            (Query(worst), Cell("Value / line", "short", EXTREMITY_STEPS, decimals=2)),
        ),
        sort="Value / line",
    )


def _worst() -> Json:
    return panels.timeseries(
        Words(
            "Worst columns",
            f"Largest value / line of any detector, for the {DRAWN} columns that are worst at the end of the "
            "time range.",
            "short",
        ),
        Query(_worst_at_end(lambda at: f"max by (column) ({_extremity(at)})"), "{{column}}"),
        steps=EXTREMITY_STEPS,
        line_at_steps=True,
        links=COLUMN_LINKS,
    )


def _norms() -> Json:
    norm = selector("driftd_drift_norm", *KINDS, 'norm=~"l2|linf"')
    return panels.timeseries(
        Words(
            "Drift norms",
            "Length over columns of value / line: linf is the worst column, l2 the Euclidean length of all. "
            "Both high: one column is far. l2 alone: many are a little.",
            "short",
        ),
        Query(f"max by (kind, norm) ({norm})", "{{kind}} {{norm}}"),
    )


def _worst_share(name: str) -> str:
    return _worst_at_end(lambda at: f"max by (column) ({selector(name, ONE)}{at})")


def _missing() -> Json:
    return panels.timeseries(
        Words(
            "Missing and unseen cells",
            "Share of rows without a value, and share with a category that the reference does not have, in "
            "the columns where it is largest at the end of the time range.",
            "percentunit",
        ),
        Query(_worst_share("driftd_missing_ratio"), "{{column}} missing"),
        Query(_worst_share("driftd_unseen_category_ratio"), "{{column}} unseen"),
        links=COLUMN_LINKS,
    )


def _versions() -> Json:
    version = selector("driftd_version_rows", ONE)
    return panels.timeseries(
        Words(
            "Versions of the model",
            "Rows of the newest window by version of the model that predicted them; a new one begins where "
            "it may explain what moved.",
            "short",
        ),
        Query(f"max by (version) ({version})", "{{version}}"),
    )
