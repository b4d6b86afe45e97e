"""Pieces of PromQL that several rules share."""

from typing import Final

TARGET: Final = "instance, pod, container, endpoint"
"""Labels of the scraped process: a daemon that moves to another host goes on with the same alerts."""

INTERVALS: Final = 2.5
"""So many periods of the schedule: two runs are missed, and not by a little."""
GRACE_SECONDS: Final = 3600
"""For runs that take long, and for the day of 25 hours."""


def newest(metric: str, *labels: str) -> str:
    """A gauge without the labels of its process, and without these; of two processes the larger value.

    >>> newest("driftd_alarm")
    'max without (instance, pod, container, endpoint) (driftd_alarm)'
    """
    without = ", ".join((*labels, TARGET))
    return f"max without ({without}) ({metric})"


INTERVAL: Final = newest("driftd_run_interval_seconds")
LENGTH: Final = newest("driftd_window_length_seconds")
LATENESS: Final = newest("driftd_window_lateness_seconds")
WINDOW_END: Final = newest("driftd_window_end_timestamp_seconds")
LAST_RUN: Final = newest("driftd_last_run_timestamp_seconds")
LAST_SUCCESS: Final = newest("driftd_last_success_timestamp_seconds")

NEXT_RUN: Final = newest("driftd_next_run_timestamp_seconds")

PAUSE: Final = f"""\
(
  clamp_min({NEXT_RUN} - {LAST_RUN} - {INTERVAL}, 0)
  or
  0 * {INTERVAL}
)"""
"""How much longer than the period the schedule waits for its next run: over a night, over a weekend."""

LONGEST_LAG: Final = f"""\
{LENGTH}
+ {LATENESS}
+ {INTERVALS} * {INTERVAL}
+ {GRACE_SECONDS}
+ {PAUSE}"""
"""The longest time since a window's end that is usual: by then the next window was evaluated."""

RUNS_WELL: Final = f"""\
time() - {LAST_SUCCESS}
  < {INTERVALS} * {INTERVAL} + {GRACE_SECONDS} + {PAUSE}"""
"""Where a run has ended well within the schedule."""

QUALITY_KNOWN_CLOSED: Final = f"""{newest('driftd_alarm{kind="quality"}', "kind", "segment")} == 0"""
"""Models whose quality alarm is known to be closed."""
