"""NannyML's estimated performance, in an interpreter of its own; see `estimates.py`.

    python estimates_peer.py reference.parquet live.parquet

Both files have the columns `window`, a whole number, and `prediction`; the reference has `label` too. With a
column `probability` it is CBPE of a binary model, without it DLE of a regression, whose features are all
other columns. Writes one JSON object to stdout: the version, the seconds of fit and of estimate, and by
window and metric the value and its interval; {"version": null} where it is not installed.
"""

import json
import os
import sys
import time
from typing import Any

import pandas as pd
from peers import installed, one_core

METRICS = ("roc_auc", "f1", "accuracy", "precision", "recall")
NUMBER_METRICS = ("mae", "rmse")
"""Of regressions, those that both tools estimate."""


def estimate(reference: pd.DataFrame, live: pd.DataFrame) -> dict[str, Any]:
    """What CBPE or DLE in its default setting says of each live window, and how long it takes."""
    from nannyml import CBPE, DLE  # noqa: PLC0415 - need not be installed
    from nannyml.chunk import Chunk, Chunker  # noqa: PLC0415 - the same

    class ByWindow(Chunker):  # type: ignore[misc]
        """Chunks are the windows that both tools share."""

        def _split(self, data: pd.DataFrame) -> list[Any]:
            return [Chunk(key=str(window), data=rows) for window, rows in data.groupby("window")]

    common = {"y_pred": "prediction", "y_true": "label", "timestamp_column_name": "window"}
    begun = time.process_time()
    if "probability" in live:
        metrics = METRICS
        estimator = CBPE(
            metrics=list(metrics),
            y_pred_proba="probability",
            problem_type="classification_binary",
            chunker=ByWindow(),
            **common,
        )
    else:
        metrics = NUMBER_METRICS
        features = [name for name in live if name not in {"window", "prediction"}]
        estimator = DLE(features, metrics=list(metrics), chunker=ByWindow(), **common)
    estimator.fit(reference)
    fitted = time.process_time()
    results = estimator.estimate(live).filter(period="analysis").to_df()
    ended = time.process_time()
    parts = ("value", "lower_confidence_boundary", "upper_confidence_boundary")
    windows = {
        str(row["chunk", "key"]): {name: [float(row[name, part]) for part in parts] for name in metrics}
        for row in results.to_dict("records")
    }
    return {"fit": fitted - begun, "estimate": ended - fitted, "windows": windows}


def main() -> None:
    one_core()
    os.environ |= {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    # what the tool prints must not be taken for the answer
    answers, sys.stdout = sys.stdout, sys.stderr
    answer: dict[str, Any] = {"version": installed("nannyml")}
    if answer["version"]:
        reference, live = (pd.read_parquet(path) for path in sys.argv[1:3])
        answer |= estimate(reference, live)
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
