"""DLE: the error of a regression model that its features lead to expect, without labels.

Direct loss estimation (the NannyML documentation, 2022): boosted trees predict the absolute, the squared
and the signed error of each row from its features and its prediction. Rows that they have not seen correct
them by bin of predicted loss, as in prediction-powered inference (Angelopoulos et al. 2023), and tell how
far the mean of a window can be off. All holds as long as the relation between features and label does.
"""

import io
import json
import math
import pickle
import struct
import zlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.stats.intervals import Z
from monitor.stats.performance import NO_LABELS, NUMBER_METRICS, UNDEFINED, Flags, Floats, Metric
from monitor.stats.threads import one_thread

TREES, LEAVES, LEAF_ROWS, RATE = 100, 6, 40, 0.05
"""Small and slow: deep trees follow the noise of single losses, and the check then levels what they know."""
CUTS = 100
"""Parts that a column is cut into."""
CATEGORIES = 200
"""Most frequent categories of a column that are told apart; the others are missing values."""
SMOOTHING = 20.0
"""Rows of average loss that are added to each category before categories are put in order."""
BINS, ROWS_A_BIN = 10, 50
FEWEST = 20
"""Usable rows under which there is no model."""

FORMAT = 1
SKLEARN = version("scikit-learn")
HEAD = struct.Struct("<II")
"""Length of the JSON header, and the checksum of all that follows it."""
TREES_MODULE = "sklearn.ensemble._hist_gradient_boosting"
ALLOWED = frozenset(
    {
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
        ("sklearn._loss._loss", "CyHalfSquaredError"),
        ("sklearn._loss.link", "IdentityLink"),
        ("sklearn._loss.link", "Interval"),
        ("sklearn._loss.loss", "HalfSquaredError"),
        (f"{TREES_MODULE}.binning", "_BinMapper"),
        (f"{TREES_MODULE}.gradient_boosting", "HistGradientBoostingRegressor"),
        (f"{TREES_MODULE}.predictor", "TreePredictor"),
        (__name__, "Check"),
        (__name__, "LossModel"),
    }
)
"""Every (module, name) that a pickle may name: scikit-learn's trees and what they hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """A loss model's error on the rows that it has not seen, by bin of predicted loss.

    `edges` (b - 1,): ends of the bins, in units of the loss. `gap`, `variance`, `rows`, each (b,): mean
    and variance of loss minus predicted loss, and how many rows.
    """

    edges: Floats
    gap: Floats
    variance: Floats
    rows: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LossModel:
    """Boosted trees of the absolute, squared and signed error, in this order, and their checks.

    `orders`: of each categorical column its codes in the order of their loss, else None. `trees`: None
    where that loss did not vary; then the mean of the check is all there is.
    """

    orders: tuple[NDArray[np.int64] | None, ...]
    trees: tuple[Any, ...]
    checks: tuple[Check, ...]


def learn(features: NDArray[np.float32], categorical: Flags, prediction: Floats, label: Floats) -> LossModel:
    """The loss model of labelled rows: one half is fitted, the other checked, halves drawn by fixed seed.

    `features` (n, d): numbers, or codes >= 0 where `categorical` (d,) is true; NaN is missing. `prediction`
    and `label` (n,): of the model that is watched. Rows whose squared error is not finite are left out.
    ValueError for other shapes and for fewer than `FEWEST` usable rows.
    """
    rows = np.column_stack([features, prediction]).astype(np.float64)
    if len(categorical) != features.shape[1] or label.shape != prediction.shape:
        message = f"features {features.shape}, kinds {len(categorical)}, labels {label.shape} do not fit"
        raise ValueError(message)
    with np.errstate(over="ignore", invalid="ignore"):
        losses = _losses(prediction - label)
    usable = np.flatnonzero(np.isfinite(losses).all(axis=0))
    if len(usable) < FEWEST:
        message = f"{len(usable)} rows with prediction and label, a loss model needs {FEWEST}"
        raise ValueError(message)
    shuffled = np.random.default_rng(0).permutation(usable)
    fitted, checked = shuffled[::2], shuffled[1::2]
    orders = tuple(
        _order(rows[fitted, column], losses[0, fitted]) if kind else None
        for column, kind in enumerate(categorical)
    )
    rows = _encoded(rows, orders)
    with one_thread():
        trees = tuple(_fit(rows[fitted], loss[fitted]) for loss in losses)
        checks = tuple(
            _check(_predict(tree, rows[checked]), loss[checked])
            for tree, loss in zip(trees, losses, strict=True)
        )
    return LossModel(orders, trees, checks)


def estimate(
    model: LossModel, features: NDArray[np.float32], prediction: Floats, *, dispersion: float = 1.0
) -> tuple[Metric, ...]:
    """What `performance.regression` is expected to say of these n rows: mae, rmse and bias.

    In units of the label. The 95 % intervals are for the value that the labels will give: they hold the
    spread of single losses around their expectation and the error of the model's check; `dispersion` >= 1
    multiplies the standard errors. Reasons as in `performance.regression`. ValueError for features or a
    dispersion that do not fit.
    """
    if features.shape != (len(prediction), len(model.orders)) or not dispersion >= 1:
        message = f"features {features.shape} of {len(model.orders)} columns, dispersion {dispersion}"
        raise ValueError(message)
    reason = UNDEFINED if len(prediction) else NO_LABELS
    if not len(prediction) or not np.isfinite(prediction).all():
        return tuple(Metric(name, None, reason=reason) for name in NUMBER_METRICS)
    rows = _encoded(np.column_stack([features, prediction]).astype(np.float64), model.orders)
    with one_thread():
        (mae, a), (square, s), (bias, b) = (
            _mean(_predict(tree, rows), check, dispersion)
            for tree, check in zip(model.trees, model.checks, strict=True)
        )
    mae, square = max(mae, 0.0), max(square, 0.0)
    root = math.sqrt(square)
    # on the logarithm of the mean square, like the interval of the realised value
    wide = math.exp(min(Z * s / (2 * square), 700.0)) if square > 0 else 1.0
    return (
        Metric("mae", mae, max(mae - Z * a, 0.0), mae + Z * a),
        Metric("rmse", root, root / wide, root * wide),
        Metric("bias", bias, bias - Z * b, bias + Z * b),
    )


def dump(model: LossModel) -> bytes:
    """The model as bytes: a checksum, a header with scikit-learn's version, and a pickle."""
    header = json.dumps({"format": FORMAT, "scikit-learn": SKLEARN}).encode()
    content = header + pickle.dumps(model, protocol=5)
    return HEAD.pack(len(header), zlib.crc32(content)) + content


