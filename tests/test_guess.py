import json
import os
from dataclasses import make_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from monitor.config import Duration, load_model
from monitor.errors import DriftdError
from monitor.guess import guess
from monitor.types import Task

ROWS = 3000
START = datetime(2024, 1, 1)  # noqa: DTZ001 - times without a zone are what many files hold


@pytest.fixture
def load(tmp_path):
    """The guess, read back as a configuration."""

    def read(text):
        path = tmp_path / "guessed.yaml"
        path.write_text(text, encoding="utf-8")
        return load_model(
            path, sources={"files": make_dataclass("Files", [("path", str)])}, detectors={}, environment={}
        )

    return read


def columns(rows=ROWS, step=timedelta(minutes=2)):
    rng = np.random.default_rng(7)
    return {
        "ts": [START + index * step for index in range(rows)],
        "flight_id": [f"f{index:05d}" for index in range(rows)],
        "seq": np.arange(rows),
        "temp": rng.normal(60, 10, rows),
        "dow": rng.integers(0, 7, rows),
        "carrier": rng.choice(["UA", "B6"], rows),
        "note": [f"text {index}" for index in range(rows)],
        "y_pred": rng.integers(0, 2, rows),
        "y_proba": rng.random(rows),
        "y": rng.integers(0, 2, rows),
        "label_ts": [START + (index + 5) * step for index in range(rows)],
        "model_version": ["v1"] * rows,
        "email": rng.choice(["a@x", "b@x"], rows),
        "nested": [[1, 2]] * rows,
        "empty": pa.nulls(rows, pa.float64()),
    }


def write(path, table):
    table = pa.table(table)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    else:
        path.write_text("".join(row.to_json() + "\n" for _, row in table.to_pandas().iterrows()))
    return path


def test_roles_types_and_window_of_a_usual_file(tmp_path, load):
    text = guess(write(tmp_path / "flights.parquet", columns()))
    config = load(text)

    assert config.model == "flights"
    assert config.task is Task.BINARY
    assert config.reference.source.options["path"] == str(tmp_path / "flights.parquet")
    found = config.columns
    assert (found.timestamp, found.id, found.prediction) == ("ts", "flight_id", "y_pred")
    assert (found.probability, found.label, found.positive) == ("y_proba", "y", 1)
    assert found.version == "model_version"
    assert found.features.numeric == ("temp",)
    assert found.features.categorical == ("dow", "carrier", "email")
    assert set(found.features.ignore) == {"seq", "note", "label_ts", "nested", "empty"}
    assert found.features.private == ("email",)
    assert config.window.length == Duration(days=1)
    assert config.window.min_rows == 200


def test_every_guess_says_why(tmp_path):
    lines = guess(write(tmp_path / "flights.parquet", columns())).splitlines()

    for start, reason in [
        ("task: binary", "the label has 2 values"),
        ("  timestamp: ts", "event time: named like one"),
        ("  id: flight_id", "every row has its own"),
        ("  positive: 1", "the greater value"),
        ("      - dow", "int64, 7 values only"),
        ("      - carrier", "text, 2 values"),
        ("      - note", "3000 different values in 3000 rows: ids or free text"),
        ("      - seq", "counts the rows"),
        ("      - nested", "list<element: int64> values are not measured"),
        ("      - empty", "has no value at all"),
        ("      - label_ts", "ground_truth.timestamp"),
        ("      - email", "named like personal data"),
        ("  timezone: UTC", "the times have no zone"),
    ]:
        assert any(line.startswith(start) and reason in line for line in lines), start
    assert "# about 720 in 1d, the shortest usual length that holds enough" in lines


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_text_formats_give_the_same_roles(tmp_path, load, suffix):
    table = {name: values for name, values in columns(300).items() if name not in {"nested", "empty"}}
    if suffix == ".jsonl":
        table = pa.table(table)
        path = tmp_path / "flights.jsonl"
        path.write_text("".join(f"{_json(row)}\n" for row in table.to_pylist()))
    else:
        path = write(tmp_path / "flights.csv", table)
    found = load(guess(path)).columns

    assert (found.timestamp, found.id, found.label, found.probability) == ("ts", "flight_id", "y", "y_proba")
    assert found.features.numeric == ("temp",)


def _json(row):
    return json.dumps(row, default=str)


def test_a_split_column_bounds_the_reference(tmp_path, load):
    split = ["reference"] * 1000 + ["analysis"] * (ROWS - 1000)
    config = load(guess(write(tmp_path / "flights.parquet", columns() | {"split": split})))

    bound = START.replace(tzinfo=UTC) + 1000 * timedelta(minutes=2)
    assert config.reference.end == bound
    assert config.live.start == bound
    assert config.live.source.options["path"] == config.reference.source.options["path"]
    assert "split" in config.columns.features.ignore


