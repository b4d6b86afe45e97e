"""What the bad-input tests share: one model whose two live days are quiet, and what one fault changes."""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.board import view_of
from monitor.cli.loading import load_models
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Outcome, Snapshot, after_run
from monitor.store import Store
from monitor.types import Kind, Reason, Stage
from tests.harness import Line, Model, Ran, opened

START = pd.Timestamp("2024-01-01", tz="UTC")
DAYS, ROWS = 20, 400
FIRST, SECOND = (f"{START + pd.Timedelta(days=day):%Y-%m-%dT00:00:00Z}" for day in (DAYS, DAYS + 1))
UNTIL = "2024-02-10T00:00Z"
LABEL_KINDS = {"label", "performance", "concept"}

YAML = """
version: 1
model: world
reference: {{source: {{kind: files, path: {reference}}}}}
live: {{source: {{kind: files, path: "{live}"}}}}
{truth}
columns:
  timestamp: ts
  id: id
  prediction: y_pred
  probability: y_proba
  label: y
  features: {{{features}}}
window: {{length: 1d, lateness: 1h, min_rows: 200}}
alarms: {{false_alarms: 1 per 30d}}
"""

Change = Callable[[pd.DataFrame], pd.DataFrame | pa.Table]


def rows(first_day: int, days: int, seed: int) -> pd.DataFrame:
    """Rows of a binary model whose inputs, scores and errors do not move; `days` x 400."""
    rng = np.random.default_rng(seed)
    count = days * ROWS
    seconds = np.sort(rng.uniform(0, days * 86400, count))
    age = rng.normal(40, 10, count)
    proba = 1 / (1 + np.exp(-(age - 40) / 10))
    return pd.DataFrame(
        {
            "ts": (START + pd.Timedelta(days=first_day) + pd.to_timedelta(seconds, unit="s")).floor("us"),
            "id": np.arange(count) + first_day * ROWS,
            "age": age,
            "amount": rng.gamma(2.0, 50.0, count).round(2),
            "city": rng.choice(
                ["Bern", "Lima", "Oslo", "Rome", "Troy"], count, p=[0.4, 0.3, 0.15, 0.1, 0.05]
            ),
            "y_proba": proba,
            "y_pred": (proba > 0.5).astype(int),
            "y": (rng.random(count) < proba).astype(int),
        }
    )


def reference_rows() -> pd.DataFrame:
    return rows(0, DAYS, seed=1)


def live_rows(day: int) -> pd.DataFrame:
    return rows(DAYS + day, 1, seed=100 + day)


def write(path: Path, frame: pd.DataFrame | pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, path)


@dataclass(frozen=True)
class Seen:
    """One run: what it printed, and the scrape of the store that it left."""

    ran: Ran
    scrape: str

    @property
    def second(self) -> Line:
        return self.ran.last[SECOND]

    @property
    def first(self) -> Line:
        return self.ran.last[FIRST]

    @property
    def opened(self) -> set[str]:
        return set(opened(list(self.ran.last.values())))

    def problems(self, line: Line | None = None) -> dict[tuple[str, str], str]:
        found = line or self.second
        return {(each["column"], each["reason"]): each["message"] for each in found["problems"]}


