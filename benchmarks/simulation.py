"""How often the calibrated alarm is false, and how soon it finds a shift, in simulated deployments.

    python benchmarks/simulation.py                    everything, all cores
    python benchmarks/simulation.py --quick            three cells, about a minute
    python benchmarks/simulation.py --sections grid --prototype prototype.py
    python benchmarks/simulation.py --cost             seconds and megabytes of calibration and scoring

A deployment is a reference, a stable stretch and four shifts of a week each. The budget is one false page per
30 days; a page is an alarm with no page in the 24 hours before. Sections: `grid`, scenarios A to G at three
sizes of windows; `references`, shorter and longer references and windows of a day; `covering`, columns and
windows of many kinds, every pair of properties at least once. Seeds are fixed. With `--prototype` another
program calibrates on the same draws, its draws being compared with ours in the first deployment of each cell.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import costs
import rival
import varied
import worlds
from covering import cells as covering_cells
from deployments import Column, Outcome, judged
from findings import Finding, criteria, finding, plain, ratios, table
from rich.console import Console
from worlds import DAILY, HOURLY, SCENARIOS, Clock, Stretch, World

DEPLOYMENTS = 30
QUICK_DEPLOYMENTS = 6
HOURLY_DAYS, DAILY_DAYS = 90, 300
SIZES = (200, 2_000, 20_000)
SECTIONS = ("grid", "references", "covering")
OURS, THEIRS = "driftd", "prototype"
console = Console(width=200)


@dataclass(frozen=True, slots=True)
class Cell:
    """Deployments of one kind: a scenario of `worlds` by its letter, or a design of `varied`."""

    section: str
    what: str | varied.Design
    rows: int
    clock: Clock
    weeks: int
    days: int
    deployments: int

    @property
    def name(self) -> str:
        """What the table calls it."""
        if isinstance(self.what, varied.Design):
            return self.what.name
        length = "hourly" if self.clock == HOURLY else "daily"
        return f"{self.what} {self.rows:,} {length} {self.weeks} wk"

    @property
    def slow(self) -> bool:
        """Whether neighbouring windows correlate so much that calibration promises less."""
        return self.what == "E"


@dataclass(frozen=True, slots=True)
class Task:
    """One deployment of the cell with this number."""

    number: int
    cell: Cell
    deployment: int
    prototype: Path | None


def grid(deployments: int) -> list[Cell]:
    """Scenarios A to G; those that draw row by row have small windows only."""
    return [
        Cell("grid", name, rows, HOURLY, 4, HOURLY_DAYS, deployments)
        for name, scenario in SCENARIOS.items()
        for rows in (SIZES[:1] if scenario.correlated else SIZES)
    ]


def references(deployments: int) -> list[Cell]:
    """Other lengths of the reference, and windows of a day."""
    hourly = [("A", 2), ("B", 2), ("D", 2), ("D", 8), ("E", 8)]
    daily = [(name, weeks) for weeks in (8, 16) for name in "ABD"]
    return [
        *(Cell("references", *each, deployments) for each in _sized(hourly, HOURLY, HOURLY_DAYS)),
        *(Cell("references", *each, deployments) for each in _sized(daily, DAILY, DAILY_DAYS)),
    ]


def _sized(
    kinds: Sequence[tuple[str, int]], clock: Clock, days: int
) -> Iterator[tuple[str, int, Clock, int, int]]:
    for name, weeks in kinds:
        yield name, 2_000, clock, weeks, days


def covering(deployments: int) -> list[Cell]:
    """Every pair of properties, and a thousand columns twice; fewer deployments where they are expensive."""
    return [
        Cell(
            "covering",
            design,
            design.rows,
            design.clock,
            design.weeks,
            design.days,
            max(3, round(deployments * design.effort)),
        )
        for design in covering_cells()
    ]


def quick() -> list[Cell]:
    """One cell of each section."""
    small = [each for each in covering(QUICK_DEPLOYMENTS) if each.name.startswith("mixed, 10 columns")]
    return [
        replace(grid(QUICK_DEPLOYMENTS)[7], days=30),
        replace(references(QUICK_DEPLOYMENTS)[5], days=90),
        replace(small[0], days=30, deployments=QUICK_DEPLOYMENTS),
    ]


def run(task: Task) -> tuple[int, Outcome, Outcome | None]:
    """One deployment, by ours and, where a prototype is given and knows the world, by the prototype."""
    cell, seed = task.cell, 1000 * task.deployment + 7
    if isinstance(cell.what, varied.Design):
        drawn = varied.draw(cell.what, seed, cell.days)
        return task.number, judged(drawn.columns, drawn.rows, drawn.firsts, cell.clock), None
    world = World(SCENARIOS[cell.what], cell.rows, cell.clock, seed)
    stretches = worlds.deployment(world, cell.clock, cell.weeks, cell.days)
    other = None
    if task.prototype is not None:
        program = rival.load(task.prototype, cell.clock)
        if task.deployment == 0:
            rival.same_draws(program, cell.what, cell.rows, seed, stretches)
        other = rival.judged_by(program, stretches, cell.clock)
    return task.number, _judged(stretches, cell.clock), other


def _judged(stretches: Sequence[Stretch], clock: Clock) -> Outcome:
    columns = (Column(True, [each.counts[:, k] for each in stretches]) for k in range(worlds.COLUMNS))
    return judged(columns, [each.rows for each in stretches], [each.first for each in stretches], clock)


def simulate(cells: Sequence[Cell], processes: int, prototype: Path | None, minutes: float) -> list[Finding]:
    """The deployments of all cells in turn, until the minutes are over; progress goes to stderr."""
    tasks = [
        Task(number, cell, each, prototype)
        for each in range(max(cell.deployments for cell in cells))
        for number, cell in enumerate(cells)
        if each < cell.deployments
    ]
    ours: dict[int, list[Outcome]] = defaultdict(list)
    theirs: dict[int, list[Outcome]] = defaultdict(list)
    start = time.monotonic()
    with get_context("spawn").Pool(processes) as pool:
        for done, (number, mine, other) in enumerate(pool.imap_unordered(run, tasks), 1):
            ours[number].append(mine)
            if other is not None:
                theirs[number].append(other)
            seconds = time.monotonic() - start
            if done % 20 == 0:
                print(f"{done} of {len(tasks)}, {seconds:.0f} s", file=sys.stderr, flush=True)
            if seconds > 60 * minutes:
                break
    found = []
    for number, cell in enumerate(cells):
        if not ours[number]:
            continue
        row = partial(finding, cell.section, cell.name, per_day=cell.clock.per_day, slow=cell.slow)
        found.append(row(OURS, ours[number]))
        if theirs[number]:
            found.append(row(THEIRS, theirs[number]))
    return found


def report(section: str, found: Sequence[Finding]) -> None:
    """A table, the delays over the prototype's, and the promises."""
    console.print(table(section, found))
    _promises(section, found)


