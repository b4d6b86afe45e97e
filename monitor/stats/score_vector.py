"""Score vectors: whether the gradients of a model's log-likelihood still have the mean they had.

Where the label depends on the features as it did, the gradient of the log-likelihood by the coefficients
has a known mean; where a coefficient changed, it moves, though errors may be as frequent as before (Zhang,
Bui and Apley, Concept drift monitoring via score functions, Technometrics 2023). A window's mean gradient
is compared with that of held-out reference rows, by Hotelling's T squared.

Where the relation is not linear the mean gradient moves with the features too, though the relation stayed,
and centring on the surrogate's calibration hardly helps: show this beside the covariate tests, and
calibrate it on the reference's own windows (`with_between`).
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monitor.stats import norms
from monitor.stats.surrogate import Floats, Rows, Surrogate

CLIP_AT = 0.99
"""Gradients longer than this quantile of the reference's lengths are shortened to it."""
FOLDS = 5
REDUNDANT = 1e-6
"""A direction with a smaller share of a coordinate's variance is a sum of others: softmax, one-hot codes."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreReference:
    """The gradients of unchanged rows, of k coordinates in r directions that are not redundant.

    `centre`: float64 (k,), the mean gradient. `whitener`: (k, r), to uncorrelated directions of about unit
    variance; `colour`: (r, k), back. `mean`: (k,), of the clipped gradients less the centre. `limit`: the
    length at which whitened gradients are clipped. `rows`: how many. `moments`: (3,), of clipped whitened
    gradients, cross-validated, the mean squared length over r, the sum of squared covariances over r, the
    mean fourth power of the length over r squared. `between`: (r,), variance of window means beyond chance;
    `windows`: how many told so. `owner`: int64 (k,), the column of each coordinate, -1 for intercepts.
    """

    centre: Floats
    whitener: Floats
    colour: Floats
    mean: Floats
    limit: float
    rows: int
    moments: Floats
    between: Floats
    windows: int
    owner: Rows

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it as arrays by name, for `from_arrays`."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> "ScoreReference":
        """The reference `to_arrays` was asked of. Raises KeyError where an array lacks."""
        found = {field.name: np.asarray(arrays[field.name]) for field in fields(cls)}
        values: dict[str, Any] = {name: a if a.ndim else a.item() for name, a in found.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTest:
    """How far a window's mean gradient is from the reference's.

    `value`: the Mahalanobis norm over the square root of its dimensions, about 1 by chance. `p_value`: of
    T squared. `effect`: the length of the difference beyond chance, in standard deviations of one row's
    gradient, at least 0. `columns`: int64 (c,), -1 for the intercepts; `by_feature`: float64 (c,), each one's
    own T squared per dimension, about 1 by chance, and `by_feature_p` its p-value. `shape`: the degrees of
    freedom of `value` squared where nothing changed.
    """

    value: float
    p_value: float
    effect: float
    rows: float
    columns: Rows
    by_feature: Floats
    by_feature_p: Floats
    shape: tuple[float, float]

    @property
    def sparse_p_value(self) -> float:
        """The smallest p-value of a column times the number of them: sharper where few changed."""
        return min(1.0, float(self.by_feature_p.min()) * len(self.columns))

    def line(self, p_value: float) -> float:
        """The `value` that chance reaches with this probability."""
        return float(np.sqrt(stats.f.isf(p_value, *self.shape)))


def gradients(model: Surrogate, x: Floats, labels: Floats) -> Floats:
    """Each row's gradient of the log-likelihood by coefficients and intercepts, float64 (n, o * (p + 1)).

    A vector-Jacobian product: the derivative by the outputs (n, o) times the Jacobian of the outputs, which
    is the row's features and a 1 for each output's own coefficients, and so an outer product. `x`: (n, p),
    encoded; `labels`: (n,). In 1 over units of the label for regression, else without a unit. Raises
    ValueError for labels the model does not know.
    """
    inputs = np.column_stack([x, np.ones(len(x))])
    residuals = model.residuals(x, labels)
    product = residuals[:, :, None] * inputs[:, None, :]
    return np.asarray(product.reshape(len(x), residuals.shape[1] * inputs.shape[1]))


def reference(gradients: Floats, owner: Rows) -> ScoreReference:
    """Of gradients float64 (n, k) of rows the model was not fitted on; `owner` is the model's, int64 (k,).

    Coordinates are standardised, and their correlations shrunk by Ledoit and Wolf (2004). The length that is
    clipped is that of the whitened gradient, the Mahalanobis norm, so that units do not matter. Raises
    ValueError where there are not more rows than coordinates, or all gradients are alike.
    """
    rows, coordinates = gradients.shape
    if rows <= coordinates + FOLDS:
        message = f"{rows} rows do not tell the covariance of {coordinates} coordinates"
        raise ValueError(message)
    centre, whitener, colour, limit = _metric(gradients)
    mean = norms.clip((gradients - centre) @ whitener, limit, axis=1).mean(axis=0) @ colour
    fold = np.arange(rows) % FOLDS
    found = [_moments(gradients[fold != number], gradients[fold == number]) for number in range(FOLDS)]
    moments, none = np.mean(found, axis=0), np.zeros(len(colour))
    if not moments[0] > 0:
        message = "all gradients are alike; there is no covariance to compare with"
        raise ValueError(message)
    return ScoreReference(centre, whitener, colour, mean, limit, rows, moments, none, 0, owner)


def mean_gradient(known: ScoreReference, gradients: Floats) -> Floats:
    """The mean clipped gradient less the reference's centre, float64 (k,), of gradients (n, k).

    With the number of rows all that `compare_mean` needs; means of parts add up by their rows. Raises
    ValueError for no rows, and for gradients that are not finite.
    """
    if not len(gradients):
        message = "no rows have no mean gradient"
        raise ValueError(message)
    white = (gradients - known.centre) @ known.whitener
    return np.asarray(norms.clip(white, known.limit, axis=1).mean(axis=0) @ known.colour)


def compare_mean(known: ScoreReference, mean: Floats, rows: float) -> ScoreTest:
    """Compare a window's `mean_gradient` (k,) of so many rows, at least 1, with the reference's.

    T squared with the covariance of the difference, 1/n + 1/N times that of one row and what varies
    between windows. Its p-value is that of Hotelling's F, whose dimensions are those at which the
    variance of T squared is right for the kurtosis of the gradients (Satterthwaite 1946; Mardia 1970).
    """
    unit, total = _whitened(known, mean, rows)
    rank, (dimensions, freedom) = len(unit), _shape(known, rows, total)
    blocks = _blocks(known, total)
    _, own, own_p = _explained(unit, blocks, dimensions / rank, freedom)
    value = float(norms.l2(unit) / np.sqrt(rank))
    beyond = float(((unit**2 - 1) * total).sum()) / known.moments[0]
    return ScoreTest(
        value=value,
        p_value=float(stats.f.sf(value**2, dimensions, freedom)),
        effect=float(np.sqrt(max(0.0, beyond))),
        rows=rows,
        columns=np.array(list(blocks), np.int64),
        by_feature=own,
        by_feature_p=own_p,
        shape=(dimensions, freedom),
    )


def named(
    known: ScoreReference, mean: Floats, rows: float, *, level: float = 0.01, most: int = 5
) -> list[tuple[int, float]]:
    """The columns whose relation to the label changed, the clearest first, each with its p-value.

    The column of the least likely T squared comes first; then the others are tested on what it leaves
    unexplained, since gradients of correlated columns move together, and so on, up to `most` columns, while
    a p-value times the number of columns (Bonferroni, as returned) is at most `level`. Column -1 is the
    label's level. Groupwise orthogonal matching pursuit (Lozano, Swirszcz and Abe 2009).

    >>> random = np.random.default_rng(0)
    >>> known = reference(random.normal(size=(1000, 2)), np.array([0, 1]))
    >>> moved = random.normal(size=(500, 2)) + [0.0, 0.5]
    >>> [column for column, _ in named(known, mean_gradient(known, moved), len(moved))]
    [1]
    """
    unit, total = _whitened(known, mean, rows)
    dimensions, freedom = _shape(known, rows, total)
    ratio = dimensions / len(unit)
    blocks, found = _blocks(known, total), list[tuple[int, float]]()
    tried = len(blocks)
    while blocks and len(found) < most:
        bases, own, p = _explained(unit, blocks, ratio, freedom)
        place = int(np.lexsort((-own, p))[0])
        column, basis, chance = list(blocks)[place], bases[place], min(1.0, tried * float(p[place]))
        if chance > level:
            break
        found.append((column, chance))
        unit = unit - basis @ (basis.T @ unit)
        blocks = {other: b - basis @ (basis.T @ b) for other, b in blocks.items() if other != column}
    return found


def with_between(known: ScoreReference, means: Floats, rows: Floats) -> ScoreReference:
    """The reference that also knows how much window means vary beyond chance.

    `means`: float64 (w, k), the `mean_gradient` of unchanged windows, and `rows`: float64 (w,), how many
    rows each had. Their mean square less what chance gives, windows weighted by their rows, is shrunk
    towards the same variance in all directions, more so the fewer windows there are, and what is negative
    is 0. Fewer than 2 windows change nothing.
    """
    if len(means) < 2:
        return known
    gap = (means - known.mean) @ known.whitener
    rank = gap.shape[1]
    weights = rows / rows.sum()
    chance = known.moments[0] * float(weights @ (1 / rows + 1 / known.rows))
    beyond = (gap * weights[:, None]).T @ gap - chance * np.eye(rank)
    share = rank / (rank + len(means))
    beyond = (1 - share) * beyond + share * np.trace(beyond) / rank * np.eye(rank)
    variances, turn = np.linalg.eigh(beyond)
    whitener, colour, between = known.whitener @ turn, turn.T @ known.colour, np.maximum(variances, 0.0)
    return replace(known, whitener=whitener, colour=colour, between=between, windows=len(means))


def _metric(gradients: Floats) -> tuple[Floats, Floats, Floats, float]:
    """The centre (k,), the whitener (k, r), its inverse (r, k), and the length at which to clip."""
    from sklearn.covariance import ledoit_wolf_shrinkage  # noqa: PLC0415 - it takes a second to import

    centre, scale = gradients.mean(axis=0), gradients.std(axis=0)
    varies = scale > 0
    scale = np.where(varies, scale, 1.0)
    unit = (gradients - centre) / scale
    variances, directions = np.linalg.eigh(unit.T @ unit / len(unit))
    kept = variances > REDUNDANT
    share = ledoit_wolf_shrinkage(unit[:, varies], assume_centered=True) if varies.any() else 1.0
    spread = np.sqrt((1 - share) * variances[kept] + share)
    whitener, colour = directions[:, kept] / spread / scale[:, None], (directions[:, kept] * spread).T * scale
    limit = np.quantile(norms.l2((gradients - centre) @ whitener, axis=1), CLIP_AT)
    return centre, whitener, colour, float(limit)


def _moments(gradients: Floats, others: Floats) -> Floats:
    """The moments (3,) of rows the covariance is not learned from: those it fits better than a window."""
    centre, whitener, _, limit = _metric(gradients)
    white = norms.clip((others - centre) @ whitener, limit, axis=1)
    white -= white.mean(axis=0)
    rows, rank = len(white), max(1, white.shape[1])
    lengths, covariance = (white**2).sum(axis=1), white.T @ white / rows
    # chance alone adds the mean length's square over the rows to the squared covariances
    squares = (covariance**2).sum() - lengths.mean() ** 2 / rows
    return np.array([lengths.mean() / rank, squares / rank, (lengths**2).mean() / rank**2])


def _whitened(known: ScoreReference, mean: Floats, rows: float) -> tuple[Floats, Floats]:
    """The difference in standard errors (r,), and the variance (r,) it was divided by."""
    total = known.moments[0] * (1 / rows + 1 / known.rows) + known.between
    return (mean - known.mean) @ known.whitener / np.sqrt(total), total


def _shape(known: ScoreReference, rows: float, total: Floats) -> tuple[float, float]:
    """Numerator and denominator of F in degrees of freedom."""
    within = 1 - float((known.between / total).mean())
    rank, (square, squares, fourth) = len(total), known.moments
    unequal = 2 * rank * max(1.0, squares / square**2)
    excess = max(0.0, fourth * rank**2 / square**2 - rank**2 - unequal)
    window = known.rows / (rows + known.rows)
    heavy = excess * (window**2 / rows + (1 - window) ** 2 / known.rows)
    freedom = 1 / (within / (known.rows - rank) + (1 - within) / max(1, known.windows))
    return 2 * rank**2 / (unequal + heavy * within**2), freedom


def _blocks(known: ScoreReference, total: Floats) -> dict[int, Floats]:
    """Of each column its coordinates as combinations (r, b) of the standardised directions, of length 1."""
    colour = known.colour * np.sqrt(total)[:, None]
    lengths = norms.l2(colour, axis=0)
    colour = np.divide(colour, lengths, out=np.zeros_like(colour), where=lengths > 0)
    return {int(column): colour[:, known.owner == column] for column in np.unique(known.owner)}


def _explained(
    unit: Floats, blocks: dict[int, Floats], ratio: float, freedom: float
) -> tuple[list[Floats], Floats, Floats]:
    """Each column's basis, T squared per dimension (c,) and p-value (c,); `ratio`: freedom per dimension."""
    every = list(blocks.values())
    widths = np.array([block.shape[1] for block in every])
    bases, own, sizes = list(every), np.empty(len(every)), np.empty(len(every))
    for width in np.unique(widths).tolist():
        places = np.flatnonzero(widths == width)
        # one call for all columns of this width: most of the time is in the calls
        left, lengths, _ = np.linalg.svd(np.stack([every[place] for place in places]), full_matrices=False)
        kept = lengths > np.sqrt(REDUNDANT)
        left = left * kept[:, None, :]
        sizes[places] = np.maximum(kept.sum(axis=1), 1)
        own[places] = ((unit @ left) ** 2).sum(axis=1) / sizes[places]
        for place, basis in zip(places.tolist(), left, strict=True):
            bases[place] = basis
    return bases, own, np.asarray(stats.f.sf(own, sizes * ratio, freedom))
