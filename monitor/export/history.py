"""What scrapes would have shown of past windows, for `promtool tsdb create-blocks-from openmetrics`."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from monitor.export.catalogue import BY_NAME
from monitor.export.collector import SnapshotCollector
from monitor.export.family import MetricType
from monitor.export.snapshot import Board, ModelView, Snapshot

_Series: TypeAlias = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]
"""By labels, values and their times."""


class History(Collector):
    """The gauges of models over time, a sample per series and tick.

    Counters and durations are left out: they tell what a daemon did since it was started. `job`: the scrape
    job of the daemon, so that its dashboards and rules find the history, too.
    """

    def __init__(self, job: str) -> None:
        self._job = ("job", job)
        self._snapshots = SnapshotCollector(Board())
        self._families: dict[str, _Series] = defaultdict(lambda: defaultdict(list))

    def add(self, view: ModelView, tick: datetime) -> None:
        """The model as it was known from this tick on; the ticks of one model come in order."""
        time = tick.timestamp()
        for family in self._snapshots.families(Snapshot({view.model: view})):
            if family.type == MetricType.GAUGE:
                for each in family.samples:
                    if "model" in each.labels:
                        self._families[each.name][self._job, *each.labels.items()].append((each.value, time))

    def collect(self) -> Iterator[Metric]:
        """The families, one series after the other."""
        for name, series in self._families.items():
            family = Metric(name, BY_NAME[name].help, MetricType.GAUGE)
            for labels, points in series.items():
                for value, time in points:
                    family.add_sample(name, dict(labels), value, time)
            yield family

    def text(self) -> bytes:
        """The history in OpenMetrics."""
        return bytes(openmetrics.generate_latest(self))  # type: ignore[no-untyped-call]
