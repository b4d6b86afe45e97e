"""Samples as lines of text, made once per model: what is the same in both formats of Prometheus.

`prometheus_client` writes the same bytes (the tests compare), at ten times the cost.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from prometheus_client.utils import floatToGoString

from monitor.export.catalogue import FAMILIES
from monitor.export.family import Family, MetricType


class Row(NamedTuple):
    """One sample: its name, the names and values of its labels, its value."""

    name: str
    labels: tuple[str, ...]
    key: tuple[str, ...]
    value: float


Block: TypeAlias = Mapping[str, bytes]
"""The lines of one model by family."""

_SAME_IN_GO: Final = 1e6
"""Numbers below have no exponent in Go, nor in Python where they are not tiny."""


def block(rows: Mapping[str, Iterable[Row]]) -> Block:
    """The rows of each family as lines."""
    return {name: "".join(map(_line, found)).encode("utf-8", "replace") for name, found in rows.items()}


def page(blocks: Iterable[Block], *, openmetrics: bool) -> bytes:
    """The lines of all blocks, family by family, each under its HELP and TYPE; without the end mark."""
    parts: dict[str, list[bytes]] = {each.name: [_head(each, openmetrics=openmetrics)] for each in FAMILIES}
    for each in blocks:
        for name, lines in each.items():
            parts[name].append(lines)
    return b"".join(lines for family in parts.values() for lines in family)


def family_name(family: Family) -> str:
    """The name as OpenMetrics has it: the samples of a counter end in `_total`, the family does not."""
    return family.name.removesuffix("_total") if family.type is MetricType.COUNTER else family.name


def _head(family: Family, *, openmetrics: bool) -> bytes:
    name = family_name(family) if openmetrics else family.name
    return f"# HELP {name} {family.help}\n# TYPE {name} {family.type}\n".encode()


def _line(row: Row) -> str:
    form, pick = _form(row.name, row.labels)
    line = form % (*pick(row.key), _number(row.value))
    if line.count('"') == 2 * len(row.labels) and "\\" not in line and line.count("\n") == 1:
        return line
    return form % (*map(_escaped, pick(row.key)), _number(row.value))


def _number(value: float) -> str:
    """As Go writes it, which differs from Python for large numbers only."""
    return repr(float(value)) if abs(value) < _SAME_IN_GO else str(floatToGoString(value))  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1024)
def _form(name: str, labels: tuple[str, ...]) -> tuple[str, Callable[[tuple[str, ...]], Iterable[str]]]:
    """A line with places for what changes, and what puts label values in the order of the labels' names."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    inside = ",".join(f'{labels[place]}="%s"' for place in order)
    if len(order) < 2:
        return f"{name}{{{inside}}} %s\n" if labels else f"{name} %s\n", tuple
    return f"{name}{{{inside}}} %s\n", itemgetter(*order)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
