"""Recording rules for views of many models: one series a model, a kind or a job, whatever scrapes them."""

from typing import Final

from monitor.export.rules.promql import INTERVAL, LAST_RUN, TARGET, WINDOW_END, newest
from monitor.export.rules.records import Group, Record

OPEN: Final = Record("job_model:driftd_alarm:max", newest("driftd_alarm", "kind", "segment"))
"""1 while any alarm of the model is open."""

GROUP: Final = Group(
    "driftd-fleet",
    (
        OPEN,
        Record("job_kind:driftd_alarm:sum", f"sum without (model, segment) ({newest('driftd_alarm')})"),
        Record("job:driftd_models_alarming:sum", f"sum without (model) ({OPEN.name})"),
        Record(
            "job:driftd_models:count",
            f"""count without (model) ({newest('driftd_runs_total{outcome="success"}', "outcome")})""",
        ),
        Record("job_model:driftd_last_run:intervals", f"(time() - {LAST_RUN}) / {INTERVAL}"),
        Record("job_model:driftd_window_lag:seconds", f"time() - {WINDOW_END}"),
        Record(
            "job_model:driftd_errors:increase1d",
            f"sum without (stage, reason, {TARGET}) (increase(driftd_errors_total[1d]))",
        ),
    ),
)
