"""Whether the label depends on the features in another way than other inputs or class shares explain.

Two score-vector tests of one surrogate. Its gradients keep their mean while P(y|x) stays, whatever becomes
of the inputs; less the mean of their class, and with each class weighted by its share in the reference, they
keep theirs while P(x|y) stays, whatever becomes of the class shares. The relation changed where both means
moved, so the larger p-value counts: an intersection-union test (Berger, Multiparameter hypothesis testing and
acceptance sampling, Technometrics 1982).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.stats import norms, score_vector, surrogate
from monitor.stats.score_vector import ScoreReference, ScoreTest
from monitor.stats.surrogate import Floats, Rows, Surrogate, Task
from monitor.stats.tables import Table

GROUPS = 10
"""Into so many groups of about as many rows labels that are numbers are put, in place of classes."""
MOST_GRADIENTS = 10_000_000
"""Numbers held at once."""
FOLDS = 4
"""Windows are compared with what the windows of other folds taught."""
OWN = ("bounds", "shares", "means", "spreads")
LEAST, CERTAIN = 1e-290, 1e-3
"""p-values below count as this one, so that no line is infinite; and those this near to 1 as that."""
TESTS = 2
"""All features together, and the one that moved furthest."""


@dataclass(frozen=True, slots=True, eq=False)
class RelationReference:
    """A surrogate and how its gradients lie, as they are (`overall`) and less their group's mean (`within`).

    Groups are the g classes, or intervals of labels that are numbers, with `bounds` (g - 1,) between them,
    empty for classes. `shares`: float64 (g,), of rows. `means`: (g, k), of gradients. `spreads`: (g,), mean
    squared lengths of clipped whitened gradients less the mean.
    """

    model: Surrogate
    overall: ScoreReference
    within: ScoreReference
    bounds: Floats
    shares: Floats
    means: Floats
    spreads: Floats

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it as arrays by name, for `from_arrays`."""
        found: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in OWN}
        for name in ("model", "overall", "within"):
            found |= {f"{name} {key}": each for key, each in getattr(self, name).to_arrays().items()}
        return found

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "RelationReference":
        """The reference `to_arrays` was asked of. Raises KeyError where an array lacks."""

        def part(name: str) -> dict[str, NDArray[Any]]:
            return {
                key.removeprefix(f"{name} "): each
                for key, each in arrays.items()
                if key.startswith(f"{name} ")
            }

        return cls(
            Surrogate.from_arrays(part("model")),
            ScoreReference.from_arrays(part("overall")),
            ScoreReference.from_arrays(part("within")),
            **{name: arrays[name] for name in OWN},
        )


@dataclass(frozen=True, slots=True, eq=False)
class MeanGradients:
    """Of a window, float64 (2, k), as they are and less their groups' means; and `rows` (2,) behind each."""

    values: Floats
    rows: Floats


@dataclass(frozen=True, slots=True, eq=False)
class RelationTest:
    """What one window says of the relation of label and features.

    `p_value`: that chance gives both tests such gradients. `weaker`: the test that moved less, and `columns`
    the numbers of the columns whose relation it names, the clearest first, -1 for the label's level.
    """

    p_value: float
    weaker: ScoreTest
    columns: tuple[int, ...]


def learn(table: Table, labels: Floats, task: Task) -> tuple[RelationReference, Rows]:
    """The reference, and the rows that the surrogate was not fitted on.

    `labels`: float64 (n,), NaN where missing. Raises ValueError where `surrogate.learn` or
    `score_vector.reference` would.
    """
    model, held = surrogate.learn(table, labels, task)
    room = MOST_GRADIENTS // len(model.owner)
    some = np.sort(np.random.default_rng(1).permutation(held)[:room])
    gradients = score_vector.gradients(model, model.encoding.encode(table.take(some)), labels[some])
    bounds = np.empty(0) if len(model.classes) else _bounds(labels[some])
    group = _groups(model, bounds, labels[some])
    count = np.bincount(group)
    hot = group == np.arange(len(count))[:, None]
    means = hot @ gradients / np.maximum(count, 1)[:, None]
    within = score_vector.reference(gradients - means[group], model.owner)
    white = norms.clip((gradients - means[group] - within.centre) @ within.whitener, within.limit, axis=1)
    spreads = hot @ (white**2).sum(axis=1) / np.maximum(count, 1)
    overall = score_vector.reference(gradients, model.owner)
    return RelationReference(model, overall, within, bounds, count / len(group), means, spreads), held