class World:
    """The model in a folder of its own; the files that no fault touches are links to shared ones."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.folder = folder
        self.shared = shared

    def run(
        self,
        live: Change | None = None,
        usual: Change | None = None,
        *,
        features: str = "",
        truth: str = "",
        yaml: Callable[[str], str] = lambda text: text,
        prepare: Callable[[Path], None] = lambda folder: None,
    ) -> Seen:
        """One run: `usual` changes all rows of reference and live, `live` those of the second live day."""
        self._put("reference.parquet", usual, reference_rows)
        self._put("live/1.parquet", usual, lambda: live_rows(0))
        self._put("live/2.parquet", live or usual, lambda: live_rows(1))
        prepare(self.folder)
        text = YAML.format(reference="reference.parquet", live="live/*", features=features, truth=truth)
        self.model = Model(self.folder, yaml(text), "world")
        return self.again()

    def again(self) -> Seen:
        """The next run of the same model."""
        return self.shown(self.model.once(UNTIL))

    def shown(self, ran: Ran) -> Seen:
        """A run, and what Prometheus would see of it."""
        return Seen(ran, scrape(self.model, ran))

    def put_live(self) -> None:
        """The live files as no fault touches them."""
        for name in ("live/1.parquet", "live/2.parquet"):
            self._put(name, None, reference_rows)

    def _put(self, name: str, change: Change | None, make: Callable[[], pd.DataFrame]) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if change is None:
            shutil.copyfile(self.shared / name, path)
        else:
            write(path, change(make()))


def share(folder: Path) -> Path:
    """The files that most runs have in common."""
    write(folder / "reference.parquet", reference_rows())
    for day in (0, 1):
        write(folder / f"live/{day + 1}.parquet", live_rows(day))
    return folder


def scrape(model: Model, ran: Ran) -> str:
    """What Prometheus would see of this run: its lines as they stand in the store, its failures."""
    (config,) = load_models([model.path]).configs
    now = pd.Timestamp(UNTIL).to_pydatetime()
    with Store.open(model.state) as store:
        view = view_of(config, store, None, now)
    failures = [
        (Stage(stage), Reason(reason))
        for stage, reason in re.findall(r"\[(\w+): (\w+)\]$", ran.err, re.MULTILINE)
    ]
    outcome = Outcome.FAILED if failures else Outcome.SUCCESS
    view = after_run(view, outcome=outcome, ended=now, errors=failures)
    body, _ = Exporter(Board(Snapshot().with_view(view))).render()
    return body.decode()


def statistics(line: Line) -> dict[tuple[str, str, str], Line]:
    """By kind, column and detector."""
    return {(each["kind"], each["column"], each["detector"]): each for each in line["statistics"]}


def untouched(seen: Seen, clean: Seen, touched: set[str], *, lines: bool = True) -> None:
    """Every statistic of every other column equals the run without the fault.

    Where the fault is in the reference the number of tests is another one, and with it the lines.
    """
    keys = ("value", "p_value", "threshold", "drifted", "reason") if lines else ("value", "p_value", "reason")
    now, before = statistics(seen.second), statistics(clean.second)
    # the gradients are of all features
    others = {key for key in before if key[1] not in touched and key[2] != "score_vector"}
    assert {key[1] for key in others} >= {"amount"} - touched
    for key in others:
        assert {name: now[key][name] for name in keys} == {name: before[key][name] for name in keys}, key


def metric(seen: Seen, reason: Reason, columns: int = 1) -> None:
    """The problem is counted in the scrape."""
    assert (
        f'driftd_column_problems{{model="world",reason="{reason}"}} {columns:.1f}' in seen.scrape.splitlines()
    )


def error(seen: Seen, stage: Stage, reason: Reason) -> None:
    """The failure of the run is counted in the scrape."""
    expected = f'driftd_errors_total{{model="world",reason="{reason}",stage="{stage}"}} 1.0'
    assert expected in seen.scrape.splitlines()


@dataclass(frozen=True)
class Case:
    """One fault and its right answer. `message` is a regular expression of the whole text.

    `touched`: columns besides `column` whose statistics may differ, "" for those of the errors.
    `opens`: the kinds in which an alarm opens.
    """

    name: str
    column: str
    reason: Reason
    message: str
    live: Change | None = None
    usual: Change | None = None
    opens: frozenset[Kind] | set[Kind] = frozenset()
    touched: frozenset[str] | set[str] = frozenset()
    features: str = ""
    count: int = 1
    more: Mapping[tuple[str, Reason], str] = field(default_factory=dict)
    """Further problems that belong to this fault, with their messages."""

    def check(self, world: World, clean: Seen) -> Seen:
        seen = world.run(self.live, self.usual, features=self.features)
        assert seen.ran.code == int(bool(self.opens)), seen.ran.err
        found = seen.problems()
        for (column, reason), message in {(self.column, self.reason): self.message, **self.more}.items():
            assert re.fullmatch(message, found.get((column, str(reason)), "")), found
        metric(seen, self.reason, self.count)
        assert seen.opened == {str(kind) for kind in self.opens}
        untouched(seen, clean, {self.column, *self.touched}, lines=self.usual is None)
        return seen
