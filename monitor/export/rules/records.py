"""What a rule file is made of, as frozen records."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

FLEET: Final = "driftd-fleet"
MODEL: Final = "driftd-model"
"""Identifiers of the Grafana dashboards that alerts link to."""


class Severity(StrEnum):
    """What an alert asks for."""

    CRITICAL = "critical"  # wakes somebody up
    WARNING = "warning"  # wants somebody in working hours
    INFO = "info"  # explains another one; notifies nobody


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule; `summary` and `description` are Prometheus templates.

    `wait`: for how long the expression must hold; `hold`: for how long the alert outlives it, so that a
    restart of the daemon, whose series then go stale, neither ends an alert nor starts it again.
    """

    name: str
    severity: Severity
    expression: str
    summary: str
    description: str
    wait: str = ""
    hold: str = ""
    of_model: bool = True
    """Whether the alert is of one model, rather than of the daemon."""


@dataclass(frozen=True, slots=True)
class Record:
    """One recording rule, named level:metric:operation."""

    name: str
    expression: str


Rule: TypeAlias = Alert | Record


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """Where people find the runbook and Grafana."""

    runbook: str = "https://example.org/driftd/runbook"
    grafana: str = "https://example.org/grafana"

    def runbook_of(self, alert: Alert) -> str:
        """The alert's section, named as renderers of Markdown name it."""
        return f"{self.runbook}#{alert.name.lower()}"

    def dashboard_of(self, alert: Alert) -> str:
        """The dashboard that shows what the alert is about."""
        if alert.of_model:
            given = "var-job={{ $labels.job | urlquery }}&var-model={{ $labels.model | urlquery }}"
            return f"{self.grafana}/d/{MODEL}?{given}"
        return f"{self.grafana}/d/{FLEET}?var-job={{{{ $labels.job | urlquery }}}}"