def load(dumped: bytes) -> LossModel:
    """What `dump` wrote.

    ValueError for damaged bytes, those of another format or of another version of scikit-learn, and for a
    pickle that names anything that no loss model holds: it is not run.
    """
    damaged = f"the loss model ({len(dumped)} bytes) is damaged; learn it again"
    if len(dumped) < HEAD.size:
        raise ValueError(damaged)
    size, checksum = HEAD.unpack_from(dumped)
    content = dumped[HEAD.size :]
    if zlib.crc32(content) != checksum:
        raise ValueError(damaged)
    try:
        header = json.loads(content[:size])
        found = (header["format"], header["scikit-learn"])
        # nothing of the pickle is read before the versions are known to be these
        model = _Unpickler(io.BytesIO(content[size:])).load() if found == (FORMAT, SKLEARN) else None
        sound = isinstance(model, LossModel) and _sound(model)
    except Exception as error:
        message = str(error) if isinstance(error, pickle.UnpicklingError) else damaged
        raise ValueError(message) from error
    if model is None:
        message = f"the loss model is of format and scikit-learn {found}, not {(FORMAT, SKLEARN)}"
        raise ValueError(message)
    if not sound:
        raise ValueError(damaged)
    loaded: LossModel = model
    return loaded


class _Unpickler(pickle.Unpickler):
    """Loads only what `ALLOWED` names."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            message = f"a loss model names {module}.{name}, which none holds: it is refused"
            raise pickle.UnpicklingError(message)
        return super().find_class(module, name)


def _sound(model: LossModel) -> bool:
    """Whether each node of a tree leads forward to another one: compiled code follows them unchecked."""
    columns = len(model.orders) + 1
    for tree in filter(None, model.trees):
        for (one,) in vars(tree)["_predictors"]:
            nodes, inner = one.nodes, np.flatnonzero(one.nodes["is_leaf"] == 0)
            ahead = np.stack([nodes["left"][inner], nodes["right"][inner]]).astype(np.int64)
            column = nodes["feature_idx"][inner]
            known = (column >= 0) & (column < columns) & (nodes["is_categorical"][inner] == 0)
            if not (len(nodes) and known.all() and (ahead > inner).all() and (ahead < len(nodes)).all()):
                return False
        if tree.n_features_in_ != columns:
            return False
    return len(model.trees) == len(model.checks) == len(NUMBER_METRICS)


def _losses(gaps: Floats) -> Floats:
    return np.stack([np.abs(gaps), gaps * gaps, gaps])


def _order(codes: Floats, loss: Floats) -> NDArray[np.int64]:
    """The codes of a column in the order of their mean loss: one cut then parts them best (Fisher 1958)."""
    known = np.isfinite(codes)
    distinct, place, counts = np.unique(codes[known], return_inverse=True, return_counts=True)
    sums = np.bincount(place, loss[known], minlength=len(distinct))
    means = (sums + SMOOTHING * loss.mean()) / (counts + SMOOTHING)
    frequent = np.argsort(-counts, kind="stable")[:CATEGORIES]
    return distinct[frequent[np.argsort(means[frequent], kind="stable")]].astype(np.int64)


def _encoded(rows: Floats, orders: tuple[NDArray[np.int64] | None, ...]) -> Floats:
    """The rows (n, d + 1) with the place of each category in its column's order; unknown ones are missing."""
    rows = np.where(np.isfinite(rows), rows, np.nan)
    for column, order in enumerate(orders):
        if order is None:
            continue
        by_code = np.argsort(order)
        ordered, codes = order[by_code], rows[:, column]
        place = np.searchsorted(ordered, codes) % max(len(order), 1)
        rows[:, column] = np.where(ordered[place] == codes, by_code[place], np.nan) if len(order) else np.nan
    return rows


