"""Make a Parquet file of a live table: numbers of many shapes, categories, time, id, prediction, label.

python benchmarks/generate.py table.parquet --rows 1000000 --columns 50 --seed 1 --shift 0.1
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 131_072
MISSING = 0.02
FIRST = np.datetime64("2024-01-01T00:00:00", "us")
LEVELS = (5, 8, 12, 20, 40, 75, 150, 300, 600, 1000)

Shape = Callable[[np.random.Generator, int], np.ndarray]
SHAPES: dict[str, Shape] = {
    "normal": lambda random, rows: random.normal(50, 12, rows),
    "uniform": lambda random, rows: random.uniform(0, 1, rows),
    "exponential": lambda random, rows: random.exponential(3, rows),
    "lognormal": lambda random, rows: random.lognormal(2, 1.5, rows),
    "heavy": lambda random, rows: random.standard_t(2, rows),
    "count": lambda random, rows: random.poisson(4, rows).astype(float),
    "zero_inflated": lambda random, rows: np.where(random.random(rows) < 0.6, 0.0, random.gamma(2, 10, rows)),
    "bimodal": lambda random, rows: random.normal(0, 1, rows) + 8 * (random.random(rows) < 0.3),
    "rounded": lambda random, rows: random.normal(20, 4, rows).round(1),
    "amount": lambda random, rows: (random.pareto(2.5, rows) * 30).round(2),
}


def names(columns: int) -> tuple[list[str], list[str]]:
    """The numeric and the categorical columns: one in five is categorical."""
    categorical = columns // 5
    shapes = list(SHAPES)
    numeric = [f"{shapes[number % len(shapes)]}_{number:04}" for number in range(columns - categorical)]
    levels = [f"level{LEVELS[number % len(LEVELS)]}_{number:04}" for number in range(categorical)]
    return numeric, levels


def batches(rows: int, columns: int, seed: int, shift: float, day: int) -> Iterator[pa.RecordBatch]:
    """One day's table in chunks; `shift` moves every numeric column by so many standard deviations."""
    random = np.random.default_rng(seed)
    numeric, categorical = names(columns)
    step = max(1, 86_400_000_000 // rows)
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        found: dict[str, pa.Array] = {}
        number = np.arange(start, start + count)
        found["ts"] = pa.array(
            FIRST + np.timedelta64(day, "D") + number * np.timedelta64(step, "us"), pa.timestamp("us", "UTC")
        )
        found["id"] = pa.array(number + seed * 10**9)
        for name in numeric:
            values = SHAPES[name.rpartition("_")[0]](random, count)
            values = values + shift * values.std() if shift else values
            found[name] = pa.array(values, mask=random.random(count) < MISSING)
        for name in categorical:
            levels = int(name.partition("_")[0].removeprefix("level"))
            chosen = np.minimum(random.geometric(3 / levels, count) - 1, levels - 1)
            texts = pa.array([f"category {level}" for level in range(levels)])
            coded = pa.array(chosen.astype(np.int32), mask=random.random(count) < MISSING)
            found[name] = pa.DictionaryArray.from_arrays(coded, texts).cast(pa.string())
        score = 1 / (1 + np.exp(-random.normal(-1, 1, count)))
        found["pred"] = pa.array((score > 0.5).astype(np.int64))
        found["proba"] = pa.array(score)
        found["label"] = pa.array((random.random(count) < score).astype(np.int64))
        yield pa.RecordBatch.from_pydict(found)


def write(path: Path, rows: int, columns: int, seed: int = 0, shift: float = 0.0, day: int = 0) -> None:
    """Write the table in row groups of one chunk."""
    parts = batches(rows, columns, seed, shift, day)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_batch(first)
        for part in parts:
            writer.write_batch(part)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50, help="features; one in five is categorical")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shift", type=float, default=0.0)
    parser.add_argument("--day", type=int, default=0, help="days after the first of January 2024")
    given = parser.parse_args()
    write(given.path, given.rows, given.columns, given.seed, given.shift, given.day)


if __name__ == "__main__":
    main()
