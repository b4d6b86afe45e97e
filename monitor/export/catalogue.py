"""Every metric family that driftd exports: the one table that code, documentation and rules draw on."""

import sys
from collections.abc import Iterable
from typing import Final

from monitor.export.family import Family, MetricType
from monitor.export.family import family as _family

_GAUGE, _COUNTER, _HISTOGRAM = MetricType.GAUGE, MetricType.COUNTER, MetricType.HISTOGRAM
_STATISTIC = "model kind column detector segment"
_PERFORMANCE = "model metric source"
_NEWEST = "in the newest window with at least min_rows"

FAMILIES: Final[tuple[Family, ...]] = (
    _family(_GAUGE, "driftd_build_info", "version python", "Version of driftd and of Python; always 1."),
    _family(
        _GAUGE,
        "driftd_config_last_reload_successful",
        "",
        "Whether the configuration was valid when it was last loaded: 1 or 0.",
    ),
    _family(
        _GAUGE,
        "driftd_config_last_reload_success_timestamp_seconds",
        "",
        "When a valid configuration was last loaded.",
    ),
    _family(
        _GAUGE,
        "driftd_model_info",
        "model owner task tag_*",
        "What the model file says of the model, one label per tag; always 1.",
    ),
    _family(_COUNTER, "driftd_runs_total", "model outcome", "Runs that ended: success, failed or no_data."),
    _family(_COUNTER, "driftd_runs_skipped_total", "model reason", "Runs that were due and did not start."),
    _family(_HISTOGRAM, "driftd_run_duration_seconds", "model stage", "Time that a run spent in each stage."),
    _family(
        _GAUGE,
        "driftd_run_interval_seconds",
        "model",
        "Period of the model's schedule; of a cron schedule the shortest time between its next runs.",
    ),
    _family(
        _GAUGE,
        "driftd_next_run_timestamp_seconds",
        "model",
        "When the model's next run was due when its last one ended, or when it was loaded.",
    ),
    _family(
        _GAUGE, "driftd_last_run_timestamp_seconds", "model", "When the last run ended, however it ended."
    ),
    _family(
        _GAUGE,
        "driftd_last_success_timestamp_seconds",
        "model",
        "When the last run ended that did not fail; a run without new data counts.",
    ),
    _family(
        _GAUGE,
        "driftd_window_end_timestamp_seconds",
        "model",
        "Event time up to which the model was evaluated, as of the last run.",
    ),
    _family(
        _GAUGE, "driftd_window_length_seconds", "model", "Length of a window, a calendar day as 24 hours."
    ),
    _family(
        _GAUGE,
        "driftd_window_lateness_seconds",
        "model",
        "How long after its end a window waits for rows that are late.",
    ),
    _family(_GAUGE, "driftd_window_rows", "model", f"Rows {_NEWEST}."),
    _family(_GAUGE, "driftd_window_labelled_rows", "model", f"Rows with a label {_NEWEST}."),
    _family(
        _GAUGE,
        "driftd_version_rows",
        "model version",
        f"Rows by version of the model that made the prediction {_NEWEST}; at most 50 versions.",
    ),
    _family(
        _GAUGE,
        "driftd_version_first_seen_timestamp_seconds",
        "model version",
        "When the first window with rows of this version was due; no series where older windows may have "
        "had it. At most 50 versions.",
    ),
    _family(
        _GAUGE,
        "driftd_planned_start_timestamp_seconds",
        "model reason start",
        "When a planned event of the model file begins; at most 50 events.",
    ),
    _family(
        _GAUGE,
        "driftd_planned_end_timestamp_seconds",
        "model reason start",
        "When a planned event of the model file is over.",
    ),
    _family(
        _GAUGE,
        "driftd_accepted_timestamp_seconds",
        "model",
        "When what was seen of the model was last accepted as normal, with driftd accept.",
    ),
    _family(
        _GAUGE,
        "driftd_label_coverage_ratio",
        "model",
        "Labelled rows / rows over the windows that still await labels, as of the last run.",
    ),
    _family(
        _GAUGE,
        "driftd_labels_overdue",
        "model",
        "Labels fewer than usual, of the rows that are due and that labels are still awaited for.",
    ),
    _family(
        _GAUGE,
        "driftd_labels_due_seconds",
        "model",
        "Age of a row at which its label is due: by then 99 % of the labels that ever come have come.",
    ),
    _family(
        _GAUGE,
        "driftd_label_age_seconds",
        "model share",
        "Age of a row by which this share of the labels that ever come has come.",
    ),
    _family(
        _GAUGE,
        "driftd_statistic",
        _STATISTIC,
        f"Value of one detector on one column {_NEWEST}, for kinds that read labels the newest with labels; "
        "larger is worse. Each detector has a scale of its own: compare with the threshold, do not sum.",
    ),
    _family(
        _GAUGE,
        "driftd_statistic_threshold",
        _STATISTIC,
        "Value from which on the statistic counts as drifted, at this window's number of rows.",
    ),
    _family(
        _GAUGE, "driftd_statistic_drifted", _STATISTIC, "Whether the statistic is at or beyond its threshold."
    ),
    _family(_GAUGE, "driftd_drifted_columns", "model kind", f"Columns at or beyond their line {_NEWEST}."),
    _family(
        _GAUGE,
        "driftd_drift_norm",
        "model kind norm",
        "Norm over columns of the largest value / threshold of each column's default detectors; "
        "l0 counts the entries of 1 or more, linf is the worst column.",
    ),
    _family(_GAUGE, "driftd_alarm", "model kind segment", "1 while the alarm is open, else 0."),
    _family(
        _GAUGE,
        "driftd_alarm_since_timestamp_seconds",
        "model kind segment",
        "Event time at which the open alarm opened; no series while it is closed.",
    ),
    _family(
        _GAUGE,
        "driftd_alarm_score",
        "model kind segment",
        "How rare by chance, against the budget of false alarms: 1 or more and material opens the alarm.",
    ),
    _family(_COUNTER, "driftd_alarms_total", "model kind", "Alarms opened, each counted once."),
    _family(
        _GAUGE,
        "driftd_alarm_false_alarms_per_30d",
        "model kind",
        "False alarms to expect in 30 days at the line in force, while data vary as the reference does.",
    ),
    _family(
        _GAUGE,
        "driftd_alarm_budget_per_30d",
        "model kind",
        "False alarms that this kind may give in 30 days; one that stays open counts again every 24 h.",
    ),
    _family(
        _GAUGE,
        "driftd_calibration_effective_windows",
        "model kind",
        "Windows of the reference behind the line, as many as count as independent of each other.",
    ),
    _family(
        _GAUGE,
        "driftd_calibration_provisional",
        "model kind",
        "1 while the line rests on too few windows of the reference, or on none, else 0.",
    ),
    _family(
        _GAUGE,
        "driftd_performance",
        _PERFORMANCE,
        "Performance metric of the model, realised from labels or estimated without them, "
        "in the newest window where it is known.",
    ),
    _family(
        _GAUGE, "driftd_performance_lower", _PERFORMANCE, "Lower end of the metric's confidence interval."
    ),
    _family(
        _GAUGE, "driftd_performance_upper", _PERFORMANCE, "Upper end of the metric's confidence interval."
    ),
    _family(_GAUGE, "driftd_performance_reference", _PERFORMANCE, "The metric on the reference."),
    _family(
        _GAUGE,
        "driftd_estimate_windows",
        "model metric",
        "Final windows in which the estimated metric was compared with the realised one.",
    ),
    _family(
        _GAUGE,
        "driftd_estimate_absolute_error",
        "model metric",
        "Mean absolute difference of estimated and realised metric over these windows.",
    ),
    _family(
        _GAUGE,
        "driftd_estimate_held_ratio",
        "model metric",
        "Share of these windows whose interval of the estimate held the realised metric; nominally 0.95.",
    ),
    _family(
        _GAUGE,
        "driftd_label_ratio",
        "model class source",
        "Share of rows with this class: in the reference, observed or estimated; at most 50 classes.",
    ),
    _family(_GAUGE, "driftd_missing_ratio", "model column", f"Share of rows without a value {_NEWEST}."),
    _family(
        _GAUGE,
        "driftd_unseen_category_ratio",
        "model column",
        f"Share of rows with a category that the reference does not have {_NEWEST}.",
    ),
    _family(_GAUGE, "driftd_adwin_width", "model", "Labelled rows in ADWIN's window on the error stream."),
    _family(_GAUGE, "driftd_error_rate", "model", "Mean error in ADWIN's window on the error stream."),
    _family(
        _GAUGE,
        "driftd_column_problems",
        "model reason",
        "Columns with a problem in the newest window; a problem of the whole window counts as one.",
    ),
    _family(
        _COUNTER,
        "driftd_window_problems_total",
        "model reason",
        "Problems of columns and of whole windows in the windows evaluated so far, each window's once.",
    ),
    _family(_COUNTER, "driftd_errors_total", "model stage reason", "Errors by stage of the run and reason."),
)

