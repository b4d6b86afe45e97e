"""What the YAML of one model may say: strict, frozen, every key with its meaning and its default."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from monitor.config.data_schema import (
    ColumnsConfig,
    GroundTruthConfig,
    LiveConfig,
    Name,
    Option,
    ReferenceConfig,
    Section,
    SourceConfig,
)
from monitor.config.secrets import Secret
from monitor.config.units import (
    AnyDuration,
    Budget,
    Cron,
    Duration,
    FalseAlarms,
    Moment,
    PositiveDuration,
    Zone,
    need,
)
from monitor.types import Task

__all__ = ["ColumnsConfig", "DefaultDetectors", "DetectorConfig", "ModelConfig", "SourceConfig"]


class WindowConfig(Section):
    """How event time is cut."""

    length: PositiveDuration = Field(
        default=Duration(days=1),
        description="`1d` and `7d` are calendar days (weeks from Monday), `24h` is 24 hours.",
    )
    lateness: AnyDuration = Field(
        default=Duration(seconds=3600),
        description="A window is evaluated so long after its end, to wait for late rows.",
    )
    min_rows: int = Field(default=200, ge=1, description="A window with fewer rows is not judged.")
    timezone: Zone = Field(default="UTC", description="The zone of calendar days and of bare times.")


class ScheduleConfig(Section):
    """When the daemon looks for due windows."""

    every: PositiveDuration = Field(default=Duration(seconds=3600), description="The period; else `cron`.")
    cron: Cron | None = Field(
        default=None, description="Minute, hour, day, month, weekday (mon to sun), in `window.timezone`."
    )
    jitter: AnyDuration | None = Field(default=None, description="Runs are put off by up to this, at random.")


class DefaultDetectors(Section):
    """Switches the default detectors off; stands first in the list."""

    defaults: Literal["off"] = Field(description="The listed detectors replace the defaults.")

    @model_validator(mode="before")
    @classmethod
    def _plain_off(cls, value: Any) -> Any:
        return {**value, "defaults": "off"} if value.get("defaults") is False else value


class DetectorConfig(Section):
    """One detector on some columns; the keys beside these are the detector's own parameters."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Option]

    detector: Name = Field(description="Which detector.")
    columns: tuple[Name, ...] = Field(
        default=("*",), min_length=1, description="On which columns; `*` is every one it fits."
    )
    threshold: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Fixed: at or above it the kind's alarm opens, outside the budget.",
    )

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The detector's own keys."""
        return dict(self.__pydantic_extra__ or {})


def _detector_form(value: object) -> str | None:
    if isinstance(value, (DefaultDetectors, DetectorConfig)):
        return "<defaults>" if isinstance(value, DefaultDetectors) else "<detector>"
    if not isinstance(value, Mapping):
        return None
    return "<defaults>" if "defaults" in value else "<detector>"


DetectorEntry: TypeAlias = Annotated[
    Annotated[DefaultDetectors, Tag("<defaults>")] | Annotated[DetectorConfig, Tag("<detector>")],
    Discriminator(
        _detector_form,
        custom_error_type="need",
        custom_error_message="a mapping with the key detector is needed",
    ),
]


