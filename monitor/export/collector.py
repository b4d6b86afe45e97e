"""The snapshot in the formats of Prometheus: text 0.0.4 and OpenMetrics, plain and compressed."""

import logging
import math
import platform
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from monitor import __version__
from monitor.export.catalogue import BY_NAME, FAMILIES
from monitor.export.series import BUILDERS, Builder, Point, model_labels
from monitor.export.snapshot import Board, Snapshot
from monitor.export.text import Block, Row, block, family_name
from monitor.export.text import page as text_page
from monitor.export.view import SECONDS, ModelView
from monitor.types import Reason, Stage

log = logging.getLogger(__name__)

OPENMETRICS: Final = "application/openmetrics-text"
_TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS_TYPE: Final = f"{OPENMETRICS}; version=1.0.0; charset=utf-8"
_VERSIONS: Final = {OPENMETRICS: {"1.0.0", "0.0.1"}, "text/plain": {"1.0.0", "0.0.4"}}
_LEVEL: Final = 6
_BOUNDS: Final = (*map(floatToGoString, SECONDS), "+Inf")
_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


Rows: TypeAlias = dict[str, list[Row]]
"""The samples of one model by family."""
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
        models = (self.rows(view) for _, view in sorted(snapshot.models.items()))
        for rows in (daemon_rows(snapshot), *models):
            for name, found in rows.items():
                for row in found:
                    labels = dict(zip(row.labels, row.key, strict=True))
                    families[name].add_sample(row.name, labels, row.value)
        return list(families.values())

    def rows(self, view: ModelView) -> Rows:
        """The samples of one model by family; a part that cannot be made is left out and counted."""
        values: _Values = {}
        rows: Rows = {}
        parts = [
            partial(_info, rows, view),
            partial(_durations, rows, view),
            *(partial(_build, values, builder, view) for builder in self._builders),
        ]
        for part in parts:
            try:
                part()
            except Exception:
                with self._lock:
                    self._failures[view.model] += 1
                log.exception("some series of a model cannot be exported", extra={"model": view.model})
        self._count_failures(values, view)
        _add(rows, values)
        return rows

    def _count_failures(self, values: _Values, view: ModelView) -> None:
        with self._lock:
            failures = self._failures[view.model]
        if failures:
            errors = values.setdefault("driftd_errors_total", {})
            labels = (view.model, Stage.EXPORT, Reason.INTERNAL)
            errors[labels] = errors.get(labels, 0.0) + failures


def _families() -> dict[str, Metric]:
    return {each.name: Metric(family_name(each), each.help, each.type) for each in FAMILIES}


def _put(values: _Values, points: Iterable[Point]) -> None:
    """Keep the points that have a value; of two with the same labels the first holds."""
    for name, key, value in points:
        if value is not None and math.isfinite(value):
            values.setdefault(name, {}).setdefault(key, float(value))


def _add(rows: Rows, values: _Values) -> None:
    for name, points in values.items():
        labels = BY_NAME[name].labels
        rows[name] = [Row(name, labels, key, value) for key, value in points.items()]


def _build(values: _Values, builder: Builder, view: ModelView) -> None:
    _put(values, list(builder(view)))  # the list first: all the points of a builder, or none


def daemon_rows(snapshot: Snapshot) -> Rows:
    """The samples that belong to no model."""
    values: _Values = {}
    rows: Rows = {}
    _put(values, _daemon(snapshot))
    _add(rows, values)
    return rows


def _daemon(snapshot: Snapshot) -> Iterator[Point]:
    yield "driftd_build_info", (__version__, platform.python_version()), 1
    yield "driftd_config_last_reload_successful", (), snapshot.config_ok
    if snapshot.config_time is not None:
        seconds = snapshot.config_time.timestamp()
        yield "driftd_config_last_reload_success_timestamp_seconds", (), seconds
    for (stage, reason), count in snapshot.errors.items():
        yield "driftd_errors_total", ("", stage, reason), count


def _info(rows: Rows, view: ModelView) -> None:
    labels = model_labels(view)
    rows["driftd_model_info"] = [Row("driftd_model_info", tuple(labels), tuple(labels.values()), 1)]


def _durations(rows: Rows, view: ModelView) -> None:
    name, labels, found = "driftd_run_duration_seconds", ("model", "stage"), []
    for stage, durations in view.durations.items():
        key = (view.model, stage)
        for bound, total in zip(_BOUNDS, accumulate(durations.counts), strict=True):
            found.append(Row(f"{name}_bucket", (*labels, "le"), (*key, bound), total))
        found.append(Row(f"{name}_count", labels, key, sum(durations.counts)))
        found.append(Row(f"{name}_sum", labels, key, durations.total))
    rows[name] = found


@dataclass(slots=True)
class _Page:
    """The models' part of a scrape, as text and as a deflate block that ends on a byte."""

    snapshot: Snapshot
    text: bytes
    deflated: bytes = b""

    def compressed(self) -> bytes:
        if not self.deflated:
            compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
            self.deflated = compressor.compress(self.text) + compressor.flush(zlib.Z_FULL_FLUSH)
        return self.deflated


class Exporter:
    """Answers scrapes: joins what was rendered of each model when it changed, before that was seen.

    So a scrape costs little however many series there are, and evaluation pays for its own changes.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._models = CollectorRegistry()
        self._process = CollectorRegistry()
        self._collector = SnapshotCollector(board)
        self._models.register(self._collector)
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self._blocks: dict[str, tuple[ModelView, Block]] = {}
        self._pages: dict[bool, _Page] = {}
        self._lock = threading.Lock()
        board.before(self._prepare)

    @property
    def registry(self) -> CollectorRegistry:
        """The models' families alone, for a push gateway."""
        return self._models

    def render(self, accept: str = "", *, compress: bool = False) -> tuple[bytes, str]:
        """The body of a scrape and its content type; `compress` asks for gzip."""
        openmetric = wants_openmetrics(accept)
        process = _openmetrics(self._process) if openmetric else generate_latest(self._process)
        with self._lock:
            page = self._page(openmetric=openmetric)
            models = page.compressed() if compress else page.text
        body = _gzip(models, page.text, process) if compress else models + process
        return body, _OPENMETRICS_TYPE if openmetric else _TEXT_TYPE

    def _page(self, *, openmetric: bool) -> _Page:
        snapshot = self._board.current()
        page = self._pages.get(openmetric)
        if page is None or page.snapshot is not snapshot:
            blocks = (self._block(view)[1] for _, view in sorted(snapshot.models.items()))
            page = _Page(snapshot, text_page((block(daemon_rows(snapshot)), *blocks), openmetrics=openmetric))
            self._pages[openmetric] = page
        return page

    def _prepare(self, snapshot: Snapshot) -> None:
        self._blocks = {name: self._block(view) for name, view in snapshot.models.items()}

    def _block(self, view: ModelView) -> tuple[ModelView, Block]:
        known = self._blocks.get(view.model)
        # a view never changes: a changed model has a new one
        return known if known is not None and known[0] is view else (view, block(self._collector.rows(view)))


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
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    rest = compressor.compress(second) + compressor.flush()
    checksum = zlib.crc32(second, zlib.crc32(first))
    return (
        _GZIP_HEAD + deflated + rest + struct.pack("<II", checksum, (len(first) + len(second)) & 0xFFFFFFFF)
    )