BY_NAME: Final = {family.name: family for family in FAMILIES}


_PAGE = """\
# Metrics

Generated from `monitor/export/catalogue.py` with `python -m monitor.export.catalogue > docs/metrics.md`;
do not edit by hand.

| metric | type | labels | meaning |
|---|---|---|---|
{rows}

HELP and TYPE of every family stand in every scrape, even where there is no series. A value that is not
known or not defined has no series; nothing is ever NaN. No sample has an explicit timestamp: event time
is a value of its own.

All series of all models come from one snapshot, taken after a run: a scrape is never half of one run and
half of the next. A model, column or class that is gone is gone from the next scrape.

`export.detail` in the model file bounds the series of one model. `summary`: no series per column.
`columns` (default): the 20 columns with the largest value / threshold, ties by name. `all`: every column.
`driftd_drifted_columns` and `driftd_drift_norm` count all columns whatever the detail.

A label value longer than 128 characters, or not valid Unicode, is cut and ends in a hash of the whole.
The values of a `private` column are in no label; where the label is private, `driftd_label_ratio` has no
series.

`process_*` and `python_info` of the daemon itself stand beside these.
"""


def markdown(families: Iterable[Family] = FAMILIES) -> str:
    """The documentation page `docs/metrics.md`; `python -m monitor.export.catalogue` prints it."""
    rows = []
    for family in families:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        rows.append(f"| `{family.name}` | {family.type} | {labels} | {family.help} |")
    return _PAGE.format(rows="\n".join(rows))


if __name__ == "__main__":
    sys.stdout.write(markdown())
