"""What the replay of a reference says, kind by kind and column by column, and the same as JSON.

The object of one model, times in UTC, null for what is not known:

    model
    windows            count, days (the length of one; null where windows are files), rows (of a usual one),
                       start, end (times, or the first and the last file)
    min_effect         alarms.min_effect, key by key: what an alarm needs besides
    kinds[]            kind, budget_per_30d, false_alarms_per_30d, lower, upper, effective_windows,
                       provisional, reason, calibrated, and where that is true (else null):
        threshold      score, days, windows: an alarm opens at what chance gives once in so many
        windows        how many windows were replayed
        folds          full ones: of a week and of 20 windows
        seasons        none, hour, week: how many columns follow each
        incidents[]    start, end, windows (how many), by_chance (once in so many days, windows), columns
        power          starts; one and every (null for a single column): column, columns, unit ("sd",
                       "share", "error"), within: by "1", "24", "168" windows the smallest shift found
    lines[]            column, kind, detector, line, two_sample_line
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from monitor import calibrating, lines, promises
from monitor.calibration import Calibrated
from monitor.errors import DetectorError
from monitor.history import History
from monitor.plan import Plan
from monitor.power import Found, Power, power_of, rarity_line
from monitor.stats import channels, judge, materiality, replay
from monitor.stats.bins import CategoricalReference
from monitor.stats.effects import MinimumEffect
from monitor.stats.panel import CORRELATION, Floats, Panel
from monitor.stats.replay import Calibration
from monitor.stats.season import Season
from monitor.types import Kind, Promise, Window, iso

LINES = ("psi", "ks")
"""The statistics whose lines are told: the numbers that people know."""
NAMED = 3
"""So many columns are named of an incident."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Windows that stand out of the others as one alarm does; chance gives such once in `days`."""

    first: Window
    last: Window
    windows: int
    days: float
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the replay of one kind gave.

    `score`: from which on its alarm opens: what chance gives once in `days`, windows where there is no time.
    `seasons`: by season how many columns follow it.
    """

    score: float
    days: float
    windows: int
    folds: int
    seasons: Mapping[Season, int]
    incidents: tuple[Incident, ...]
    power: Power


@dataclass(frozen=True, slots=True)
class KindReport:
    """What is promised of one kind; `replayed` None where two-sample nulls judge it instead."""

    promise: Promise
    replayed: Replayed | None


@dataclass(frozen=True, slots=True)
class Line:
    """Where the line of one statistic lies in a usual window, and where independent rows would put it."""

    column: str
    kind: Kind
    detector: str
    value: float
    two_sample: float


@dataclass(frozen=True, slots=True)
class Report:
    """One model. `window_days`: None where windows are files. `rows`: of a usual window; None without one."""

    model: str
    windows: tuple[Window, ...]
    window_days: float | None
    rows: int | None
    minimum: MinimumEffect
    kinds: tuple[KindReport, ...]
    lines: tuple[Line, ...]


def report(plan: Plan, history: History) -> Report:
    """Everything that is told of a freshly learned reference."""
    return Report(
        plan.model,
        tuple(past.window for past in history.windows),
        plan.window_days if plan.calendar is not None else None,
        history.typical.rows if history.typical is not None else None,
        plan.minimum,
        tuple(
            KindReport(promise, _replayed(plan, history, promise.kind)) for promise in promises.promises(plan)
        ),
        tuple(_lines(plan, history)),
    )


def _replayed(plan: Plan, history: History, kind: Kind) -> Replayed | None:
    calibrated = plan.calibrated(kind)
    if calibrated is None:
        return None
    read = calibrating.judged(plan, history.windows, kind)
    panel = calibrating.panel(plan, kind, read)
    found = calibrated.calibration
    return Replayed(
        promises.line_of(plan, kind, calibrated),
        plan.budgets[kind],
        found.windows,
        found.full_folds,
        seasons(found),
        _incidents(plan, kind, calibrated, panel, [window for window, _ in read]),
        power_of(plan, kind, calibrated, panel),
    )


def seasons(found: Calibration) -> dict[Season, int]:
    """How many columns follow each season, pairs left out; all values of a column follow the same."""
    layout = found.layout
    columns, first = np.unique(layout.value_column, return_index=True)
    real = ~np.isin(columns, layout.column[layout.group == CORRELATION])
    followed = found.judge.expected.season[first[real]]
    return {season: int((followed == season).sum()) for season in Season}


def runs(beyond: Sequence[bool], apart: int) -> list[tuple[int, int]]:
    """The first and the last place of each stretch that is true, with gaps of fewer than `apart` places.

    >>> runs([True, False, True, True, False, False, True], 2)
    [(0, 3), (6, 6)]
    """
    found: list[tuple[int, int]] = []
    for place in np.flatnonzero(beyond).tolist():
        if found and place - found[-1][1] <= apart:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found


def _incidents(
    plan: Plan, kind: Kind, calibrated: Calibrated, panel: Panel, windows: Sequence[Window]
) -> tuple[Incident, ...]:
    found = calibrated.calibration
    line = rarity_line(plan, kind)
    rarity = found.replayed
    beyond = (rarity >= line).tolist()
    if not any(beyond):
        return ()
    evidence = _evidence(found, panel)
    told = []
    for first, last in runs(beyond, found.settings.apart):
        worst = first + int(np.argmax(rarity[first : last + 1]))
        days = plan.days_of(kind, float(rarity[worst]))
        ranked = np.argsort(-evidence[worst], kind="stable")[:NAMED].tolist()
        columns = _named(plan, [calibrated.columns[number] for number in ranked])
        told.append(Incident(windows[first], windows[last], last - first + 1, days, columns))
    return tuple(told)


def _named(plan: Plan, moved: Sequence[str]) -> tuple[str, ...]:
    """Real columns, those that moved most first; a pair names its two only where it moved most of all."""
    pairs = plan.panels.pair_columns
    plain = [name for name in moved if name and name not in pairs]
    return tuple(dict.fromkeys([*(pairs.get(moved[0], ())), *plain]))


def _evidence(found: Calibration, panel: Panel) -> Floats:
    """How far each column moved in each window by any memory, (t, k)."""
    layout, said = found.layout, found.judge
    scores = channels.scores(layout, replay.residuals_of(found, panel), said.scales)
    averages, _ = judge.follow(said, scores, panel.segments, judge.nothing(said))
    highest = np.max([judge.channel_evidence(layout, said.groups, each) for each in averages], axis=0)
    return np.stack([materiality.by_column(layout, window) for window in highest])


def _lines(plan: Plan, history: History) -> Iterator[Line]:
    for test in plan.tests:
        column, token = test.column.name, test.detector.token
        live = history.typical.columns.get(column) if history.typical is not None else None
        reference = plan.panels.references.get(column)
        if token not in LINES or test.fixed is not None or test.kind is Kind.LABEL:
            continue
        if live is None or not live.observed or reference is None:
            continue
        if isinstance(reference, CategoricalReference) and reference.bins.high_cardinality:
            continue
        try:
            own = float(test.detector.null(reference, live).isf(plan.level_of(test.kind)))
        except DetectorError:
            continue
        if math.isfinite(own):
            yield Line(column, test.kind, token, own + plan.excess_of(test), own)


def document(found: Report) -> dict[str, object]:
    """The report as what `json.dumps` takes."""
    windows = found.windows
    return {
        "model": found.model,
        "windows": {
            "count": len(windows),
            "days": found.window_days,
            "rows": found.rows,
            "start": _start(windows[0]) if windows else None,
            "end": _end(windows[-1]) if windows else None,
        },
        "min_effect": {name: float(least) for name, least in asdict(found.minimum).items()},
        "kinds": [_kind(each, found.window_days) for each in found.kinds],
        "lines": [
            {
                "column": each.column,
                "kind": each.kind.value,
                "detector": each.detector,
                "line": each.value,
                "two_sample_line": each.two_sample,
            }
            for each in found.lines
        ],
    }


def _kind(each: KindReport, window_days: float | None) -> dict[str, object]:
    found = each.replayed
    known = {**lines.promise(each.promise), "calibrated": found is not None}
    if found is None:
        return known | dict.fromkeys(("threshold", "windows", "folds", "seasons", "incidents", "power"))
    return known | {
        "threshold": {"score": found.score, **_by_chance(found.days, window_days)},
        "windows": found.windows,
        "folds": found.folds,
        "seasons": {season.name.lower(): count for season, count in found.seasons.items()},
        "incidents": [
            {
                "start": _start(one.first),
                "end": _end(one.last),
                "windows": one.windows,
                "by_chance": _by_chance(one.days, window_days),
                "columns": list(one.columns),
            }
            for one in found.incidents
        ],
        "power": {
            "starts": found.power.starts,
            "one": _power(found.power.one),
            "every": _power(found.power.every) if found.power.every is not None else None,
        },
    }


def _by_chance(days: float, window_days: float | None) -> dict[str, float | None]:
    return {"days": days if window_days else None, "windows": days / (window_days or 1.0)}


def _power(found: Found) -> dict[str, object]:
    within = {str(windows): size for windows, size in found.within.items()}
    return {"column": found.name, "columns": found.columns, "unit": found.unit, "within": within}


def _start(window: Window) -> str | None:
    return window.file if window.start is None else iso(window.start)


def _end(window: Window) -> str | None:
    return window.file if window.end is None else iso(window.end)