def mean_gradients(known: RelationReference, x: Floats, labels: Floats) -> MeanGradients:
    """What both tests read of encoded rows (n, p) whose labels are known.

    The groups' means are weighted by their shares in the reference; `rows` are then so many as would tell a
    mean of the reference's own shares as surely. Raises ValueError for no rows, and for labels the surrogate
    does not know.
    """
    gradients = score_vector.gradients(known.model, x, labels)
    group = _groups(known.model, known.bounds, labels)
    count = np.bincount(group, minlength=len(known.shares))[: len(known.shares)]
    found = np.flatnonzero((count > 0) & (known.shares > 0))
    share = known.shares[found] / known.shares[found].sum()
    usual = known.means[np.minimum(group, len(known.means) - 1)]
    parts = [
        score_vector.mean_gradient(known.within, (gradients - usual)[group == number])
        for number in found.tolist()
    ]
    spread = known.spreads[found]
    rows = (share * spread).sum() / (share**2 * spread / count[found]).sum()
    overall = score_vector.mean_gradient(known.overall, gradients)
    return MeanGradients(np.stack([overall, share @ np.array(parts)]), np.array([len(x), rows]))


def compare(known: RelationReference, x: Floats, labels: Floats, *, level: float) -> RelationTest | None:
    """Compare encoded rows (n, p) with the reference; None where no row has a label it knows.

    Columns are named where the p-value is at most `level`.
    """
    usable = known.model.known(labels)
    if not usable.any():
        return None
    return compare_means(known, mean_gradients(known, x[usable], labels[usable]), level=level)


def compare_means(known: RelationReference, window: MeanGradients, *, level: float) -> RelationTest:
    """Compare a window's mean gradients with the reference's."""
    sides = list(zip((known.overall, known.within), window.values, window.rows.tolist(), strict=True))
    tests = [score_vector.compare_mean(*side) for side in sides]
    chances = [min(1.0, TESTS * min(each.p_value, each.sparse_p_value)) for each in tests]
    weaker = int(chances[1] >= chances[0])
    columns: tuple[int, ...] = ()
    if chances[weaker] <= level:
        columns = tuple(name for name, _ in score_vector.named(*sides[weaker]))
    return RelationTest(chances[weaker], tests[weaker], columns)


def with_between(known: RelationReference, windows: Sequence[MeanGradients]) -> RelationReference:
    """The reference that also knows how much its windows vary."""
    if not windows:
        return known
    values, rows = np.array([each.values for each in windows]), np.array([each.rows for each in windows])
    return replace(
        known,
        overall=score_vector.with_between(known.overall, values[:, 0], rows[:, 0]),
        within=score_vector.with_between(known.within, values[:, 1], rows[:, 1]),
    )


def replayed(known: RelationReference, windows: Sequence[MeanGradients]) -> Floats:
    """The p-values (w,) of the reference's windows, each compared with what those of other folds taught."""
    fold = [number * FOLDS // len(windows) for number in range(len(windows))]
    found = np.ones(len(windows))
    for number in set(fold):
        others = with_between(known, [each for each, own in zip(windows, fold, strict=True) if own != number])
        for place, own in enumerate(fold):
            if own == number:
                found[place] = compare_means(others, windows[place], level=0.0).p_value
    return found


def evidence(p_values: Floats) -> Floats:
    """Normal scores of p-values; on this scale an exponential is heavier than what chance gives."""
    found: Floats = -special.ndtri(np.clip(p_values, LEAST, 1 - CERTAIN))
    return found


def _bounds(labels: Floats) -> Floats:
    """Labels between about as many others each: so every group, the last one too, has labels in it."""
    found = np.unique(np.quantile(labels, np.arange(1, GROUPS) / GROUPS, method="lower"))
    return np.asarray(found[found < labels.max()])


def _groups(model: Surrogate, bounds: Floats, labels: Floats) -> Rows:
    """The class of each label, or its place among the bounds."""
    if len(model.classes):
        return model.codes(labels)
    return np.searchsorted(bounds, labels).astype(np.int64)
