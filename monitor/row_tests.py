"""Detectors on whole rows: what they find in one window, and their lines from windows of the reference."""

import itertools
import logging
import math
from collections.abc import Iterator

import numpy as np
from scipy import special

from monitor.budget import days_by_chance
from monitor.errors import DetectorError
from monitor.plan import Plan, RowTest, features_of
from monitor.sample import Sample, comparable
from monitor.stats import tails
from monitor.stats.domain_classifier import FEWEST_ROWS, Separation
from monitor.stats.words import shown
from monitor.types import Kind, Reason, Role, Statistic
from monitor.verdicts import Measurement

log = logging.getLogger(__name__)

CHANCE = 0.5
"""The area where nothing has moved."""
FOLDS_DEPEND = math.sqrt(2)
"""The area's error is at most so many times that of independent folds."""
FEWEST_WINDOWS = 10
"""From fewer windows of the reference no line is learned."""
REFERENCE_ROWS, TIMES = 1_000, 3
"""Rows of the reference: so many, or times those of the window; more cost time and tell little."""
SHARE = 0.8
"""The quantile of the windows' areas above which their tail begins."""
NAMED = 5
"""How many columns the words name."""
TELLS = "a classifier tells these rows from the reference's"


def measured(plan: Plan, sample: Sample | None) -> Iterator[Measurement]:
    """Every detector on whole rows; one that fails costs its own statistic."""
    for test in plan.row_tests:
        try:
            found = separation(plan, test, sample)
        except DetectorError:
            few = sample is None or len(sample) < FEWEST_ROWS
            yield _not_measured(test, Reason.TOO_FEW_ROWS if few else Reason.UNDEFINED)
        except MemoryError:
            raise
        except Exception as error:  # detectors of others may raise anything
            private = any(column.private for column in plan.columns(Role.FEATURE))
            extra = {"model": plan.model, "detector": test.detector.token}
            log.error("detector failed", exc_info=not private, extra=extra)  # noqa: TRY400 - see above
            said = type(error).__name__ if private else f"{type(error).__name__}: {error}"
            yield _not_measured(test, Reason.DETECTOR_FAILED, said)
        else:
            yield _measurement(plan, test, found)


def separation(plan: Plan, test: RowTest, sample: Sample | None) -> Separation:
    """What sets these rows apart from the reference's, rows that are of both left out of those.

    DetectorError where there are too few.
    """
    if sample is None or plan.reference_sample is None or len(sample) < FEWEST_ROWS:
        message = f"fewer than {FEWEST_ROWS} rows"
        raise DetectorError(message)
    others = plan.reference_sample().without(sample.hashes)
    others = others.first(max(REFERENCE_ROWS, TIMES * len(sample)))
    return test.detector.separate(*comparable(others, sample))


def words(plan: Plan, found: Separation) -> str:
    """What the classifier found, and the columns that it uses."""
    names = [shown(name) for name in columns(plan, found)]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    by = f" by {', '.join(names[:NAMED])}{more}" if names else ""
    return f"{TELLS} with AUC {found.auc:.2f}{by}"


def columns(plan: Plan, found: Separation) -> tuple[str, ...]:
    """The columns that the classifier uses, the most important first."""
    names = tuple(itertools.chain(*features_of(plan.reference)))
    return tuple(names[column] for column, _ in found.columns)


def _not_measured(test: RowTest, reason: Reason, said: str = "") -> Measurement:
    statistic = Statistic(Kind.COVARIATE, "", test.detector.token, None, reason=reason)
    return Measurement(statistic, None, material=False, default=False, words=said)


def _measurement(plan: Plan, test: RowTest, found: Separation) -> Measurement:
    error = FOLDS_DEPEND * found.error
    excess = plan.calibrations.excesses.get(("", test.detector.token), 0.0)
    line = test.fixed
    if line is None:
        line = _line(plan, error) + excess
    p_value = float(special.ndtr(-(found.auc - CHANCE) / error))
    drifted = found.auc >= line
    statistic = Statistic(Kind.COVARIATE, "", test.detector.token, found.auc, line, p_value, drifted=drifted)
    if test.fixed is None and plan.calibrated(Kind.COVARIATE) is not None:
        return Measurement(statistic, None, material=False, default=False, informs=True)
    days = None
    if test.fixed is None:
        beyond = float(special.ndtr(-(found.auc - excess - CHANCE) / error))
        days = days_by_chance(beyond, plan.tests_of(Kind.COVARIATE), plan.window_days)
    least = float(special.ndtr(plan.minimum.sd / math.sqrt(2)))
    return Measurement(
        statistic,
        days,
        material=found.auc - error >= least,  # as far apart as one column that moved by the least
        forced=test.fixed is not None and drifted,
        default=False,
        words=words(plan, found),
        columns=columns(plan, found),
    )


def _line(plan: Plan, error: float) -> float:
    """The area that chance gives as often as the budget allows, by the rows of one window alone."""
    return CHANCE - float(special.ndtri(plan.level_of(Kind.COVARIATE))) * error


class Lines:
    """Areas of some windows of the reference, for the lines of detectors on whole rows."""

    def __init__(self, plan: Plan, windows: int) -> None:
        self._plan, self._seen = plan, 0
        self._tests = [test for test in plan.row_tests if test.fixed is None]
        self._each = {test.detector.token: -(-windows // test.detector.windows) for test in self._tests}
        self._found: dict[str, list[Separation]] = {token: [] for token in self._each}

    def take(self, sample: Sample) -> None:
        """Measure one window, if it is one of those that count."""
        for test in self._tests:
            token = test.detector.token
            if self._seen % self._each[token] == 0:
                try:
                    self._found[token].append(separation(self._plan, test, sample))
                except DetectorError:
                    continue
                except MemoryError:
                    raise
                except Exception as error:  # noqa: BLE001 - it is told with every window in which it fails
                    extra = {"model": self._plan.model, "detector": token, "error": type(error).__name__}
                    log.warning("detector failed", extra=extra)
        self._seen += 1

    def excesses(self) -> dict[tuple[str, str], float]:
        """How far the line of the reference's own windows is above that of one window's rows."""
        found = {}
        for token, separations in self._found.items():
            if len(separations) >= FEWEST_WINDOWS:
                level = self._plan.level_of(Kind.COVARIATE)
                line = tails.value_line(np.array([each.auc for each in separations]), SHARE, 1 / level)
                error = FOLDS_DEPEND * float(np.median([each.error for each in separations]))
                found["", token] = max(0.0, line - _line(self._plan, error))
        return found
