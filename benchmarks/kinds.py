"""Whether driftd tells the kinds of drift apart: truth by verdict on the demo's flights with known faults.

    python benchmarks/kinds.py                  the kinds in alarm in each fault, and what explains the error
    python benchmarks/kinds.py --json kinds.json

driftd runs as its users run it, by `driftd once MODEL.yaml --json`. A fault's kinds are those whose alarm
opened within it; its main kind is expected, others may be true besides (inverted labels move the class
shares, too). A kind is wrong where it says what did not happen: a concept alarm in a fault that left P(y | x)
alone, label shift alone where labels were inverted. The last columns are means over the fault's windows, in
points of accuracy: its change, and how much of it inputs, class shares and their relation explain.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

DATA = Path(__file__).parent.parent / "monitor" / "data"
KINDS = ("covariate", "prediction", "label", "performance", "concept", "quality")
FORBIDDEN = {
    "unit change": {"label", "concept"},
    "missing values": {"label", "concept"},
    "new category": {"label", "concept"},
    "gradual shift": {"label", "concept"},
    "label shift": {"concept"},
    "concept change": set(),
    "correlation break": {"label", "concept"},
    "missing labels": {"label", "concept"},
    "subtle shift": set(KINDS),
}
"""What an alarm of these kinds would say of a fault, and what did not happen."""


def lines() -> list[dict]:
    """The last line of each window."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "monitor", "once", str(DATA / "flights.yaml"), "--json"]
        state = f"sqlite:///{folder}/state.db"
        done = subprocess.run([*command, "--state", state], capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        sys.exit(done.stderr)
    last = {}
    for text in done.stdout.splitlines():
        line = json.loads(text)
        last[line["window"]["start"]] = line
    return list(last.values())


def of_fault(fault: dict, found: list[dict]) -> dict:
    """The kinds that opened within one fault, and the mean parts of the change of accuracy."""
    within = [line for line in found if fault["start"] <= line["window"]["start"] < fault["end"]]
    opened = {
        verdict["kind"]: verdict["columns"]
        for line in within
        for verdict in line["verdicts"]
        if verdict["alarm"] and verdict["since"] and fault["start"] <= verdict["since"] < fault["end"]
    }
    parts = defaultdict(list)
    for line in within:
        change = line["change"]
        if change and change["realised"] is not None:
            parts["change"].append(change["realised"] - change["reference"])
            for part in ("inputs", "class_shares", "relation"):
                parts[part].append(change[part])
    wrong = set(opened) & FORBIDDEN[fault["name"]]
    if fault["name"] == "concept change" and "label" in opened and "concept" not in opened:
        wrong.add("label")  # label shift alone is not what happened
    missed = set() if fault["name"] == "subtle shift" else set(fault["kinds"]) - set(opened)
    return {
        "fault": fault["name"],
        "truth": fault["kinds"],
        "said": [kind for kind in KINDS if kind in opened],
        "wrong": sorted(wrong),
        "missed": sorted(missed),
        "means": {name: sum(values) / len(values) for name, values in parts.items()},
    }


def table(rows: list[dict]) -> Table:
    shown = Table(title="What happened, and what driftd said", caption="changes of accuracy in points")
    for name in ("fault", "truth", "said", "right"):
        shown.add_column(name, overflow="fold")
    for name in ("change", "inputs", "shares", "relation"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        right = "yes" if not row["wrong"] and not row["missed"] else f"no: {row['wrong'] or row['missed']}"
        means = [row["means"].get(part) for part in ("change", "inputs", "class_shares", "relation")]
        numbers = ["-" if value is None else f"{100 * value:+.1f}" for value in means]
        shown.add_row(
            row["fault"], ", ".join(row["truth"]), ", ".join(row["said"]) or "nothing", right, *numbers
        )
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", metavar="FILE", help="where the rows are written")
    given = parser.parse_args()
    faults = json.loads((DATA / "flights_truth.json").read_text())
    found = lines()
    rows = [of_fault(fault, found) for fault in faults]
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table(rows))
    wrong = [row["fault"] for row in rows if row["wrong"] or row["missed"]]
    console.print(f"FAILS in {', '.join(wrong)}" if wrong else "holds: every kind right")
    if given.json:
        Path(given.json).write_text(json.dumps(rows, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
