"""Templates that several alerts share: what moved, as Prometheus knows it when the alert is told."""

from typing import Final

MODEL: Final = "$labels.job $labels.model"
KIND: Final = f"{MODEL} $labels.kind $labels.segment"
OF_MODEL: Final = "{job=%q,model=%q}"
OF_KIND: Final = "{job=%q,model=%q,kind=%q,segment=%q}"


WORSE: Final = "job_model_metric_source:driftd_performance_worse:bool"
"""The recorded series that is 1 where a metric is worse than the reference for sure."""


def asked(query: str, arguments: str, then: str) -> str:
    """The template `then` on the answer of a query, nothing where the answer is empty.

    >>> asked("x{job=%q}", "$labels.job", "there")
    '{{ with query (printf `x{job=%q}` $labels.job) }}there{{ end }}'
    """
    return f"{{{{ with query (printf `{query}` {arguments}) }}}}{then}{{{{ end }}}}"


def listed(label: str, each: str, between: str = ", ") -> str:
    """The template `each` for every series of an answer; by the label's order where one is named."""
    order = f' | sortByLabel "{label}"' if label else ""
    comma = f"{{{{ if $index }}}}{between}{{{{ end }}}}"
    return f"{{{{ range $index, $each := .{order} }}}}{comma}{each}{{{{ end }}}}"


def counted(noun: str) -> str:
    """The alert's value as a number of things.

    >>> counted("column")
    '{{ printf "%.0f" $value }} column{{ if ne $value 1.0 }}s{{ end }}'
    """
    return f'{{{{ printf "%.0f" $value }}}} {noun}{{{{ if ne $value 1.0 }}}}s{{{{ end }}}}'


def printed(form: str) -> str:
    """The first value of an answer."""
    return f'{{{{ printf "{form}" (. | first | value) }}}}'


OWNER: Final = asked(f"driftd_model_info{OF_MODEL}", MODEL, "{{ (first .).Labels.owner }}")
"""The model's owner, a label to route by; where none is known, the alert has no such label."""

SEGMENT: Final = "{{ with $labels.segment }} (segment {{ . }}){{ end }}"

DRIFTED: Final = asked(
    "driftd_drifted_columns{job=%q,model=%q,kind=%q} > 0",
    f"{MODEL} $labels.kind",
    f" Columns beyond their lines: {printed('%.0f')}.",
)

FARTHEST: Final = asked(
    "sort_desc(topk(5, max by (column) "
    f"(driftd_statistic{OF_KIND} / (driftd_statistic_threshold{OF_KIND} > 0))))",
    f"{KIND} {KIND}",
    " Value / line in the newest window: "
    + listed("", '{{ or $each.Labels.column "all rows" }} {{ printf "%.2f" $each.Value }}')
    + ".",
)
"""The columns farthest beyond their lines, or nearest to them."""

BROKEN: Final = asked(
    f"max by (column, detector) (driftd_statistic_drifted{OF_KIND}) == 1",
    KIND,
    " In the newest window: "
    + listed("column", "{{ $each.Labels.column }} {{ $each.Labels.detector }}")
    + ".",
)

SCORE: Final = (
    asked(
        f"driftd_alarm_since_timestamp_seconds{OF_KIND}",
        KIND,
        "Open since {{ . | first | value | humanizeTimestamp }}, event time. ",
    )
    + asked(f"driftd_alarm_score{OF_KIND}", KIND, f"The score is now {printed('%.2f')}. ")
    + "An alarm opens at 1 and closes by itself after 24 hours without a window beyond the line. "
    "The daemon's page and driftd status say from what to what."
)

ERRORS: Final = asked(
    f"sum by (stage, reason) (driftd_errors_total{OF_MODEL})",
    MODEL,
    " Errors since the daemon started: "
    + listed("reason", '{{ $each.Labels.stage }} {{ $each.Labels.reason }} {{ printf "%.0f" $each.Value }}')
    + ".",
)


def performance(source: str, *, worse: bool) -> str:
    """Every metric of this source, or those worse than the reference: value, interval and reference."""
    of_source = f'{{job=%q,model=%q,source="{source}"}}'
    of_metric = f'{{job=%q,model=%q,source="{source}",metric=%q}}'
    condition = f" and on (metric) {WORSE}{of_source} == 1" if worse else ""
    lower, upper, reference = (
        asked(f"driftd_performance_{part}{of_metric}", f"{MODEL} $each.Labels.metric", printed("%.3f"))
        for part in ("lower", "upper", "reference")
    )
    value = '{{ $each.Labels.metric }} {{ printf "%.3f" $each.Value }}'
    return asked(
        f"max by (metric) (driftd_performance{of_source}){condition}",
        f"{MODEL} {MODEL}" if worse else MODEL,
        f" {source.capitalize()} performance: "
        + listed("metric", f"{value} ({lower} to {upper}), reference {reference}", "; ")
        + ".",
    )
