"""Whether the model's performance is beyond the reference for sure, and whether labels come."""

from typing import Final

from monitor.export.rules import texts
from monitor.export.rules.drift import HOLD
from monitor.export.rules.promql import QUALITY_KNOWN_CLOSED, newest
from monitor.export.rules.records import Alert, Group, Record, Severity

HIGHER_IS_BETTER: Final = ("accuracy", "precision", "recall", "f1", "roc_auc")
LOWER_IS_BETTER: Final = ("error_rate", "log_loss", "brier", "mae", "rmse")
NEAR_ZERO_IS_BETTER: Final = ("bias",)


def _part(part: str, metrics: tuple[str, ...]) -> str:
    return newest(f'driftd_performance_{part}{{metric=~"{"|".join(metrics)}"}}')


_BIAS: Final = f"abs({_part('reference', NEAR_ZERO_IS_BETTER)})"

WORSE: Final = Record(
    texts.WORSE,
    f"""\
{_part("upper", HIGHER_IS_BETTER)}
  < bool
{_part("reference", HIGHER_IS_BETTER)}
or
{_part("lower", LOWER_IS_BETTER)}
  > bool
{_part("reference", LOWER_IS_BETTER)}
or
(
  {_part("lower", NEAR_ZERO_IS_BETTER)}
    > bool
  {_BIAS}
)
+
(
  {_part("upper", NEAR_ZERO_IS_BETTER)}
    < bool
  -{_BIAS}
)""",
)
"""1 where the whole 95 % interval is on the bad side of the reference, else 0."""

_DRIFT_KNOWN_CLOSED: Final = f"""{newest('driftd_alarm{kind!="quality"}', "kind", "segment")} == 0"""


def _worse(source: str) -> str:
    """How many metrics are worse for sure, where that is news.

    One interval in forty lies wholly on the bad side by chance, for each metric. It is news while an
    alarm of drift is open or not known, or where it is so for most of two days: in two daily windows one
    after the other, or in most hourly ones.
    """
    worse = f'{WORSE.name}{{source="{source}"}}'
    return f"""\
count without (metric) ({worse} == 1)
  unless ignoring (source) ({_DRIFT_KNOWN_CLOSED})
or
count without (metric) (
  {worse} == 1
  and avg_over_time({worse}[2d]) > 0.6
  and present_over_time({worse}[1d] offset 1d)
)"""


REALISED: Final = Alert(
    "DriftdRealisedPerformanceLow",
    Severity.WARNING,
    _worse("realised"),
    summary=(
        f"Labels show model {{{{ $labels.model }}}} worse than on its reference in {texts.counted('metric')}."
    ),
    description=(
        "The 95 % intervals of these metrics lie wholly on the bad side of the reference."
        + texts.performance("realised", worse=True)
    ),
    hold=HOLD,
)

ESTIMATED: Final = Alert(
    "DriftdEstimatedPerformanceLow",
    Severity.WARNING,
    _worse("estimated"),
    summary=(
        f"Model {{{{ $labels.model }}}} is probably worse than on its reference in {texts.counted('metric')}."
    ),
    description=(
        "Estimated before labels come; the 95 % intervals lie wholly on the bad side of the reference."
        + texts.performance("estimated", worse=True)
        + "\nLabels will tell; estimates cannot see that the same input now means something else."
    ),
    hold=HOLD,
)

_OVERDUE: Final = newest(
    'driftd_statistic_drifted{detector="labels_overdue"}', "kind", "column", "detector", "segment"
)

LABELS: Final = Alert(
    "DriftdLabelsOverdue",
    Severity.WARNING,
    f"""\
{newest("driftd_labels_overdue")} > 0
  unless ({_OVERDUE} == 0)
  unless ({QUALITY_KNOWN_CLOSED})""",
    summary='About {{ printf "%.0f" $value }} labels of model {{ $labels.model }} are overdue.',
    description=(
        "Labels are slower or fewer than usual, so performance, concept and label drift are seen late."
        + texts.asked(
            f"driftd_labels_due_seconds{texts.OF_MODEL}",
            texts.MODEL,
            " A row's label is due after {{ . | first | value | humanizeDuration }}.",
        )
        + texts.asked(
            f"driftd_label_coverage_ratio{texts.OF_MODEL}",
            texts.MODEL,
            " Of the rows that await labels {{ . | first | value | humanizePercentage }} have theirs.",
        )
    ),
    hold=HOLD,
)

GROUP: Final = Group("driftd-performance", (WORSE, REALISED, ESTIMATED, LABELS))