def test_a_split_at_random_bounds_nothing(tmp_path, load):
    config = load(
        guess(write(tmp_path / "a.parquet", columns() | {"split": ["train", "test"] * (ROWS // 2)}))
    )

    assert config.reference.end is None


@pytest.mark.parametrize(
    ("label", "others", "task", "positive"),
    [
        (["no", "yes"], {}, Task.BINARY, "yes"),
        ([False, True], {}, Task.BINARY, True),
        ([0.0, 1.0], {}, Task.BINARY, 1),
        (["a", "b", "c"], {}, Task.MULTICLASS, None),
        (["a", "b"], {"proba_a": [0.1, 0.2], "proba_b": [0.9, 0.8]}, Task.BINARY, "b"),
        (list(range(30)), {}, Task.REGRESSION, None),
        ([0.1, 0.2, 0.3], {"score": [0.5]}, Task.REGRESSION, None),
    ],
)
def test_the_task_follows_from_the_label(tmp_path, load, label, others, task, positive):
    rows = 300
    table = {"label": (label * rows)[:rows], "x": np.linspace(0, 1, rows)}
    table |= {name: (values * rows)[:rows] for name, values in others.items()}
    config = load(guess(write(tmp_path / "a.parquet", table)))

    assert config.task is task
    assert config.columns.positive == positive
    assert config.columns.timestamp is None
    if "proba_a" in others:
        assert config.columns.probability == {"a": "proba_a", "b": "proba_b"}
    if "score" in others:
        assert config.columns.features.numeric == ("x", "score")


def test_names_that_yaml_would_misread_are_quoted(tmp_path, load):
    names = ["true", "2024", "a: b", "# x", "${HOME}", 'quote"', "naïve\nline", "null", "-", "~"]
    table = {name: np.linspace(0, 1, 100) for name in names}
    config = load(guess(write(tmp_path / "2024.parquet", table)))

    assert config.columns.features.numeric == tuple(names)
    assert config.model == "model-2024"


def test_the_live_file_is_compared(tmp_path, load):
    data = write(tmp_path / "reference.parquet", columns(300))
    live = {name: values for name, values in columns(300).items() if name != "dow"}
    live |= {"temp": ["warm"] * 300, "extra": [1] * 300}
    write(tmp_path / "live-1.parquet", live)
    text = guess(data, tmp_path / "live-*.parquet")

    assert load(text).live.source.options["path"] == str(tmp_path / "live-*.parquet")
    assert "  # the live file has no column dow\n" in text
    assert "  # the live file has a column more: extra\n" in text
    assert "  # temp is number in the reference and text in the live file\n" in text


def test_live_that_is_not_there_yet_and_urls(tmp_path, load):
    data = write(tmp_path / "reference.parquet", columns(300))

    assert "no such file yet" in guess(data, tmp_path / "live" / "*.parquet")
    assert (
        load(guess(data, Path("s3://bucket/live/*.parquet"))).live.source.options["path"]
        == "s3://bucket/live/*.parquet"
    )


def test_few_rows_give_long_windows_and_a_low_bar(tmp_path, load):
    config = load(guess(write(tmp_path / "slow.parquet", columns(300, timedelta(hours=1)))))

    assert config.window.length == Duration(days=7)
    assert config.window.min_rows == 84


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.parquet", None, "there is no such file"),
        (
            "a.xlsx",
            b"x",
            "the name says no format; it must end in .parquet, .pq, .csv, .jsonl, .ndjson, .json",
        ),
        ("a.parquet", b"PAR1 broken", "cannot be read as Parquet: "),
        ("a.csv", b"", "cannot be read as CSV: "),
        ("a.csv", b"a,b\n", "has no rows; a reference needs the rows that are normal"),
        ("a.csv", b"a,b\n1,2\n1\n", "cannot be read as CSV: "),
        ("a.jsonl", b"{broken\n", "cannot be read as JSON Lines: "),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DriftdError) as caught:
        guess(path)

    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DriftdError, match="is a folder; give one file of it"):
        guess(tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "task", "timestamp", "length"),
    [
        ("semi_flights_clean", Task.BINARY, "ts", Duration(days=1)),
        ("nannyml_car_loan", Task.BINARY, "ts", Duration(days=7)),
        ("bike_sharing", Task.REGRESSION, "ts", Duration(days=7)),
    ],
)
def test_real_data(load, name, task, timestamp, length):
    config = load(guess(Path(os.environ["DRIFTD_DATA"]) / name / "prepared.parquet"))

    assert config.model == name
    assert config.task is task
    assert config.columns.timestamp == timestamp
    assert config.columns.label == "y"
    assert config.window.length == length
    assert config.reference.end == config.live.start
    assert "split" in config.columns.features.ignore
