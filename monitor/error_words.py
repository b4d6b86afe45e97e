"""What the tests on the errors of one window say, in words: whether the error rose, and what explains it."""

from collections.abc import Mapping

from monitor.plan import Plan
from monitor.stats.residuals import ResidualTest
from monitor.streams import BY_CLASS, BY_SCORE, ERROR
from monitor.types import Kind

TELLING = 0.001
"""The p-value at which a window's words say that its error rose."""


def words(plan: Plan, kind: Kind, tests: Mapping[str, ResidualTest]) -> str:
    """From what to what the error rose, and what explains it where something does."""
    assert plan.errors is not None
    what = "error rose" if tests[ERROR].mean > 0 else "error"
    if kind is Kind.CONCEPT:
        what = "error rose beyond what scores and class shares explain"
    before = plan.errors.mean
    said = f"{what}: {before:.3g} to {before + tests[ERROR].mean:.3g}"
    explained = kind is Kind.PERFORMANCE and is_explained(plan, tests)
    return f"{said}; {explanation(tests)}" if explained else said


def weakest(tests: Mapping[str, ResidualTest]) -> ResidualTest:
    """Concept: the error must have risen beyond what the scores and beyond what the classes explain."""
    return max(tests[BY_SCORE], tests[BY_CLASS], key=lambda each: each.p_value)


def is_explained(plan: Plan, tests: Mapping[str, ResidualTest]) -> bool:
    """Whether scores or class shares explain most of the rise of the error, as far as chance can tell."""
    left = weakest(tests)
    return not moved(plan, left) and left.mean <= tests[ERROR].mean / 2


def explanation(tests: Mapping[str, ResidualTest]) -> str:
    """What explains the rise."""
    by_inputs = tests[BY_SCORE].mean < tests[BY_CLASS].mean
    return "explained by inputs" if by_inputs else "explained by class shares"


def moved(plan: Plan, test: ResidualTest) -> bool:
    """Whether an error rose by this window's own rows, for words alone."""
    return test.p_value <= TELLING and test.mean - test.standard_error >= plan.minimum.error
