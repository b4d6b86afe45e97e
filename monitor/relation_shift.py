"""Whether the labels of a window depend on its features as they did, beside what the errors say."""

import math
from collections.abc import Iterator

import numpy as np
from scipy import special

from monitor.budget import days_by_chance
from monitor.plan import PARTS, Plan
from monitor.state import PendingWindow
from monitor.stats import relation
from monitor.stats.relation import RelationTest
from monitor.stats.words import shown
from monitor.types import Kind, Reason, Statistic
from monitor.verdicts import Measurement

SCORE_VECTOR = "score_vector"
TOKENS = {
    SCORE_VECTOR: "Mahalanobis norm of the mean gradient of a surrogate of the label, over the root of its "
    "dimensions, about 1 by chance; kind `concept`; it informs only while inputs are in alarm, and of fewer "
    "than ten windows of the reference"
}
FEWEST_LABELS = 50
NAMED = 3
"""How many columns the words name."""


def measured(plan: Plan, window: PendingWindow) -> Iterator[Measurement]:
    """The one statistic; none where the reference taught no relation."""
    known = plan.relation
    if known is None:
        return
    if not window.labelled or not len(window.sampled) or window.encoding != known.encoding:
        # a window that was opened under another reference has no features, or others
        yield _not_measured(Reason.UNDEFINED if window.labelled else Reason.NO_LABELS)
        return
    labels = window.labels[window.sampled]
    if np.count_nonzero(~np.isnan(labels)) < FEWEST_LABELS:
        yield _not_measured(Reason.TOO_FEW_LABELS)
        return
    alpha = plan.level_of(Kind.CONCEPT) / PARTS
    found = relation.compare(known.reference, window.features.astype(np.float64), labels, level=alpha)
    yield _not_measured(Reason.UNSEEN_CLASS) if found is None else _measurement(plan, window, found, alpha)


def _not_measured(reason: Reason) -> Measurement:
    statistic = Statistic(Kind.CONCEPT, "", SCORE_VECTOR, None, reason=reason)
    return Measurement(statistic, None, material=False, informs=True)


def _measurement(plan: Plan, window: PendingWindow, found: RelationTest, alpha: float) -> Measurement:
    assert plan.relation is not None
    tail, p_value, least = plan.relation.tail, found.p_value, alpha
    if tail is not None:  # chance is what either says
        rarity = tail.rarity(relation.evidence(np.array([p_value])))
        p_value = max(p_value, min(1.0, float(10.0 ** -rarity[0])))
        least = min(alpha, float(special.ndtr(-tail.line(1 / alpha))))
    line = found.weaker.line(max(least, relation.LEAST) / relation.TESTS)
    threshold = line if math.isfinite(line) else None
    names = tuple(plan.relation.names[number] for number in found.columns if number >= 0)
    statistic = Statistic(
        Kind.CONCEPT, "", SCORE_VECTOR, found.weaker.value, threshold, p_value, drifted=p_value <= alpha
    )
    return Measurement(
        statistic,
        days_by_chance(p_value, PARTS, plan.window_days),
        material=found.weaker.effect >= plan.minimum.sd,
        words=_words(names),
        informs=window.moved or not plan.splits_concept,
        columns=names,
    )


def _words(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    on = ", ".join(shown(name) for name in names[:NAMED])
    return f"the label depends otherwise on {on or 'the features'}{more}"
