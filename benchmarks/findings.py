"""What many simulated deployments amount to: a row per cell, and whether the promises hold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from deployments import Outcome
from rich.table import Table
from worlds import SHIFTS

MEAN_LIMIT = 0.7
"""False pages per 30 days, over all cells; the budget is one."""
CELL_LIMIT = 1.0
TWICE_LIMIT, TWICE_LIMIT_SLOW = 0.10, 0.20
"""Deployments with more than two pages per 30 days; the second where neighbours correlate by .98."""
SLOWER = 1.2
"""How much longer than the prototype's a median delay may be."""

CAPTION = (
    "runs: deployments; pages: false ones per 30 days, with their standard error; > 2: deployments with more "
    "than two; alarm: windows in alarm; eff.: effective windows; prov.: provisional calibrations; shifts: "
    "% found in 24 h / in 7 d / median delay in windows"
)


@dataclass(frozen=True, slots=True)
class Power:
    """Of one shift: the share of deployments that found it in 24 hours and in 7 days; median windows."""

    day: float
    week: float
    median: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One scheme in one cell, over its deployments."""

    section: str
    cell: str
    scheme: str
    slow: bool
    deployments: int
    pages: float
    error: float
    twice: float
    share: float
    effective: float
    provisional: float
    seconds: float
    power: dict[str, Power]


def finding(
    section: str, cell: str, scheme: str, found: Sequence[Outcome], per_day: int, *, slow: bool
) -> Finding:
    """The row of a cell."""
    pages = np.array([each.pages for each in found])
    spread = float(pages.std(ddof=1)) if len(pages) > 1 else float("nan")
    return Finding(
        section,
        cell,
        scheme,
        slow,
        len(found),
        float(pages.mean()),
        spread / np.sqrt(len(pages)),
        float((pages > 2).mean()),
        float(np.mean([each.share for each in found])),
        float(np.mean([each.effective for each in found])),
        float(np.mean([each.provisional for each in found])),
        float(np.mean([each.seconds for each in found])),
        {kind: _power(np.array([each.delays[kind] for each in found]), per_day) for kind in SHIFTS},
    )


def _power(delays: np.ndarray, per_day: int) -> Power:
    day, week = (float((delays <= days * per_day).mean()) for days in (1, 7))
    middle = np.sort(delays)[[(len(delays) - 1) // 2, len(delays) // 2]]
    return Power(day, week, float(middle.mean()))


def table(title: str, rows: Sequence[Finding]) -> Table:
    """A row per cell and scheme; a shift reads found in 24 h / in 7 d / median windows."""
    found = Table(title=title, caption=CAPTION)
    heads = ["cell", "scheme", "runs", "pages", "s.e.", "> 2 %", "alarm %", "eff.", "prov. %"]
    for head in (*heads, *SHIFTS):
        found.add_column(head, justify="left" if head in heads[:2] else "right", no_wrap=True)
    for row in rows:
        shifts = (row.power[kind] for kind in SHIFTS)
        found.add_row(
            row.cell,
            row.scheme,
            str(row.deployments),
            f"{row.pages:.2f}",
            f"{row.error:.2f}",
            f"{100 * row.twice:.0f}",
            f"{100 * row.share:.2f}",
            "" if np.isnan(row.effective) else f"{row.effective:.0f}",
            "" if np.isnan(row.effective) else f"{100 * row.provisional:.0f}",
            *(f"{100 * each.day:.0f}/{100 * each.week:.0f}/{each.median:g}" for each in shifts),
        )
    return found


def ratios(ours: Sequence[Finding], theirs: Sequence[Finding]) -> Table:
    """Our median delays over the prototype's, cell by cell."""
    found = Table(title="Median delay over the prototype's")
    found.add_column("cell", no_wrap=True)
    for kind in SHIFTS:
        found.add_column(kind, justify="right")
    by_cell = {each.cell: each for each in theirs}
    for row in ours:
        if row.cell in by_cell:
            found.add_row(row.cell, *(f"{_ratio(row, by_cell[row.cell], kind):.2f}" for kind in SHIFTS))
    return found


def _ratio(ours: Finding, theirs: Finding, kind: str) -> float:
    mine, other = ours.power[kind].median, theirs.power[kind].median
    return 1.0 if mine == other else mine / other


def criteria(ours: Sequence[Finding], theirs: Sequence[Finding]) -> list[str]:
    """The promises, each with what was found and whether it holds; ? where too few deployments tell."""
    mean = float(np.mean([each.pages for each in ours]))
    worst = max(ours, key=lambda each: each.pages)
    single = [each for each in ours if np.isnan(each.error)]
    above = [each for each in ours if each.pages > CELL_LIMIT + 2 * each.error]
    often = [each for each in ours if each.twice > (TWICE_LIMIT_SLOW if each.slow else TWICE_LIMIT) + 1e-9]
    cells = _holds(not above, known=not single)
    limits = f"{TWICE_LIMIT:.0%}, slow {TWICE_LIMIT_SLOW:.0%}"
    lines = [
        f"{_holds(mean <= MEAN_LIMIT)} mean over {len(ours)} cells {mean:.2f} pages/30 d, limit {MEAN_LIMIT}",
        f"      worst cell {worst.cell}: {worst.pages:.2f} +- {worst.error:.2f}",
        f"{cells} no cell above {CELL_LIMIT} by more than two standard errors{_named(above)}",
        *([f"      not judged, for want of a second deployment{_named(single)}"] if single else []),
        f"{_holds(not often)} deployments above 2 pages/30 d: at most {limits}{_named(often, share=True)}",
    ]
    return lines + (_delays(ours, theirs) if theirs else [])


def _delays(ours: Sequence[Finding], theirs: Sequence[Finding]) -> list[str]:
    by_cell = {each.cell: each for each in theirs}
    pairs = [(each, by_cell[each.cell], kind) for each in ours if each.cell in by_cell for kind in SHIFTS]
    slower = [each for each in pairs if _ratio(*each) > SLOWER + 1e-9]
    named = [
        f"{mine.cell} {kind} {mine.power[kind].median:g} against {other.power[kind].median:g}"
        for mine, other, kind in slower
    ]
    text = f"{_holds(not slower)} no median delay above {SLOWER} times the prototype's, of {len(pairs)}"
    return [text + (": " + "; ".join(named) if named else "")]


def _holds(holds: bool, *, known: bool = True) -> str:
    return "FAILS" if not holds else "holds" if known else "?    "


def _named(rows: Sequence[Finding], *, share: bool = False) -> str:
    if not rows:
        return ""
    values = (f"{each.twice:.0%}" if share else f"{each.pages:.2f} +- {each.error:.2f}" for each in rows)
    return ": " + "; ".join(f"{each.cell} {value}" for each, value in zip(rows, values, strict=True))


def plain(rows: Sequence[Finding]) -> list[dict[str, object]]:
    """For JSON; what was never found has no median."""
    found = [asdict(each) for each in rows]
    for each in found:
        for power in each["power"].values():
            power["median"] = power["median"] if np.isfinite(power["median"]) else None
        each["effective"] = None if np.isnan(each["effective"]) else each["effective"]
    return found
