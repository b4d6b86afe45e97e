"""What labels tell, and what is estimated without them, as frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.tokens import Reason


@dataclass(frozen=True, slots=True)
class PerformanceMetric:
    """One metric of the model's performance with an interval; `value` None comes with a `reason`."""

    metric: str
    source: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    reference: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class LabelArrival:
    """Whether labels come as they usually do.

    `due_seconds`: the age at which 99 % of the labels that ever come have come; `usual`: the share of rows
    that then has its label. Of the `due_rows` of that age that labels are still awaited for, `labelled`
    have theirs, and `overdue` is how many fewer that is than usual. `curve`: by share of the labels that ever
    come the age in seconds at which it has come.
    """

    due_seconds: float
    usual: float
    due_rows: int
    labelled: int
    overdue: float
    curve: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelShift:
    """Class shares estimated from predictions, with 95 % intervals by class.

    `valid`: whether other class shares alone explain the predictions; `p_value`: of that, None where it
    cannot be tested. `reason`: what makes the estimate unsure.
    """

    method: str
    valid: bool
    estimate: Mapping[str, float]
    lower: Mapping[str, float]
    upper: Mapping[str, float]
    p_value: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class EstimateRecord:
    """How right the estimates of one metric were, over final windows with most of their labels.

    `absolute_error` and `error`: sums over the `windows` of estimated minus realised; `held`: in how many
    the interval held the realised value.
    """

    windows: int
    absolute_error: float
    error: float
    held: int


@dataclass(frozen=True, slots=True)
class PerformanceChange:
    """What explains a change of performance: the parts sum to realised minus reference.

    `inputs`: expected at the window's rows with the reference's class shares, less the reference's;
    `class_shares`: what the estimated shares add; `relation`: what no estimate explains, so that the same
    input now means something else. `relation` and `realised` are None until there are labels.
    """

    metric: str
    reference: float
    inputs: float
    class_shares: float
    relation: float | None = None
    realised: float | None = None
