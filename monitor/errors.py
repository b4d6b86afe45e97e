"""What can go wrong, by who can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from monitor.types import Reason


class DriftdError(Exception):
    """Base of every error that driftd raises on purpose; its text is for the user."""


@dataclass(frozen=True, slots=True, order=True)
class ConfigProblem:
    """One fault in a model file, at 1-based `line` and `column` (0 where no place is known)."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        """`file:line:col: path: message`, the path left out for the file as a whole."""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(DriftdError):
    """A model file cannot be used; carries every fault that was found, in the order of the file."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class UnknownModelError(DriftdError):
    """There is no model of this name."""

    def __init__(self, model: str, known: Sequence[str]) -> None:
        near = get_close_matches(model, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none yet'}"
        super().__init__(f'there is no model "{model}"; {hint}')


class ReasonError(DriftdError):
    """The words given for an act cannot be kept as they are."""


class SourceError(DriftdError):
    """Rows could not be had. `transient` says whether the same call may succeed later."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        self.transient = transient
        super().__init__(message)


class BadReferenceError(DriftdError):
    """The reference cannot define normal: no rows, no usable column."""


class StoreError(DriftdError):
    """State could not be read or written; `reason` is the token of the metrics.

    `transient` says whether the same call may succeed later.
    """

    def __init__(
        self, message: str, *, transient: bool = False, reason: Reason = Reason.STORE_FAILED
    ) -> None:
        self.transient = transient
        self.reason = reason
        super().__init__(message)


class LeasedError(StoreError):
    """Another process evaluates this model now."""


class DetectorError(DriftdError):
    """A detector could not measure one column; the other columns go on."""
