"""A surrogate of the label: rows as few standardised features, and a regularised linear model on them.

The model stands in for whatever model is served: only its likelihood is of interest, whose gradients tell
when the relation of label and features changed (`monitor.stats.score_vector`). Half of the reference's
rows fit it and the other half is handed back, so that gradients can be centred on rows the fit has not
seen.
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.stats.tables import Table

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]
Task: TypeAlias = Literal["binary", "multiclass", "regression"]

TAIL = 0.005
"""Numbers, and labels that are numbers, count as at least this quantile and at most its mirror."""
RARE_ROWS, RARE_SHARE = 10, 0.005
"""What fewer fitted rows have gets no feature or class of its own: its gradients are far from normal."""
MOST_CATEGORIES = 10
MOST_FEATURES = 200
MOST_CLASSES = 50
MOST_COORDINATES = 600
"""So many coefficients and intercepts at most, since their covariance has the square of that."""
ROWS_PER_COORDINATE = 10
"""So many held-out rows for each, so that the covariance is known well enough to invert."""
FEWEST_ROWS = 200
MOST_FITTED = 20_000
"""Rows that fit the model; more hardly move its coefficients."""


class Kind(IntEnum):
    """What a feature tells of its column."""

    VALUE = 0
    MISSING = 1
    CATEGORY = 2
    OTHERS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """Which features stand for a row.

    `kinds`, `columns`, `codes`: int64 (p,), one entry per feature. Columns count the numeric ones first, then
    the categorical ones; the code is that of a `CATEGORY`, -1 where that is the missing value. `scales`:
    float64 (4, d), each numeric column's lowest and highest value, mean and standard deviation.
    """

    kinds: Rows
    columns: Rows
    codes: Rows
    scales: Floats

    def __len__(self) -> int:
        """How many features."""
        return len(self.kinds)

    def encode(self, table: Table) -> Floats:
        """The features, float64 (n, p), always finite.

        Numbers are winsorised and standardised, 0 (the mean) where missing; all others are 0 or 1.
        """
        found = np.empty((len(table), len(self)))
        for place in range(len(self)):
            found[:, place] = self.feature(table, place)
        return found

    def feature(self, table: Table, place: int) -> Floats:
        """One feature of every row, float64 (n,)."""
        column, kind = int(self.columns[place]), Kind(self.kinds[place])
        numeric = self.scales.shape[1]
        if kind is Kind.VALUE:
            low, high, mean, deviation = self.scales[:, column]
            values = table.numbers[:, column].astype(np.float64)
            return np.asarray(np.nan_to_num((np.clip(values, low, high) - mean) / deviation))
        if kind is Kind.MISSING:
            return np.asarray(np.isnan(table.numbers[:, column]), np.float64)
        codes = table.codes[:, column - numeric]
        if kind is Kind.CATEGORY:
            return np.asarray(codes == self.codes[place], np.float64)
        own = (self.columns == column) & (self.kinds == Kind.CATEGORY)
        return (~np.isin(codes, self.codes[own])).astype(np.float64)

    def take(self, places: Rows) -> "Encoding":
        """Only these features; a category without a feature then counts among its column's others."""
        return Encoding(self.kinds[places], self.columns[places], self.codes[places], self.scales)


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """A logistic, multinomial logistic or linear model of the label on encoded rows.

    `coefficients`: float64 (o, p) and `intercepts` (o,), with one output for two classes and for regression.
    `classes`: float64 (c,), ascending; empty for regression. `pools`: 1 where one more class, the last, holds
    every other label, else 0. `label_scale`: float64 (3,), the lowest and highest label and the residual
    standard deviation, in units of the label; for regression only.
    """

    encoding: Encoding
    coefficients: Floats
    intercepts: Floats
    classes: Floats
    pools: int
    label_scale: Floats

    @property
    def owner(self) -> Rows:
        """Of each coordinate of a gradient the column, int64 (o * (p + 1),); -1 for an intercept.

        An output's coefficients stand together, its intercept after them.
        """
        return np.tile(np.append(self.encoding.columns, -1), len(self.intercepts))

    def known(self, labels: Floats) -> Flags:
        """Which labels (n,) have a likelihood: not missing (NaN), and of a class the reference has."""
        finite = np.isfinite(labels)
        if len(self.classes) and not self.pools:
            return finite & np.isin(labels, self.classes)
        return finite

    def residuals(self, x: Floats, labels: Floats) -> Floats:
        """The derivative of each row's log-likelihood by the outputs, (n, o), of x (n, p) and labels (n,).

        Label minus probability for classes (McCullagh and Nelder 1989, section 2.2.4), residual over
        variance for regression, where labels count as at most the reference's 99.5 % quantile and at
        least its 0.5 %. Raises ValueError for labels that are not `known`.
        """
        if not self.known(labels).all():
            message = "a label is missing or of no class of the reference; leave such rows out first"
            raise ValueError(message)
        outputs = x @ self.coefficients.T + self.intercepts
        if not len(self.classes):
            low, high, deviation = self.label_scale
            return np.asarray((np.clip(labels, low, high)[:, None] - outputs) / deviation**2)
        code = self.codes(labels)
        if len(self.intercepts) == 1:
            return np.asarray(code[:, None] - special.expit(outputs))
        hot = code[:, None] == np.arange(len(self.intercepts))
        return np.asarray(hot - special.softmax(outputs, axis=1))

    def codes(self, labels: Floats) -> Rows:
        """The place of each label among the classes; that after the last for all others."""
        return _coded(labels, self.classes)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it as arrays by name, for `from_arrays`."""
        own = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self) if f.name != "encoding"}
        return own | {f.name: getattr(self.encoding, f.name) for f in fields(Encoding)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> "Surrogate":
        """The surrogate `to_arrays` was asked of. Raises KeyError where an array lacks."""
        encoding = Encoding(**{f.name: np.asarray(arrays[f.name]) for f in fields(Encoding)})
        own = {f.name: np.asarray(arrays[f.name]) for f in fields(cls) if f.name not in {"encoding", "pools"}}
        return cls(encoding=encoding, pools=int(arrays["pools"]), **own)


def learn(table: Table, labels: Floats, task: Task) -> tuple[Surrogate, Rows]:
    """The surrogate of a random half of the rows, 20,000 at most, and which others have a label it knows.

    `labels`: float64 (n,), NaN where missing; classes are told apart by their number. scikit-learn's
    logistic or ridge regression with an L2 penalty of 1. There are at most 200 features, and at most 600
    coordinates and a tenth of the held-out rows: where there would be more, the rarest classes are pooled
    (10 or more stay), then the features least correlated with the label are dropped. Raises ValueError
    where fewer than 200 labels are known, they are all alike, or no column varies.
    """
    rows = np.random.default_rng(0).permutation(np.flatnonzero(np.isfinite(labels)))
    if len(rows) < FEWEST_ROWS:
        message = f"{len(rows)} rows have a label; a surrogate takes {FEWEST_ROWS}"
        raise ValueError(message)
    half = min(len(rows) // 2, MOST_FITTED)
    fitted, held = np.sort(rows[:half]), np.sort(rows[half:])
    features = encoding_of(table.take(fitted))
    room = min(MOST_COORDINATES, len(held) // ROWS_PER_COORDINATE)
    classes, pools = np.empty(0), 0
    if task != "regression":
        most = max(3, min(10, room // 6), room // (min(MOST_FEATURES, len(features)) + 1))
        classes, pools = _classes(labels[fitted], min(most, MOST_CLASSES))
        if not pools:
            fitted = fitted[np.isin(labels[fitted], classes)]
    outputs = len(classes) + pools if len(classes) + pools > 2 else 1
    table_fitted, target = table.take(fitted), labels[fitted]
    width = min(MOST_FEATURES, room // outputs - 1)
    features = features.take(_related(features, table_fitted, target, classes, width))
    model = _fit(features, features.encode(table_fitted), target, classes, pools)
    return model, held[model.known(labels[held])]


def encoding_of(table: Table) -> Encoding:
    """Every feature these rows could have; ValueError where no column varies."""
    numeric, rare = table.columns[0], max(RARE_ROWS, int(np.ceil(RARE_SHARE * len(table))))
    found: list[tuple[Kind, int, int]] = []
    scales = np.tile(np.array([[0.0], [0.0], [0.0], [1.0]]), (1, numeric))
    for column in range(numeric):
        values = table.numbers[:, column].astype(np.float64)
        values = values[~np.isnan(values)]
        if len(values) < rare:
            continue
        low, high = np.quantile(values, [TAIL, 1 - TAIL])
        inner = np.clip(values, low, high)
        # a spread below what float32 resolves is rounding
        if inner.std() > 1e-6 * max(abs(low), abs(high)):
            scales[:, column] = low, high, inner.mean(), inner.std()
            found.append((Kind.VALUE, column, 0))
        if len(table) - len(values) >= rare:
            found.append((Kind.MISSING, column, 0))
    for column in range(table.columns[1]):
        codes, counts = np.unique(table.codes[:, column], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
        kept = [int(place) for place in order if rare <= counts[place] <= len(table) - rare]
        found += [(Kind.CATEGORY, numeric + column, int(codes[place])) for place in kept]
        if kept and len(table) - counts[kept].sum() >= rare:
            found.append((Kind.OTHERS, numeric + column, 0))
    if not found:
        message = "no column varies; a surrogate has nothing to tell labels from"
        raise ValueError(message)
    kinds, columns, own = np.array(found, np.int64).T
    return Encoding(kinds, columns, own, scales)


def _classes(labels: Floats, most: int) -> tuple[Floats, int]:
    """The labels with a class of their own, and 1 where there are enough others for one more class."""
    found, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= RARE_ROWS]
    if len(order) > most or len(order) < len(found):
        order = order[: most - 1]
    pools = int(len(labels) - counts[order].sum() >= RARE_ROWS)
    if len(order) + pools < 2:
        message = f"fewer than {RARE_ROWS} labels differ from the others; there is nothing to tell apart"
        raise ValueError(message)
    return np.sort(found[order]), pools


def _coded(labels: Floats, classes: Floats) -> Rows:
    """The place of each label among the classes; that after the last for all others."""
    place = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    return np.where(classes[place] == labels, place, len(classes)).astype(np.int64)


def _related(features: Encoding, table: Table, labels: Floats, classes: Floats, width: int) -> Rows:
    """The features of largest absolute correlation with the label, or with one class of it."""
    if len(features) <= width:
        return np.arange(len(features))
    target = labels[:, None] if not len(classes) else (labels[:, None] == classes).astype(np.float64)
    target = target - target.mean(axis=0)
    target = target / np.maximum(np.sqrt((target**2).sum(axis=0)), np.finfo(np.float64).tiny)
    size = np.empty(len(features))
    for place in range(len(features)):
        values = features.feature(table, place)
        spread = np.sqrt(len(values)) * max(float(values.std()), np.finfo(np.float64).tiny)
        size[place] = np.abs(values @ target).max() / spread
    return np.sort(np.argsort(-size, kind="stable")[:width])


def _fit(features: Encoding, x: Floats, labels: Floats, classes: Floats, pools: int) -> Surrogate:
    """The model of scikit-learn as plain arrays."""
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415 - it takes a second to import

    if len(classes):
        model = LogisticRegression(C=1.0, max_iter=1000).fit(x, _coded(labels, classes))
        return Surrogate(features, model.coef_, model.intercept_, classes, pools, np.zeros(3))
    low, high = np.quantile(labels, [TAIL, 1 - TAIL])
    inner = np.clip(labels, low, high)
    if not low < high:
        message = "the labels are all alike; there is nothing to explain"
        raise ValueError(message)
    ridge = Ridge(alpha=1.0).fit(x, inner)
    deviation = float(np.sqrt(np.mean((inner - ridge.predict(x)) ** 2)))
    # a perfect fit would divide by nothing
    scale = np.array([low, high, max(deviation, 1e-6 * float(inner.std()))])
    return Surrogate(features, ridge.coef_[None, :], np.atleast_1d(ridge.intercept_), classes, 0, scale)
