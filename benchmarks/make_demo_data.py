"""Make the flights that driftd ships for `driftd demo` from the outside data sets.

    DRIFTD_DATA=... python benchmarks/make_demo_data.py [FOLDER]

Reads `semi_flights_injected`; writes `flights.parquet` and `flights_truth.json` to FOLDER (or monitor/data).
Every value is kept as it is; only the time a label became known is rounded up to the second, so that at every
whole-second tick exactly the same labels are known as before.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SET = "semi_flights_injected"
CATEGORIES = ("carrier", "origin", "dest")
INTEGERS = ("sched_hour", "dow")
MEASURES = ("distance", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib", "seats")
ROWS_PER_GROUP = 20_000
NANOSECONDS = 1_000_000_000

EXPECTED = {
    "covariate/unit change": ("unit change", ["covariate"]),
    "missing values": ("missing values", ["quality"]),
    "new category": ("new category", ["quality"]),
    "covariate gradual": ("gradual shift", ["covariate"]),
    "prior / label shift": ("label shift", ["label"]),
    "concept": ("concept change", ["concept"]),
    "correlation break": ("correlation break", ["covariate"]),
    "missing labels": ("missing labels", ["quality"]),
    "covariate subtle": ("subtle shift", ["covariate"]),
}
"""The name that the demo prints and the kinds of driftd that are the right answer, by the set's own words."""


def read(data: Path) -> pa.Table:
    """The flights of the outside set as it stands."""
    return pq.read_table(data / SET / "prepared.parquet")


def compact(source: pa.Table) -> pa.Table:
    """The same flights in the types that the demo's file uses."""
    columns = {
        "flight_id": source["seq"].cast(pa.int32()),
        "ts": source["ts"].cast(pa.timestamp("ms", "UTC")),
        "label_ts": up_to_second(source["label_ts"]),
        **{name: source[name].cast(pa.string()) for name in CATEGORIES},
        **{name: source[name].cast(pa.int8()) for name in INTEGERS},
        **{name: source[name] for name in MEASURES},
        "y": source["y"].cast(pa.int8()),
        "y_pred": source["y_pred"].cast(pa.int8()),
        "y_proba": source["y_proba"],
    }
    return pa.table(columns)


def up_to_second(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times rounded up to the second: no label is known before it was."""
    nanoseconds = times.cast(pa.timestamp("ns")).cast(pa.int64())
    seconds = pc.divide(pc.add(nanoseconds, NANOSECONDS - 1), NANOSECONDS)
    return pc.multiply(seconds, 1000).cast(pa.timestamp("ms", "UTC"))


def write(flights: pa.Table, path: Path) -> None:
    """A small Parquet file; row groups by time, so that a reader can leave out what it does not need."""
    steady = ("flight_id", "ts", "label_ts")
    pq.write_table(
        flights,
        path,
        compression="zstd",
        compression_level=19,
        row_group_size=ROWS_PER_GROUP,
        use_dictionary=[name for name in flights.column_names if name not in (*steady, "y_proba")],
        column_encoding=dict.fromkeys(steady, "DELTA_BINARY_PACKED") | {"y_proba": "BYTE_STREAM_SPLIT"},
        store_schema=False,
    )


def truth(faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was injected, in the words of driftd; `columns` holds names of columns only."""
    return [
        {
            "name": EXPECTED[fault["kind"]][0],
            "start": stamp(fault["start"]),
            "end": stamp(fault["end"]),
            "kinds": EXPECTED[fault["kind"]][1],
            "columns": [name for name in fault["columns"] if "|" not in name],
            "severity": fault["severity"],
            "note": fault["note"],
        }
        for fault in faults
    ]


def stamp(text: str) -> str:
    """A time of the set, which is UTC, in ISO 8601."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    """Write both files and say how large they came out."""
    data = Path(os.environ["DRIFTD_DATA"])
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "monitor" / "data")
    folder.mkdir(parents=True, exist_ok=True)
    flights = compact(read(data))
    write(flights, folder / "flights.parquet")
    faults = truth(json.loads((data / SET / "truth.json").read_text()))
    (folder / "flights_truth.json").write_text(json.dumps(faults, indent=1) + "\n")
    size = (folder / "flights.parquet").stat().st_size
    print(f"{flights.num_rows} flights, {size / 1e6:.2f} MB; {len(faults)} faults")


if __name__ == "__main__":
    main()
