"""Hundreds of models on one daemon for many thousand runs, and beside sources that hang, leak and crash.

    python benchmarks/load.py                                          500 models, 20,000 runs: 40 minutes
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
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from fleet import Fleet, Service, by_model, delivering, soon
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table

from monitor.store import Store

START_SECONDS, RELOAD_SECONDS = 10.0, 2.0
GROWTH = 0.03
"""Memory is flat where the line through its last three quarters rises by less than this share of it."""
LATE_SHARE = 0.1
"""Runs are late by less than this share of a window more where the sources of others misbehave."""
SAMPLE_SHARE = 0.25
"""Of a window: how long from one scrape to the next."""
BAD = ("hanging", "leaking", "crashing")
LIMITS = ("--run-memory", "1GiB")
console = Console(width=110)


@dataclass(frozen=True, slots=True)
class Look:
    """What one scrape showed of the models whose sources do as they should."""

    at: float
    memory: int
    """Bytes of the daemon and its fork server."""
    runs: int
    failed: int
    skipped: int
    learned: bool
    """Whether each model had a run."""
    evaluated: float
    """Windows."""
    late: tuple[float, ...]
    """By model: for how many seconds a run has been due that has not ended."""
    ended: bool


def look(fleet: Fleet, service: Service) -> Look:
    """Scrape once."""
    now, samples, first = time.time(), service.samples(), fleet.start.timestamp()
    found = by_model(samples, "driftd_window_end_timestamp_seconds")
    ends = [max(found.get(name, first), first) for name in fleet.names]
    due = by_model(samples, "driftd_next_run_timestamp_seconds")
    runs, failed, skipped = (
        [counts[name] for name in fleet.names]
        for counts in (
            by_model(samples, "driftd_runs_total"),
            by_model(samples, "driftd_runs_total", outcome="failed"),
            by_model(samples, "driftd_runs_skipped_total"),
        )
    )
    return Look(
        at=now,
        memory=service.memory(),
        runs=int(sum(runs)),
        failed=int(sum(failed)),
        skipped=int(sum(skipped)),
        learned=min(runs) > 0,
        evaluated=sum(end - first for end in ends) / fleet.step,
        late=tuple(max(0.0, now - due[name]) for name in fleet.names),
        ended=min(ends) >= fleet.end.timestamp(),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What all scrapes of one service showed: those before the first window began, and those since."""

    before: tuple[Look, ...]
    since: tuple[Look, ...]

    @property
    def learned(self) -> float:
        """Seconds until every model had a run."""
        looks = (*self.before, *self.since)
        return next(each.at for each in looks if each.learned) - looks[0].at

    def counted(self, what: str) -> int:
        """By how much a counter rose since the first window began."""
        return int(getattr(self.since[-1], what) - getattr(self.before[-1], what))

    def late(self, share: float) -> float:
        """Seconds that this share of all models at all times was at most late."""
        return float(np.quantile([late for each in self.since for late in each.late], share))

    def growth(self) -> float:
        """By how many bytes the line through the last three quarters of the memory rises."""
        memory = [each.memory for each in self.since][len(self.since) // 4 :]
        return float(np.polyfit(np.linspace(0, 1, len(memory)), memory, 1)[0])


def watch(fleet: Fleet, service: Service) -> Seen:
    """Scrape until every model has evaluated its last window, or should have long since."""
    looks = [look(fleet, service)]
    until = fleet.end.timestamp() + 3 * fleet.step + 30
    columns = (*Progress.get_default_columns(), TextColumn("{task.fields[runs]} runs"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"{fleet.models} models", total=fleet.models * fleet.windows, runs=0)
        while looks[-1].at < until and not looks[-1].ended:
            time.sleep(max(0.0, looks[-1].at + SAMPLE_SHARE * fleet.step - time.time()))
            looks.append(look(fleet, service))
            bar.update(task, completed=looks[-1].evaluated, runs=looks[-1].runs)
    first = fleet.start.timestamp()
    return Seen(
        tuple(each for each in looks if each.at < first), tuple(each for each in looks if each.at >= first)
    )


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
    fleet = Fleet(folder, models, step, windows, soon(step, models), tuple(bad))
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
    growth, memory = seen.growth(), seen.since[-1].memory
    minutes = (seen.since[-1].at - seen.since[0].at) / 60
    checks = Checks(f"{models} models, a window every {step} s each, {minutes:.0f} minutes")
    checks.add("windows lost or twice", f"{missing:,} of {models * windows:,}", "0", holds=missing == 0)
    failed = seen.counted("failed")
    checks.add("runs that failed", f"{failed:,} of {seen.counted('runs'):,}", "0", holds=failed == 0)
    checks.add("runs skipped, the last one still going on", f"{seen.counted('skipped'):,}")
    checks.add("memory of daemon and fork server", f"{memory / 1e6:,.0f} MB")
    flat = growth < GROWTH * memory
    checks.add("its rise in the last three quarters", f"{growth / 1e6:,.1f} MB", f"{GROWTH:.0%}", holds=flat)
    checks.add("start, nothing known", f"{first:.1f} s", f"{START_SECONDS:g} s", holds=first < START_SECONDS)
    checks.add("references learned, once", f"{seen.learned:.0f} s")
    checks.add("start, all known", f"{again:.1f} s", f"{START_SECONDS:g} s", holds=again < START_SECONDS)
    checks.add("reload", f"{reload:.2f} s", f"{RELOAD_SECONDS:g} s", holds=reload < RELOAD_SECONDS)
    checks.add("a run is late, median and 99 %", f"{seen.late(0.5):.1f} s, {seen.late(0.99):.1f} s")
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
        late[where] = seen.late(0.99)
        failures = seen.counted("failed")
        whole = missing == failures == 0
        text = f"{missing:,}, {failures:,}"
        checks.add(f"{where}: windows lost or twice, runs failed", text, "0, 0", holds=whole)
        checks.add(f"{where}: a run is late, median", f"{seen.late(0.5):.1f} s")
        if bad:
            kinds = dict(zip(fleet.bad_names, bad, strict=True))
            told = (
                f"{sum(failed[name] for name in kinds if kinds[name] == kind):.0f} {kind}" for kind in BAD
            )
            checks.add("runs of bad sources that failed", ", ".join(told))
    alone, beside = late.values()
    checks.add("alone: a run is late, 99 %", f"{alone:.1f} s")
    limit = alone + LATE_SHARE * step
    checks.add(
        "beside bad ones: a run is late, 99 %", f"{beside:.1f} s", f"{limit:.1f} s", holds=beside <= limit
    )
    checks.print()
    return not checks.failed


def main() -> int:
    """Run both; 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--step", type=int, default=50, help="seconds that stand for a minute")
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
