"""Alerts on the daemon's own alarms, which are budgeted and hysteretic: no rule here smooths anything."""

from dataclasses import dataclass
from typing import Final

from monitor.export.rules import texts
from monitor.export.rules.promql import newest
from monitor.export.rules.records import Alert, Group, Severity
from monitor.types import Kind

HOLD: Final = "15m"
"""Longer than `DriftdDown` waits: when the daemon goes, its alert comes before these end."""


@dataclass(frozen=True, slots=True)
class _Drift:
    """What one kind of drift is called, and what it asks for."""

    kind: Kind
    name: str
    severity: Severity
    what: str
    first: str
    details: str = texts.DRIFTED + texts.FARTHEST


_KINDS: Final = (
    _Drift(
        Kind.COVARIATE,
        "DriftdCovariateDrift",
        Severity.WARNING,
        "The inputs of model {model} have moved{segment}.",
        "Covariate shift, P(x): the model is asked about other cases than it has learned from.",
    ),
    _Drift(
        Kind.PREDICTION,
        "DriftdPredictionDrift",
        Severity.WARNING,
        "The predictions of model {model} have moved{segment}.",
        "The model answers otherwise than on the reference: its inputs have moved, or it is another model.",
    ),
    _Drift(
        Kind.LABEL,
        "DriftdLabelDrift",
        Severity.WARNING,
        "The labels of model {model} have moved{segment}.",
        "Label shift, P(y): classes come in other shares, or values lie elsewhere, than in the reference.",
    ),
    _Drift(
        Kind.PERFORMANCE,
        "DriftdPerformanceDrift",
        Severity.CRITICAL,
        "Model {model} is more often wrong than on its reference{segment}.",
        "The labels that have come show larger errors than chance explains.",
        texts.performance("realised", worse=False),
    ),
    _Drift(
        Kind.CONCEPT,
        "DriftdConceptDrift",
        Severity.WARNING,
        "The same input now means something else to model {model}{segment}.",
        "Concept drift, P(y|x): neither the scores nor the classes explain the errors. Retraining on new "
        "labels mends it; waiting does not.",
        texts.performance("realised", worse=False),
    ),
)


def _alert(drift: _Drift) -> Alert:
    return Alert(
        drift.name,
        drift.severity,
        newest(f'driftd_alarm{{kind="{drift.kind}"}}') + " == 1",
        summary=drift.what.format(model="{{ $labels.model }}", segment=texts.SEGMENT),
        description=f"{drift.first}{drift.details}\n{texts.SCORE}",
        hold=HOLD,
    )


_LATE: Final = newest(
    'driftd_statistic_drifted{kind="quality",detector="labels_overdue"}', "column", "detector", "segment"
)

QUALITY: Final = Alert(
    "DriftdDataQuality",
    Severity.WARNING,
    f"""\
{newest('driftd_alarm{kind="quality"}')} == 1
unless ignoring (segment) (
  {_LATE} == 1
  and
  {newest('driftd_drifted_columns{kind="quality"}')} == 1
)""",
    summary=f"The data of model {{{{ $labels.model }}}} are broken rather than moved{texts.SEGMENT}.",
    description=(
        "Values are missing, unseen, out of range, constant, of another type or repeated, beyond what the "
        f"reference knows. Mend the feed before looking at drift.{texts.BROKEN}\n{texts.SCORE}"
    ),
    hold=HOLD,
)
"""Unless labels that are overdue are all that is wrong: they have an alert of their own."""

GROUP: Final = Group("driftd-drift", (*map(_alert, _KINDS), QUALITY))
