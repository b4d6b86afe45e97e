"""What the tools of `estimates.py` are worth: errors and coverage by set, part and metric, as tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from real_data import INSTALL
from rich.box import SIMPLE_HEAD
from rich.table import Table

ALL, BETWEEN, WITHIN = "all windows", "between faults", "within faults"
COUNTS = ["windows", "trusted", "missing"]
SHARES_TITLE = "class shares: largest absolute error where valid, and intervals that held all true shares"
SECONDS_TITLE = (
    "seconds of the processor for fit and estimate, which compare; whole runs, by the clock, do other work"
)
SECONDS = {
    "fit": "driftd\nfit",
    "estimate": "driftd\nestimate",
    "nannyml_fit": "NannyML\nfit",
    "nannyml_estimate": "NannyML\nestimate",
    "read": "driftd\nreading",
    "once": "whole\ndriftd once",
    "nannyml_process": "whole NannyML\nprocess",
}
HEADS = (
    "windows",
    "driftd",
    "NannyML",
    "reference",
    "bias",
    "held",
    "NannyML\nheld",
    "trusted",
    "trusted\ndriftd",
    "trusted\nNannyML",
    "trusted\nheld",
)


@dataclass(frozen=True, eq=False)
class Result:
    """What both tools said of one set.

    `told`: a row for each window and metric; `shares`: a row for each window with estimated class shares.
    `seconds`: of driftd by part, those of its command line as `once`, and NannyML's with its name before.
    """

    name: str
    metrics: tuple[str, ...]
    windows: int
    told: pd.DataFrame
    shares: pd.DataFrame
    seconds: Mapping[str, float]
    version: str | None

    def parts(self) -> dict[str, pd.DataFrame]:
        """The rows of all windows, and where faults are known those between and within them."""
        within = self.told["fault"] != ""
        found = {ALL: self.told}
        return found | {BETWEEN: self.told[~within], WITHIN: self.told[within]} if within.any() else found


def summary(told: pd.DataFrame) -> dict[str, float | None]:
    """What these windows tell of one metric."""
    known = told[told["realised"].notna()]
    sure = known[known["reason"].isna() & known["driftd"].notna()]
    both = known.dropna(subset=["driftd", "nannyml"] if known["nannyml"].notna().any() else ["driftd"])
    numbers: dict[str, Any] = {"windows": len(known), "trusted": len(sure)}
    numbers["missing"] = int(known["driftd"].isna().sum())
    for name, rows in (("", both), ("trusted_", sure)):
        for tool in ("driftd", "nannyml", "reference"):
            numbers[f"{name}{tool}"] = (rows[tool] - rows["realised"]).abs().mean()
        numbers[f"{name}bias"] = (rows["driftd"] - rows["realised"]).mean()
        numbers[f"{name}held"] = rows["realised"].between(rows["lower"], rows["upper"]).mean()
    theirs = known.dropna(subset=["nannyml_lower", "nannyml_upper"])
    inside = theirs["realised"].between(theirs["nannyml_lower"], theirs["nannyml_upper"])
    numbers["nannyml_held"] = inside.mean()
    return {name: None if pd.isna(value) else value for name, value in numbers.items()}


def summaries(result: Result) -> dict[str, dict[str, dict[str, Any]]]:
    """By part of the set and metric what is told; `mean` is that of the metrics."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for part, told in result.parts().items():
        found[part] = {metric: summary(told[told["metric"] == metric]) for metric in result.metrics}
        found[part]["mean"] = averaged(list(found[part].values()))
    return found


