"""Whether the labels of a window depend on its features as they did, beside what the errors say."""

from collections.abc import Iterator

import numpy as np

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
LEAST = 1e-290
"""p-values below count as this one: no line is infinite."""


def measured(plan: Plan, window: PendingWindow) -> Iterator[Measurement]:
    """The one statistic; none where the reference taught no relation."""
    known = plan.relation
    if known is None:
        return
    if not window.labelled or not len(window.sampled):
        # a window that was opened under another reference has no features
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
    scale = 10.0**plan.relation.excess
    p_value = min(1.0, found.p_value * scale)
    line = found.weaker.line(max(alpha / scale / relation.TESTS, LEAST))
    names = tuple(plan.relation.names[number] for number in found.columns if number >= 0)
    statistic = Statistic(
        Kind.CONCEPT, "", SCORE_VECTOR, found.weaker.value, line, p_value, drifted=p_value <= alpha
    )
    return Measurement(
        statistic,
        days_by_chance(max(p_value, LEAST), PARTS, plan.window_days),
        material=found.weaker.effect >= plan.minimum.sd,
        words=_words(names),
        informs=window.moved or not plan.splits_concept,
        columns=names,
    )


def _words(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    on = ", ".join(shown(name) for name in names[:NAMED])
    return f"the label depends otherwise on {on or 'the features'}{more}"
