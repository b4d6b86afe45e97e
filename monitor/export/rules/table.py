"""All groups of rules, in the order of the file."""

from monitor.export.rules import data, drift, fleet, operation, performance
from monitor.export.rules.records import Group

DEFAULT_JOB = "driftd"


def groups(job: str = DEFAULT_JOB) -> tuple[Group, ...]:
    """Every group; `job` is the scrape job of the daemon."""
    return operation.group(job), data.GROUP, drift.GROUP, performance.GROUP, fleet.GROUP
