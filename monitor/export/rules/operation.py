"""Whether driftd itself works: is it up, is its configuration in force, does it run every model?"""

from typing import Final

from monitor.export.rules import texts
from monitor.export.rules.drift import HOLD
from monitor.export.rules.promql import INTERVAL, INTERVALS, LAST_RUN, LAST_SUCCESS, PAUSE, TARGET
from monitor.export.rules.records import Alert, Group, Severity

RESTARTS_AN_HOUR: Final = 3

CONFIG: Final = Alert(
    "DriftdConfigReloadFailed",
    Severity.WARNING,
    "driftd_config_last_reload_successful == 0",
    summary="driftd{{ with $labels.instance }} at {{ . }}{{ end }} does not run what its model files say.",
    description=(
        "A model file is not valid. After a reload the configuration before it goes on; after a start the "
        "models of such files do not run at all. driftd check names every fault with its place."
    ),
    wait="5m",
    of_model=False,
)

NOT_CHECKED: Final = Alert(
    "DriftdModelNotChecked",
    Severity.WARNING,
    f"""\
time() - {LAST_RUN}
  > {INTERVALS} * {INTERVAL} + {PAUSE}
or
0 * {INTERVAL}
  unless {LAST_RUN}""",
    summary=(
        "Model {{ $labels.model }} has not been checked "
        "{{ if gt $value 0.0 }}for {{ $value | humanizeDuration }}"
        "{{ else }}since driftd started{{ end }}."
    ),
    description=(
        "No run of it has ended"
        + texts.asked(
            f"driftd_run_interval_seconds{texts.OF_MODEL}",
            texts.MODEL,
            ", though one is due every {{ . | first | value | humanizeDuration }}",
        )
        + ": a run hangs, waits for a free worker or for another process, or the clock stands."
        + texts.asked(
            f"max by (reason) (driftd_runs_skipped_total{texts.OF_MODEL}) > 0",
            texts.MODEL,
            " Runs skipped since the daemon started: "
            + texts.listed("reason", '{{ $each.Labels.reason }} {{ printf "%.0f" $each.Value }}')
            + ".",
        )
    ),
    wait="30m",
    hold=HOLD,
)

FAILING: Final = Alert(
    "DriftdRunsFailing",
    Severity.WARNING,
    f"""\
{LAST_RUN}
- {LAST_SUCCESS}
  > 1.5 * {INTERVAL}
or
0 * {LAST_RUN}
  unless {LAST_SUCCESS}""",
    summary=(
        "Runs of model {{ $labels.model }} have failed "
        "{{ if gt $value 0.0 }}for {{ $value | humanizeDuration }}"
        "{{ else }}since driftd started{{ end }}."
    ),
    description=(
        "What is shown of it is from the last run that ended well. Nothing is lost: the next one evaluates "
        "every window that is due." + texts.ERRORS
    ),
    wait="15m",
    hold=HOLD,
)


def down(job: str) -> Alert:
    """No daemon of this scrape job is up; where runs are pushed there is none to be scraped."""
    return Alert(
        "DriftdDown",
        Severity.CRITICAL,
        f"""\
absent(up{{job="{job}"}})
  unless on (job) push_time_seconds{{job="{job}"}}
or
sum without ({TARGET}) (up{{job="{job}"}}) == 0""",
        summary="No driftd of the job {{ $labels.job }} is up: no model is watched.",
        description=(
            "Prometheus reaches no daemon, so all series and alerts of its models end. Nothing is lost: "
            "state is kept, and a daemon that is started again evaluates every window that is due."
        ),
        wait="10m",
        of_model=False,
    )


def restarting(job: str) -> Alert:
    """A daemon that starts again and again is up at most scrapes, and no run of it may ever end."""
    return Alert(
        "DriftdRestarting",
        Severity.WARNING,
        f'changes(process_start_time_seconds{{job="{job}"}}[1h]) > {RESTARTS_AN_HOUR}',
        summary=(
            "driftd{{ with $labels.instance }} at {{ . }}{{ end }} was started "
            '{{ printf "%.0f" $value }} times within an hour.'
        ),
        description=(
            "Something ends it: too little memory, a full disk, a lost volume, a liveness probe. Runs that "
            "were going on begin again each time."
        ),
        hold=HOLD,
        of_model=False,
    )


def group(job: str) -> Group:
    """The alerts on driftd itself, scraped as this job."""
    return Group("driftd-operation", (down(job), restarting(job), CONFIG, NOT_CHECKED, FAILING))