def _promises(title: str, found: Sequence[Finding]) -> None:
    ours, theirs = ([each for each in found if each.scheme == scheme] for scheme in (OURS, THEIRS))
    if theirs:
        console.print(ratios(ours, theirs))
    console.print(f"{title}:", style="bold")
    for line in criteria(ours, theirs):
        console.print("  " + line, highlight=False, soft_wrap=True)
    lasting = [each for each in ours if each.provisional < 0.5]
    if len(lasting) < len(ours):
        console.print(f"{title}, cells that are not provisional:", style="bold")
        for line in criteria(lasting, theirs) if lasting else ["none"]:
            console.print("  " + line, highlight=False, soft_wrap=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--only", default="", metavar="TEXT", help="cells whose names begin with this")
    parser.add_argument("--deployments", type=int, default=DEPLOYMENTS, help="of each cell")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--minutes", type=float, default=float("inf"), help="most for each section")
    parser.add_argument("--prototype", type=Path, help="a program to compare with, on the same draws")
    parser.add_argument("--json", type=Path, help="where the rows are written")
    parser.add_argument("--quick", action="store_true", help="a cell of each section, few deployments")
    parser.add_argument("--cost", action="store_true", help="seconds and megabytes only")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the processes that do the work start with this
    if given.cost:
        console.print(costs.table())
        return
    makers = {"grid": grid, "references": references, "covering": covering}
    sections = [quick()] if given.quick else [makers[each](given.deployments) for each in given.sections]
    found: list[Finding] = []
    for section in sections:
        cells = [each for each in section if each.name.startswith(given.only)]
        if not cells:
            continue
        new = simulate(cells, given.processes, given.prototype, given.minutes)
        found += new
        if given.json:
            given.json.write_text(json.dumps(plain(found), indent=1))
        for name in dict.fromkeys(each.section for each in new):
            report(name, [each for each in new if each.section == name])
    firm = [each for each in found if each.section != "references"]
    if len({each.section for each in firm}) > 1:
        _promises("grid and covering", firm)


if __name__ == "__main__":
    main()
