"""What tests of the run share: a plan from a model file and frames, sources in memory, many runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from monitor import pipeline
from monitor.build import detector_parameters, resolve, source_parameters
from monitor.calibration import Calibrations
from monitor.config.load import load_model
from monitor.plan import Plan, Planned
from monitor.rolling import opened
from monitor.sources.base import Batch, FileEntry, Interval
from monitor.state import AlarmRecord, Commit, Kept, ModelState
from monitor.types import Evaluation, Kind, Problem, Statistic, Verdict

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ROWS = 300
"""Rows a day; windows are days and judged from 100 rows on."""
REFERENCE_DAYS = 10
LIVE = START + REFERENCE_DAYS * DAY
FAR = START + 1000 * DAY

YAML = """
version: 1
model: m
reference: {{source: {{kind: files, path: reference.parquet}}}}
live: {{source: {{kind: files, path: live.parquet}}}}
{more}
columns: {{{columns}}}
window: {{{window}}}
"""
COLUMNS = 'timestamp: ts, id: id, prediction: pred, probability: proba, label: y, positive: "yes"'
WINDOW = "length: 1d, lateness: 1h, min_rows: 100"
TRUTH = """
ground_truth:
  source: {kind: files, path: labels.parquet}
  id: id
  label: y
  timestamp: known
  horizon: 3d
"""


def day(number: int, rows: int = ROWS, **columns: object) -> pd.DataFrame:
    """One day of a binary model; day 0 is the first of the reference, day 10 the first live one."""
    rng = np.random.default_rng(number)
    x = rng.normal(size=rows)
    proba = 1 / (1 + np.exp(-2 * x))
    offsets = np.sort(rng.uniform(0, 86_400, rows)).astype(int)
    frame = pd.DataFrame(
        {
            "ts": pd.Timestamp(START + number * DAY) + pd.to_timedelta(offsets, unit="s"),
            "id": np.arange(rows) + number * 100_000,
            "x": x,
            "colour": rng.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2]),
            "pred": np.where(proba > 0.5, "yes", "no"),
            "proba": proba,
            "y": np.where(rng.random(rows) < proba, "yes", "no"),
        }
    )
    return frame.assign(**columns)


def days(first: int, count: int, **columns: object) -> pd.DataFrame:
    return pd.concat([day(number, **columns) for number in range(first, first + count)], ignore_index=True)


def labels_of(rows: pd.DataFrame, after: timedelta) -> pd.DataFrame:
    return pd.DataFrame({"id": rows["id"], "y": rows["y"], "known": rows["ts"] + pd.Timedelta(after)})


class Memory:
    """A source of frames by file name; a frame that is put again is another version of its file."""

    def __init__(self, **frames: pd.DataFrame) -> None:
        self.tables: dict[str, pa.Table] = {}
        self.versions: dict[str, int] = {}
        self.opened: list[str] = []
        self.faults: dict[str, Problem] = {}
        self.found: tuple[Problem, ...] = ()
        for name, frame in frames.items():
            self.put(name, frame)

    def put(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        self.tables[name] = table
        self.versions[name] = self.versions.get(name, 0) + 1

    def schema(self) -> pa.Schema:
        return next(iter(self.tables.values())).schema

    def files(self) -> tuple[FileEntry, ...]:
        self.found = ()
        return tuple(
            FileEntry(name, table.nbytes, str(self.versions[name]))
            for name, table in sorted(self.tables.items())
        )

    def fingerprint(self) -> str:
        return repr(self.files())

    def scan(
        self, columns: Sequence[str], interval: Interval | None = None, file: str | None = None
    ) -> Iterator[Batch]:
        names = sorted(self.tables) if file is None else [file]
        self.found = tuple(self.faults[name] for name in names if name in self.faults)
        for name in names:
            self.opened.append(name)
            if name not in self.faults:
                table = self.tables[name]
                yield from self._batches(
                    name, table.select([each for each in table.column_names if each in columns])
                )

    def _batches(self, name: str, table: pa.Table) -> Iterator[Batch]:
        offset = 0
        for batch in table.to_batches(max_chunksize=1000):
            yield Batch(name, offset, batch)
            offset += batch.num_rows

    def problems(self) -> tuple[Problem, ...]:
        return self.found


def model(
    folder: Path,
    reference: pd.DataFrame,
    live: Memory,
    labels: Memory | None = None,
    *,
    columns: str = COLUMNS,
    window: str = WINDOW,
    more: str = "",
) -> Plan:
    """The plan of a model file whose reference is this frame."""
    folder.mkdir(parents=True, exist_ok=True)
    reference.to_parquet(folder / "reference.parquet", index=False)
    path = folder / "model.yaml"
    truth = TRUTH if labels is not None else ""
    path.write_text(YAML.format(more=truth + more, columns=columns, window=window), encoding="utf-8")
    config = load_model(path, sources=source_parameters(), detectors=detector_parameters())
    plan = replace(resolve(config, {}, 1).plan, live=live)
    if labels is None:
        return plan
    assert plan.labels is not None
    return replace(plan, labels=replace(plan.labels, source=labels))


def not_replayed(plan: Plan) -> Plan:
    """The plan as for a reference with too few windows: two-sample nulls judge it."""
    return replace(plan, calibrations=Calibrations())


@dataclass
class Runs:
    """One model, run again and again as the store would keep it: state, ledger, alarms."""

    plan: Plan
    state: ModelState = field(default_factory=lambda: ModelState("m"))
    ledger: dict[str, Evaluation] = field(default_factory=dict)
    alarms: dict[tuple[Kind, datetime], AlarmRecord] = field(default_factory=dict)
    planned: Planned = field(default_factory=lambda: Planned(0))
    kept: list[Kept] = field(default_factory=list)

    def run(self, until: datetime, end: datetime | None = None, now: datetime = FAR) -> list[Evaluation]:
        """The lines of one run, in the order of printing."""
        pending = {window.window.key for window in self.state.pending}
        lines = {key: line for key, line in self.ledger.items() if key in pending}
        found = pipeline.run(
            self.plan, self.state, lines, until=until, now=now, end=end, threads=1, kept=self.kept
        )
        return [line for commit in self.commits(found) for line in commit.evaluations]

    def commits(self, events: Iterable[Commit | Planned]) -> Iterator[Commit]:
        for event in events:
            if isinstance(event, Planned):
                self.planned = event
                continue
            self.state = event.state
            self.ledger |= {line.window.key: replace(line, seconds=0.0) for line in event.evaluations}
            self.alarms |= {(each.kind, each.since): each for each in event.alarms}
            self.kept += [
                Kept(line.window, event.profiles[line.window.key], opened(line.verdicts))
                for line in event.evaluations
                if line.window.key in event.profiles
            ]
            yield event


def verdict(line: Evaluation, kind: Kind) -> Verdict:
    return next(each for each in line.verdicts if each.kind is kind)


def kinds(line: Evaluation) -> set[Kind]:
    return {each.kind for each in line.verdicts}


def statistic(line: Evaluation, column: str, detector: str) -> Statistic:
    return next(each for each in line.statistics if (each.column, each.detector) == (column, detector))


def problems(line: Evaluation) -> Mapping[str, str]:
    """The messages of a line by reason."""
    return {str(each.reason): each.message for each in line.problems}
