"""NannyML's estimated performance, in an interpreter of its own; see `estimates.py`.

    python estimates_peer.py reference.parquet live.parquet

Both files have the columns `window`, a whole number, `prediction` and `probability`; the reference has
`label` too. Writes one JSON object to stdout: the version, the seconds of fit and estimate, and by window and
metric the value and its interval; {"version": null} where it is not installed.
"""

import json
import os
import sys
import time
from typing import Any

import pandas as pd
from peers import installed

METRICS = ("roc_auc", "f1", "accuracy", "precision", "recall")


def estimate(reference: pd.DataFrame, live: pd.DataFrame) -> tuple[float, dict[str, dict[str, list[float]]]]:
    """The seconds of CBPE in its default setting, and what it says of each live window."""
    from nannyml import CBPE  # noqa: PLC0415 - need not be installed
    from nannyml.chunk import Chunk, Chunker  # noqa: PLC0415 - the same

    class ByWindow(Chunker):  # type: ignore[misc]
        """Chunks are the windows that both tools share."""

        def _split(self, data: pd.DataFrame) -> list[Any]:
            return [Chunk(key=str(window), data=rows) for window, rows in data.groupby("window")]

    begun = time.perf_counter()
    estimator = CBPE(
        metrics=list(METRICS),
        y_pred="prediction",
        y_pred_proba="probability",
        y_true="label",
        problem_type="classification_binary",
        timestamp_column_name="window",
        chunker=ByWindow(),
    )
    estimator.fit(reference)
    results = estimator.estimate(live).filter(period="analysis").to_df()
    seconds = time.perf_counter() - begun
    parts = ("value", "lower_confidence_boundary", "upper_confidence_boundary")
    rows = results.to_dict("records")
    return seconds, {
        str(row["chunk", "key"]): {name: [float(row[name, part]) for part in parts] for name in METRICS}
        for row in rows
    }


def main() -> None:
    os.environ |= {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    # what the tool prints must not be taken for the answer
    answers, sys.stdout = sys.stdout, sys.stderr
    answer: dict[str, Any] = {"version": installed("nannyml")}
    if answer["version"]:
        reference, live = (pd.read_parquet(path) for path in sys.argv[1:3])
        answer["seconds"], answer["windows"] = estimate(reference, live)
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
