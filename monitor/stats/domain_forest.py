"""A domain classifier of boosted trees, and how much each column helps it."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stats.roc import area
from monitor.stats.tables import Table, pooled

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]

TREES = 50
LEAVES = 15
BINS = 100
"""Parts that a numeric column is cut into, and the most categories of another one."""
RARE = 20
"""Categories with fewer rows are one, and a column with fewer values tells nothing."""
SHUFFLES = 500
"""How often columns are shuffled in all: of many columns each is measured in fewer folds."""
SHUFFLED_ROWS = 1_000


class Forest:
    """Boosted trees (scikit-learn's histogram gradient boosting) on the columns as they are.

    Categories stand in the order of their frequency: trees find those that matter in a few cuts, and many
    times sooner than with sets of categories. Missing values go the way that tells more. A column's
    weight is the area lost on rows in which it is shuffled (Breiman 2001); columns that stand for each
    other hide each other's.
    """

    noise = 2.0
    """In standard errors of the area: a smaller weight is chance."""

    def __init__(self, table: Table, folds: int) -> None:
        codes = [pooled(column, RARE, BINS) for column in table.codes.T]
        texts = [np.where(column < 0, np.nan, column).astype(np.float32) for column in codes]
        self._rows = np.column_stack([table.numbers, *texts])
        self._rows[:, np.isfinite(self._rows).sum(axis=0) < RARE] = 0.0
        self._folds = folds
        self._measured = min(folds, max(1, SHUFFLES // self._rows.shape[1]))
        """In how many folds each column is shuffled."""

    def fold(self, number: int, live: Flags, train: Rows, test: Rows) -> tuple[Floats, Floats]:
        """The score of each test row, and the weight of each column, NaN where not measured."""
        from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - a second to import

        model = HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            max_bins=BINS,
            early_stopping=False,
            random_state=0,
        )
        model.fit(self._rows[train], live[train])
        scores = model.decision_function(self._rows[test])
        some = np.linspace(0, len(test) - 1, min(len(test), SHUFFLED_ROWS)).astype(np.int64)
        rows, flags = self._rows[test[some]], live[test[some]]
        before = area_of(flags, scores[some])
        order = np.random.default_rng(number).permutation(len(rows))
        weights = np.full(rows.shape[1], np.nan)
        for column in range(rows.shape[1]):
            if (column - number) % self._folds < self._measured:
                shuffled = rows.copy()
                shuffled[:, column] = rows[order, column]
                weights[column] = before - area_of(flags, model.decision_function(shuffled))
        return scores, weights


def area_of(live: Flags, scores: Floats) -> float:
    """The area under the ROC curve of rows of both sides.

    >>> area_of(np.array([True, False, True]), np.array([0.7, 0.2, 0.9]))
    1.0
    """
    found = area(live[:, None], scores[:, None])
    if found is None:
        message = "rows of one side alone have no area"
        raise ValueError(message)
    return found.value
