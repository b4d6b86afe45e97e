"""False alarms and known drifts of real data: driftd beside Evidently, NannyML and a fixed PSI.

    DRIFTD_DATA=... python benchmarks/real_data.py                       every set, driftd and the fixed PSI
    python benchmarks/real_data.py --data FOLDER --quick                 a few sets, in a minute
    python benchmarks/real_data.py --only nannyml --json results.json    sets with this in their name

Evidently and NannyML take part where they are installed. What they need may not go with what driftd needs,
so they can live in an environment of their own:

    python3 -m venv peers && peers/bin/pip install -r benchmarks/peers.txt
    python benchmarks/real_data.py --peers-python peers/bin/python --json results.json

That takes most of an hour, nearly all of it Evidently's. What they said then, even if it ended early, is not
asked again with `--peers-from`, to be laid beside another driftd:

    python benchmarks/real_data.py --peers-from results.json

Three kinds of rows of the table:

1. Shuffled rows of every set: the first half is the reference, the second is live; nothing has drifted.
2. Quiet parts of real and made series, between the changes that are known: the first half calibrates.
3. Known drifts: what comes before calibrates, what comes after is live.

`real_sets.py` says which rows, which windows, and which columns are left out, and why. All tools see the
same rows in the same windows; those with too few rows are judged by none, and are not in the reference of
the peers. driftd runs as its users run it, by `driftd once MODEL.yaml --json`. The others get features,
predictions, probabilities and labels as columns, all labels at once, where driftd waits for late ones. The
fixed PSI is in alarm where any column's is above 0.2, on ten bins at the reference's quantiles (or its
categories), missing values and new categories in cells of their own.

How alarms are counted is the same for all: a window in alarm with no page in the 24 hours before is a page,
so that an alarm counts once from open to close and once more for each further 24 hours, begun or whole, that
it is open; one window of a week in alarm is seven pages. The alarms of driftd are counted for each kind
alone, so that several open kinds are more than 30 pages in 30 days, and it closes one only after a day and
two windows without cause; a peer's alarm lasts as long as windows in alarm follow each other. The share in
alarm is that of live windows.

A drift is found by an alarm that opens, or that a new column joins, in a window that overlaps it or comes
within two days after it. Windows and days are counted from its start to the end of that window. A peer knows
no kinds, so only its columns can be wrong. A tool that is always in alarm finds everything: read what it
finds beside what it alarms of where nothing is.
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from real_sets import GRACE, QUICK, Case, Fault, Group, names, read_case
from rich.console import Console
from rich.table import Table

DAY = pd.Timedelta(days=1)
PERIOD_DAYS = 30
PSI_LINE = 0.2
PSI_BINS = 10
LEAST_SHARE = 1e-4
"""Shares below this count as this, so that PSI is finite."""
DRIFTD, PSI = "driftd", "psi"
TITLES = {DRIFTD: "driftd", "evidently": "Evidently", "nannyml": "NannyML", PSI: "PSI > 0.2"}
LONGEST_RUN = 1200
INSTALL = "pip install -r benchmarks/peers.txt, here or in an environment that --peers-python names"
progress = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm from open to close; `since` is the start of the first window that shows it."""

    kind: str
    since: pd.Timestamp
    until: pd.Timestamp
    columns: Mapping[str, pd.Timestamp]

    def openings(self) -> Iterator[tuple[pd.Timestamp, tuple[str, ...]]]:
        """The alarm itself with its first columns, then every column that joined it."""
        yield self.since, tuple(name for name, since in self.columns.items() if since <= self.since)
        for name, since in self.columns.items():
            if since > self.since:
                yield since, (name,)


@dataclass(frozen=True, slots=True)
class Told:
    """What one tool said of one case: its alarms, and the live windows in alarm. Or why it said nothing."""

    alarms: tuple[Alarm, ...] = ()
    windows: frozenset[int] = frozenset()
    error: str = ""


class Mark(StrEnum):
    """How right an answer to a known drift is, the best first."""

    FOUND = "found"
    SILENT = "rightly silent"  # the drift is too small to matter
    OTHER_COLUMN = "other column"
    OTHER_KIND = "other kind"
    ALARMED = "alarmed"  # of a drift that is too small to matter
    MISSED = "missed"


