"""Alert and recording rules for Prometheus: one file for every model, since each exports its own limits."""

from monitor.export.rules.records import Links
from monitor.export.rules.render import operator, prometheus
from monitor.export.rules.table import groups

__all__ = ["Links", "groups", "operator", "prometheus"]
