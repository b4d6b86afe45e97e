"""The daemon's own health: is it up, does it run what is due, how long does that take, what goes wrong."""

from typing import Final

from monitor.dashboards import panels
from monitor.dashboards.elements import (
    DAEMON,
    GREEN,
    RED,
    Json,
    Override,
    Query,
    Step,
    above,
    datasource_variable,
    job_variable,
    query_variable,
    selector,
    value_names,
)
from monitor.dashboards.layout import Place, Row, dashboard, event
from monitor.dashboards.panels import Cell, Words
from monitor.dashboards.shared import LATE_STEPS, MODEL_CELL_LINKS, MODEL_LINKS, TO_FLEET

MODELS: Final = 'model=~"$model"'
INSTANCE: Final = 'instance=~"$instance"'
RUNS: Final = "1h"
"""Runs are rarer than scrapes: one point stands for so long a time."""
UP_STEPS: Final = (Step(None, RED), Step(1, GREEN))
SAMPLES: Final = Override("/ samples$/", {"unit": "short", "custom.axisPlacement": "right"}, regex=True)


def _of(metric: str, *matchers: str) -> str:
    return selector(metric, INSTANCE, *matchers)


def daemon() -> Json:
    """The dashboard."""
    reloaded = _of("driftd_config_last_reload_success_timestamp_seconds")
    return dashboard(
        DAEMON,
        "driftd / Daemon",
        "The health of driftd itself: whether it is up, runs what is due in time, what fails and why, and "
        "what it costs.",
        variables=(
            datasource_variable(),
            job_variable(),
            query_variable(
                "instance",
                "The daemons to show.",
                'label_values(driftd_build_info{job=~"$job"}, instance)',
                several=True,
            ),
            query_variable(
                "model",
                "Models whose runs to show.",
                f"label_values({_of('driftd_model_info')}, model)",
                several=True,
            ),
        ),
        links=(TO_FLEET,),
        events=(
            event(
                "Configuration loaded",
                f"changes({reloaded}[$__rate_interval]) > 0",
                "configuration loaded by {{instance}}",
                "blue",
            ),
        ),
        rows=(
            Row("Now", tuple(Place(each, 4, 4) for each in _now())),
            Row(
                "Runs",
                tuple(Place(each, 12, 8) for each in (_runs(), _age(), _skipped(), _models())),
            ),
            Row("Errors", (Place(_errors(), 12, 8), Place(_error_table(), 12, 8))),
            Row("Time", (Place(_stages(), 12, 8), Place(_slowest(), 12, 8))),
            Row("Resources", (Place(_memory(), 8, 8), Place(_processor(), 8, 8), Place(_scrape(), 8, 8))),
        ),
        since="now-24h",
    )


def _now() -> tuple[Json, ...]:
    success = _of("driftd_config_last_reload_successful")
    return (
        panels.stat(
            Words("Up", "Whether the last scrape reached the daemon; the least of all chosen.", "none"),
            Query(f"min({_of('up')})", instant=True),
            steps=UP_STEPS,
            mappings=value_names({"0": ("down", RED), "1": ("up", GREEN)}),
        ),
        panels.stat(
            Words(
                "Configuration",
                "Whether the model files were valid when they were last loaded. If not, the models go on as "
                "they were before.",
                "none",
            ),
            Query(f"min({success})", instant=True),
            steps=UP_STEPS,
            mappings=value_names({"0": ("invalid", RED), "1": ("valid", GREEN)}),
        ),
        panels.stat(
            Words("Up since", "When the daemon was started.", "dateTimeFromNow"),
            Query(f"1000 * min({_of('process_start_time_seconds')})", instant=True),
        ),
        panels.stat(
            Words("Configuration loaded", "When valid model files were last loaded.", "dateTimeFromNow"),
            Query(f"1000 * min({_of('driftd_config_last_reload_success_timestamp_seconds')})", instant=True),
        ),
        panels.stat(
            Words("Models", "Models that the daemon has.", "none"),
            Query(f"count(max by (model) ({_of('driftd_model_info', MODELS)}))", instant=True),
        ),
        panels.stat(
            Words("Version", "The version of driftd.", "none"),
            Query(f"count by (version) ({_of('driftd_build_info')})", "{{version}}", instant=True),
            names=True,
        ),
    )


def _runs() -> Json:
    runs = _of("driftd_runs_total", MODELS)
    return panels.timeseries(
        Words(
            "Runs by outcome",
            "Runs that ended: success, failed, or no_data where no window was due.",
            "short",
        ),
        Query(f"sum by (outcome) (increase({runs}[$__rate_interval]))", "{{outcome}}"),
        each=RUNS,
        bars=True,
    )


