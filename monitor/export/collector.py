"""The snapshot in the formats of Prometheus: text 0.0.4 and OpenMetrics, plain and compressed."""

import logging
import math
import platform
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from monitor import __version__
from monitor.export.catalogue import BY_NAME, FAMILIES, Family, MetricType
from monitor.export.series import BUILDERS, Builder, Point, model_labels
from monitor.export.snapshot import Board, Snapshot
from monitor.export.view import SECONDS, ModelView
from monitor.types import Reason, Stage

log = logging.getLogger(__name__)

OPENMETRICS: Final = "application/openmetrics-text"
_TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS_TYPE: Final = f"{OPENMETRICS}; version=1.0.0; charset=utf-8"
_VERSIONS: Final = {OPENMETRICS: {"1.0.0", "0.0.1"}, "text/plain": {"1.0.0", "0.0.4"}}
_END: Final = b"# EOF\n"
_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


_Values: TypeAlias = dict[str, dict[tuple[str, ...], float]]


class SnapshotCollector(Collector):
    """Makes the metric families from the current snapshot; a model that cannot be shown stops no other."""

    def __init__(self, board: Board, builders: Iterable[Builder] = BUILDERS) -> None:
        self._board = board
        self._builders = tuple(builders)
        self._failures: Counter[str] = Counter()
        self._lock = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        """The families without samples, so that registering reads no snapshot."""
        return list(_families().values())

    def collect(self) -> Iterable[Metric]:
        """The families with the samples of the snapshot that holds now."""
        return self.families(self._board.current())

    def families(self, snapshot: Snapshot) -> list[Metric]:
        """Every family of the catalogue, in its order, with the samples of this snapshot."""
        families = _families()
        values: _Values = {name: {} for name in families}
        _put(values, _daemon(snapshot))
        for name, view in sorted(snapshot.models.items()):
            self._model(values, families, name, view)
        self._count_failures(values["driftd_errors_total"], snapshot)
        for name, points in values.items():
            for key, value in points.items():
                families[name].add_sample(name, dict(zip(BY_NAME[name].labels, key, strict=True)), value)
        return list(families.values())

    def _model(self, values: _Values, families: Mapping[str, Metric], name: str, view: ModelView) -> None:
        parts = [
            partial(_info, families["driftd_model_info"], view),
            partial(_durations, families["driftd_run_duration_seconds"], view),
            *(partial(_build, values, builder, view) for builder in self._builders),
        ]
        for part in parts:
            try:
                part()
            except Exception:
                with self._lock:
                    self._failures[name] += 1
                log.exception("some series of a model cannot be exported", extra={"model": name})

    def _count_failures(self, errors: dict[tuple[str, ...], float], snapshot: Snapshot) -> None:
        with self._lock:
            failures = dict(self._failures)
        for name in snapshot.models.keys() & failures.keys():
            labels = (name, Stage.EXPORT, Reason.INTERNAL)
            errors[labels] = errors.get(labels, 0.0) + failures[name]


def _families() -> dict[str, Metric]:
    return {each.name: Metric(_family_name(each), each.help, each.type) for each in FAMILIES}


def _family_name(family: Family) -> str:
    return family.name.removesuffix("_total") if family.type is MetricType.COUNTER else family.name


def _put(values: _Values, points: Iterable[Point]) -> None:
    """Keep the points that have a value; of two with the same labels the first holds."""
    for name, key, value in points:
        if value is not None and math.isfinite(value):
            values[name].setdefault(key, float(value))


def _build(values: _Values, builder: Builder, view: ModelView) -> None:
    _put(values, list(builder(view)))  # the list first: all the points of a builder, or none


def _daemon(snapshot: Snapshot) -> Iterator[Point]:
    yield "driftd_build_info", (__version__, platform.python_version()), 1
    yield "driftd_config_last_reload_successful", (), snapshot.config_ok
    if snapshot.config_time is not None:
        seconds = snapshot.config_time.timestamp()
        yield "driftd_config_last_reload_success_timestamp_seconds", (), seconds
    for (stage, reason), count in snapshot.errors.items():
        yield "driftd_errors_total", ("", stage, reason), count


