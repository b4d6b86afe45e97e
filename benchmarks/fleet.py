"""Many models on one daemon: their files, the daemon's process, and what is seen of it from outside."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import URLError

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

REFERENCE_WINDOWS = 60
ROWS = 250
"""Rows of one window."""
STARTING_SECONDS = 10.0
LEARNING_SECONDS = 0.6
"""What a model's first run takes, as one of two at a time: its reference is learned and calibrated."""
MODEL = """\
version: 1
model: {name}
reference: {{source: {{kind: files, path: reference.parquet}}}}
live: {{source: {{kind: {kind}, path: "{name}/*.parquet"}}, start: {start}}}
columns: {{timestamp: ts, id: id, prediction: prediction, probability: probability, {label}}}
window: {{length: {step}s, lateness: 0s}}
schedule: {{every: {step}s}}
export: {{detail: summary}}
"""
LABELLED = 5
"""Of so many models one has labels; the others never get any."""
POINT = "[driftd.sources]\nbad = bad_sources\n"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The models of one daemon, `windows` windows of `step` seconds from `start` on.

    `bad`: the kinds of sources of further models.
    """

    folder: Path
    models: int
    step: int
    windows: int
    start: datetime
    bad: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The models whose sources do as they should."""
        return tuple(f"model-{number:03}" for number in range(self.models))

    @property
    def bad_names(self) -> tuple[str, ...]:
        """The others."""
        return tuple(f"bad-{number:03}" for number in range(len(self.bad)))

    @property
    def end(self) -> datetime:
        """When the last window ends."""
        return self.start + timedelta(seconds=self.windows * self.step)

    def write(self) -> None:
        """Model files, the reference, the offer of bad sources, and the first live window of each model."""
        kinds = [*["files"] * self.models, *self.bad]
        start = f"{self.start:%Y-%m-%dT%H:%M:%SZ}"
        for number, (name, kind) in enumerate(zip(self.names + self.bad_names, kinds, strict=True)):
            (self.folder / name).mkdir(parents=True)
            label = "features: {ignore: [label]}" if number % LABELLED else "label: label"
            text = MODEL.format(name=name, kind=kind, start=start, step=self.step, label=label)
            (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        pq.write_table(self._rows(-REFERENCE_WINDOWS, 0), self.folder / "reference.parquet")
        offer = self.folder / "bad_sources-1.dist-info"
        offer.mkdir()
        (offer / "METADATA").write_text("Name: bad_sources\nVersion: 1\n", encoding="utf-8")
        (offer / "entry_points.txt").write_text(POINT, encoding="utf-8")
        self.deliver(0)

    def deliver(self, window: int) -> None:
        """Each model's rows of a window: a new file, there as a whole or not at all."""
        table = self._rows(window, window + 1)
        for name in self.names + self.bad_names:
            path = self.folder / name / f"{window:06}.parquet"
            pq.write_table(table, path.with_suffix(".new"))
            path.with_suffix(".new").rename(path)

    def _rows(self, first: int, last: int) -> pa.Table:
        """All rows of some windows, nothing ever moves."""
        random = np.random.default_rng(first + REFERENCE_WINDOWS)
        rows = ROWS * (last - first)
        seconds = np.sort(random.uniform(first * self.step, last * self.step, rows))
        microseconds = (self.start.timestamp() + seconds) * 1e6
        x = random.normal(size=(3, rows))
        probability = 1 / (1 + np.exp(-x[0] - 0.5 * x[1]))
        return pa.table(
            {
                "ts": pa.array(microseconds.astype(np.int64), pa.timestamp("us", "UTC")),
                "id": np.arange(rows) + (first + REFERENCE_WINDOWS) * ROWS,
                **{f"x{number}": x[number] for number in range(3)},
                "site": random.choice(["north", "south", "west"], rows),
                "probability": probability,
                "prediction": (probability > 0.5).astype(np.int64),
                "label": (random.random(rows) < probability).astype(np.int64),
            }
        )


@contextmanager
def delivering(fleet: Fleet) -> Iterator[None]:
    """Each window's rows come just before the window begins, until the last one has come."""
    stop = threading.Event()

    def deliver() -> None:
        for window in range(
            1, fleet.windows + 1
        ):  # the one after the last ends nothing, it shows the last is over
            due = fleet.start.timestamp() + (window - 1) * fleet.step
            if stop.wait(max(0.0, due - time.time())):
                return
            fleet.deliver(window)

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


Samples = dict[str, list[tuple[dict[str, str], float]]]
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Service:
    """`driftd run` on a fleet."""

    def __init__(self, fleet: Fleet, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.state = f"sqlite:///{fleet.folder / 'driftd.db'}"
        paths = [str(fleet.folder), str(Path(__file__).parent)]
        command = [sys.executable, "-m", "monitor", "run", str(fleet.folder), "--state", self.state]
        self.began = time.monotonic()
        self._log = (fleet.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [*command, "--listen", self.address.removeprefix("http://"), *options],
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def get(self, path: str, method: str = "GET") -> str:
        """The text of an answer."""
        request = urllib.request.Request(self.address + path, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())

    def ready(self) -> float:
        """Seconds from the start of the process until it says that it is ready."""
        while self.process.poll() is None:
            try:
                self.get("/-/ready")
            except URLError:
                time.sleep(0.02)
            else:
                return time.monotonic() - self.began
        message = "the daemon has ended"
        raise RuntimeError(message)

    def reload(self) -> float:
        """Seconds that a reload takes."""
        start = time.monotonic()
        self.get("/-/reload", "POST")
        return time.monotonic() - start

    def samples(self) -> Samples:
        """Every sample of a scrape, by the name of its metric."""
        found: Samples = defaultdict(list)
        for line in self.get("/metrics").splitlines():
            if match := _SAMPLE.match(line):
                name, labels, value = match.groups()
                found[name].append((dict(_LABEL.findall(labels or "")), float(value)))
        return found

    def memory(self) -> int:
        """Resident bytes of the daemon and its fork server, without the workers."""
        daemon = psutil.Process(self.process.pid)
        return sum(int(each.memory_info().rss) for each in (daemon, *daemon.children()))

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(120)
        self._log.close()
        return code

    def kill(self) -> None:
        """Whatever it does."""
        self.process.kill()
        self.process.wait()
        self._log.close()


def by_model(samples: Samples, name: str, **labels: str) -> dict[str, float]:
    """The sum over a metric's samples with these labels, by model."""
    found: dict[str, float] = defaultdict(float)
    for given, value in samples[name]:
        if labels.items() <= given.items():
            found[given["model"]] += value
    return found


def soon(step: int, models: int) -> datetime:
    """When the first window of a fleet begins: after there was time to learn the references."""
    now = datetime.now(UTC).timestamp() + STARTING_SECONDS + LEARNING_SECONDS * models
    return datetime.fromtimestamp((now // step + 2) * step, UTC)