def _age() -> Json:
    last, interval = (
        f"max by (model) ({_of(name, MODELS)})"
        for name in ("driftd_last_success_timestamp_seconds", "driftd_run_interval_seconds")
    )
    return panels.timeseries(
        Words(
            "Age of the last success",
            "Time since the last run that did not fail, in intervals of the model's schedule. Above one, "
            "runs are late or fail.",
            "short",
        ),
        Query(f"(time() - {last}) / {interval}", "{{model}}"),
        steps=LATE_STEPS,
        line_at_steps=True,
        links=MODEL_LINKS,
    )


def _skipped() -> Json:
    skipped = _of("driftd_runs_skipped_total", MODELS)
    return panels.timeseries(
        Words(
            "Runs skipped",
            "Runs that were due and did not start: overlap where the last one still goes on, leased where "
            "another process evaluates the model, quarantined where runs of several models had to be ended.",
            "short",
        ),
        Query(f"sum by (reason) (increase({skipped}[$__rate_interval]))", "{{reason}}"),
        each=RUNS,
        bars=True,
    )


def _models() -> Json:
    failed, skipped = (
        f"sum by (model) (increase({_of(name, MODELS, *more)}[$__range]))"
        for name, more in (("driftd_runs_total", ('outcome="failed"',)), ("driftd_runs_skipped_total", ()))
    )
    interval = f"max by (model) ({_of('driftd_run_interval_seconds', MODELS)})"
    last, due = (
        f"1000 * max by (model) ({_of(f'driftd_{which}_run_timestamp_seconds', MODELS)})"
        for which in ("last", "next")
    )
    return panels.table(
        Words("Runs by model", "What became of each model's runs in the time range.", "none"),
        {"model": Cell("Model", links=MODEL_CELL_LINKS)},
        (
            (Query(failed), Cell("Failed", "short", above(red=0.5), decimals=0)),
            (Query(skipped), Cell("Skipped", "short", above(orange=0.5), decimals=0)),
            (Query(interval), Cell("Interval", "s")),
            (Query(last), Cell("Last run", "dateTimeFromNow")),
            (Query(due), Cell("Next run", "dateTimeFromNow")),
        ),
        sort="Failed",
    )


ERRORS: Final = _of("driftd_errors_total", 'model=~"$model|"')
"""Errors of the chosen models, and of none in particular.

As they are, not their increase: a series begins with the first error, and of that there is no increase.
"""


def _errors() -> Json:
    return panels.timeseries(
        Words(
            "Errors",
            "Errors since the daemon was started, by stage and reason; empty where there was none.",
            "short",
        ),
        Query(f"sum by (stage, reason) ({ERRORS})", "{{stage}}: {{reason}}"),
        none="no errors",
    )


def _error_table() -> Json:
    return panels.table(
        Words(
            "Errors by model",
            "Errors since the daemon was started; without a model where they are of none in particular. The "
            "log has the words.",
            "none",
        ),
        {"model": Cell("Model", links=MODEL_CELL_LINKS), "stage": Cell("Stage"), "reason": Cell("Reason")},
        ((Query(f"sum by (model, stage, reason) ({ERRORS})"), Cell("Errors", "short", above(red=1))),),
        sort="Errors",
        none="no errors",
    )


def _stages() -> Json:
    total, count = (
        f"sum by (stage) (rate({_of(f'driftd_run_duration_seconds_{part}', MODELS)}[$__rate_interval]))"
        for part in ("sum", "count")
    )
    return panels.timeseries(
        Words("Mean time by stage", "Mean time that a run spent in each stage.", "s"),
        Query(f"{total} / ({count} > 0)", "{{stage}}"),
        each=RUNS,
    )


def _slowest() -> Json:
    buckets = _of("driftd_run_duration_seconds_bucket", MODELS)
    return panels.timeseries(
        Words(
            "Slow runs by stage",
            "The time that 95 of 100 runs took at most in each stage.",
            "s",
        ),
        Query(
            f"histogram_quantile(0.95, sum by (stage, le) (rate({buckets}[$__rate_interval])))", "{{stage}}"
        ),
        each=RUNS,
    )


def _memory() -> Json:
    return panels.timeseries(
        Words("Memory", "Resident memory of the daemon itself; a run has a process of its own.", "bytes"),
        Query(f"max by (instance) ({_of('process_resident_memory_bytes')})", "{{instance}}"),
    )


def _processor() -> Json:
    seconds = _of("process_cpu_seconds_total")
    return panels.timeseries(
        Words("Processor", "Processors that the daemon itself keeps busy.", "percentunit"),
        Query(f"sum by (instance) (rate({seconds}[$__rate_interval]))", "{{instance}}"),
    )


def _scrape() -> Json:
    return panels.timeseries(
        Words("Scrape", "How long a scrape takes, and how many samples it brings (right).", "s"),
        Query(f"max by (instance) ({_of('scrape_duration_seconds')})", "{{instance}} time"),
        Query(f"max by (instance) ({_of('scrape_samples_scraped')})", "{{instance}} samples"),
        overrides=(SAMPLES,),
    )