RIGHT = (Mark.FOUND, Mark.SILENT)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one tool said of one known drift."""

    mark: Mark
    kind: str = ""
    columns: tuple[str, ...] = ()
    windows: int | None = None
    days: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What one tool is worth in one case: alarms where nothing drifts, and an answer to each known drift.

    `pages` add up over the kinds of driftd; `pages_of_any` count what is open at the same time once.
    """

    windows: int = 0
    days: float = 0.0
    openings: int = 0
    pages: int = 0
    pages_of_any: int = 0
    in_alarm: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One case with the score of every tool."""

    case: str
    group: Group
    note: str
    live_windows: int
    faults: tuple[Fault, ...]
    scores: Mapping[str, Score]


# driftd


def ask_driftd(case: Case, folder: Path) -> Told:
    """Its command line, from a model file that names the columns and nothing else that it could choose."""
    write_model(case, folder)
    (folder / "driftd.db").unlink(missing_ok=True)
    until = case.live["ts"].max() + PERIOD_DAYS * DAY
    command = [
        sys.executable,
        "-m",
        "monitor",
        "once",
        "model.yaml",
        "--json",
        "--until",
        f"{until.isoformat()}Z",
    ]
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=LONGEST_RUN
    )
    (folder / "lines.jsonl").write_text(run.stdout, encoding="utf-8")
    if run.returncode not in {0, 1}:
        return Told(error=(run.stderr.strip().splitlines() or ["no word"])[-1])
    return from_lines(case, [json.loads(line) for line in run.stdout.splitlines()])


def write_model(case: Case, folder: Path) -> None:
    """The model file and its rows; labels that come late are a source of their own."""
    columns = case.roles
    kept = ["seq", "ts", *columns.numeric, *columns.categorical, *columns.outputs]
    write(case.reference[kept], folder / "reference.parquet")
    late = [columns.label] if columns.label_time else []
    write(case.live[kept].drop(columns=late), folder / "live.parquet")
    named = {"timestamp": "ts", "prediction": columns.prediction, "probability": columns.probability}
    named |= {"label": columns.label, "id": "seq"}
    model: dict[str, Any] = {
        "version": 1,
        "model": re.sub(r"[^\w.-]+", "-", case.name)[:63],
        "task": columns.task,
        "reference": {"source": {"kind": "files", "path": "reference.parquet"}},
        "live": {"source": {"kind": "files", "path": "live.parquet"}},
        "columns": {key: name for key, name in named.items() if name},
        "window": {"length": case.length, "min_rows": case.min_rows},
    }
    model["columns"]["features"] = {
        "numeric": list(columns.numeric),
        "categorical": list(columns.categorical),
    }
    if columns.label_time:
        labels = case.live[["seq", columns.label, columns.label_time]].dropna()
        write(labels, folder / "labels.parquet")
        source = {"kind": "files", "path": "labels.parquet"}
        model["ground_truth"] = {"source": source, "timestamp": columns.label_time, "horizon": "2d"}
    (folder / "model.yaml").write_text(yaml.safe_dump(model, sort_keys=False), encoding="utf-8")


def write(frame: pd.DataFrame, path: Path) -> None:
    """The rows, their times in UTC."""
    times = frame.select_dtypes("datetime")
    zoned = {str(name): times[name].dt.tz_localize("UTC") for name in times}
    frame.assign(**zoned).to_parquet(path, index=False)


def from_lines(case: Case, lines: Iterable[Mapping[str, Any]]) -> Told:
    """Every alarm that any line told of; one that a later line takes back was told all the same."""
    found: dict[tuple[str, str, str], Alarm] = {}
    windows = set()
    for line in lines:
        start, end = moment(line["window"]["start"]), moment(line["window"]["end"])
        for verdict in line["verdicts"]:
            if not verdict["alarm"]:
                continue
            windows.add((start - case.start(0)) // case.step)
            since = moment(verdict["since"])
            joined = {name: moment(at) for name, at in verdict["column_since"].items()}
            columns = joined or dict.fromkeys(verdict["columns"], since)
            key = (verdict["kind"], verdict["segment"], verdict["since"])
            before = found.get(key, Alarm(verdict["kind"], since, end, {}))
            found[key] = Alarm(before.kind, since, max(before.until, end), {**columns, **before.columns})
    return Told(tuple(found.values()), frozenset(windows).intersection(case.judged))


def moment(text: str) -> pd.Timestamp:
    """A time of a line, without its zone, which is UTC."""
    return pd.Timestamp(text).tz_convert(None)


# the others


def from_windows(case: Case, alarms: Mapping[int, Sequence[str]]) -> Told:
    """Windows in alarm that follow each other are one alarm."""
    found: list[Alarm] = []
    for window in case.judged:
        if window not in alarms:
            continue
        start = case.start(window)
        columns = dict.fromkeys(alarms[window], start)
        if found and found[-1].until == start:
            last = found.pop()
            found.append(Alarm("", last.since, start + case.step, {**columns, **last.columns}))
        else:
            found.append(Alarm("", start, start + case.step, columns))
    return Told(tuple(found), frozenset(alarms))


def ask_psi(case: Case) -> Told:
    """Windows in which any column's PSI is above the line."""
    reference, live = case.reference, case.enough(case.live)
    found: dict[int, list[str]] = {}
    cells = [(name, *numeric_cells(reference[name], live[name])) for name in case.roles.all_numeric()]
    cells += [(name, *category_cells(reference[name], live[name])) for name in case.roles.all_categorical()]
    for name, before, now in cells:
        size = max(int(before.max()), int(now.max())) + 1
        expected = shares(np.bincount(before, minlength=size))
        for window, rows in pd.Series(now).groupby(live["window"].to_numpy()):
            actual = shares(np.bincount(rows, minlength=size))
            if float(((actual - expected) * np.log(actual / expected)).sum()) > PSI_LINE:
                found.setdefault(int(str(window)), []).append(name)
    return from_windows(case, found)


