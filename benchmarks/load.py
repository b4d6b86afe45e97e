"""Hundreds of models on one daemon for many thousand runs, and beside sources that hang, leak and crash.

    python benchmarks/load.py                                          500 models, 20,000 runs: 15 minutes
    python benchmarks/load.py --models 50 --windows 6 --step 5         a look

The clock is fast in that the windows are short: `--step` seconds stand for the minute of a real window, and
a run is due as often. Nothing else is simulated: `driftd run` as a user starts it, rows that come as files
just before their window begins, metrics that are scraped, the ledger read at the end. Ends with 1 where
something does not hold.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
from fleet import Fleet, Service, by_model, delivering, percentile, soon
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table

from monitor.store import Store

START_SECONDS, RELOAD_SECONDS = 10.0, 2.0
GROWTH = 0.03
"""Memory is flat where the line through its last three quarters rises by less than this share of it."""
LATE_SHARE = 0.1
"""Other models are late by less than this share of a window more where sources misbehave."""
SAMPLE_SECONDS = 1.0
BAD = ("hanging", "leaking", "crashing")
LIMITS = ("--run-memory", "1GiB")
console = Console(width=110)


@dataclass(slots=True)
class Seen:
    """What the scrapes of one service showed: runs so far, bytes, and how late each model was, in seconds."""

    runs: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    failed: int = 0
    skipped: int = 0

    def growth(self) -> float:
        """By how many bytes the line through the last three quarters of the memory rises."""
        quarter = len(self.memory) // 4
        return float(np.polyfit(np.linspace(0, 1, len(self.memory) - quarter), self.memory[quarter:], 1)[0])


def watch(fleet: Fleet, service: Service) -> Seen:
    """Scrape until every model has evaluated its last window, or should have long since."""
    seen = Seen()
    until = fleet.end + timedelta(seconds=3 * fleet.step + 30)
    with Progress(
        *Progress.get_default_columns(), TextColumn("{task.fields[runs]} runs"), console=console
    ) as bar:
        task = bar.add_task(f"{fleet.models} models", total=fleet.models * fleet.windows, runs=0)
        while time.time() < until.timestamp():
            started = time.time()
            samples = service.samples()
            ends = by_model(samples, "driftd_window_end_timestamp_seconds")
            waiting = [
                started - max(ends.get(name, 0), fleet.start.timestamp()) - fleet.step for name in fleet.names
            ]
            runs = by_model(samples, "driftd_runs_total")
            seen.runs.append(int(sum(runs[name] for name in fleet.names)))
            seen.memory.append(service.memory())
            failed = by_model(samples, "driftd_runs_total", outcome="failed")
            skipped = by_model(samples, "driftd_runs_skipped_total")
            seen.failed = int(sum(failed[name] for name in fleet.names))
            seen.skipped = int(sum(skipped[name] for name in fleet.names))
            evaluated = (
                sum(max(0, ends.get(name, 0) - fleet.start.timestamp()) for name in fleet.names) / fleet.step
            )
            bar.update(task, completed=evaluated, runs=seen.runs[-1])
            if started > fleet.start.timestamp() + fleet.step and started < fleet.end.timestamp():
                seen.late += [max(0.0, each) for each in waiting]
            if all(ends.get(name) == fleet.end.timestamp() for name in fleet.names):
                return seen
            time.sleep(max(0.0, started + SAMPLE_SECONDS - time.time()))
    return seen


def lost(fleet: Fleet, state: str) -> int:
    """Windows that the ledger does not have, or has twice."""
    expected = [fleet.start + timedelta(seconds=number * fleet.step) for number in range(fleet.windows)]
    missing = 0
    with closing(Store.open(state, read_only=True)) as store:
        for name in fleet.names:
            lines = (line.window for line in store.evaluations(name))
            found = [window.start for window in lines if window.end is not None and window.end <= fleet.end]
            missing += len(set(expected) ^ set(found)) + len(found) - len(set(found))
    return missing


@contextmanager
def running(fleet: Fleet, *options: str) -> Iterator[tuple[Service, float]]:
    """A service, and after how many seconds it was ready."""
    service = Service(fleet, *options)
    try:
        yield service, service.ready()
        code = service.stop()
        if code:
            message = f"the daemon ended with exit code {code}"
            raise RuntimeError(message)
    finally:
        service.kill()


def new_fleet(models: int, step: int, windows: int, bad: Sequence[str] = ()) -> Fleet:
    """A fleet that is written, its first window about to begin."""
    folder = Path(tempfile.mkdtemp(prefix="driftd-load-"))
    fleet = Fleet(folder, models, step, windows, soon(step), tuple(bad))
    fleet.write()
    return fleet


class Checks:
    """A table of what should hold."""

    def __init__(self, title: str) -> None:
        self.failed = False
        self._table = Table(title=title)
        for head in ("what", "measured", "limit", ""):
            self._table.add_column(head, justify="left" if head in {"what", ""} else "right")

    def add(self, what: str, measured: str, limit: str = "", *, holds: bool = True) -> None:
        """One line; without a limit it informs."""
        self.failed |= not holds
        self._table.add_row(what, measured, limit, ("holds" if holds else "FAILS") if limit else "")

    def print(self) -> None:
        """Show it."""
        console.print(self._table)


def soak(models: int, windows: int, step: int) -> bool:
    """All models, all windows; True where everything holds."""
    fleet = new_fleet(models, step, windows)
    with delivering(fleet), running(fleet) as (service, first):
        seen = watch(fleet, service)
        reload = max(service.reload() for _ in range(3))
    with running(fleet) as (service, again):
        pass
    missing = lost(fleet, service.state)
    runs, growth = seen.runs[-1], seen.growth()
    checks = Checks(f"{models} models, a window every {step} s each")
    wanted = models * windows
    checks.add("windows lost or twice", f"{missing:,} of {wanted:,}", "0", holds=missing == 0)
    checks.add("runs", f"{runs:,}", f"{wanted:,}", holds=runs >= wanted)
    checks.add(
        "failed, skipped",
        f"{seen.failed:,}, {seen.skipped:,}",
        "0, 0",
        holds=seen.failed == seen.skipped == 0,
    )
    checks.add("memory (daemon and fork server), last", f"{seen.memory[-1] / 1e6:,.0f} MB")
    flat = growth < GROWTH * seen.memory[-1]
    checks.add("its rise in the last three quarters", f"{growth / 1e6:,.1f} MB", f"{GROWTH:.0%}", holds=flat)
    checks.add("start, nothing known", f"{first:.1f} s", f"{START_SECONDS:g} s", holds=first < START_SECONDS)
    checks.add("start, all known", f"{again:.1f} s", f"{START_SECONDS:g} s", holds=again < START_SECONDS)
    checks.add("reload", f"{reload:.2f} s", f"{RELOAD_SECONDS:g} s", holds=reload < RELOAD_SECONDS)
    checks.add(
        "late, median and 99 %", f"{percentile(seen.late, 0.5):.1f} s, {percentile(seen.late, 0.99):.1f} s"
    )
    checks.print()
    return not checks.failed


def neighbours(models: int, windows: int, step: int) -> bool:
    """The same models alone and beside bad ones; True where that makes no difference to them."""
    late = {}
    checks = Checks(f"{models} models, a window every {step} s each, alone and beside bad sources")
    for bad in ((), BAD * 3):
        fleet = new_fleet(models, step, windows, bad)
        with delivering(fleet), running(fleet, *LIMITS) as (service, _):
            seen = watch(fleet, service)
            failed = by_model(service.samples(), "driftd_runs_total", outcome="failed")
        missing = lost(fleet, service.state)
        where = f"beside {len(bad)} bad ones" if bad else "alone"
        late[where] = percentile(seen.late, 0.99)
        whole = missing == seen.failed == 0
        text = f"{missing:,}, {seen.failed:,}"
        checks.add(f"{where}: windows lost or twice, runs failed", text, "0, 0", holds=whole)
        checks.add(f"{where}: skipped", f"{seen.skipped:,}")
        checks.add(f"{where}: late, median", f"{percentile(seen.late, 0.5):.1f} s")
        if bad:
            kinds = dict(zip(fleet.bad_names, bad, strict=True))
            told = (
                f"{sum(failed[name] for name in kinds if kinds[name] == kind):.0f} {kind}" for kind in BAD
            )
            checks.add("runs of bad sources that failed", ", ".join(told))
    alone, beside = late.values()
    checks.add("alone: late, 99 %", f"{alone:.1f} s")
    limit = alone + LATE_SHARE * step
    checks.add("beside bad ones: late, 99 %", f"{beside:.1f} s", f"{limit:.1f} s", holds=beside <= limit)
    checks.print()
    return not checks.failed


def main() -> int:
    """Run both; 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--step", type=int, default=20, help="seconds that stand for a minute")
    parser.add_argument("--only", choices=["soak", "neighbours"])
    given = parser.parse_args()
    holds = []
    if given.only != "neighbours":
        holds.append(soak(given.models, given.windows, given.step))
    if given.only != "soak":
        holds.append(neighbours(max(1, given.models // 5), max(4, given.windows // 4), given.step))
    return int(not all(holds))


if __name__ == "__main__":
    sys.exit(main())
