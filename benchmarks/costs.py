"""Seconds and megabytes of calibration, and milliseconds of scoring a window, in fresh processes.

Limits are held against processor time, so that what else the machine does counts little.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from deployments import Column, calibrated, counts_of, reference_of
from rich.table import Table
from worlds import HOURLY, Floats, Whole

from monitor.stats import channels, judge, replay
from monitor.stats.distributions import layout_of, summaries_of, values_of
from monitor.stats.panel import Layout, Panel
from monitor.stats.summaries import Summarizer, summarizer

BINS, ROWS = 64, 2_000
SCORED, SCORED_COLUMNS = 200, 50
SCORE_LIMIT = 5.0
"""Milliseconds for a window of 50 columns."""


@dataclass(frozen=True, slots=True)
class Size:
    """A calibration, and its limits in seconds and megabytes."""

    columns: int
    windows: int
    seconds: float
    megabytes: float


SIZES = (Size(50, 672, 1, float("inf")), Size(1_000, 2_000, 60, 2_048))


def table() -> Table:
    """Every measure beside its limit."""
    found = Table(title="Cost")
    for head in (
        "what",
        "processor s",
        "by the clock, s",
        "peak MB above the windows",
        "windows MB",
        "limit",
        "holds",
    ):
        found.add_column(head, justify="left" if head == "what" else "right")
    for size in SIZES:
        processor, clock, above, held = in_child(calibration, size)
        limit = f"{size.seconds:g} s" + (f", {size.megabytes:,.0f} MB" if size.megabytes < 1e9 else "")
        holds = processor <= size.seconds and above + held <= size.megabytes
        what = f"calibrate {size.columns:,} columns x {size.windows:,} windows"
        numbers = (f"{processor:.2f}", f"{clock:.2f}", f"{above:,.0f}", f"{held:,.0f}")
        found.add_row(what, *numbers, limit, "yes" if holds else "NO")
    for what, milliseconds in in_child(scoring, None):
        holds = milliseconds <= SCORE_LIMIT
        found.add_row(
            what, f"{milliseconds / 1000:.5f}", "", "", "", f"{SCORE_LIMIT:g} ms", "yes" if holds else "NO"
        )
    return found


def in_child(call: Callable[[Any], Any], given: Any) -> Any:
    """What a call returns in a process of its own."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    arguments = (call, given, sender)
    child = multiprocessing.get_context("spawn").Process(target=_answer, args=arguments)
    child.start()
    sender.close()
    found = receiver.recv()
    child.join()
    return found


def _answer(call: Callable[[Any], Any], given: Any, sender: Any) -> None:
    sender.send(call(given))


def calibration(size: Size) -> tuple[float, float, float, float]:
    """Processor seconds, seconds by the clock, peak megabytes, and megabytes of the windows."""
    import sklearn.covariance  # noqa: F401, PLC0415 - a worker has imported it long before

    before = status("VmRSS")
    layout, panel = _windows(size)
    held = status("VmRSS") - before
    Path("/proc/self/clear_refs").write_text("5")
    start, started = time.perf_counter(), time.process_time()
    calibrated(layout, panel, HOURLY)
    processor, clock = time.process_time() - started, time.perf_counter() - start
    return processor, clock, status("VmHWM") - before - held, held


def scoring(_: None) -> list[tuple[str, float]]:
    """Median milliseconds for one window, from counts to rarity; then without the summaries."""
    how, counts = _columns(SCORED_COLUMNS, 672 + SCORED)
    layout = layout_of(how)
    panel = _panel(np.concatenate([_values(how, counts, window)[None] for window in range(672)]))
    found = calibrated(layout, panel, HOURLY)
    live = [Column(True, [each]) for each in counts]
    memory = judge.nothing(found.judge)
    whole, scored = [], []
    for window in range(672, 672 + SCORED):
        columns = [counts_of(column, column.stretches[0][window]) for column in live]
        start = time.process_time()
        rows, values = values_of(how, summaries_of(how, columns))
        between = time.process_time()
        single = Panel(
            np.array([window % 24 + 0.5]),
            np.array([window // 24 % 7]),
            np.zeros(1, np.int64),
            rows[None],
            values[None],
        )
        scores = channels.scores(layout, replay.residuals_of(found, single), found.judge.scales)
        averages, memory = judge.follow(found.judge, scores, single.segments, memory)
        replay.say(found, averages)
        end = time.process_time()
        whole.append(1000 * (end - start))
        scored.append(1000 * (end - between))
    what = f"one window of {SCORED_COLUMNS} columns"
    return [
        (f"{what}, summarised and scored", statistics.median(whole)),
        (f"{what}, scored", statistics.median(scored)),
    ]


def _columns(columns: int, windows: int) -> tuple[list[Summarizer], list[Whole]]:
    random = np.random.default_rng(0)
    counts = [random.multinomial(ROWS, np.full(BINS, 1 / BINS), size=windows) for _ in range(columns)]
    return [summarizer(reference_of(Column(True, [each]))) for each in counts], counts


def _values(how: list[Summarizer], counts: list[Whole], window: int) -> Floats:
    columns = [counts_of(Column(True, [each]), each[window]) for each in counts]
    _, found = values_of(how, summaries_of(how, columns))
    return found


def _windows(size: Size) -> tuple[Layout, Panel]:
    """Windows as calibration reads them, in single precision; columns alike but for chance."""
    how, counts = _columns(1, size.windows)
    layout = layout_of(how * size.columns)
    cells = np.add.reduceat(counts[0] / ROWS, np.flatnonzero(np.diff(how[0].cell_of, prepend=-1)), axis=1)
    random = np.random.default_rng(1)
    values = np.empty((size.windows, layout.value_column.size), np.float32)
    split = layout.contrasts
    values[:, :split] = random.normal(size=(size.windows, split)) * np.sqrt(layout.variance / ROWS)
    for number, start in enumerate(layout.starts.tolist()):
        order = random.permutation(size.windows)
        values[:, split + start : split + start + layout.sizes[number]] = cells[order]
    return layout, _panel(values, size.columns)


def _panel(values: Any, columns: int = SCORED_COLUMNS) -> Panel:
    windows = np.arange(len(values))
    return Panel(
        HOURLY.hours(windows),
        HOURLY.weekdays(windows),
        np.zeros(len(windows), np.int64),
        np.full((len(windows), columns), float(ROWS)),
        values,
    )


def status(key: str) -> float:
    """A line of this process's status, in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise KeyError(key)
