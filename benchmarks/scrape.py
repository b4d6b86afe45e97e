"""One scrape of very many series, as Prometheus asks for it, while evaluation keeps every core busy.

`python benchmarks/scrape.py` prints a row per case, the median of five; where one is over 1 s it ends with 1.
Evaluation is what it is in the daemon: processes of their own that compute, and a thread of the server's
process that publishes what a run has found, here the view of a model 20 times a second.
"""

import gzip
import http.client
import multiprocessing
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import ks_2samp

from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Detail, ModelView, Outcome, Snapshot, after_run, new_view
from monitor.types import Evaluation, Kind, Statistic, Window
from monitor.web.routes import App
from monitor.web.server import Server

LIMIT = 1.0
"""Seconds that a scrape may take."""
REPEATS = 5
PUBLISHED_PER_SECOND = 20
PROMETHEUS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}
NOW = datetime(2024, 2, 11, tzinfo=UTC)


def small_view(number: int) -> ModelView:
    """A model of about ten series."""
    view = new_view(f"model-{number:05}", interval_seconds=3600, kinds=[Kind.COVARIATE])
    return after_run(view, outcome=Outcome.SUCCESS, ended=NOW, window_end=NOW)


def large_view(number: int) -> ModelView:
    """A model of about 5,000 series: one detector on each of 1,664 columns."""
    found = tuple(
        Statistic(Kind.COVARIATE, f"column_{column:04}", "psi", 0.01 + column / 7e5, 0.06)
        for column in range(1_664)
    )
    evaluation = Evaluation(
        model=f"model-{number:05}",
        window=Window(NOW - timedelta(days=1), NOW),
        tick=NOW,
        rows=720,
        labelled_rows=700,
        restated=False,
        final=False,
        seconds=0.1,
        verdicts=(),
        statistics=found,
        performance=(),
        problems=(),
    )
    return replace(small_view(number), detail=Detail.ALL, evaluation=evaluation, newest=evaluation)


@dataclass(frozen=True, slots=True)
class Size:
    """So many models, each made by `view` from its number."""

    name: str
    models: int
    view: Callable[[int], ModelView]


SIZES = (
    Size("10,000 models of ten series", 10_000, small_view),
    Size("20 models of 5,000 series", 20, large_view),
)


def compute(seed: int) -> None:
    """What a worker does, without end."""
    random = np.random.default_rng(seed)
    while True:
        ks_2samp(random.normal(size=5_000), random.normal(size=5_000))


@contextmanager
def evaluating(change: Callable[[], None]) -> Iterator[None]:
    """Evaluation goes on: a process per core that computes, and a thread that publishes."""
    context = multiprocessing.get_context("spawn")
    cores = range(os.cpu_count() or 1)
    processes = [context.Process(target=compute, args=(seed,), daemon=True) for seed in cores]
    ended = threading.Event()

    def publish() -> None:
        while not ended.wait(1 / PUBLISHED_PER_SECOND):
            change()

    thread = threading.Thread(target=publish)
    for each in (*processes, thread):
        each.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for process in processes:
            process.kill()
            process.join()


def scrape(server: Server) -> tuple[float, bytes]:
    """Seconds until the whole answer is there, and the answer."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection(server.address.host, server.address.port, timeout=60)
    connection.request("GET", "/metrics", headers=PROMETHEUS)
    body = connection.getresponse().read()
    connection.close()
    return time.perf_counter() - start, body


@contextmanager
def serving(board: Board) -> Iterator[Server]:
    """A server of the board."""
    app = App(board, Exporter(board), lambda: None, lambda: None, lambda: datetime.now(UTC))
    server = Server("127.0.0.1:0", app)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def all_new(size: Size) -> Snapshot:
    """Every model's view made anew, as after a start or a reload."""
    return Snapshot().with_models(size.view(number) for number in range(size.models))


def runs(board: Board, size: Size) -> Callable[[], None]:
    """Runs end, one model after the other."""
    numbers = cycle(range(size.models))
    return lambda: board.publish(board.current().with_view(size.view(next(numbers))))


def reloads(board: Board, size: Size) -> Callable[[], None]:
    """Every model changes at once, again and again."""
    return lambda: board.publish(all_new(size))


CASES = {f"{PUBLISHED_PER_SECOND} runs end a second": runs, "all models change, without end": reloads}


def median(server: Server) -> float:
    """Seconds of a scrape, one a second."""
    seconds = []
    for _ in range(REPEATS):
        time.sleep(1)
        seconds.append(scrape(server)[0])
    return statistics.median(seconds)


def main() -> int:
    """Print the table; 1 where a scrape takes too long."""
    table = Table(title=f"Seconds of a scrape (OpenMetrics, gzip), median of {REPEATS}")
    for head in ("what", "meanwhile", "series", "MB", "kB gzip", "first", "again", "evaluating", "1 s"):
        table.add_column(head, justify="left" if head in {"what", "meanwhile"} else "right")
    failed = False
    for size in SIZES:
        for name, case in CASES.items():
            board = Board(all_new(size))
            with serving(board) as server:
                first, body = scrape(server)
                again = scrape(server)[0]
                with evaluating(case(board, size)):
                    busy = median(server)
            text = gzip.decompress(body)
            holds = max(first, again, busy) <= LIMIT
            failed |= not holds
            table.add_row(
                size.name,
                name,
                f"{sum(not line.startswith(b'#') for line in text.splitlines()):,}",
                f"{len(text) / 1e6:.1f}",
                f"{len(body) / 1e3:,.0f}",
                f"{first:.3f}",
                f"{again:.3f}",
                f"{busy:.3f}",
                "holds" if holds else "FAILS",
            )
    Console(width=140).print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
