"""What a PromQL expression reads: its selectors, and the functions around them, by the real grammar."""

from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser


@dataclass(frozen=True)
class Selector:
    """One selector: the metric, its matchers by label, and the functions around it, the innermost first."""

    metric: str
    matchers: tuple[tuple[str, str], ...]
    functions: tuple[str, ...]
    range_seconds: float | None

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.matchers)


def selectors(text: str) -> list[Selector]:
    """Every selector of the expression; ValueError where it is no PromQL."""
    return list(_selectors(promql_parser.parse(text), ()))


def grouped(text: str) -> set[str]:
    """Every label that the expression groups or joins by."""
    return set(_grouped(promql_parser.parse(text)))


def _selectors(node, functions, seconds=None) -> Iterator[Selector]:
    if isinstance(node, promql_parser.MatrixSelector):
        yield from _selectors(node.vector_selector, functions, node.range.total_seconds())
    elif isinstance(node, promql_parser.VectorSelector):
        matchers = tuple((each.name, each.value) for each in node.matchers.matchers)
        yield Selector(node.name, matchers, functions, seconds)
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from _selectors(argument, (node.func.name, *functions))
    else:
        for child in _children(node):
            yield from _selectors(child, functions)


def _grouped(node) -> Iterator[str]:
    modifier = getattr(node, "modifier", None)
    if isinstance(node, promql_parser.AggregateExpr) and modifier is not None:
        yield from modifier.labels
    if isinstance(node, promql_parser.BinaryExpr) and modifier is not None and modifier.matching is not None:
        yield from modifier.matching.labels
    for child in (*_children(node), *getattr(node, "args", ())):
        yield from _grouped(child)


def _children(node):
    named = (getattr(node, name, None) for name in ("expr", "lhs", "rhs", "param"))
    return [child for child in named if isinstance(child, promql_parser.Expr)]
