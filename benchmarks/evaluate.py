"""How long one window takes to be evaluated, against a bare scan of the same file into Arrow.

    python benchmarks/evaluate.py                 1,000,000 rows x 50 features
    python benchmarks/evaluate.py --rows 100000 --no-pandas --no-scaling

Worker start, imports and learning the reference are left out; files are in the page cache. Times
are medians of interleaved pairs, so that what else the machine does hits both sides alike.
"""

import argparse
import gc
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import generate
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from monitor import pipeline
from monitor.build import detector_parameters, resolve, source_parameters
from monitor.config.load import load_model
from monitor.plan import Plan
from monitor.sources.reading import BATCH_ROWS
from monitor.state import Commit, ModelState
from monitor.stats import counting
from monitor.types import Evaluation

PAIRS = 7
THREADS = 2
NOW = datetime(2024, 1, 4, tzinfo=UTC)
LABELLED = "  id: id\n  prediction: pred\n  probability: proba\n  label: label\n  positive: 1\n"
MODEL = """\
version: 1
model: benchmark
reference:
  source: {{kind: files, path: {reference}}}
live:
  source: {{kind: files, path: {live}}}
columns:
  timestamp: ts
{roles}  features:
    ignore: [{ignored}]
window: {{length: 1d, lateness: 0s}}
"""
console = Console(width=100)


def make(folder: Path, rows: int, columns: int) -> tuple[Path, Path]:
    """The reference's file and the live one, made once."""
    found = []
    for name, day in (("reference", 0), ("live", 1)):
        path = folder / f"{name}_{rows}x{columns}.parquet"
        if not path.exists():
            console.print(f"making {path.name}", style="dim")
            generate.write(path, rows, columns, seed=day, day=day)
        found.append(path)
    return found[0], found[1]


def plan_of(folder: Path, reference: Path, live: Path, *, labelled: bool) -> Plan:
    """The model of these files, its reference read back from bytes as from the store."""
    roles, ignored = (LABELLED, "") if labelled else ("", "id, pred, proba, label")
    text = MODEL.format(reference=reference, live=live, roles=roles, ignored=ignored)
    path = folder / "model.yaml"
    path.write_text(text)
    config = load_model(path, sources=source_parameters(), detectors=detector_parameters())
    learned = resolve(config, {}, THREADS)
    assert learned.learned is not None
    return resolve(config, {learned.key: learned.learned}, THREADS).plan


def evaluate(plan: Plan) -> Evaluation:
    """One run that finds one window due."""
    state = ModelState(plan.model)
    events = pipeline.run(plan, state, {}, until=NOW, now=NOW, threads=THREADS)
    (commit,) = (event for event in events if isinstance(event, Commit))
    return commit.evaluations[0]


def bare_scan(path: Path, columns: list[str]) -> None:
    """The same columns into Arrow, text as dictionaries, every batch dropped."""
    texts = [name for name in columns if name.startswith("level")]
    file = pq.ParquetFile(path, read_dictionary=texts)
    for _ in file.iter_batches(BATCH_ROWS, columns=columns):
        pass


def pairs(one: Callable[[], Any], other: Callable[[], Any], count: int) -> tuple[float, float, float]:
    """Median seconds of both, and the median of other / one over the pairs, after one run of each."""
    one()
    other()
    times = [(seconds(one), seconds(other)) for _ in range(count)]
    first, second = zip(*times, strict=True)
    ratio = statistics.median(after / before for before, after in times)
    return statistics.median(first), statistics.median(second), ratio


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def columns_of(plan: Plan) -> list[str]:
    """What an evaluation reads."""
    names = [*plan.reference.columns, "ts"]
    return [*names, "id"] if plan.names.id else names


def peak_in_child(folder: Path, reference: Path, live: Path, labelled: bool, sender: Any) -> None:
    """Megabytes that a process's first evaluation takes beyond what it had before, and its seconds."""
    plan = plan_of(folder, reference, live, labelled=labelled)
    counting.load()
    small, _ = make(folder, 2000, 5)
    bare_scan(small, ["ts"])
    release()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    first = seconds(lambda: evaluate(plan))
    sender.send((status("VmHWM") - before, first))


def release() -> None:
    gc.collect()
    pa.default_memory_pool().release_unused()


def status(key: str) -> float:
    """A line of this process's status, in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


def peak(folder: Path, reference: Path, live: Path, *, labelled: bool) -> tuple[float, float]:
    """Peak megabytes above the interpreter with its libraries, and seconds, in a process of its own."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    arguments = (folder, reference, live, labelled, sender)
    child = multiprocessing.get_context("spawn").Process(target=peak_in_child, args=arguments)
    child.start()
    sender.close()
    found = receiver.recv()
    child.join()
    return found