def averaged(each: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of each number over those that have it; None for counts."""
    found = pd.DataFrame(list(each)).astype(float).mean()
    found[COUNTS] = np.nan
    return {str(name): None if pd.isna(value) else float(value) for name, value in found.items()}


def over_sets(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """By metric, and for all of them, the mean over the sets of what all their windows tell."""
    told, metrics = [summaries(result)[ALL] for result in results], results[0].metrics
    found = {metric: averaged([each[metric] for each in told]) for metric in (*metrics, "mean")}
    for metric in metrics:
        found[metric] |= {name: sum(each[metric][name] for each in told) for name in COUNTS}
    return found


def ours(seconds: Mapping[str, float]) -> float:
    """driftd's fit and estimate."""
    return seconds["fit"] + seconds.get("estimate", 0.0)


def theirs(seconds: Mapping[str, float]) -> float:
    """NannyML's fit and estimate."""
    return seconds["nannyml_fit"] + seconds["nannyml_estimate"]


def in_words(seconds: Mapping[str, float]) -> str:
    """How long fit and estimate of each tool took."""
    words = f"fit and estimate: driftd {ours(seconds):.2f} s"
    return f"{words}, NannyML {theirs(seconds):.2f} s" if "nannyml_fit" in seconds else words


def number(value: float | None, form: str = ".4f") -> str:
    return "" if value is None else format(value, form)


def tables(results: Sequence[Result]) -> Iterator[Table]:
    """A table for each set and part of it, and of the means over the sets."""
    for result in results:
        for part, metrics in summaries(result).items():
            title = f"{result.name}, {part}"
            yield table(f"{title}: {in_words(result.seconds)}" if part == ALL else title, metrics)
    if len(results) > 1:
        yield table("mean over the sets", over_sets(results))


def table(title: str, metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    """A line for each metric."""
    shown = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    shown.add_column("", min_width=9)
    for head in HEADS:
        shown.add_column(head, justify="right", min_width=max(map(len, head.split("\n"))))
    for metric, told in metrics.items():
        cells = [number(told["windows"], ".0f")]
        cells += [number(told[name]) for name in ("driftd", "nannyml", "reference")]
        cells += [number(told["bias"], "+.4f"), number(told["held"], ".0%")]
        cells += [number(told["nannyml_held"], ".0%"), number(told["trusted"], ".0f")]
        cells += [number(told[name]) for name in ("trusted_driftd", "trusted_nannyml")]
        cells += [number(told["trusted_held"], ".0%")]
        shown.add_row(metric, *cells, style="bold" if metric == "mean" else "")
    return shown


def share_table(results: Sequence[Result]) -> Table:
    """How right the estimated class shares are where driftd calls them valid."""
    shown = Table(title=SHARES_TITLE, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for head in ("", "windows", "valid", "held", "driftd", "reference", "not valid because"):
        shown.add_column(head, justify="left" if head in {"", "not valid because"} else "right")
    for result in results:
        told, valid = result.shares, result.shares[result.shares["valid"].astype(bool)]
        reasons = told[~told["valid"].astype(bool)]["reason"].value_counts()
        means = [None if valid.empty else float(valid[name].mean()) for name in ("error", "reference_error")]
        held = "" if valid.empty else f"{valid['inside'].mean():.1%}"
        words = ", ".join(f"{name} {count}" for name, count in reasons.items())
        shown.add_row(result.name, str(len(told)), str(len(valid)), held, *map(number, means), words)
    return shown


def second_table(results: Sequence[Result]) -> Table:
    """Seconds of each set: fit and estimate are what compares; whole runs do other work, too."""
    shown = Table(title=SECONDS_TITLE, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    shown.add_column("")
    for head in SECONDS.values():
        shown.add_column(head, justify="right")
    for result in results:
        shown.add_row(result.name, *(number(result.seconds.get(part), ".2f") for part in SECONDS))
    total = {part: sum(each.seconds.get(part, 0.0) for each in results) for part in SECONDS}
    shown.add_row("all", *(number(total[part], ".2f") for part in SECONDS), style="bold")
    return shown


def judged(results: Sequence[Result]) -> list[str]:
    """Whether what is asked of the estimates holds."""
    if any(result.version is None for result in results):
        return [f"NannyML is left out, for it is not installed: {INSTALL}"]
    means, sets = over_sets(results), [(each.name, summaries(each)[ALL]["mean"]) for each in results]
    own, other = means["mean"]["driftd"], means["mean"]["nannyml"]
    worse = [name for name in results[0].metrics if means[name]["driftd"] > means[name]["nannyml"]]
    losing = [name for name, each in sets if each["driftd"] > each["nannyml"]]
    words = f"{own:.4f} and {other:.4f}; worse in {', '.join(worse) or 'no metric'}"
    words += f"; worse on {', '.join(losing) or 'no set'}"
    lines = [f"{verdict(own <= other)}: at least as good as NannyML on average over sets: {words}"]
    total = Counter[str]()
    for each in results:
        total.update(each.seconds)
    slower = [each.name for each in results if ours(each.seconds) >= theirs(each.seconds)]
    words = f"{in_words(total)}; slower on {', '.join(slower) or 'no set'}"
    return [*lines, f"{verdict(ours(total) < theirs(total))}: faster than NannyML in {words}"]


def distrusted(result: Result) -> str:
    """Why driftd does not trust estimates of the set, and how many it does not give."""
    known = result.told[result.told["realised"].notna()]
    words = [f"{reason} {count}" for reason, count in known["reason"].value_counts().items()]
    return f"{result.name}: {', '.join(words) or 'no'} distrusted, {known['driftd'].isna().sum()} missing"


def verdict(right: bool) -> str:
    return "holds" if right else "FAILS"