def _info(family: Metric, view: ModelView) -> None:
    family.add_sample(family.name, model_labels(view), 1)


def _durations(family: Metric, view: ModelView) -> None:
    for stage, durations in view.durations.items():
        labels = {"model": view.model, "stage": str(stage)}
        bounds = (*map(floatToGoString, SECONDS), "+Inf")
        total = 0
        for bound, count in zip(bounds, durations.counts, strict=True):
            total += count
            family.add_sample(f"{family.name}_bucket", {**labels, "le": bound}, total)
        family.add_sample(f"{family.name}_count", labels, total)
        family.add_sample(f"{family.name}_sum", labels, durations.total)


@dataclass(slots=True)
class _Page:
    """The models' part of a scrape, as text and as a deflate block that ends on a byte."""

    snapshot: Snapshot
    text: bytes
    deflated: bytes = b""

    def compressed(self) -> bytes:
        if not self.deflated:
            compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
            self.deflated = compressor.compress(self.text) + compressor.flush(zlib.Z_FULL_FLUSH)
        return self.deflated


class Exporter:
    """Answers scrapes: the models' part is rendered once per snapshot, the process's each time."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._models = CollectorRegistry()
        self._process = CollectorRegistry()
        self._collector = SnapshotCollector(board)
        self._models.register(self._collector)
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self._pages: dict[bool, _Page] = {}
        self._lock = threading.Lock()

    @property
    def registry(self) -> CollectorRegistry:
        """The models' families alone, for a push gateway."""
        return self._models

    def render(self, accept: str = "", *, compress: bool = False) -> tuple[bytes, str]:
        """The body of a scrape and its content type; `compress` asks for gzip."""
        openmetric = wants_openmetrics(accept)
        text = _openmetrics if openmetric else generate_latest
        process = text(self._process)
        with self._lock:
            page = self._page(text, openmetric=openmetric)
            models = page.compressed() if compress else page.text
        body = _gzip(models, page.text, process) if compress else models + process
        return body, _OPENMETRICS_TYPE if openmetric else _TEXT_TYPE

    def _page(self, text: Callable[[Collector], bytes], *, openmetric: bool) -> _Page:
        snapshot = self._board.current()
        page = self._pages.get(openmetric)
        if page is None or page.snapshot is not snapshot:
            families = _Fixed(self._collector.families(snapshot))
            page = _Page(snapshot, text(families).removesuffix(_END))
            self._pages[openmetric] = page
        return page


class _Fixed(Collector):
    """Families that are already made."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics 1.0 to the older text format.

    >>> wants_openmetrics("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    True
    >>> wants_openmetrics("text/plain, application/openmetrics-text;q=0.3")
    False
    """
    preferred = {OPENMETRICS: 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        media, *parameters = (each.strip().lower() for each in part.split(";"))
        given = dict(each.split("=", 1) for each in parameters if "=" in each)
        if media in preferred and given.get("version", "1.0.0") in _VERSIONS[media]:
            preferred[media] = max(preferred[media], _quality(given.get("q", "1")))
    return preferred[OPENMETRICS] > 0 and preferred[OPENMETRICS] >= preferred["text/plain"]


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _openmetrics(registry: Collector) -> bytes:
    return bytes(openmetrics.generate_latest(registry))  # type: ignore[no-untyped-call]


def _gzip(deflated: bytes, first: bytes, second: bytes) -> bytes:
    """One gzip stream of two texts, of which the first is already deflated."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    rest = compressor.compress(second) + compressor.flush()
    checksum = zlib.crc32(second, zlib.crc32(first))
    return (
        _GZIP_HEAD + deflated + rest + struct.pack("<II", checksum, (len(first) + len(second)) & 0xFFFFFFFF)
    )
