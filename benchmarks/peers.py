"""Asks Evidently and NannyML which windows drift, in an interpreter of their own; see `real_data.py`.

Reads one JSON request a line from stdin and writes one JSON answer a line to stdout. The first line that it
writes names the versions that are installed, null for what is not. A request:

    {"tool": "evidently", "reference": "reference.parquet", "live": "live.parquet",
     "numeric": ["temp"], "categorical": ["carrier"]}

Both files have a column `window`, a whole number. The answer says which live windows are in alarm, and
because of which columns: {"alarms": {"19753": ["temp"]}}, or {"error": "..."}.

Each tool has its default setting. Evidently: `DataDriftPreset`; a window is in alarm when it calls the data
set drifted, which is when at least half of the columns are. It refuses a column without values: such columns
are left out of that window. NannyML: `UnivariateDriftCalculator`; a window is in alarm when any column
alerts.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import pandas as pd

Alarms = dict[int, list[str]]


def installed(name: str) -> str | None:
    """The version of a package, if it is installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def one_core() -> None:
    """From here on this process has one core: with more, threads wait for each other on a busy machine."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def with_texts(frame: pd.DataFrame, categorical: Sequence[str]) -> pd.DataFrame:
    """Every category as text, so that no tool takes one for a number; missing stays missing."""
    texts = {name: frame[name].map(str, na_action="ignore").astype(object) for name in categorical}
    return frame.assign(**texts)


def with_values(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The columns that have any value."""
    return [name for name in columns if frame[name].notna().any()]


def by_evidently(
    reference: pd.DataFrame, live: pd.DataFrame, numeric: list[str], categorical: list[str]
) -> Alarms:
    """The windows whose data set `DataDriftPreset` calls drifted."""
    known = with_values(reference, [*numeric, *categorical])
    found: Alarms = {}
    checked = False
    for window, rows in live.groupby("window"):
        kept = set(with_values(rows, known))
        if not kept:
            continue
        numbers, texts = ([name for name in part if name in kept] for part in (numeric, categorical))
        before, now = reference[[*numbers, *texts]], rows[[*numbers, *texts]]
        drifted, share, alarm = drift_table(before, now, numbers, texts)
        if not checked and share != preset_share(before, now, numbers, texts):
            message = "DataDriftPreset has another share of drifted columns than the table behind it"
            raise ValueError(message)
        checked = True
        if alarm:
            found[int(str(window))] = drifted
    return found


def drift_table(
    reference: pd.DataFrame, live: pd.DataFrame, numeric: list[str], categorical: list[str]
) -> tuple[list[str], float, bool]:
    """The drifted columns, their share of all, and whether that makes the data set drifted.

    The table from which `DataDriftPreset` takes its numbers, without the pictures that take most of its time.
    """
    from evidently.legacy.metrics import DataDriftTable  # noqa: PLC0415 - need not be installed
    from evidently.legacy.pipeline.column_mapping import ColumnMapping  # noqa: PLC0415 - the same
    from evidently.legacy.report import Report  # noqa: PLC0415 - the same

    mapping = ColumnMapping(
        target=None, prediction=None, numerical_features=numeric, categorical_features=categorical
    )
    report = Report([DataDriftTable()])
    report.run(reference_data=reference, current_data=live, column_mapping=mapping)
    found = report.as_dict()["metrics"][0]["result"]
    drifted = [name for name, column in found["drift_by_columns"].items() if column["drift_detected"]]
    return drifted, float(found["share_of_drifted_columns"]), bool(found["dataset_drift"])


def preset_share(
    reference: pd.DataFrame, live: pd.DataFrame, numeric: list[str], categorical: list[str]
) -> float:
    """The share of drifted columns that `DataDriftPreset` itself reports."""
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 - need not be installed
    from evidently.presets import DataDriftPreset  # noqa: PLC0415 - the same

    definition = DataDefinition(numerical_columns=numeric, categorical_columns=categorical)
    before = Dataset.from_pandas(reference, data_definition=definition)
    now = Dataset.from_pandas(live, data_definition=definition)
    metrics = Report([DataDriftPreset()]).run(now, before).dict()["metrics"]
    return float(next(one["value"]["share"] for one in metrics if "drift_share" in one["config"]))


def by_nannyml(
    reference: pd.DataFrame, live: pd.DataFrame, numeric: list[str], categorical: list[str]
) -> Alarms:
    """The windows in which any column alerts."""
    from nannyml import UnivariateDriftCalculator  # noqa: PLC0415 - need not be installed
    from nannyml.chunk import Chunk, Chunker  # noqa: PLC0415 - the same

    class ByWindow(Chunker):  # type: ignore[misc]
        """Chunks are the windows that all tools share."""

        def _split(self, data: pd.DataFrame) -> list[Any]:
            return [Chunk(key=str(window), data=rows) for window, rows in data.groupby("window")]

    columns = with_values(reference, [*numeric, *categorical])
    calculator = UnivariateDriftCalculator(
        column_names=columns,
        treat_as_numerical=[name for name in numeric if name in columns],
        treat_as_categorical=[name for name in categorical if name in columns],
        timestamp_column_name="window",
        chunker=ByWindow(),
    )
    calculator.fit(reference)
    results = calculator.calculate(live).filter(period="analysis").to_df()
    found: Alarms = {}
    for row in results.to_dict("records"):
        alerting = [name for (name, _, part), value in row.items() if part == "alert" and value == 1]
        if alerting:
            found[int(row["chunk", "chunk", "key"])] = alerting
    return found


TOOLS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, list[str], list[str]], Alarms]] = {
    "evidently": by_evidently,
    "nannyml": by_nannyml,
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What one tool says of one case."""
    numeric, categorical = request["numeric"], request["categorical"]
    reference = with_texts(pd.read_parquet(request["reference"]), categorical)
    live = with_texts(pd.read_parquet(request["live"]), categorical)
    try:
        return {"alarms": TOOLS[request["tool"]](reference, live, numeric, categorical)}
    except Exception as error:  # noqa: BLE001 - whatever a tool raises is its answer
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    os.environ |= {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    # what the tools print must not be taken for an answer
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({name: installed(name) for name in TOOLS}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