class MinEffect(Section):
    """How large a change must be to open an alarm; `off` is 0 everywhere."""

    sd: float = Field(
        default=0.15, ge=0, allow_inf_nan=False, description="A numeric column: robust standard deviations."
    )
    ks: float = Field(default=0.075, ge=0, le=1, description="A numeric column: the KS statistic.")
    share: float = Field(default=0.02, ge=0, le=1, description="A category or missing: its share of rows.")
    ratio: float = Field(default=2, ge=0, allow_inf_nan=False, description="A rare share: now to reference.")
    error: float = Field(default=0.02, ge=0, le=1, description="The model: points of its error, in [0, 1].")
    correlation: float = Field(
        default=0.2,
        ge=0,
        allow_inf_nan=False,
        description="Two numeric columns: their correlation's Fisher z.",
    )

    @model_validator(mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        if value == "off" or value is False:
            return dict.fromkeys(cls.model_fields, 0.0)
        if isinstance(value, str):
            message = "a mapping of keys (or off)"
            raise need(message)
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Editors may offer `off` as well."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        mapping = {key: schema.pop(key) for key in ("properties", "type", "additionalProperties")}
        schema["anyOf"] = [{"const": "off"}, mapping]
        return schema


class AlarmsConfig(Section):
    """What may interrupt a person."""

    false_alarms: Budget = Field(
        default=FalseAlarms(1.0, period=Duration(days=30)),
        description="The budget of the whole model; without `columns.timestamp` it is `1 per 100 windows`.",
    )
    min_effect: MinEffect = Field(default=MinEffect(), description="The least change that may open an alarm.")


class EstimateConfig(Section):
    """How performance is estimated before labels come."""

    weighting: Literal["none", "importance"] = Field(
        default="none",
        description="`importance` calibrates probabilities anew for each window, on reference rows weighted "
        "as they are like the window's.",
    )


class PlannedConfig(Section):
    """An event that is known beforehand: in its windows alarms are noted, not opened."""

    start: Moment = Field(description="When it begins.")
    end: Moment = Field(description="When it is over; windows that begin then are judged as ever.")
    reason: Name = Field(description="What it is; stands in the verdicts.")


class ExportConfig(Section):
    """What the metrics may cost."""

    detail: Literal["summary", "columns", "all"] = Field(
        default="columns", description="`columns` exports the worst 20, `all` every one, `summary` none."
    )


ModelName: TypeAlias = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,63}$")]
TagName: TypeAlias = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]


class ModelConfig(Section):
    """One model that driftd watches."""

    version: Literal[1] = Field(description="The version of this format.")
    model: ModelName = Field(description="The unique name; the label value of every metric.")
    owner: str | None = Field(default=None, description="Who is asked when an alarm opens.")
    tags: dict[TagName, str] = Field(default={}, description="Labels `tag_*` of driftd_model_info.")
    task: Annotated[Task | None, Field(strict=False)] = Field(
        default=None, description="Inferred from the reference's label if absent."
    )
    reference: ReferenceConfig
    live: LiveConfig
    ground_truth: GroundTruthConfig | None = None
    columns: ColumnsConfig = ColumnsConfig()
    window: WindowConfig = WindowConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    detectors: tuple[DetectorEntry, ...] = Field(default=(), description="Changes or adds to the defaults.")
    alarms: AlarmsConfig = AlarmsConfig()
    estimate: EstimateConfig = EstimateConfig()
    planned: tuple[PlannedConfig, ...] = Field(
        default=(),
        description="Maintenance and the like: windows that overlap one are judged, but their alarms are "
        "noted, not opened, and nothing is remembered of them. An alarm that was open stays as it was.",
    )
    export: ExportConfig = ExportConfig()

    @model_validator(mode="after")
    def _budget_without_time(self) -> Self:
        """Without event time the default budget counts windows."""
        if self.columns.timestamp is None and "false_alarms" not in self.alarms.model_fields_set:
            budget = FalseAlarms(1.0, windows=100)
            alarms = self.alarms.model_copy(update={"false_alarms": budget})
            object.__setattr__(self, "alarms", alarms)
        return self

    @property
    def default_detectors(self) -> bool:
        """Whether the default detectors stand."""
        return not any(isinstance(entry, DefaultDetectors) for entry in self.detectors)

    @property
    def chosen_detectors(self) -> tuple[DetectorConfig, ...]:
        """The detectors that the file lists, in its order."""
        return tuple(entry for entry in self.detectors if isinstance(entry, DetectorConfig))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret of the sources, for those who write text about them."""
        sources = [self.reference.source, self.live.source]
        sources += [self.ground_truth.source] if self.ground_truth is not None else []
        return tuple(secret for source in sources for secret in source.secrets)
