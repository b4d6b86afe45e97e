"""One small model whose live days are quiet but for one, shared by the tests of the commands."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.harness import Model

START = pd.Timestamp("2024-01-01", tz="UTC")
REFERENCE_DAYS, ROWS = 20, 200
LIVE = {"quiet": (0, 0, 0), "moved": (0, 0, 1.5), "passed": (0, 1.5, 0, 0, 0)}
"""By name of the live file, how far `amount` has moved on each day."""

YAML = """
version: 1
model: {name}
reference: {{source: {{kind: files, path: "{shared}/reference.parquet"}}}}
live: {{source: {{kind: files, path: "{shared}/{live}.parquet"}}}}
columns:
  timestamp: ts
  id: id
  prediction: y_pred
  label: y
  features: {{numeric: [amount], categorical: [country]}}
window: {{length: 1d, lateness: 1h, min_rows: 100}}
{more}
"""

UNTIL = "2024-02-01T00:00Z"

Make = Callable[..., Model]


def day(number: int, moved: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(number)
    amount = rng.normal(10, 2, ROWS)
    y = rng.random(ROWS) < 1 / (1 + np.exp(10 - amount))
    seconds = np.sort(rng.uniform(0, 86400, ROWS))
    return pd.DataFrame(
        {
            "ts": (START + pd.Timedelta(days=number) + pd.to_timedelta(seconds, unit="s")).floor("us"),
            "id": np.arange(ROWS) + number * ROWS,
            "amount": amount + moved,
            "country": rng.choice(["de", "fr", "pl"], ROWS),
            "y_pred": (amount > 10).astype(int),
            "y": y.astype(int),
        }
    )


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    pd.concat([day(number) for number in range(REFERENCE_DAYS)]).to_parquet(
        folder / "reference.parquet", index=False
    )
    for name, moves in LIVE.items():
        frames = [day(REFERENCE_DAYS + number, moved) for number, moved in enumerate(moves)]
        pd.concat(frames).to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.fixture
def make(tmp_path, shared) -> Make:
    """A model in this test's folder: `make("name", "moved")`; all models of a test have one store."""

    def made(name: str = "small", live: str = "quiet", more: str = "") -> Model:
        return Model(tmp_path, YAML.format(name=name, live=live, shared=shared, more=more), name)

    return made
