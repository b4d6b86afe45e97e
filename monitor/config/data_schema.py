"""What the YAML may say of the data: where rows come from and what each column is."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    model_validator,
)

from monitor.config.secrets import Secret, revealed, secrets_in
from monitor.config.units import ClassValue, Duration, Moment, PositiveDuration

DEFAULT_KEEP = Duration(days=56)
"""How much a rolling reference keeps where the file does not say it: eight weeks."""


def _stars(value: object) -> object:
    """The value as plain data, with stars for secrets."""
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _stars(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stars(inner) for inner in value]
    return value


Name: TypeAlias = Annotated[str, Field(min_length=1)]
Option: TypeAlias = Annotated[Any, PlainSerializer(_stars)]


class Section(BaseModel):
    """A mapping of the file: unknown keys are faults, nothing is converted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class SourceConfig(Section):
    """Where rows come from; the keys beside `kind` are the source kind's own."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Option]

    kind: Name = Field(description="How the rows are read: `files` for Parquet, CSV and JSON Lines.")

    @property
    def options(self) -> dict[str, Any]:
        """The source kind's own keys with secrets revealed and paths absolute: only to open the source."""
        return {key: revealed(value) for key, value in (self.__pydantic_extra__ or {}).items()}

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets among the options."""
        return tuple(secrets_in(self.__pydantic_extra__ or {}))


class ReferenceConfig(Section):
    """What normal is."""

    source: SourceConfig = Field(description="Where the reference's rows are.")
    start: Moment | None = Field(default=None, description="Rows before this time are left out.")
    end: Moment | None = Field(default=None, description="Rows at or after this time are left out.")
    mode: Literal["fixed", "rolling"] = Field(
        default="fixed",
        description="`fixed` learns once; `rolling` anew from the last windows without an open alarm.",
    )
    keep: PositiveDuration | None = Field(
        default=None,
        description="How long a rolling reference remembers, at least ten windows; "
        "default with `mode: rolling`: `8w`.",
    )
    season: Literal["auto", "none", "hour", "week"] = Field(
        default="auto",
        description="The reference's expected histogram by calendar position: `none` constant, `hour` by "
        "hour of day, `week` by hour and day of week; `auto` chooses by leave-one-fold-out error.",
    )

    @model_validator(mode="after")
    def _keep_of_rolling(self) -> Self:
        """A rolling reference always keeps something."""
        if self.mode == "rolling" and self.keep is None:
            object.__setattr__(self, "keep", DEFAULT_KEEP)
        return self


class LiveConfig(Section):
    """What arrives."""

    source: SourceConfig = Field(description="Where new rows arrive.")
    start: Moment | None = Field(
        default=None,
        description="Start of the first window; default: that of the first live row after the reference.",
    )


class GroundTruthConfig(Section):
    """Labels that arrive apart, joined by id."""

    source: SourceConfig = Field(description="Where labels arrive.")
    id: Name | None = Field(
        default=None, description="The id's column among the labels; default: `columns.id`."
    )
    label: Name | None = Field(
        default=None, description="The label's column among the labels; default: `columns.label`."
    )
    timestamp: Name | None = Field(
        default=None, description="When the label became known; absent: when driftd first reads it."
    )
    horizon: PositiveDuration = Field(
        default=Duration(days=14),
        description="So long after its end a window awaits labels; then it is final.",
    )


class FeaturesConfig(Section):
    """Columns that the model reads; one named nowhere in the file is a feature of inferred type."""

    numeric: tuple[Name, ...] = Field(default=(), description="Features compared as numbers.")
    categorical: tuple[Name, ...] = Field(default=(), description="Features compared as categories.")
    ignore: tuple[Name, ...] = Field(default=(), description="Columns that are not measured.")
    private: tuple[Name, ...] = Field(
        default=(), description="Columns whose values appear in no store, metric, page, log or report."
    )


def _probability_form(value: object) -> str | None:
    if isinstance(value, str):
        return "<column>"
    return "<map>" if isinstance(value, Mapping) else None


Probability: TypeAlias = Annotated[
    Annotated[Name, Tag("<column>")] | Annotated[dict[str, Name], Tag("<map>")],
    Discriminator(
        _probability_form,
        custom_error_type="need",
        custom_error_message="a column or a map of classes to columns is needed",
    ),
]


class ColumnsConfig(Section):
    """What each column is for the model."""

    timestamp: Name | None = Field(
        default=None,
        description="Event time; absent: every file is one window, evaluated once, in name order.",
    )
    id: Name | None = Field(default=None, description="Joins rows and labels; needed with `ground_truth`.")
    prediction: Name | None = Field(default=None, description="The predicted class or number.")
    probability: Probability | None = Field(
        default=None, description="The positive class's probability, or a map {class: column}."
    )
    label: Name | None = Field(
        default=None,
        description="The true class or number; live need not have it where `ground_truth` is given.",
    )
    positive: ClassValue | None = Field(
        default=None,
        description="The positive class; default: the greater of two numbers or booleans; for text required.",
    )
    version: Name | None = Field(default=None, description="Which version of the model made the prediction.")
    features: FeaturesConfig = Field(
        default=FeaturesConfig(), description="Default: every column not named anywhere in the file."
    )

    @property
    def probabilities(self) -> tuple[str, ...]:
        """Every column that holds a probability."""
        if self.probability is None:
            return ()
        return (self.probability,) if isinstance(self.probability, str) else tuple(self.probability.values())