def shares(counts: np.ndarray) -> np.ndarray:
    """Shares of the cells, none of them 0."""
    found: np.ndarray = np.maximum(counts / counts.sum(), LEAST_SHARE)
    return found


def numeric_cells(reference: pd.Series, live: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The bin of each row, between the reference's deciles; the last one is for missing values."""
    values = reference.dropna().to_numpy(dtype=float)
    edges = np.unique(np.quantile(values, np.arange(1, PSI_BINS) / PSI_BINS)) if values.size else values

    def cells(column: pd.Series) -> np.ndarray:
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers))

    return cells(reference), cells(live)


def category_cells(reference: pd.Series, live: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The category of each row; the last two cells are for new categories and for missing values."""
    known = pd.Index(reference.dropna().unique())

    def cells(column: pd.Series) -> np.ndarray:
        found = known.get_indexer(column)
        return np.where(column.isna(), len(known) + 1, np.where(found < 0, len(known), found))

    return cells(reference), cells(live)


class Peers:
    """Evidently and NannyML in a process of their own, and what they were worth in an earlier run.

    `versions` has those that are installed, or that took part then.
    """

    def __init__(self, python: str, earlier: Path | None) -> None:
        self._command = [python, str(Path(__file__).with_name("peers.py"))]
        found = self._start()
        self._installed = [name for name, version in found.items() if version]
        before = json.loads(earlier.read_text(encoding="utf-8")) if earlier else {"versions": {}, "cases": []}
        self._earlier = {(one["case"], one["group"]): one for one in before["cases"]}
        self.versions: dict[str, str] = {name: str(found[name]) for name in self._installed} | before[
            "versions"
        ]
        self.missing = [name for name in TITLES if name not in {DRIFTD, PSI, *self.versions}]

    def score(self, tool: str, case: Case, folder: Path) -> Score:
        """What one of them is worth in the case; what an earlier run found stands."""
        found = self._earlier.get((case.name, case.group))
        before = found["scores"].get(tool) if found and found["live_windows"] == len(case.judged) else None
        if before and not before["error"]:
            return from_json(before)
        if tool not in self._installed:
            return Score(error="it is not installed, and the earlier run did not have this case")
        return score(case, self._ask(tool, case, folder))

    def close(self) -> None:
        """Lets the process end."""
        self._process.communicate()

    def _ask(self, tool: str, case: Case, folder: Path) -> Told:
        numeric, categorical = list(case.roles.all_numeric()), list(case.roles.all_categorical())
        request: dict[str, Any] = {"tool": tool, "numeric": numeric, "categorical": categorical}
        for part, frame in (("reference", case.reference), ("live", case.live)):
            path = folder / f"peers_{part}.parquet"
            case.enough(frame)[["window", *numeric, *categorical]].to_parquet(path, index=False)
            request[part] = str(path.absolute())
        answer = self._answer(request)
        if answer is None and self._start():
            answer = self._answer(request)
        if answer is None:
            return Told(error="the process of the peers ended twice")
        if "error" in answer:
            return Told(error=answer["error"])
        return from_windows(case, {int(window): columns for window, columns in answer["alarms"].items()})

    def _start(self) -> dict[str, str | None]:
        """A new process; what it says is installed."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        return self._answer() or {}

    def _answer(self, request: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The next line of the process, after this request; None where it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if request is not None:
            with suppress(BrokenPipeError):
                print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def from_json(entry: Mapping[str, Any]) -> Score:
    """A score as `--json` wrote it."""
    known = {one.name for one in fields(Score)}
    kept = {name: value for name, value in entry.items() if name in known}
    kept["answers"] = {
        name: Answer(**{**one, "mark": Mark(one["mark"]), "columns": tuple(one["columns"])})
        for name, one in kept["answers"].items()
    }
    return Score(**kept)


# what they are worth


def score(case: Case, told: Told) -> Score:
    """Alarms outside of the known drifts, and the answers to these."""
    if told.error:
        return Score(error=told.error)
    quiet = [window for window in case.judged if not in_any(case, case.start(window))]
    false = [alarm for alarm in told.alarms if not in_any(case, alarm.since)]
    together = from_windows(case, dict.fromkeys(told.windows.intersection(quiet), ()))
    kinds: Counter[str] = Counter()
    for alarm in false:
        kinds[alarm.kind] += pages(case, alarm)
    return Score(
        windows=len(quiet),
        days=len(quiet) * (case.step / DAY),
        openings=len(false),
        pages=kinds.total(),
        pages_of_any=sum(pages(case, alarm) for alarm in together.alarms),
        in_alarm=len(told.windows.intersection(quiet)),
        kinds=dict(kinds.most_common()),
        answers={fault.name: answer(case, fault, told.alarms) for fault in case.faults},
    )


def overlaps(case: Case, start: pd.Timestamp, fault: Fault) -> bool:
    """Whether the window that starts there has to do with the fault."""
    return start + case.step > fault.start and start < fault.end + GRACE


def in_any(case: Case, start: pd.Timestamp) -> bool:
    """Whether the window that starts there has to do with any fault."""
    return any(overlaps(case, start, fault) for fault in case.faults)


def pages(case: Case, alarm: Alarm) -> int:
    """One for each 24 hours, begun or whole, that it is open before a known drift begins."""
    later = [fault.start for fault in case.faults if fault.start > alarm.since]
    return math.ceil((min([alarm.until, *later]) - alarm.since) / DAY)


def answer(case: Case, fault: Fault, alarms: Sequence[Alarm]) -> Answer:
    """The best of what a tool said of the fault, and of equals the first."""
    order = list(Mark)
    found = [
        (order.index(grade(fault, alarm.kind, columns)), since, alarm.kind, columns)
        for alarm in alarms
        for since, columns in alarm.openings()
        if overlaps(case, since, fault)
    ]
    if not found:
        return Answer(Mark.SILENT if fault.negligible else Mark.MISSED)
    rank, since, kind, columns = min(found)
    begun = [window for window in case.judged if overlaps(case, case.start(window), fault)]
    windows = sum(case.start(window) <= since for window in begun)
    return Answer(order[rank], kind, columns, windows, (since + case.step - fault.start) / DAY)


def grade(fault: Fault, kind: str, columns: Sequence[str]) -> Mark:
    """How right this kind with these columns is; a peer's alarm has no kind."""
    if fault.negligible:
        return Mark.ALARMED
    if kind and fault.kinds and kind not in fault.kinds:
        return Mark.OTHER_KIND
    return Mark.OTHER_COLUMN if fault.columns and not set(columns) & set(fault.columns) else Mark.FOUND


# all together


def evaluate(case: Case, folder: Path, peers: Peers) -> Result:
    """Every tool's score in one case; its files stay in a folder of its name."""
    place = folder / re.sub(r"[^\w.-]+", "-", f"{case.group.name.lower()}-{case.name}")
    place.mkdir(parents=True, exist_ok=True)
    asked: dict[str, Callable[[], Score]] = {DRIFTD: lambda: score(case, ask_driftd(case, place))}
    asked |= {tool: partial(peers.score, tool, case, place) for tool in peers.versions}
    asked[PSI] = lambda: score(case, ask_psi(case))
    scores, seconds = {}, {}
    for tool, ask in asked.items():
        begun = time.perf_counter()
        scores[tool] = ask()
        seconds[tool] = f"{TITLES[tool]} {time.perf_counter() - begun:.1f} s"
    what = f"{case.group.name.lower()} {case.name}: {len(case.judged)} windows, {', '.join(seconds.values())}"
    progress.print(what, style="dim", soft_wrap=True)
    for tool, one in scores.items():
        if one.error:
            progress.print(f"  {TITLES[tool]} failed: {one.error}", style="red", markup=False, soft_wrap=True)
    return Result(case.name, case.group, case.note, len(case.judged), case.faults, scores)


def rate(one: Score) -> str:
    """Pages per 30 days and the share of windows in alarm."""
    if one.error:
        return "failed"
    return f"{one.pages / one.days * PERIOD_DAYS:.1f} {one.in_alarm / one.windows:6.0%}"


def total(scores: Iterable[Score]) -> Score:
    """The sum of what several cases say about alarms where nothing drifts."""
    kept = [one for one in scores if not one.error]
    kinds: Counter[str] = Counter()
    for one in kept:
        kinds.update(one.kinds)
    return Score(
        windows=sum(one.windows for one in kept),
        days=sum(one.days for one in kept),
        openings=sum(one.openings for one in kept),
        pages=sum(one.pages for one in kept),
        pages_of_any=sum(one.pages_of_any for one in kept),
        in_alarm=sum(one.in_alarm for one in kept),
        kinds=dict(kinds.most_common()),
    )


def answered(one: Score, fault: Fault) -> str:
    """How right the answer to a drift is, and after how many windows and days it came."""
    if one.error:
        return "failed"
    found = one.answers[fault.name]
    if found.windows is None or found.days is None:
        return found.mark
    words = "" if found.mark is Mark.FOUND else f"{found.mark} "
    return f"{words}{found.windows} ({found.days:.1f})"


def by_kind(one: Score) -> str:
    """Which of driftd's kinds alarmed how often."""
    return ", ".join(f"{kind} {count}" for kind, count in one.kinds.items())


def said(one: Score, fault: Fault) -> str:
    """The kind and the columns of driftd's answer."""
    found = one.answers.get(fault.name)
    if found is None or not found.kind:
        return ""
    columns = [name for name in found.columns if name]
    more = f" +{len(columns) - 2}" if len(columns) > 2 else ""
    return f"{found.kind} {', '.join(columns[:2])}{more}"


def table(results: Sequence[Result], tools: Sequence[str]) -> Table:
    """Every case and every known drift, a line each, with sums."""
    shown = Table(
        title="pages per 30 days and share of windows in alarm; windows (days) until a drift is found"
    )
    shown.add_column("")
    shown.add_column("live\nwindows", justify="right")
    for tool in tools:
        shown.add_column(TITLES[tool], justify="right")
    shown.add_column("driftd's kinds", overflow="fold")
    for group in (Group.SHUFFLED, Group.QUIET):
        add_rates(shown, group, [one for one in results if in_group(one, group)], tools)
    add_answers(shown, [one for one in results if one.faults], tools)
    return shown


def in_group(result: Result, group: Group) -> bool:
    """What lies between known drifts is a quiet part too."""
    between = result.group is Group.KNOWN and any(one.windows for one in result.scores.values())
    return result.group is group or (group is Group.QUIET and between)


def add_rates(shown: Table, group: Group, results: Sequence[Result], tools: Sequence[str]) -> None:
    """The cases of a group in which nothing drifts, and all of them together."""
    if not results:
        return
    shown.add_section()
    shown.add_row(str(group), style="bold")
    for result in results:
        between = ", between its faults" if result.faults else ""
        add_rate(shown, result.case + between, result.scores, tools)
    sums = {tool: total(result.scores[tool] for result in results) for tool in tools}
    add_rate(shown, "all of them", sums, tools, style="bold")


def add_rate(
    shown: Table, name: str, scores: Mapping[str, Score], tools: Sequence[str], style: str = ""
) -> None:
    """One line of rates."""
    windows = max(one.windows for one in scores.values())
    cells = [rate(scores[tool]) if scores[tool].windows or scores[tool].error else "" for tool in tools]
    shown.add_row(name, str(windows), *cells, by_kind(scores[DRIFTD]), style=style)


def add_answers(shown: Table, results: Sequence[Result], tools: Sequence[str]) -> None:
    """The known drifts, and how many of them each tool found."""
    if not results:
        return
    shown.add_section()
    shown.add_row(str(Group.KNOWN), style="bold")
    for fault, scores in ((fault, result.scores) for result in results for fault in result.faults):
        cells = [answered(scores[tool], fault) for tool in tools]
        shown.add_row(fault.name, "", *cells, said(scores[DRIFTD], fault))
    shown.add_row("right answers", "", *(right(results, tool) for tool in tools), style="bold")


def right(results: Sequence[Result], tool: str) -> str:
    """How many of the drifts it was asked about a tool got right."""
    answers = [one for result in results for one in result.scores[tool].answers.values()]
    return f"{sum(one.mark in RIGHT for one in answers)} of {len(answers)}"


def save(path: Path, results: Sequence[Result], versions: Mapping[str, str]) -> None:
    """Everything that was measured so far, with rates, so that what ends early is not lost."""
    found = []
    for result in results:
        entry = asdict(result)
        for one in entry["scores"].values():
            if one["windows"]:
                one["pages_per_30_days"] = one["pages"] / one["days"] * PERIOD_DAYS
                one["pages_per_100_windows"] = one["pages"] / one["windows"] * 100
                one["share_in_alarm"] = one["in_alarm"] / one["windows"]
        found.append(entry)
    text = json.dumps({"versions": dict(versions), "cases": found}, indent=1, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def chosen(data: Path, only: str, quick: bool) -> Iterator[tuple[Group, Any]]:
    """The cases that were asked for."""
    for group, stretch in names(data):
        name = stretch.name or stretch.data
        if only in name and (not quick or any(part in name for part in QUICK)):
            yield group, stretch


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("DRIFTD_DATA"), help="the folder of the sets"
    )
    parser.add_argument("--only", default="", metavar="NAME", help="cases with this in their name")
    parser.add_argument("--quick", action="store_true", help="a few sets")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH", help="where the peers live")
    parser.add_argument(
        "--peers-from", type=Path, metavar="FILE", help="peers as --json wrote in an earlier run"
    )
    parser.add_argument("--folder", type=Path, help="where model files and lines are kept for a look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    given = parser.parse_args()
    if given.data is None or not given.data.is_dir():
        parser.error("no folder of sets: give --data or DRIFTD_DATA")
    peers = Peers(given.peers_python, given.peers_from)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        results = []
        for group, stretch in chosen(given.data, given.only, given.quick):
            results.append(evaluate(read_case(given.data, group, stretch), folder, peers))
            if given.json:
                save(given.json, results, peers.versions)
    peers.close()
    console = Console(width=150, highlight=False)
    console.print(table(results, [DRIFTD, *peers.versions, PSI]))
    for note in dict.fromkeys(f"{one.case}: {one.note}" for one in results if one.note):
        console.print(note, style="dim", soft_wrap=True)
    for name, version in peers.versions.items():
        console.print(f"{TITLES[name]} {version}", style="dim")
    for name in peers.missing:
        console.print(
            f"{TITLES[name]} is left out, for it is not installed: {INSTALL}", markup=False, soft_wrap=True
        )


if __name__ == "__main__":
    main()
