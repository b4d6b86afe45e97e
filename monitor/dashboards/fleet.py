"""All models: which are in trouble, what kind and since when, how late, how many columns moved."""

from functools import partial
from typing import Final

from monitor.dashboards import panels
from monitor.dashboards.elements import (
    FLEET,
    Json,
    Query,
    datasource_variable,
    job_variable,
    query_variable,
    selector,
)
from monitor.dashboards.layout import Place, Row, dashboard
from monitor.dashboards.panels import Cell, Words
from monitor.dashboards.shared import (
    ALARM_STEPS,
    BEHIND_STEPS,
    LATE,
    LATE_STEPS,
    MODEL_CELL_LINKS,
    MODEL_LINKS,
    ONE_IS_BAD,
    ONE_IS_ODD,
    SCORE_STEPS,
    TO_DAEMON,
)

MODELS: Final = 'model=~"$model"'
KINDS: Final = (MODELS, 'kind=~"$kind"')

ALARM: Final = selector("driftd_alarm", *KINDS)
SINCE: Final = selector("driftd_alarm_since_timestamp_seconds", *KINDS)
SCORE: Final = selector("driftd_alarm_score", *KINDS)
LAST_SUCCESS: Final = selector("driftd_last_success_timestamp_seconds", MODELS)
LAST_RUN: Final = selector("driftd_last_run_timestamp_seconds", MODELS)
INTERVAL: Final = selector("driftd_run_interval_seconds", MODELS)
WINDOW_END: Final = selector("driftd_window_end_timestamp_seconds", MODELS)
MOVED: Final = f"max by (model, kind) ({selector('driftd_drifted_columns', *KINDS)})"

OPEN: Final = f"sum by (model) (max by (model, kind, segment) ({ALARM}))"
"""Open alarms by model: 0 where there is none, so that a quiet fleet shows as one."""

AGE: Final = f"(time() - max by (model) ({LAST_SUCCESS})) / max by (model) ({INTERVAL})"
LAG: Final = f"time() - max by (model) ({WINDOW_END})"
LATENESS: Final = selector("driftd_window_lateness_seconds", MODELS)
LENGTH: Final = selector("driftd_window_length_seconds", MODELS)
BEHIND: Final = f"({LAG} - max by (model) ({LATENESS})) / max by (model) ({LENGTH})"
"""Windows since the newest one that was evaluated became due: up to 1 where all is in time."""


def fleet() -> Json:
    """The dashboard."""
    return dashboard(
        FLEET,
        "driftd / Fleet",
        "Which models are in trouble, of what kind and since when, how late they are, and how many of their "
        "columns moved. A click on a model opens it.",
        variables=(
            datasource_variable(),
            job_variable(),
            query_variable(
                "model",
                "Models to show.",
                'label_values(driftd_model_info{job=~"$job"}, model)',
                several=True,
            ),
            query_variable(
                "kind",
                "Kinds of alarm to show: what it is that moved.",
                f"label_values({selector('driftd_alarm', MODELS)}, kind)",
                several=True,
            ),
        ),
        links=(TO_DAEMON,),
        rows=(
            Row("Now", (*(Place(each, 4, 4) for each in _counts()), Place(_models(), 24, 9))),
            Row("Since when", (Place(_timeline(), 24, 8), Place(_open(), 12, 8), Place(_scores(), 12, 8))),
            Row("How much and how late", (Place(_moved(), 12, 8), Place(_behind(), 12, 8))),
            Row("Does it hurt", (Place(_performance(), 24, 9),)),
        ),
        since="now-7d",
    )


def _counts() -> tuple[Json, ...]:
    watched = f"count(max by (model) ({selector('driftd_model_info', MODELS)}))"
    provisional = selector("driftd_calibration_provisional", *KINDS)
    return (
        panels.stat(
            Words("Models watched", "Models that the daemon has.", "none"),
            Query(watched, instant=True),
        ),
        panels.stat(
            Words("Models in alarm", "Models with an open alarm of the chosen kinds.", "none"),
            Query(f"sum(max by (model) ({ALARM}))", instant=True),
            steps=ONE_IS_BAD,
        ),
        panels.stat(
            Words("Open alarms", "One alarm is one model, kind and segment from open to close.", "none"),
            Query(f"sum({OPEN})", instant=True),
            steps=ONE_IS_BAD,
        ),
        panels.stat(
            Words(
                "Models not checked",
                f"Models without a successful run for {LATE:g} intervals of their schedule: what is shown of "
                "them is old.",
                "none",
            ),
            Query(
                f"{watched} - (sum({AGE} <= bool {LATE:g}) or 0 * {watched})",
                instant=True,
            ),
            steps=ONE_IS_BAD,
        ),
        panels.stat(
            Words("Models failing", "Models whose last run failed; the daemon's dashboard says why.", "none"),
            Query(
                f"sum(max by (model) ({LAST_RUN}) > bool (max by (model) ({LAST_SUCCESS}) or "
                f"0 * max by (model) ({LAST_RUN})))",
                instant=True,
            ),
            steps=ONE_IS_BAD,
        ),
        panels.stat(
            Words(
                "Models provisional",
                "Models with a kind whose lines rest on too few windows of the reference: its false alarms "
                "may be more than the budget.",
                "none",
            ),
            Query(f"sum(max by (model) ({provisional}))", instant=True),
            steps=ONE_IS_ODD,
        ),
    )


