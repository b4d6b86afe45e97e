"""What a metric family is: its name, type, words and labels."""

from dataclasses import dataclass
from enum import StrEnum


class MetricType(StrEnum):
    """How Prometheus treats the values of a family."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family; a label `tag_*` stands for one label per tag of the model file."""

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()


def family(type_: MetricType, name: str, labels: str, help_: str) -> Family:
    """A family; `labels`: their names, with spaces between."""
    return Family(name, type_, help_, tuple(labels.split()))
