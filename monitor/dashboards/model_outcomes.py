"""The lower half of a model's dashboard: performance, labels, the stream of errors, and calibration."""

from functools import partial
from typing import Final

from monitor.dashboards import panels
from monitor.dashboards.elements import GREY, Json, Override, Query, above, below, selector
from monitor.dashboards.layout import Place, Row
from monitor.dashboards.panels import Cell, Words
from monitor.dashboards.shared import ONE_IS_ODD

ONE: Final = 'model="$model"'
KINDS: Final = (ONE, 'kind=~"$kind"')

NOMINAL: Final = 0.95
"""What the limits of an estimate promise to hold."""

COLORS: Final = {"realised": "blue", "estimated": "orange"}
"""By source; the band between its limits has the same colour, paler."""


def rows() -> tuple[Row, ...]:
    """The rows, from what hurts to what the verdicts rest on."""
    return (
        Row(
            "Is the performance hurt: realised from labels, estimated without them",
            (Place(panels.repeated(_performance(), "metric", 3), 8, 8), Place(_record(), 24, 7)),
        ),
        Row(
            "Labels",
            tuple(Place(each, 12, 8) for each in (_shares(), _coverage(), _overdue(), _delays())),
        ),
        Row("Concept: the stream of errors", (Place(_error_rate(), 12, 7), Place(_adwin(), 12, 7))),
        Row("What the verdicts rest on", (Place(_calibration(), 16, 8), Place(_problems(), 8, 8))),
    )


def _performance() -> Json:
    queries, overrides = [], []
    for source, color in COLORS.items():
        for name, legend in (
            ("driftd_performance_upper", f"{source}, upper limit"),
            ("driftd_performance_lower", f"{source}, lower limit"),
            ("driftd_performance", source),
        ):
            series = selector(name, ONE, 'metric="$metric"', f'source="{source}"')
            queries.append(Query(f"max({series})", legend))
        fixed = {"color": {"mode": "fixed", "fixedColor": color}}
        limit = {
            **fixed,
            "custom.lineWidth": 0,
            "custom.hideFrom": {"legend": True, "tooltip": False, "viz": False},
        }
        band = {"custom.fillBelowTo": f"{source}, lower limit", "custom.fillOpacity": 15}
        overrides += [
            Override(source, fixed),
            Override(f"{source}, lower limit", limit),
            Override(f"{source}, upper limit", {**limit, **band}),
        ]
    reference = selector("driftd_performance_reference", ONE, 'metric="$metric"', 'source="realised"')
    queries.append(Query(f"max({reference})", "in the reference"))
    dashed = {"custom.lineStyle": {"fill": "dash", "dash": [8, 8]}, "custom.lineWidth": 1}
    overrides.append(Override("in the reference", {"color": {"mode": "fixed", "fixedColor": GREY}, **dashed}))
    return panels.timeseries(
        Words(
            "$metric",
            "The model's $metric in the newest window where it is known, with 95 % limits, realised from "
            "labels and estimated without them. An estimate that is not to be trusted is not drawn.",
            "short",
        ),
        *queries,
        overrides=overrides,
        minimum=None,
    )


def _record() -> Json:
    def of(name: str) -> Query:
        series = selector(name, ONE, 'metric=~"$metric"')
        return Query(f"max by (metric) ({series})")

    return panels.table(
        Words(
            "How good the estimates were",
            "In windows whose labels are all there, the estimate beside the truth: how far it was off in the "
            "mean, and how often its 95 % limits held the truth.",
            "none",
        ),
        {"metric": Cell("Metric")},
        (
            (of("driftd_estimate_windows"), Cell("Windows compared", "none")),
            (of("driftd_estimate_absolute_error"), Cell("Mean absolute error", "short", decimals=3)),
            (
                of("driftd_estimate_held_ratio"),
                Cell("Limits held the truth", "percentunit", below(red=0.8, orange=0.9), decimals=0),
            ),
        ),
        sort="Metric",
        descending=False,
    )