def by_pandas(reference: Path, live: Path, columns: int) -> Callable[[], int]:
    """The same statistics by pandas and scipy, the reference's columns sorted and counted beforehand."""
    import pandas as pd  # noqa: PLC0415 - not part of what is measured above
    from scipy import stats  # noqa: PLC0415 - the same

    known = pd.read_parquet(reference)
    numeric, categorical = generate.names(columns)
    kept = {name: np.sort(known[name].dropna().to_numpy()) for name in numeric}
    edges = {name: np.unique(np.quantile(kept[name], np.arange(1, 10) / 10)) for name in numeric}
    shares = {name: known[name].value_counts() for name in categorical}

    def psi(before: np.ndarray, after: np.ndarray) -> float:
        p, q = (before + 0.5) / (before + 0.5).sum(), (after + 0.5) / (after + 0.5).sum()
        return float(((q - p) * np.log(q / p)).sum())

    def run() -> int:
        frame = pd.read_parquet(live, columns=[*numeric, *categorical])
        for name in numeric:
            column = frame[name]
            values = column.dropna().to_numpy()
            stats.ks_2samp(kept[name], values, method="asymp")
            bounds = np.concatenate([[-np.inf], edges[name], [np.inf]])
            psi(np.histogram(kept[name], bounds)[0], np.histogram(values, bounds)[0])
            column.isna().mean()
            ((values < kept[name][0]) | (values > kept[name][-1])).mean()
        for name in categorical:
            counts = frame[name].value_counts()
            both = shares[name].index.union(counts.index)
            psi(shares[name].reindex(both, fill_value=0), counts.reindex(both, fill_value=0))
            frame[name].isna().mean()
        return len(frame)

    return run


def main_table(folder: Path, rows: int, columns: int, count: int, with_pandas: bool) -> Table:
    """One window of these sizes, by everything that can do it."""
    reference, live = make(folder, rows, columns)
    table = Table(title=f"One window of {rows:,} rows x {columns} features, {THREADS} threads")
    for heading in ("", "bare scan, s", "seconds", "ratio", "first run, s", "peak MB"):
        table.add_column(heading, justify="right" if heading else "left")
    for labelled in (False, True):
        plan = plan_of(folder, reference, live, labelled=labelled)
        wanted = columns_of(plan)
        bare, took, ratio = pairs(lambda: bare_scan(live, wanted), lambda: evaluate(plan), count)  # noqa: B023
        above, first = peak(folder, reference, live, labelled=labelled)
        what = "with ids, labels, ADWIN" if labelled else "default detectors"
        table.add_row(what, f"{bare:.3f}", f"{took:.3f}", f"{ratio:.2f}", f"{first:.3f}", f"{above:.0f}")
    if with_pandas:
        numeric, categorical = generate.names(columns)
        wanted = [*numeric, *categorical]
        bare, took, ratio = pairs(lambda: bare_scan(live, wanted), by_pandas(reference, live, columns), 1)
        table.add_row("pandas + scipy", f"{bare:.3f}", f"{took:.3f}", f"{ratio:.1f}", "", "")
    return table


def scaling(folder: Path, sizes: Iterator[tuple[int, int]], title: str) -> Table:
    """Seconds per cell at several sizes: even where time is linear."""
    table = Table(title=title)
    for heading in ("rows", "columns", "bare scan, s", "evaluation, s", "ratio", "ns per value"):
        table.add_column(heading, justify="right")
    for rows, columns in sizes:
        reference, live = make(folder, rows, columns)
        plan = plan_of(folder, reference, live, labelled=False)
        wanted = columns_of(plan)
        bare, took, ratio = pairs(lambda: bare_scan(live, wanted), lambda: evaluate(plan), 3)  # noqa: B023
        each = took / rows / columns * 1e9
        table.add_row(
            f"{rows:,}", f"{columns:,}", f"{bare:.3f}", f"{took:.3f}", f"{ratio:.2f}", f"{each:.1f}"
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--folder", type=Path, help="where the files are kept for the next run")
    parser.add_argument(
        "--no-pandas", action="store_true", help="without the comparison with pandas and scipy"
    )
    parser.add_argument("--no-scaling", action="store_true", help="one size only")
    given = parser.parse_args()
    counting.load()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        console.print(main_table(folder, given.rows, given.columns, given.pairs, not given.no_pandas))
        if not given.no_scaling:
            steps = (given.rows // 8, given.rows // 4, given.rows // 2, given.rows)
            console.print(scaling(folder, ((rows, given.columns) for rows in steps), "Rows"))
            few = given.rows // 20
            wide = ((few, columns) for columns in (10, 30, 100, 300, 1000))
            console.print(scaling(folder, wide, "Columns"))


if __name__ == "__main__":
    main()