def _models() -> Json:
    coverage = selector("driftd_label_coverage_ratio", MODELS)
    overdue = selector("driftd_labels_overdue", MODELS)
    return panels.table(
        Words(
            "Models",
            "One line per model, the worst first; a click on the name opens it. Runs behind: time since the "
            "last success, in intervals of the schedule. Windows behind: time since the newest evaluated "
            "window became due, in lengths of a window. Up to 1 both are in time.",
            "none",
        ),
        {"model": Cell("Model", links=MODEL_CELL_LINKS)},
        (
            (Query(OPEN), Cell("Open alarms", steps=ONE_IS_BAD)),
            (
                Query(f"max by (model) ({SCORE})"),
                Cell("Worst score", "short", SCORE_STEPS, decimals=2),
            ),
            (Query(f"max by (model) ({MOVED})"), Cell("Columns moved", steps=ONE_IS_ODD)),
            (Query(AGE), Cell("Runs behind", "short", LATE_STEPS, decimals=1)),
            (Query(LAG), Cell("Data lag", "s")),
            (Query(BEHIND), Cell("Windows behind", "short", BEHIND_STEPS, decimals=1)),
            (
                Query(f"max by (model) ({coverage})"),
                Cell("Labels there", "percentunit", decimals=0),
            ),
            (Query(f"max by (model) ({overdue})"), Cell("Labels overdue", "short", ONE_IS_ODD, decimals=0)),
        ),
        sort="Worst score",
    )


def _timeline() -> Json:
    return panels.timeline(
        Words("Open alarms by model", "How many alarms of the chosen kinds are open; green is none.", "none"),
        Query(OPEN, "{{model}}"),
        steps=ALARM_STEPS,
        links=MODEL_LINKS,
    )


def _open() -> Json:
    return panels.table(
        Words("Open now", "Every open alarm of the chosen kinds; empty where there is none.", "none"),
        {"model": Cell("Model", links=MODEL_CELL_LINKS), "kind": Cell("Kind"), "segment": Cell("Segment")},
        (
            (
                Query(
                    f"max by (model, kind, segment) ({SCORE}) "
                    f"and on (model, kind, segment) max by (model, kind, segment) ({ALARM}) == 1"
                ),
                Cell("Score", "short", SCORE_STEPS, decimals=2),
            ),
            (Query(f"1000 * max by (model, kind, segment) ({SINCE})"), Cell("Open since", "dateTimeAsIso")),
        ),
        sort="Score",
        none="no alarm is open",
    )


def _scores() -> Json:
    return panels.timeseries(
        Words(
            "Worst score by model",
            "How rare by chance the newest window is, against the budget of false alarms: from 1 on, where "
            "the change is also material, the alarm opens.",
            "short",
        ),
        Query(f"max by (model) ({SCORE})", "{{model}}"),
        steps=SCORE_STEPS,
        line_at_steps=True,
        links=MODEL_LINKS,
    )


def _moved() -> Json:
    return panels.timeseries(
        Words(
            "Columns beyond their line",
            "Columns of the newest window that are at or beyond their line, by model and kind.",
            "none",
        ),
        Query(MOVED, "{{model}} {{kind}}"),
        decimals=0,
        links=MODEL_LINKS,
    )


def _behind() -> Json:
    return panels.timeseries(
        Words(
            "Windows behind",
            "How many lengths of a window ago the newest evaluated one became due. Up to 1 all is in time; "
            "where it only rises, no rows come or no run succeeds.",
            "short",
        ),
        Query(BEHIND, "{{model}}"),
        steps=BEHIND_STEPS,
        line_at_steps=True,
        links=MODEL_LINKS,
    )


def _performance() -> Json:
    chosen = (MODELS, 'metric=~"accuracy|roc_auc|mae|rmse"')

    def of(name: str) -> Query:
        return Query(f"max by (model, metric, source) ({selector(name, *chosen)})")

    number = partial(Cell, unit="short", decimals=3)
    return panels.table(
        Words(
            "Performance",
            "Realised from labels, or estimated without them, in the newest window where it is known, with "
            "95 % limits. An estimate that is not to be trusted is not there.",
            "none",
        ),
        {
            "model": Cell("Model", links=MODEL_CELL_LINKS),
            "metric": Cell("Metric"),
            "source": Cell("Source"),
        },
        (
            (of("driftd_performance"), number("Value")),
            (of("driftd_performance_lower"), number("Lower limit")),
            (of("driftd_performance_upper"), number("Upper limit")),
            (of("driftd_performance_reference"), number("In the reference")),
        ),
        sort="Model",
        descending=False,
    )