def _shares() -> Json:
    share = f"max by (class, source) ({selector('driftd_label_ratio', ONE)})"
    dashed = {"custom.lineStyle": {"fill": "dash", "dash": [8, 8]}, "custom.lineWidth": 1}
    dotted = {"custom.lineStyle": {"fill": "dot", "dash": [0, 10]}}
    return panels.timeseries(
        Words(
            "Class shares",
            "Share of rows by class: observed in labels, estimated from predictions before labels come "
            "(dots), and in the reference (dashes).",
            "percentunit",
        ),
        Query(share, "{{class}} {{source}}"),
        overrides=(
            Override("/ reference$/", dashed, regex=True),
            Override("/ estimated$/", dotted, regex=True),
        ),
    )


def _coverage() -> Json:
    coverage = selector("driftd_label_coverage_ratio", ONE)
    rows, labelled = (selector(name, ONE) for name in ("driftd_window_rows", "driftd_window_labelled_rows"))
    return panels.timeseries(
        Words(
            "Labels there",
            "Share of rows that have a label: in the windows that still await labels, and in the newest "
            "window, which is far from complete where labels come late.",
            "percentunit",
        ),
        Query(f"max({coverage})", "awaited windows"),
        Query(f"max({labelled}) / max({rows})", "newest window"),
        maximum=1,
    )


def _overdue() -> Json:
    overdue = selector("driftd_labels_overdue", ONE)
    return panels.timeseries(
        Words("Labels overdue", "Labels that are missing of those that should be there by now.", "short"),
        Query(f"max({overdue})", "overdue"),
    )


def _delays() -> Json:
    age, due = (selector(name, ONE) for name in ("driftd_label_age_seconds", "driftd_labels_due_seconds"))
    return panels.timeseries(
        Words(
            "How late labels come",
            "Age of a row by which these shares of the labels that ever come have come, and at which its "
            "label is due.",
            "s",
        ),
        Query(f"max by (share) ({age})", "share {{share}}"),
        Query(f"max({due})", "due"),
    )


def _error_rate() -> Json:
    rate = selector("driftd_error_rate", ONE)
    return panels.timeseries(
        Words(
            "Error now",
            "Mean error of the labelled rows since ADWIN last saw it change: a share for classes, in the "
            "label's own unit for numbers.",
            "short",
        ),
        Query(f"max({rate})", "mean error"),
    )


def _adwin() -> Json:
    width = selector("driftd_adwin_width", ONE)
    return panels.timeseries(
        Words(
            "Rows since the error changed",
            "Labelled rows in ADWIN's window. It grows while the error stays as it is, and falls at once "
            "when the error changes.",
            "short",
        ),
        Query(f"max({width})", "rows"),
    )


def _calibration() -> Json:
    def of(name: str) -> Query:
        return Query(f"max by (kind) ({selector(name, *KINDS)})")

    number = partial(Cell, unit="short", decimals=2)
    yes_no = {
        "mappings": [{"type": "value", "options": {"0": {"text": "complete"}, "1": {"text": "provisional"}}}]
    }
    opened = selector("driftd_alarms_total", *KINDS)
    return panels.table(
        Words(
            "Budget and calibration",
            "False alarms to expect against what each kind may give, the alarms opened in the time range, "
            "and how many independent windows of the reference the lines rest on.",
            "none",
        ),
        {"kind": Cell("Kind")},
        (
            (Query(f"sum by (kind) (increase({opened}[$__range]))"), number("Alarms opened", decimals=0)),
            (of("driftd_alarm_false_alarms_per_30d"), number("False alarms expected in 30 d")),
            (of("driftd_alarm_budget_per_30d"), number("Budget in 30 d")),
            (of("driftd_calibration_effective_windows"), number("Reference windows", decimals=0)),
            (of("driftd_calibration_provisional"), Cell("Calibration", "none", ONE_IS_ODD, more=yes_no)),
        ),
        sort="Kind",
        descending=False,
    )


def _problems() -> Json:
    problems, counted = (
        selector(f"driftd_{name}", ONE) for name in ("column_problems", "window_problems_total")
    )
    return panels.table(
        Words(
            "Problems of measuring",
            "Columns that could not be measured as they should, by reason: in the newest window, and counted "
            "over all windows since the daemon was started; empty where there are none. The status page of "
            "driftd names the columns.",
            "none",
        ),
        {"reason": Cell("Reason")},
        (
            (Query(f"max by (reason) ({problems})"), Cell("Columns", "none", above(orange=1))),
            (Query(f"sum by (reason) ({counted})"), Cell("Since the start", "short")),
        ),
        sort="Columns",
        none="no problems",
    )