def _fit(rows: Floats, loss: Floats) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - a second to import

    if loss.min() == loss.max():
        return None
    model = HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAF_ROWS,
        learning_rate=RATE,
        max_bins=CUTS,
        categorical_features=None,
        early_stopping=False,
        random_state=0,
    )
    # a column without any value has no bins
    model.fit(np.where(np.isfinite(rows).any(axis=0), rows, 0.0), loss)
    # nothing that a prediction needs, and a pickle would have to name numpy's generators
    vars(model).pop("_feature_subsample_rng", None)
    return model


def _predict(tree: Any, rows: Floats) -> Floats:
    found: Floats = np.zeros(len(rows)) if tree is None else tree.predict(rows)
    return found


def _check(predicted: Floats, loss: Floats) -> Check:
    bins = min(max(len(loss) // ROWS_A_BIN, 1), BINS)
    edges = np.unique(np.quantile(predicted, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, predicted, side="right")
    gaps = loss - predicted
    rows = np.bincount(place, minlength=len(edges) + 1).astype(np.float64)
    some = np.maximum(rows, 1.0)
    gap = np.bincount(place, gaps, minlength=len(rows)) / some
    squares = np.bincount(place, (gaps - gap[place]) ** 2, minlength=len(rows))
    return Check(edges, gap, squares / np.maximum(rows - 1, 1.0), some)


def _mean(predicted: Floats, check: Check, dispersion: float) -> tuple[float, float]:
    """The expected mean loss of a window, and the standard error of the realised one about it."""
    place = np.searchsorted(check.edges, predicted, side="right")
    share = np.bincount(place, minlength=len(check.rows)) / len(predicted)
    value = float(predicted.mean() + share @ check.gap)
    variance = float((share / len(predicted) + share**2 / check.rows) @ check.variance)
    return value, dispersion * math.sqrt(variance)
